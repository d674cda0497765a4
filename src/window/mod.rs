//! The samples of one check that a verdict may use, bounded, and what can be said of them. Pure.

mod bounded;
pub mod histogram;
mod quantile;
mod record;
mod sent;
mod tally;
#[cfg(test)]
mod tests;
mod view;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sample::{Fault, Phase, Session, Unit};
pub use bounded::{EXACT_RECORDS, Window, WindowBounds};
pub use quantile::{least_count, type_seven};
pub use record::Record;
pub use sent::Sent;
pub use view::View;

/// What can be said of a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    /// Samples taken, the unknown ones included.
    pub samples: u64,
    /// Samples that answered wrongly.
    pub failed: u64,
    /// Samples that could not reach the target.
    pub errored: u64,
    /// Samples from which nothing is learnt.
    pub unknown: u64,
    /// Samples that failed or errored in a row, up to the last.
    pub consecutive_failures: u64,
    /// The latency of the samples that passed after the warm-up.
    pub latency: Latency,
    /// The phases of those samples that took place, in their order.
    pub phases: Vec<(Phase, Latency)>,
    /// The readings of all samples that gave them, by name.
    pub readings: Vec<(Arc<str>, ReadingSummary)>,
    /// When the first sample that failed or errored started.
    pub first_bad: Option<Moment>,
    /// When the last sample of any outcome started.
    pub last: Option<Moment>,
    /// Why the last sample that did not pass did not pass.
    pub last_fault: Option<Fault>,
    /// How many tries came before samples (`gate --wait`).
    pub retries: u64,
    /// What the last sample that says so talked over. Known for a whole window only.
    pub session: Option<Arc<Session>>,
    /// What an open loop sent and could not send; absent where none did, and for a part of a window.
    pub sent: Option<Sent>,
}

impl Summary {
    /// A phase of the samples that passed after the warm-up.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> Option<&Latency> {
        let mut phases = self.phases.iter();
        phases
            .find(|(one, _)| *one == phase)
            .map(|(_, spans)| spans)
    }

    /// A reading of the samples that gave it.
    #[must_use]
    pub fn reading(&self, name: &str) -> Option<&ReadingSummary> {
        let mut readings = self.readings.iter();
        readings
            .find(|(one, _)| **one == *name)
            .map(|(_, seen)| seen)
    }

    /// The share of samples that failed or errored among those from which something is learnt.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        let known = self.samples - self.unknown;
        (known > 0).then(|| (self.failed + self.errored) as f64 / known as f64)
    }
}

/// A distribution of latencies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latency {
    /// How many.
    pub count: u64,
    /// Quantiles: Hyndman–Fan type 7 on small windows, within 1 % on large ones; absent below the
    /// quantile's least count (p50 5, p90 10, p95 20, p99 100, p999 1000).
    pub p50: Option<Duration>,
    /// See `p50`.
    pub p90: Option<Duration>,
    /// See `p50`.
    pub p95: Option<Duration>,
    /// See `p50`.
    pub p99: Option<Duration>,
    /// See `p50`.
    pub p999: Option<Duration>,
    /// The mean; absent without samples.
    pub mean: Option<Duration>,
    /// The largest; absent without samples.
    pub max: Option<Duration>,
}

/// A reading over a window.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingSummary {
    /// How many samples gave it.
    pub count: u64,
    /// The last value.
    pub last: f64,
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// What it counts.
    pub unit: Unit,
}

/// The commonest reason for which samples did not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonFault {
    /// How many samples had it.
    pub count: u64,
    /// The fault of the last of them.
    pub last: Fault,
    /// Whether all of them had this very detail.
    pub alike: bool,
}

/// How the samples of a window ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Samples from which something is learnt.
    pub known: u64,
    /// Those of them that failed or errored.
    pub bad: u64,
    /// When the first of these started.
    pub first_bad: Option<Moment>,
}

/// How many latencies are beyond a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceedances {
    /// How many are beyond it.
    pub beyond: u64,
    /// Of how many.
    pub of: u64,
    /// When the first of them started, among the samples held in full.
    pub first: Option<Moment>,
}
