//! What an open loop sent within a window, and what it could not: sums, so that the order in which
//! samples arrive leaves no trace. Filled by the window alone.

use std::time::Duration;

use crate::clock::Moment;
use crate::sample::Sample;

/// What an open loop sent, and what it did not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    /// Runs that were sent.
    pub runs: u64,
    /// Runs that were due and not sent: no place in flight came free within their timeout, or our own
    /// machine was away, which an unknown sample then tells.
    pub unsent: u64,
    /// Runs that waited for a place before they were sent.
    pub waited: u64,
    /// The most runs in flight at once.
    pub in_flight: u32,
    /// When the first and the last run started.
    pub span: (Moment, Moment),
}

impl Sent {
    /// What one sample says; nothing where no open loop sent it.
    pub(super) fn of(sample: &Sample) -> Option<Self> {
        let sending = sample.sending?;
        Some(Self {
            runs: 1,
            unsent: sending.unsent,
            waited: u64::from(!sending.waited.is_zero()),
            in_flight: sending.in_flight,
            span: (sample.started, sample.started),
        })
    }

    /// What both say.
    pub(super) fn and(self, other: Self) -> Self {
        Self {
            runs: self.runs + other.runs,
            unsent: self.unsent.saturating_add(other.unsent),
            waited: self.waited + other.waited,
            in_flight: self.in_flight.max(other.in_flight),
            span: (self.span.0.min(other.span.0), self.span.1.max(other.span.1)),
        }
    }

    /// How many runs were due.
    #[must_use]
    pub const fn due(&self) -> u64 {
        self.runs.saturating_add(self.unsent)
    }

    /// The rate that was reached, a second; absent before the second run.
    #[must_use]
    pub fn per_second(&self) -> Option<f64> {
        let (first, last) = self.span;
        let lasted = last.since(first);
        (lasted > Duration::ZERO).then(|| (self.runs - 1) as f64 / lasted.as_secs_f64())
    }
}

/// Adds what a sample or another window says to what is known.
pub(super) fn add(known: &mut Option<Sent>, more: Option<Sent>) {
    *known = match (*known, more) {
        (Some(known), Some(more)) => Some(known.and(more)),
        (known, more) => known.or(more),
    };
}
