//! What can be typed: the commands, their flags, and what each value means.

mod guarded;
mod notifying;
mod report;
mod serve;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use guarded::{DoctorArguments, RollbackArguments};
pub use notifying::{NotifyArguments, NotifyCommand, NotifyTestArguments};
pub use report::ReportArguments;
pub use serve::ServeArguments;

use super::formats::{ReportRequest, plain_report, report_of_a_replay, report_of_a_run};
use crate::deployment::Selector;
use crate::quantity::Span;
use crate::rehearsal::drill::rules::Contestant;

/// The command line.
#[derive(Debug, Parser)]
#[command(
    name = "smokejumper",
    version,
    about = "Watches a deployment with real probes, judges it, rolls it back when it is bad, and proves that the rollback helped",
    after_help = "Exit codes: 0 pass · 1 failed · 2 usage or configuration · 3 inconclusive · 4 nothing selected · \
5 warnings (--fail-on warning) · 10 rolled back, verified · 11 rollback failed · 12 rollback refused · \
13 superseded · 70 internal error · 130, 143 interrupted",
    max_term_width = 100
)]
pub struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Probe every selected check, judge once, exit: for CI and for a shell
    Gate(GateArguments),
    /// Pin the deployment under test, bake, decide, roll back if armed, verify, exit
    Watch(WatchArguments),
    /// Watch without end: a window for each deployment that appears, history, API, pages, alerts
    Serve(ServeArguments),
    /// Return a service to its last good revision by hand, guarded, and prove that it helped
    Rollback(RollbackArguments),
    /// Reach everything, exercise every permission to read, say what is missing; changes nothing
    Doctor(DoctorArguments),
    /// Validate the configuration and show what would happen
    Plan(PlanArguments),
    /// Judge recorded samples with the judge of `watch`; nothing is probed
    Replay(ReplayArguments),
    /// Simulate faults against this policy: how fast is each caught, how often is a healthy release rolled back
    Drill(DrillArguments),
    /// Render a window of the daemon's history again: nothing is probed
    Report(ReportArguments),
    /// A whole incident on this machine: bad release, detection, rollback, proof
    Demo(DemoArguments),
    /// Try who is told of what
    Notify(NotifyArguments),
}

impl Command {
    /// The flags on what is shown.
    #[must_use]
    pub const fn shown(&self) -> Shown {
        match self {
            Self::Gate(arguments) => arguments.common.shown,
            Self::Watch(arguments) => arguments.common.shown,
            Self::Serve(arguments) => arguments.common.shown,
            Self::Report(arguments) => arguments.common.shown,
            Self::Doctor(arguments) => arguments.common.shown,
            Self::Rollback(arguments) => arguments.common.shown,
            Self::Plan(arguments) => arguments.common.shown,
            Self::Replay(arguments) => arguments.common.shown,
            Self::Drill(arguments) => arguments.common.shown,
            Self::Demo(arguments) => arguments.shown,
            Self::Notify(arguments) => arguments.shown(),
        }
    }
}

/// Flags that every command with a configuration takes.
#[derive(Debug, Args)]
pub struct Common {
    /// YAML files or folders; without any: smokejumper.yaml, else config/ and checks/
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// A file whose keys replace those of the others
    #[arg(long, value_name = "FILE")]
    pub overlay: Vec<PathBuf>,
    /// Only checks whose name matches
    #[arg(long, value_name = "GLOB")]
    pub only: Vec<String>,
    /// Only checks with this tag; `!tag` excludes
    #[arg(long, value_name = "TAG", allow_hyphen_values = true)]
    pub tag: Vec<String>,
    /// Only checks of this service
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Sets a variable of the configuration
    #[arg(long = "var", value_name = "K=V")]
    pub variables: Vec<String>,
    /// How the terminal is written to
    #[command(flatten)]
    pub shown: Shown,
}

/// Flags on what is shown.
#[derive(Clone, Copy, Debug, Args)]
pub struct Shown {
    /// When to use colour (NO_COLOR is honoured)
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    pub color: When,
    /// Show only what was decided and done
    #[arg(short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show every sample
    #[arg(short, long)]
    pub verbose: bool,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Flags on what is reported.
#[derive(Debug, Args)]
pub struct Reported {
    /// Report as text, json, html, junit, markdown, samples or prometheus, to stdout or to a file (repeatable)
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = report_of_a_run)]
    pub reports: Vec<ReportRequest>,
    /// Exit with 5 when there are warnings
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub fail_on: Option<FailOn>,
}

/// From which level on the exit code tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Warnings fail as well.
    Warning,
    /// Only failures fail: the default.
    Critical,
}

/// `smokejumper gate`
#[derive(Debug, Args)]
pub struct GateArguments {
    /// What to probe.
    #[command(flatten)]
    pub common: Common,
    /// What to report.
    #[command(flatten)]
    pub reported: Reported,
    /// Try checks that are not ready yet again until then (refused, reset, timeout, 429, 502, 503, 504)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub wait: Option<Duration>,
    /// Take so many samples of each check
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub samples: Option<u32>,
    /// Take samples for so long
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub lasting: Option<Duration>,
    /// Probing changes nothing; accepted so that the flags of `watch` can be kept
    #[arg(long)]
    pub dry_run: bool,
}

/// `smokejumper watch`
#[derive(Debug, Args)]
pub struct WatchArguments {
    /// What to probe.
    #[command(flatten)]
    pub common: Common,
    /// What to report.
    #[command(flatten)]
    pub reported: Reported,
    /// How long to watch before accepting (default: the policy's bake)
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub bake: Option<Duration>,
    /// Which deployment to judge: its ARN, the current one, or the next to appear (default: current;
    /// inside a task of the service itself, the deployment that started the task)
    #[arg(long, value_name = "ARN|current|next", value_parser = selector)]
    pub deployment: Option<Selector>,
    /// Whether a rollback may be carried out (default: what the policy says)
    #[arg(long, value_enum, value_name = "auto|never")]
    pub rollback: Option<RollbackFlag>,
    /// Compare checks that declare a `baseline` with how they were before: probed while waiting for
    /// the next deployment (before), in the windows of earlier watches that passed (history), or in
    /// recorded samples
    #[arg(long, value_name = "none|before|history|FILE", default_value = "none", value_parser = baseline)]
    pub baseline: BaselineFlag,
    /// Judge and decide, but change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `--rollback`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RollbackFlag {
    /// Roll back when the policy asks for it.
    Auto,
    /// Never roll back.
    Never,
}

/// `--baseline`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaselineFlag {
    /// No comparison.
    None,
    /// What is probed while the next deployment is waited for.
    Before,
    /// The windows of earlier watches that passed.
    History,
    /// Recorded samples.
    File(PathBuf),
}

/// `smokejumper plan`
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// What to plan.
    #[command(flatten)]
    pub common: Common,
}

/// `smokejumper replay`
#[derive(Debug, Args)]
pub struct ReplayArguments {
    /// The recording, one JSON object a line; or a folder, whose *.ndjson are judged each by itself
    #[arg(value_name = "FILE|DIR")]
    pub samples: PathBuf,
    /// By what to judge.
    #[command(flatten)]
    pub common: Common,
    /// Report as text, json, junit, markdown or ndjson (how the verdict moved), to stdout or to a file (repeatable)
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = report_of_a_replay)]
    pub reports: Vec<ReportRequest>,
    /// Exit with 5 when there are warnings
    #[arg(long, value_enum, value_name = "LEVEL")]
    pub fail_on: Option<FailOn>,
    /// How long the window is (default: the policy's bake)
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub bake: Option<Duration>,
    /// Recorded samples from before, for checks that declare a `baseline`; a folder has its own
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,
}

/// `smokejumper drill`
#[derive(Debug, Args)]
pub struct DrillArguments {
    /// What to simulate.
    #[command(flatten)]
    pub common: Common,
    /// Report as text or json, to stdout or to a file (repeatable)
    #[arg(long = "report", value_name = "FORMAT[=FILE]", value_parser = plain_report)]
    pub reports: Vec<ReportRequest>,
    /// Set it beside a rule of another tool: three-in-a-row, argo:N, flagger:N, cloudwatch:MofN, k6:DELAY or all (repeatable)
    #[arg(long = "compare", value_name = "RULE", value_parser = contestants)]
    pub compared: Vec<Compared>,
    /// Draw detection curves as a page
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Simulate other windows; the same seed gives the same figures
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Simulate so many windows of each kind (default: as many as take some seconds)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub windows: Option<u64>,
    /// Use so many threads (default: as many as there are processors); changes no figure
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub threads: Option<u16>,
    /// Run the families on which the judge is measured, and print one line a rule
    #[arg(long, conflicts_with = "html")]
    pub bench: bool,
}

/// The rules that one `--compare` names.
#[derive(Clone, Debug)]
pub struct Compared(pub Vec<Contestant>);

fn contestants(name: &str) -> Result<Compared, String> {
    Contestant::named(name)
        .map(Compared)
        .map_err(|error| error.to_string())
}

/// `smokejumper demo`
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// What the release does
    #[arg(long, value_enum, default_value = "errors")]
    pub scenario: Scenario,
    /// How the terminal is written to.
    #[command(flatten)]
    pub shown: Shown,
}

/// What the release of the demo does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Scenario {
    /// Every order fails; the health page stays green
    Outage,
    /// One order in five fails
    Errors,
    /// One order in four is slow
    Slow,
    /// Nothing is wrong: the release must be accepted
    Healthy,
}

fn duration(text: &str) -> Result<Duration, String> {
    let span = Span::parse(text).map_err(|error| error.to_string())?;
    if span.0.is_zero() {
        Err("it must be longer than zero".to_owned())
    } else {
        Ok(span.0)
    }
}

fn baseline(text: &str) -> Result<BaselineFlag, String> {
    Ok(match text {
        "" => return Err("write none, before, history or a file".to_owned()),
        "none" => BaselineFlag::None,
        "before" => BaselineFlag::Before,
        "history" => BaselineFlag::History,
        file => BaselineFlag::File(PathBuf::from(file)),
    })
}

fn selector(text: &str) -> Result<Selector, String> {
    Ok(match text {
        "current" => Selector::Current,
        "next" => Selector::Next,
        arn if arn.starts_with("arn:") || arn.starts_with("ecs-svc/") => {
            Selector::Id(arn.to_owned())
        }
        _ => return Err("write `current`, `next` or the ARN of a service deployment".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
