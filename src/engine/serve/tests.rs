//! What the tests of the daemon's parts are made of.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Moment;
use crate::plan::CheckPlan;
use crate::probe::{Attempt, Probe};
use crate::sample::{CheckId, Fault, Outcome, Phases, Reason, Sample};
use crate::verdict::{CheckFacts, default_thresholds};

/// A probe that is never run.
#[derive(Debug)]
struct Still;

#[async_trait]
impl Probe for Still {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        Ok(())
    }
}

/// A check of the service `web`.
pub(super) fn plan(name: &str, every: Duration) -> CheckPlan {
    CheckPlan {
        facts: CheckFacts {
            id: CheckId::new(name),
            kind: "http",
            service: "web".into(),
            tags: Vec::new(),
        },
        every,
        timeout: every,
        pace: None,
        max_in_flight: None,
        resolver: None,
        thresholds: default_thresholds().into(),
        tolerances: Arc::new([]),
        declared_thresholds: false,
        probe: Arc::new(Still),
    }
}

/// A run that passed.
pub(super) fn passing(check: &str, started: Moment) -> Sample {
    Sample {
        check: CheckId::new(check),
        started,
        latency: Duration::from_millis(20),
        phases: Phases::default(),
        outcome: Outcome::Pass,
        fault: None,
        readings: Vec::new(),
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    }
}

/// A run that was answered wrongly.
pub(super) fn failing(check: &str, started: Moment) -> Sample {
    Sample {
        outcome: Outcome::Fail,
        fault: Some(Fault::new(Reason::Status, "status 500, wanted 200")),
        ..passing(check, started)
    }
}
