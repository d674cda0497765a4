//! The kind `logs`: how many lines of a log match since the deployment, in a file here or in
//! CloudWatch Logs.
//!
//! It proves that no line (or no more than allowed) of those that were written since says what must
//! not be said. It does not prove that a service which logs nothing is well: where no line at all was
//! written, nothing is learnt, unless the check says that silence is fine. Lines that CloudWatch Logs
//! has not taken in yet are not seen; the next run counts them.
//!
//! Counting begins with the window in which the runs are judged. A file is followed from where it
//! ended when the first run looked, through rotation and truncation.

mod counted;
mod discretion;
mod file;
mod group;
mod tail;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use schemars::JsonSchema;
use serde::Deserialize;

use self::counted::Counted;
use self::file::LogFile;
use self::group::LogGroup;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings};
use crate::aws::access::{Access, Place};
use crate::expect::{Pattern, Undated};
use crate::quantity::Span;
use crate::sample::{Fault, Unit};

/// The kind `logs`.
pub struct Logs;

/// What a check of kind `logs` declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// A file on this machine; relative to the file that declares the check.
    #[serde(default)]
    pub file: Option<PathBuf>,
    /// Where the counting in a file begins: `end`, as it is when the first run looks, or `beginning`.
    #[serde(default)]
    pub from: Option<From>,
    /// A group of CloudWatch Logs, by its name or its ARN.
    #[serde(default)]
    pub group: Option<String>,
    /// With what the names of the streams begin; without it all streams of the group.
    #[serde(default)]
    pub stream_prefix: Option<String>,
    /// A filter pattern of CloudWatch Logs, `?ERROR ?"timed out"`: AWS looks for the lines.
    #[serde(default)]
    pub pattern: Option<String>,
    /// A regular expression that is found in the lines that count; with `pattern`, in those that AWS
    /// has found.
    #[serde(default)]
    pub matches: Option<String>,
    /// Count the lines of so long a time up to now, instead of those since the window was opened; for
    /// a group only. Where there is no window, 5m without it.
    #[serde(default)]
    pub since: Option<Span>,
    /// How late a line may come to CloudWatch Logs: 10s without it. Until a window is older than that,
    /// nothing is learnt.
    #[serde(default)]
    pub delay: Option<Span>,
    /// Whether it is fine that no line at all is written.
    #[serde(default)]
    pub may_be_silent: bool,
    /// What is expected; without it, that no line matches.
    #[serde(default)]
    pub expect: Option<Expectation>,
    /// The region of the group; without it that of the service's deployment or of the environment.
    #[serde(default)]
    pub region: Option<String>,
    /// Another endpoint of AWS: of a VPC, or an emulator.
    #[serde(default)]
    pub endpoint: Option<String>,
}

/// Where the counting in a file begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// With what is written after the first run has looked.
    End,
    /// With all that is there.
    Beginning,
}

/// What is expected of a log.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Of the number of matching lines.
    #[serde(default)]
    pub matches: Option<Undated>,
    /// Of how many there are a minute.
    #[serde(default)]
    pub per_minute: Option<Undated>,
}

/// Where the lines are.
enum Source {
    File(Arc<LogFile>),
    Group(LogGroup),
}

struct LogsProbe {
    source: Source,
    expected: Expectation,
    may_be_silent: bool,
}

impl Kind for Logs {
    const NAME: &'static str = "logs";
    const SUMMARY: &'static str = "no more lines of a log than allowed say what must not be said, in a file or CloudWatch Logs";
    const READINGS: Readings = Readings {
        named: READINGS,
        open: false,
    };
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        made(settings, surroundings, Access::at)
    }
}

impl Logs {
    /// Builds the probe with a configuration of AWS that was made elsewhere.
    ///
    /// # Errors
    /// As [`Kind::probe`].
    pub fn with_config(
        settings: Settings,
        surroundings: &Surroundings,
        config: &SdkConfig,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        made(settings, surroundings, |_| Access::with_config(config))
    }
}

fn made(
    settings: Settings,
    surroundings: &Surroundings,
    access: impl FnOnce(Place) -> Arc<Access>,
) -> Result<Box<dyn Probe>, Vec<Misfit>> {
    let mut misfits = misplaced(&settings);
    let matches = settings.matches.as_deref().map(Pattern::parse).transpose();
    let matches = matches.map_err(|why| misfits.push(Misfit::at(&["matches"], why)));
    let region = surroundings.region(settings.region);
    let place = Place::of(region, settings.endpoint)
        .map_err(|why| misfits.push(Misfit::at(&["endpoint"], why)));
    let (Ok(matches), Ok(place), true) = (matches, place, misfits.is_empty()) else {
        return Err(misfits);
    };
    let source = match (settings.file, settings.group, matches) {
        (Some(path), _, Some(matches)) => {
            let from_the_end = settings.from != Some(From::Beginning);
            let path = surroundings.folder.join(path);
            Source::File(Arc::new(LogFile::new(path, matches, from_the_end)))
        }
        (_, group, matches) => Source::Group(LogGroup {
            access: access(place),
            group: group.unwrap_or_default(),
            stream_prefix: settings.stream_prefix,
            pattern: settings.pattern,
            matches,
            since: settings.since.map(|span| span.0),
            delay: settings.delay.map_or(USUAL_DELAY, |span| span.0),
        }),
    };
    Ok(Box::new(LogsProbe {
        source,
        expected: settings.expect.unwrap_or_default(),
        may_be_silent: settings.may_be_silent,
    }))
}

/// Settings that do not go together.
fn misplaced(settings: &Settings) -> Vec<Misfit> {
    let mut misfits = Vec::new();
    let of_groups = [
        ("stream_prefix", settings.stream_prefix.is_some()),
        ("pattern", settings.pattern.is_some()),
        ("since", settings.since.is_some()),
        ("delay", settings.delay.is_some()),
        ("region", settings.region.is_some()),
        ("endpoint", settings.endpoint.is_some()),
    ];
    match (&settings.file, &settings.group) {
        (None, None) => misfits.push(
            Misfit::at(&[], "there is no log to look at")
                .hint("write `group: /ecs/api`, or `file: /var/log/app.log`"),
        ),
        (Some(_), Some(_)) => misfits.push(
            Misfit::at(&["file"], "there is a `group` already").hint("make two checks of them"),
        ),
        (Some(_), None) => {
            let strange = of_groups.iter().filter(|(_, is_set)| *is_set);
            misfits.extend(
                strange.map(|(key, _)| {
                    Misfit::at(&[key], format!("`{key}` means nothing for a file"))
                }),
            );
            if settings.matches.is_none() {
                misfits.push(
                    Misfit::at(&[], "nothing says which lines count")
                        .hint("write `matches: ERROR`"),
                );
            }
        }
        (None, Some(_)) => {
            if settings.from.is_some() {
                misfits.push(
                    Misfit::at(&["from"], "`from` means nothing for a group")
                        .hint("write `since: 10m`"),
                );
            }
            if settings.matches.is_none() && settings.pattern.is_none() {
                misfits.push(
                    Misfit::at(&[], "nothing says which lines count")
                        .hint("write `pattern: ERROR`, or `matches:` with a regular expression"),
                );
            }
        }
    }
    misfits
}

#[async_trait]
impl Probe for LogsProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let counted: Counted = match &self.source {
            Source::File(file) => file.count(attempt).await?,
            Source::Group(group) => group.count(attempt, self.may_be_silent).await?,
        };
        counted.record(attempt);
        counted.judge(&self.expected, self.may_be_silent)
    }

    fn source(&self) -> Option<&str> {
        Some(match &self.source {
            Source::File(_) => "the file system",
            Source::Group(_) => "CloudWatch Logs",
        })
    }
}

/// The usual driver sends lines every five seconds, and AWS shows them some seconds later.
const USUAL_DELAY: Duration = Duration::from_secs(10);

const READINGS: &[(&str, Unit, &str)] = &[
    (
        "matches",
        Unit::Number,
        "how many lines match since the counting began",
    ),
    (
        "matches_per_minute",
        Unit::Number,
        "how many of them there are a minute",
    ),
    (
        "lines",
        Unit::Number,
        "how many lines were looked at: where AWS looks for them, those it found",
    ),
];
