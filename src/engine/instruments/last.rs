//! What the last run of a check came to, for those who look at single runs and not at counts. Kept only
//! where somebody asks for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::sample::{Outcome, Phases, Sample};

/// The last run of a check.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Last {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took.
    pub latency: Duration,
    /// The parts of it.
    pub phases: Phases,
    /// The status of HTTP with which it was answered; absent where there was none.
    pub status: Option<f64>,
    /// When the certificate ends that ends first of all that were shown, in seconds since 1970; absent
    /// where none was.
    pub chain_ends: Option<f64>,
}

/// Where it is kept.
#[derive(Debug)]
pub(super) struct Kept {
    clock: Arc<dyn Clock>,
    last: Mutex<Option<Last>>,
}

/// Samples say how long a certificate is valid still, in days of the moment at which it was shown. We
/// know that moment only as well as a run is long: a date that differs by less than this is the same.
const SAME_DATE: f64 = 60.0;

const SECONDS_A_DAY: f64 = 86_400.0;

impl Kept {
    pub(super) fn by(clock: &Arc<dyn Clock>) -> Self {
        Self {
            clock: Arc::clone(clock),
            last: Mutex::default(),
        }
    }

    pub(super) fn keep(&self, sample: &Sample) {
        let reading = |name: &str| {
            let mut readings = sample.readings.iter();
            readings.find(|one| &*one.name == name).map(|one| one.value)
        };
        let now = self.clock.wall().unix().as_secs_f64();
        let ends = reading("chain_days").map(|days| (now + days * SECONDS_A_DAY).round());
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let known = last.and_then(|last| last.chain_ends);
        let is_known = |ends: f64, known: f64| (ends - known).abs() < SAME_DATE;
        *last = Some(Last {
            outcome: sample.outcome,
            latency: sample.latency,
            phases: sample.phases,
            status: reading("status"),
            chain_ends: match (ends, known) {
                (Some(ends), Some(known)) if is_known(ends, known) => Some(known),
                (ends, _) => ends,
            },
        });
    }

    pub(super) fn read(&self) -> Option<Last> {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
