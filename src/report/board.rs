//! The state of a bake, one line a check, for whoever waits for its end.
//!
//! Knows only what the events say; `cli` decides when it is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use super::text::{counted, millis};
use crate::clock::Moment;
use crate::event::{Event, Verdict, What};
use crate::quantity::human;
use crate::sample::{CheckId, Outcome};

/// What is known of a bake that is going on.
#[derive(Debug, Default)]
pub struct Board {
    ends: Option<Moment>,
    rows: BTreeMap<CheckId, Row>,
}

#[derive(Debug, Default)]
struct Row {
    samples: u64,
    bad: u64,
    unknown: u64,
    last: Option<Duration>,
    verdict: Option<Verdict>,
}

impl Board {
    /// Takes in what happened.
    pub fn take(&mut self, event: &Event) {
        match &event.what {
            What::Started { lasts, .. } => {
                *self = Self {
                    ends: lasts.map(|span| event.at + span),
                    rows: BTreeMap::new(),
                };
            }
            What::Sampled(sample) => {
                let row = self.rows.entry(sample.check.clone()).or_default();
                row.samples += 1;
                match sample.outcome {
                    Outcome::Pass => row.last = Some(sample.latency),
                    Outcome::Fail | Outcome::Error => row.bad += 1,
                    Outcome::Unknown => row.unknown += 1,
                }
            }
            What::CheckJudged { check, to, .. } => {
                self.rows.entry(check.clone()).or_default().verdict = Some(*to);
            }
            What::Decided { .. } | What::RollbackIntended(_) => self.ends = None,
            _ => {}
        }
    }

    /// One line a check, without line breaks; none when no bake is going on.
    #[must_use]
    pub fn lines(&self, now: Moment) -> Vec<String> {
        let Some(ends) = self.ends else {
            return Vec::new();
        };
        let names = self
            .rows
            .keys()
            .map(|check| check.as_str().chars().count())
            .max();
        let names = names.unwrap_or(0).min(30);
        let left = Duration::from_secs(ends.since(now).as_secs());
        let mut lines = vec![format!("{} of the bake left", human(left))];
        lines.extend(self.rows.iter().map(|(check, row)| row.line(check, names)));
        lines
    }
}

impl Row {
    fn line(&self, check: &CheckId, names: usize) -> String {
        let verdict = match self.verdict {
            Some(Verdict::Fail) => "FAIL",
            Some(Verdict::Warn) => "WARN",
            Some(Verdict::Pass) => "pass",
            // Early in a bake nothing can be said yet; the word of the verdict would alarm.
            Some(Verdict::Inconclusive) | None => "...",
        };
        let mut line = format!("  {verdict:<4}  {check:<names$}  ");
        line.push_str(&counted(self.samples, "sample", "samples"));
        line.push_str(&format!(", {} bad", self.bad));
        if self.unknown > 0 {
            line.push_str(&format!(", {} unknown", self.unknown));
        }
        if let Some(last) = self.last {
            line.push_str(&format!(", last {}", millis(last)));
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::WallTime;
    use crate::sample::{Fault, Phases, Reason, Sample};

    fn event(what: What) -> Event {
        Event {
            at: Moment::ORIGIN,
            wall: WallTime::default(),
            service: None,
            what,
        }
    }

    fn sample(outcome: Outcome) -> What {
        What::Sampled(Sample {
            check: CheckId::new("orders"),
            started: Moment::ORIGIN,
            latency: Duration::from_millis(4),
            phases: Phases::default(),
            outcome,
            fault: (outcome != Outcome::Pass).then(|| Fault::new(Reason::Status, "expected 200")),
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        })
    }

    #[test]
    fn a_bake_is_shown_with_one_line_a_check_until_it_is_decided() {
        let mut board = Board::default();
        assert_eq!(board.lines(Moment::ORIGIN), Vec::<String>::new());
        let lasts = Some(Duration::from_secs(60));
        board.take(&event(What::Started { checks: 1, lasts }));
        board.take(&event(sample(Outcome::Pass)));
        board.take(&event(sample(Outcome::Fail)));
        let now = Moment::at(Duration::from_secs(15));
        assert_eq!(
            board.lines(now),
            [
                "45s of the bake left",
                "  ...   orders  2 samples, 1 bad, last 4.0 ms"
            ]
        );
        board.take(&event(What::Decided {
            action: crate::event::Action::Accept,
            because: Vec::new(),
        }));
        assert_eq!(board.lines(now), Vec::<String>::new());
    }
}
