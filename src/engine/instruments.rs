//! What the prober counts of its own work: one model, for every way out of it.
//!
//! Made once for the checks of a run, shared by everyone who probes, and read while they go on: the
//! counters are atomics of one check each, so that probing threads meet at none of them but the
//! lateness. Recording a sample costs some forty nanoseconds and allocates nothing once a check has
//! shown what it does. A check takes about half a kilobyte. It holds no limit and judges nothing; the
//! names and forms of metrics are the business of `report::prometheus`. Fed by the engine, read by
//! reports.

mod lateness;
mod meter;

use crate::event::Verdict;
use crate::plan::CheckPlan;
use crate::sample::Sample;

pub use lateness::{Lateness, Punctuality};
pub use meter::{Binned, Bins, Meter, PROBE_BOUNDS};

/// The instruments of one run.
#[derive(Debug, Default)]
pub struct Instruments {
    meters: Box<[Meter]>,
    lateness: Lateness,
}

impl Instruments {
    /// Instruments for these checks, each known by its place among them.
    #[must_use]
    pub fn of(checks: &[CheckPlan]) -> Self {
        Self {
            meters: checks.iter().map(|check| Meter::of(&check.facts)).collect(),
            lateness: Lateness::default(),
        }
    }

    /// Takes in what one run of the check at a place came to. A place that no check has is passed
    /// over: guards and tests probe without instruments.
    pub fn record(&self, place: usize, sample: &Sample) {
        if let Some(meter) = self.meters.get(place) {
            meter.record(sample);
        }
    }

    /// Takes in what the judge says of the check at a place.
    pub fn judged(&self, place: usize, verdict: Verdict) {
        if let Some(meter) = self.meters.get(place) {
            meter.judged(verdict);
        }
    }

    /// How late probes start.
    #[must_use]
    pub const fn lateness(&self) -> &Lateness {
        &self.lateness
    }

    /// What is known of each check, by place.
    #[must_use]
    pub fn meters(&self) -> &[Meter] {
        &self.meters
    }
}
