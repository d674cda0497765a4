//! One run of a probe, built from settings as a configuration would and held to its deadline as
//! the engine would.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::probe::attempt::{self, Conditions};
use smokejumper::probe::registry;
use smokejumper::probe::{Misfit, Probe, Surroundings};
use smokejumper::sample::{CheckId, Fault, Outcome, Reason, Sample};

/// The time of this machine.
#[derive(Debug)]
pub struct MachineClock(tokio::time::Instant);

impl Default for MachineClock {
    fn default() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for MachineClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock through which tests see the wall time"
    )]
    fn wall(&self) -> WallTime {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        WallTime::since_unix_epoch(since.expect("it is later than 1970"))
    }
}

/// Builds the probe of a kind from its settings, or says what cannot work.
pub fn build(kind: &str, settings: Value) -> Result<Box<dyn Probe>, Vec<Misfit>> {
    registry::build(kind, settings, &Surroundings::default())
        .expect("the kind is known")
        .expect("the settings are well-formed")
}

/// Runs a check once with five seconds of time.
pub async fn run(kind: &str, settings: Value) -> Sample {
    run_within(Duration::from_secs(5), kind, settings).await
}

/// Runs a check once.
pub async fn run_within(timeout: Duration, kind: &str, settings: Value) -> Sample {
    let probe = build(kind, settings).expect("the settings can work");
    run_probe(timeout, &*probe).await
}

/// Runs a probe once.
pub async fn run_probe(timeout: Duration, probe: &dyn Probe) -> Sample {
    run_under(Conditions::default(), timeout, probe).await
}

/// A clock that several runs share, so that what a probe remembers has its age.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(MachineClock(tokio::time::Instant::now()))
}

/// Runs a probe once by this clock.
pub async fn run_by(clock: &Arc<dyn Clock>, probe: &dyn Probe) -> Sample {
    let (check, clock) = (CheckId::new("check"), Arc::clone(clock));
    let timeout = Duration::from_secs(20);
    attempt::run(probe, &check, clock, timeout, Conditions::default()).await
}

/// Runs a probe once under these conditions.
pub async fn run_under(conditions: Conditions, timeout: Duration, probe: &dyn Probe) -> Sample {
    let clock = Arc::new(MachineClock::default());
    attempt::run(probe, &CheckId::new("check"), clock, timeout, conditions).await
}

/// Runs many probes once, all at the same time.
pub async fn run_all(timeout: Duration, probes: &[Box<dyn Probe>]) -> Vec<Sample> {
    let runs = probes.iter().map(|probe| run_probe(timeout, &**probe));
    futures_util::future::join_all(runs).await
}

/// The fault of a sample that must have failed for this reason.
#[track_caller]
pub fn fault(sample: &Sample, reason: Reason) -> &Fault {
    let met = sample.fault.as_ref().map(|fault| fault.reason);
    assert_eq!(met, Some(reason), "{sample:?}");
    let fault = sample.fault.as_ref().expect("its reason was just seen");
    assert_eq!(sample.outcome, reason.outcome());
    assert!(!fault.detail.is_empty() && !fault.detail.contains('\n'));
    fault
}

/// Asserts that a sample passed.
#[track_caller]
pub fn passed(sample: &Sample) {
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
}

/// The value of a reading.
#[track_caller]
pub fn reading(sample: &Sample, name: &str) -> f64 {
    let of_that_name = sample.readings.iter().filter(|it| &*it.name == name);
    let values: Vec<f64> = of_that_name.map(|it| it.value).collect();
    assert_eq!(values.len(), 1, "{name} is there once: {sample:?}");
    values[0]
}
