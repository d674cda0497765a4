//! The judge's bench: the windows of all checks of one assessment, and the findings on them.

use std::collections::HashMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::plan::CheckPlan;
use crate::sample::{CheckId, Sample};
use crate::verdict::{self, Assessment, Closing, Finding, Rules, Sufficiency, Verdict};
use crate::window::{Window, WindowBounds};

/// The windows of all checks, with the rules by which each is judged.
#[derive(Debug)]
pub struct Panel {
    seats: Vec<Seat>,
    places: HashMap<CheckId, usize>,
}

#[derive(Debug)]
struct Seat {
    rules: Rules,
    window: Window,
    finding: Option<Finding>,
    announced: Option<Verdict>,
}

/// A check about which the judge has changed its mind.
#[derive(Debug)]
pub struct Change {
    /// Which check.
    pub check: CheckId,
    /// Before.
    pub from: Option<Verdict>,
    /// Now.
    pub to: Verdict,
    /// Why, in one line.
    pub because: String,
}

impl Panel {
    /// An empty window for every check.
    pub fn new(
        checks: &[CheckPlan],
        start: Moment,
        warm_up: Duration,
        sufficiency: impl Fn(&CheckPlan) -> Sufficiency,
    ) -> Self {
        let seats: Vec<Seat> = checks
            .iter()
            .map(|check| Seat {
                rules: Rules {
                    facts: check.facts.clone(),
                    thresholds: check.thresholds.clone(),
                    sufficiency: sufficiency(check),
                },
                window: Window::new(WindowBounds { start, warm_up }),
                finding: None,
                announced: None,
            })
            .collect();
        let places = checks
            .iter()
            .enumerate()
            .map(|(at, check)| (check.facts.id.clone(), at))
            .collect();
        Self { seats, places }
    }

    /// Takes a sample in and judges its check anew.
    pub fn push(&mut self, sample: &Sample, now: Moment) -> Option<Change> {
        let place = *self.places.get(&sample.check)?;
        let seat = &mut self.seats[place];
        seat.window.push(sample);
        seat.judge(now, Closing::Running);
        seat.change()
    }

    /// The findings as they stand while samples keep coming.
    #[must_use]
    pub fn assessment(&self) -> Assessment {
        verdict::assess(
            self.seats
                .iter()
                .filter_map(|seat| seat.finding.clone())
                .collect(),
        )
    }

    /// The findings at the end, checks without a sample included: `Final` when all samples have
    /// come that were to come, `Running` when the end came before its time.
    pub fn close(&mut self, now: Moment, closing: Closing) -> (Assessment, Vec<Change>) {
        let mut changes = Vec::new();
        for seat in &mut self.seats {
            seat.judge(now, closing);
            changes.extend(seat.change());
        }
        (self.assessment(), changes)
    }
}

impl Seat {
    fn judge(&mut self, now: Moment, closing: Closing) {
        self.finding = Some(verdict::judge(&self.rules, &self.window, now, closing));
    }

    fn change(&mut self) -> Option<Change> {
        let finding = self.finding.as_ref()?;
        let from = self.announced.replace(finding.verdict);
        if from == Some(finding.verdict) {
            return None;
        }
        Some(Change {
            check: self.rules.facts.id.clone(),
            from,
            to: finding.verdict,
            because: finding
                .reasons
                .first()
                .map(|reason| reason.text.clone())
                .unwrap_or_default(),
        })
    }
}
