//! What is kept of a run while it counts: forty bytes, and more only where a limit looks into it.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sample::{CheckId, Fault, Outcome, Phases, Reading, Sample};

/// A run in short.
#[derive(Debug)]
pub(super) struct Trace {
    pub(super) started: Moment,
    /// In microseconds: longer than an hour is an hour.
    latency: u32,
    pub(super) outcome: Outcome,
    fault: Option<Arc<Fault>>,
    /// What limits on phases and readings look at.
    inside: Option<Box<(Phases, Box<[Reading]>)>>,
}

impl Trace {
    /// A run that just ended; equal faults of neighbouring runs share their text.
    pub(super) fn of(sample: &Sample, newest: Option<&Self>, is_looked_into: bool) -> Self {
        let known = newest.and_then(|newest| newest.fault.as_ref());
        let fault = sample.fault.as_ref().map(|fault| match known {
            Some(known) if **known == *fault => Arc::clone(known),
            _ => Arc::new(fault.clone()),
        });
        let inside = is_looked_into.then(|| {
            let readings = sample.readings.clone().into_boxed_slice();
            Box::new((sample.phases, readings))
        });
        Self {
            started: sample.started,
            latency: u32::try_from(sample.latency.as_micros()).unwrap_or(u32::MAX),
            outcome: sample.outcome,
            fault,
            inside,
        }
    }

    pub(super) fn latency(&self) -> Duration {
        Duration::from_micros(u64::from(self.latency))
    }

    /// The run as the judge takes it in.
    pub(super) fn sample(&self, check: &CheckId) -> Sample {
        let inside = self.inside.as_deref();
        Sample {
            check: check.clone(),
            started: self.started,
            latency: self.latency(),
            phases: inside.map_or_else(Phases::default, |(phases, _)| *phases),
            outcome: self.outcome,
            fault: self.fault.as_deref().cloned(),
            readings: inside.map_or_else(Vec::new, |(_, readings)| readings.to_vec()),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        }
    }
}
