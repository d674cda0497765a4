//! How the verdict on a recording moved: `--report ndjson` for programs, lines for a person, and
//! the one line of a stream in a folder.

use std::time::Duration;

use serde::Serialize;

use super::text::{counted, push_wrapped};
use crate::engine::panel::Change;
use crate::engine::replay::{Replayed, Turn};
use crate::event::{Action, Verdict};
use crate::secret::Mask;

/// A line of `--report ndjson`: one for every change of the assessment, in the order of time, and a
/// last one with `"final":true`.
#[derive(Debug, Serialize)]
pub struct TurnLine {
    /// When, in seconds from the start of the window: the start of the newest sample. In the last
    /// line when the verdict was reached: for `fail` the sample that condemned, for everything else
    /// the end of the bake.
    pub t: f64,
    /// The verdict on the service from then on: `pass`, `warn`, `fail`, `inconclusive`.
    pub verdict: Verdict,
    /// Whether it is the last line.
    #[serde(rename = "final")]
    pub is_final: bool,
    /// The checks on which the judge changed its mind; left out in the last line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<ChangedLine>,
    /// What would have been decided; in the last line only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<DecisionLine>,
    /// How many samples were judged; in the last line only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<u64>,
    /// How many changes were too many to be kept; left out when none were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes_left_out: Option<u64>,
}

/// A check on which the judge changed its mind.
#[derive(Debug, Serialize)]
pub struct ChangedLine {
    /// Its declared name.
    pub check: String,
    /// The verdict on it before; every window begins `inconclusive`.
    pub from: Verdict,
    /// The verdict on it now.
    pub to: Verdict,
    /// Why, in one line; empty for a pass.
    pub because: String,
}

/// What would have been decided.
#[derive(Debug, Serialize)]
pub struct DecisionLine {
    /// The action: `accept`, `roll_back`, `hold`.
    pub action: Action,
    /// Why, the most important reason first.
    pub because: Vec<String>,
}

/// The one line of a stream, when a folder is replayed.
#[derive(Debug, Serialize)]
pub struct StreamLine {
    /// The name of the file without its ending.
    pub stream: String,
    /// The verdict.
    pub verdict: Verdict,
    /// When it was reached, in seconds from the start of the window: for `fail` the sample that
    /// condemned, for everything else the end of the bake.
    pub t: f64,
}

/// The changes of a window, in the order of time, as far as they are kept.
#[derive(Debug, Default)]
pub struct Timeline {
    turns: Vec<Turn>,
    left_out: u64,
}

/// More changes than a person reads, and than any sound recording has. A check that flaps for
/// millions of samples must not fill the memory.
const MOST_TURNS: usize = 100_000;

impl Timeline {
    /// Takes in a change.
    pub fn take(&mut self, turn: Turn) {
        if self.turns.len() < MOST_TURNS {
            self.turns.push(turn);
        } else {
            self.left_out += 1;
        }
    }

    /// The lines for a program, with secrets masked.
    ///
    /// # Errors
    /// Never with these types; the serializer's error is handed on all the same.
    pub fn ndjson(&self, replayed: &Replayed, mask: &Mask) -> Result<String, serde_json::Error> {
        let mut text = String::new();
        for turn in &self.turns {
            push(&mut text, &turn_line(turn, mask))?;
        }
        push(&mut text, &self.last_line(replayed, mask))?;
        Ok(text)
    }

    fn last_line(&self, replayed: &Replayed, mask: &Mask) -> TurnLine {
        let because = replayed.decision.because.iter();
        TurnLine {
            t: seconds(replayed.reached),
            verdict: replayed.assessment.verdict,
            is_final: true,
            changed: Vec::new(),
            decision: Some(DecisionLine {
                action: replayed.decision.action,
                because: because.map(|because| mask.apply(because)).collect(),
            }),
            samples: Some(replayed.samples),
            changes_left_out: (self.left_out > 0).then_some(self.left_out),
        }
    }

    /// The lines for a person: when, which check, from what to what, and why.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for turn in &self.turns {
            for change in &turn.changes {
                let from = before(change).name();
                let to = match change.to {
                    Verdict::Fail => "FAIL",
                    Verdict::Warn => "WARN",
                    Verdict::Pass | Verdict::Inconclusive => change.to.name(),
                };
                let at = turn.at.as_secs_f64();
                let lead = format!("{at:>8.1}s  {}  ", change.check);
                let because = match change.because.as_str() {
                    "" => String::new(),
                    because => format!(": {because}"),
                };
                push_wrapped(&mut text, &lead, &format!("{from} -> {to}{because}"));
            }
        }
        if self.left_out > 0 {
            let more = counted(self.left_out, "more change", "more changes");
            push_wrapped(&mut text, "", &format!("… and {more}"));
        }
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

/// The line of a stream, its end included.
///
/// # Errors
/// Never with these types; the serializer's error is handed on all the same.
pub fn stream_line(
    stream: &str,
    replayed: &Replayed,
    mask: &Mask,
) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    let line = StreamLine {
        stream: mask.apply(stream),
        verdict: replayed.assessment.verdict,
        t: seconds(replayed.reached),
    };
    push(&mut text, &line)?;
    Ok(text)
}

fn turn_line(turn: &Turn, mask: &Mask) -> TurnLine {
    let changed = turn.changes.iter().map(|change| ChangedLine {
        check: mask.apply(change.check.as_str()),
        from: before(change),
        to: change.to,
        because: mask.apply(&change.because),
    });
    TurnLine {
        t: seconds(turn.at),
        verdict: turn.verdict,
        is_final: false,
        changed: changed.collect(),
        decision: None,
        samples: None,
        changes_left_out: None,
    }
}

/// A window begins without enough samples.
fn before(change: &Change) -> Verdict {
    change.from.unwrap_or(Verdict::Inconclusive)
}

fn push(text: &mut String, line: &impl Serialize) -> Result<(), serde_json::Error> {
    text.push_str(&serde_json::to_string(line)?);
    text.push('\n');
    Ok(())
}

/// Seconds to the microsecond, which is finer than any schedule.
fn seconds(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e6
}
