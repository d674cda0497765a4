//! What `serve` takes.

use std::time::Duration;

use clap::Args;

use super::{Common, RollbackFlag, duration};

/// `smokejumper serve`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 ended · 2 usage or configuration · 4 nothing selected · 130, 143 told to stop, and \
ended in order: open windows are gone on with by the next run. SIGHUP reads the configuration again."
)]
pub struct ServeArguments {
    /// What to probe.
    #[command(flatten)]
    pub common: Common,
    /// How long each window watches before it accepts (default: the policy's bake)
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub bake: Option<Duration>,
    /// Whether rollbacks may be carried out (default: what each policy says)
    #[arg(long, value_enum, value_name = "auto|never")]
    pub rollback: Option<RollbackFlag>,
}
