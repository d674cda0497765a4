//! What can be typed after `notify`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Shown;

/// `smokejumper notify`
#[derive(Debug, Args)]
pub struct NotifyArguments {
    /// What to do.
    #[command(subcommand)]
    pub command: NotifyCommand,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum NotifyCommand {
    /// Send a marked test message along a route and say for each notifier whether it arrived
    Test(NotifyTestArguments),
}

/// `smokejumper notify test`
#[derive(Debug, Args)]
pub struct NotifyTestArguments {
    /// The route; without it and without --notifier, the only one there is
    #[arg(value_name = "ROUTE")]
    pub route: Option<String>,
    /// YAML files or folders; without any: smokejumper.yaml, else config/ and checks/
    #[arg(long = "config", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Only this notifier, of whatever route (repeatable)
    #[arg(long, value_name = "NAME")]
    pub notifier: Vec<String>,
    /// What the message tells of: held, rollback_ended, check_failing, …
    #[arg(long, value_name = "KIND", default_value = "check_failing")]
    pub event: String,
    /// A file whose keys replace those of the others
    #[arg(long, value_name = "FILE")]
    pub overlay: Vec<PathBuf>,
    /// Sets a variable of the configuration
    #[arg(long = "var", value_name = "K=V")]
    pub variables: Vec<String>,
    /// How the terminal is written to.
    #[command(flatten)]
    pub shown: Shown,
}

impl NotifyArguments {
    /// The flags on what is shown.
    #[must_use]
    pub const fn shown(&self) -> Shown {
        match &self.command {
            NotifyCommand::Test(arguments) => arguments.shown,
        }
    }
}
