//! Runs one probe once, as the engine does, under a clock that a test may set.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::probe::attempt::{self, Conditions};
use smokejumper::probe::registry;
use smokejumper::probe::{Misfit, Probe, Surroundings};
use smokejumper::sample::{CheckId, Sample};

/// The time of this machine, which a test may move forwards.
#[derive(Debug)]
pub struct ShiftedClock {
    started: tokio::time::Instant,
    shift: Mutex<Duration>,
}

impl ShiftedClock {
    /// The time of this machine as it is.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            started: tokio::time::Instant::now(),
            shift: Mutex::new(Duration::ZERO),
        })
    }

    /// Lets so much time pass at once, on both lines.
    pub fn pass(&self, span: Duration) {
        *self.shift.lock().expect("nobody panicked") += span;
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Moment {
        Moment::at(self.started.elapsed() + *self.shift.lock().expect("nobody panicked"))
    }

    fn wall(&self) -> WallTime {
        let now = jiff::Timestamp::now().as_millisecond();
        let now = Duration::from_millis(u64::try_from(now).expect("after 1970"));
        WallTime::since_unix_epoch(now + *self.shift.lock().expect("nobody panicked"))
    }
}

/// A probe made from settings as a configuration would give them.
pub struct Looking {
    probe: Box<dyn Probe>,
    clock: Arc<ShiftedClock>,
}

impl Looking {
    /// Builds the probe; panics when the settings cannot work.
    pub fn with(kind: &str, settings: &serde_json::Value) -> Self {
        Self {
            probe: build(kind, settings).expect("the settings work"),
            clock: ShiftedClock::new(),
        }
    }

    /// The clock of the runs.
    pub fn clock(&self) -> &ShiftedClock {
        &self.clock
    }

    /// Runs once, within five seconds.
    pub async fn run(&self) -> Sample {
        self.run_within(Duration::from_secs(5)).await
    }

    /// Runs once.
    pub async fn run_within(&self, timeout: Duration) -> Sample {
        let clock: Arc<dyn Clock> = self.clock.clone();
        attempt::run(
            &*self.probe,
            &CheckId::new("chain"),
            clock,
            timeout,
            Conditions::default(),
        )
        .await
    }
}

/// Builds a probe from settings as a configuration would give them.
pub fn build(kind: &str, settings: &serde_json::Value) -> Result<Box<dyn Probe>, Vec<Misfit>> {
    registry::build(kind, settings.clone(), &Surroundings::default())
        .expect("the kind is registered")
        .expect("the settings are well-formed")
}

/// The value of a reading.
pub fn reading(sample: &Sample, name: &str) -> Option<f64> {
    let found = sample
        .readings
        .iter()
        .find(|reading| &*reading.name == name);
    found.map(|reading| reading.value)
}
