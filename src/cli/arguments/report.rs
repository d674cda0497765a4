//! What `report` takes.

use clap::Args;

use super::Common;
use crate::cli::formats::{ReportRequest, report_of_a_window};

/// `smokejumper report`
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The name of the window, as `serve` tells it; `last` for the newest (of --service, where given)
    #[arg(value_name = "WINDOW")]
    pub window: String,
    /// Where the daemon's history is declared; without any configuration, the one in the state folder
    #[command(flatten)]
    pub common: Common,
    /// Report as text, json, samples (for `replay`), html, junit or markdown, to stdout or to a file (repeatable)
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = report_of_a_window)]
    pub reports: Vec<ReportRequest>,
}
