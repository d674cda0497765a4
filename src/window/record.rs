//! What a window remembers of one sample, and the one order in which it remembers them.
//!
//! The order is total and knows nothing of arrival: samples that reach the window late, or several
//! with the same start, give the same window whatever their order of arrival. Made by
//! [`super::Window::push`] only.

use std::cmp::Ordering;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sample::{Fault, Outcome, Phase, Phases, Reading, Sample};

/// What a window remembers of one sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// When the run started.
    pub started: Moment,
    /// How long it took.
    pub latency: Duration,
    /// The parts of that time.
    pub phases: Phases,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not pass.
    pub fault: Option<Arc<Fault>>,
    /// The numbers observed; only finite ones.
    pub readings: Box<[Reading]>,
    /// How many tries came before.
    pub retries: u32,
    /// Whether it was taken beside the schedule.
    pub closer_look: bool,
}

impl Record {
    /// `newest` is the last record of the same window: what both have in common they share.
    pub(super) fn of(sample: &Sample, fault: Option<Arc<Fault>>, newest: Option<&Self>) -> Self {
        let finite = |reading: &&Reading| reading.value.is_finite();
        let known = newest.map_or(&[][..], |newest| &newest.readings);
        let shared = |reading: &Reading| {
            let alike = known.iter().find(|known| known.name == reading.name);
            Reading {
                name: Arc::clone(&alike.unwrap_or(reading).name),
                ..*reading
            }
        };
        Self {
            started: sample.started,
            latency: sample.latency,
            phases: sample.phases,
            outcome: sample.outcome,
            fault,
            readings: sample.readings.iter().filter(finite).map(shared).collect(),
            retries: sample.retries,
            closer_look: sample.closer_look,
        }
    }

    /// Whether something is learnt about the target.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.outcome != Outcome::Unknown
    }

    /// Whether the target answered wrongly or not at all.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(self.outcome, Outcome::Fail | Outcome::Error)
    }

    /// When the run ended.
    #[must_use]
    pub fn ended(&self) -> Moment {
        self.started + self.latency
    }

    /// The value of a reading; absent when this run did not observe it or learnt nothing.
    ///
    /// An `Unknown` run may well carry numbers, but not of the target: the head of another chain,
    /// the answer of a proxy that throttles us.
    #[must_use]
    pub fn reading(&self, name: &str) -> Option<&Reading> {
        self.readings
            .iter()
            .filter(|_| self.is_known())
            .find(|reading| &*reading.name == name)
    }

    /// By start; samples with the same start by what they observed, the passed ones first, so that
    /// turning a pass into a failure never shortens a run of failures.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let key = |record: &Self| (record.started, rank(record.outcome), record.latency);
        key(self)
            .cmp(&key(other))
            .then_with(|| self.fault_key().cmp(&other.fault_key()))
            .then_with(|| self.phase_key().cmp(&other.phase_key()))
            .then_with(|| self.reading_order(other))
            .then_with(|| self.retries.cmp(&other.retries))
            .then_with(|| self.closer_look.cmp(&other.closer_look))
    }

    fn fault_key(&self) -> Option<(&'static str, &str)> {
        let fault = self.fault.as_deref()?;
        Some((fault.reason.code(), &fault.detail))
    }

    fn phase_key(&self) -> [Option<Duration>; 6] {
        Phase::ALL.map(|phase| self.phases.get(phase))
    }

    fn reading_order(&self, other: &Self) -> Ordering {
        let pairs = self.readings.iter().zip(&other.readings);
        pairs
            .map(|(a, b)| a.name.cmp(&b.name).then(a.value.total_cmp(&b.value)))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| self.readings.len().cmp(&other.readings.len()))
    }
}

const fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Pass => 0,
        Outcome::Unknown => 1,
        Outcome::Fail => 2,
        Outcome::Error => 3,
    }
}
