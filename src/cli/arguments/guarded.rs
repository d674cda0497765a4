//! What `rollback` and `doctor` take.

use clap::Args;

use super::super::formats::{ReportRequest, plain_report};
use super::Common;
use crate::config::suggestion;
use crate::decision::Interlock;

/// `smokejumper rollback`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 10 rolled back, verified · 11 the rollback failed, or was not proven · \
12 held back by an interlock, nowhere to return to, or not agreed to · 13 overtaken by another deployment · \
0 --dry-run, and it could be done · 2 usage, or no --yes where nobody can be asked"
)]
pub struct RollbackArguments {
    /// The service, as declared; `all` takes every one that is deployed somewhere
    #[arg(value_name = "SERVICE|all")]
    pub target: String,
    /// What to roll back and by what to prove it.
    #[command(flatten)]
    pub common: Common,
    /// Return to this revision: family:n or its ARN (default: the last good one)
    #[arg(long, value_name = "REVISION")]
    pub to: Option<String>,
    /// Why, for the journal and the report
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Do it without asking
    #[arg(short, long)]
    pub yes: bool,
    /// Show what would be done, and change nothing
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
    /// Go on although this interlock holds (repeatable)
    #[arg(long = "override", value_name = "INTERLOCK", value_parser = interlock)]
    pub overridden: Vec<String>,
    /// Report as text or json, one line a service, to stdout or to a file (repeatable)
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = plain_report)]
    pub reports: Vec<ReportRequest>,
}

/// `smokejumper doctor`
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 nothing is missing that a watch cannot do without · 2 something is"
)]
pub struct DoctorArguments {
    /// What to look at.
    #[command(flatten)]
    pub common: Common,
    /// Report as text or json, to stdout or to a file (repeatable)
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = plain_report)]
    pub reports: Vec<ReportRequest>,
}

fn interlock(name: &str) -> Result<String, String> {
    if Interlock::overridable().any(|known| known == name) {
        return Ok(name.to_owned());
    }
    if Interlock::NAMES.contains(&name) {
        return Err(format!("`{name}` cannot be overridden"));
    }
    let known: Vec<&str> = Interlock::overridable().collect();
    let meant = suggestion::nearest(name, known.iter().copied());
    Err(meant.map_or_else(
        || {
            format!(
                "there is no interlock of this name; there are {}",
                known.join(", ")
            )
        },
        |meant| format!("there is no interlock of this name; did you mean `{meant}`?"),
    ))
}
