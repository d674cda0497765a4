//! The kind `exec`: a program of the team's own, read as a check: by its exit status, as a Nagios
//! plugin, by lines of JSON, or by the JUnit report of a suite of tests.
//!
//! It proves what the program proves: that it was run here, in time, and says that all is well. It
//! does not prove more than that, and it does not know whether a program that fails met a fault of
//! the service or one of its own; a program that could not be run at all, was killed, or says itself
//! that it cannot tell, teaches nothing.
//!
//! The program gets no terminal, no input, and of our environment only `PATH`, `HOME` and `LANG`. It
//! runs in a process group of its own, which is killed as a whole when it has ended, when the
//! deadline passes and when the run is given up: SIGKILL, without a warning. A process that leaves
//! the group (a daemon with a session of its own) is known by its environment, and killed as well.

mod ended;
mod group;
mod json_lines;
mod junit;
mod nagios;
mod output;
mod program;
mod report;
mod settings;
mod strays;
mod suite;
mod told;

use std::sync::Arc;

use async_trait::async_trait;

use self::program::{Finished, Program};
use self::report::ReportFile;
pub use self::settings::{Expectation, Format, Settings};
use self::told::Told;
use super::{Attempt, Kind, Misfit, Probe, Readings, Replies, Reply, Surroundings};
use crate::clock::WallTime;
use crate::expect::{Inquiry, Matcher, Unmet};
use crate::quantity::Bytes;
use crate::sample::{Fault, Reason, Unit};
use crate::secret::Mask;
use crate::verdict::threshold::{Comparison, Limit, Measure, Subject, Threshold};

/// The kind `exec`.
pub struct Exec;

struct ExecProbe {
    program: Program,
    format: Format,
    report: Option<ReportFile>,
    expected: Expectation,
    largest: usize,
    mask: Mask,
}

impl Kind for Exec {
    const NAME: &'static str = "exec";
    const SUMMARY: &'static str =
        "a program of your own says that all is well: exit status, Nagios, JSON lines, JUnit";
    const READINGS: Readings = Readings {
        named: READINGS,
        open: true,
    };
    const REPLIES: Replies = Replies::Body;
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let misfits = settings.misfits();
        if !misfits.is_empty() {
            return Err(misfits);
        }
        let mask = Mask::default();
        settings
            .secrets
            .values()
            .for_each(|secret| mask.hide(secret.reveal()));
        let usual = match settings.junit {
            Some(_) => Format::Junit,
            None => Format::Status,
        };
        let program = Program::of(&settings, surroundings);
        Ok(Box::new(ExecProbe {
            report: settings.junit.map(|path| program.report(&path)),
            format: settings.format.unwrap_or(usual),
            expected: settings.expect.unwrap_or_default(),
            largest: most(settings.max_output),
            program,
            mask,
        }))
    }
}

fn most(declared: Option<Bytes>) -> usize {
    let most = declared.map_or(USUAL_OUTPUT, |most| most.0);
    usize::try_from(most).unwrap_or(usize::MAX)
}

#[async_trait]
impl Probe for ExecProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let judged = self.judged(attempt).await;
        let (told, result) = match judged {
            Ok((told, result)) => (told, result),
            Err(fault) => (Told::default(), Err(fault)),
        };
        told.record(attempt, &self.mask);
        // The program may repeat what it was given.
        result.map_err(|fault| Fault {
            detail: self.mask.apply(&fault.detail),
            further: fault.further.iter().map(|it| self.mask.apply(it)).collect(),
            ..fault
        })
    }

    fn limits(&self) -> Vec<Threshold> {
        match self.format {
            Format::Nagios => vec![warns_of_a_warning()],
            Format::Status | Format::JsonLines | Format::Junit => Vec::new(),
        }
    }
}

impl ExecProbe {
    /// Runs the program and reads it: what it told, and whether that is as it should be.
    async fn judged(&self, attempt: &mut Attempt) -> Result<(Told, Result<(), Fault>), Fault> {
        let before = match &self.report {
            Some(report) => Some((report, report.state().await)),
            None => None,
        };
        let finished = self.program.run(attempt, self.largest).await?;
        attempt.reading("output_bytes", finished.written() as f64, Unit::Bytes);
        if let Some(status) = finished.ended.status() {
            attempt.reading("exit_status", f64::from(status), Unit::Number);
        }
        if finished.left_behind {
            attempt
                .note("a process that it left behind kept its output open and was not waited for");
        }
        let report = match before {
            Some((report, before)) => Some(report.written_since(before, self.largest).await),
            None => None,
        };
        self.could_be_run(&finished)?;
        let now = attempt.wall_if(self.expected.is_dated());
        attempt.reply(|| Reply::of(finished.output.text().trim_end().to_owned()));
        let mut told = Told::default();
        let result = match self.format {
            Format::Status => self.by_status(&finished, now),
            Format::Nagios => nagios::read(&finished, &mut told),
            Format::JsonLines => json_lines::read(&finished, &mut told),
            Format::Junit => junit::read(&finished, report, &mut told),
        };
        Ok((told, result))
    }

    /// A program that a signal ended did not come to its answer, and a shell says by its status that it
    /// found none.
    fn could_be_run(&self, finished: &Finished) -> Result<(), Fault> {
        if let Some(signal) = finished.ended.signal() {
            let detail = format!(
                "it was ended by {signal} before it could tell{}",
                finished.last_words()
            );
            return Err(Fault::new(Reason::Undecided, detail));
        }
        match (self.program.is_shell, finished.ended.status()) {
            (true, Some(NOT_EXECUTABLE | NOT_FOUND)) => {
                let detail = format!(
                    "the shell could not run the program{}",
                    finished.last_words()
                );
                Err(Fault::new(Reason::NotStarted, detail))
            }
            _ => Ok(()),
        }
    }

    fn by_status(&self, finished: &Finished, now: Option<WallTime>) -> Result<(), Fault> {
        let texts = [
            ("standard output", &self.expected.stdout, &finished.output),
            ("standard error", &self.expected.stderr, &finished.errors),
        ];
        let status = finished.ended.status().unwrap_or_default();
        let wanted = self.expected.status.as_ref();
        let answer = match wanted {
            Some(matcher) => matcher.judge(&status.into()),
            None => Matcher::equal(0).judge(&status.into()),
        };
        if let Some(mismatch) = answer.mismatch() {
            let unmet = Unmet {
                text: format!("exit status: {mismatch}{}", finished.last_words()),
                is_dated: false,
                after: texts
                    .iter()
                    .filter(|(_, matcher, _)| matcher.is_some())
                    .count(),
            };
            return Err(Fault::new(Reason::Status, unmet.told()));
        }
        let mut inquiry = Inquiry::at(now);
        for (name, matcher, text) in texts {
            let Some(matcher) = matcher else { continue };
            text.must_fit(name)?;
            inquiry.ask_of(name, matcher, |matcher, now| {
                matcher.judge_text_at(text.text().trim_end(), now)
            });
        }
        inquiry.end()
    }
}

/// A Nagios plugin that warns passes, so that nothing would be heard of it without a limit.
fn warns_of_a_warning() -> Threshold {
    Threshold {
        subject: Subject::Reading(Arc::from("state")),
        warning: Some(Limit {
            comparison: Comparison::AtLeast,
            value: 1.0,
            measure: Measure::Number,
        }),
        critical: None,
        lasting: None,
        consecutive: None,
    }
}

/// What a shell ends with when what it was to run is there and cannot be run, and when it is not
/// there (POSIX, Shell Command Language, 2.8.2).
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;
/// More than any suite says in a good or a bad run.
const USUAL_OUTPUT: u64 = 1 << 20;

const READINGS: &[(&str, Unit, &str)] = &[
    ("exit_status", Unit::Number, "with what the program ended"),
    (
        "output_bytes",
        Unit::Bytes,
        "how much it wrote, both outputs together",
    ),
    (
        "state",
        Unit::Number,
        "of a Nagios plugin: 0 well, 1 warning, 2 critical, 3 unknown",
    ),
    (
        "tests",
        Unit::Number,
        "how many tests of the suite were run, without those skipped",
    ),
    ("failures", Unit::Number, "how many of them failed"),
    (
        "errors",
        Unit::Number,
        "how many of them broke off with an error",
    ),
    ("skipped", Unit::Number, "how many tests were skipped"),
];
