//! A watch that a test sets up and runs, with time paused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use smokejumper::cli::state;
use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::decision::{Past, Permission};
use smokejumper::deployment::{RollbackOutcome, Selector};
use smokejumper::engine::before::Source;
use smokejumper::engine::context::{Context, Events};
use smokejumper::engine::control::Control;
use smokejumper::engine::logbook::Journaling;
use smokejumper::engine::record::Record;
use smokejumper::engine::rollback::Pace;
use smokejumper::engine::slots::Slots;
use smokejumper::engine::threads::ProbeThreads;
use smokejumper::engine::watch::{Watch, WatchOptions};
use smokejumper::event::Event;
use smokejumper::journal::Entry;
use smokejumper::plan::{CheckPlan, ServicePlan};
use smokejumper::store::Journal;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::platform::{Manner, Platform, pulse, service};

/// What the platform calls the service.
pub const SERVICE: &str = "arn:service";

/// Everything that a watch needs; a test changes what it is about.
pub struct Stage {
    pub context: Context,
    pub events: mpsc::Receiver<Event>,
    pub platform: Arc<Platform>,
    pub ill: Arc<AtomicBool>,
    pub service: ServicePlan,
    pub checks: Vec<CheckPlan>,
    pub before: Source,
    pub permission: Permission,
    pub pace: Pace,
    /// The state folder.
    pub state: TempDir,
}

/// A service of this health on a platform of this manner.
pub fn stage(manner: Manner, ill: bool) -> Stage {
    let ill = Arc::new(AtomicBool::new(ill));
    let clock = Arc::new(PausedClock::start());
    let (events, receiver) = Events::queue(clock.clone());
    let context = Context {
        clock,
        events,
        slots: Arc::new(Slots::new(100)),
        threads: ProbeThreads::here(),
        stop: CancellationToken::new(),
        control: Control::default(),
        instruments: Arc::default(),
        tape: None,
        traces: Arc::default(),
    };
    Stage {
        context,
        events: receiver,
        platform: Platform::new(manner, Arc::clone(&ill)),
        service: service(),
        checks: vec![pulse(&ill)],
        ill,
        before: Source::None,
        permission: Permission::Armed,
        pace: Pace::default(),
        state: TempDir::new().expect("a temporary folder"),
    }
}

impl Stage {
    /// The journal in the state folder.
    pub async fn journal(&self) -> Arc<dyn Journal> {
        let journal = state::journal_in(self.state.path()).await;
        journal.expect("the journal")
    }

    /// What the journal knows of the service.
    pub async fn past(&self) -> Past {
        let kept = self.journal().await.of_service(SERVICE).await;
        Past::of(&kept.expect("read"))
    }

    /// Writes down what another run did, just now.
    pub async fn happened(&self, window: &str, entries: Vec<Entry>) {
        let (journal, now) = (self.journal().await, self.context.clock.wall());
        for entry in &entries {
            let written = journal.append(SERVICE, window, now, entry).await;
            written.expect("written");
        }
    }

    pub async fn watch(&self) -> Record {
        let journaling = state::journal_in(self.state.path()).await;
        self.watch_with(journaling).await
    }

    pub async fn watch_with(&self, journaling: Journaling) -> Record {
        let watch = Watch {
            context: &self.context,
            service: &self.service,
            checks: &self.checks,
            target: self.platform.clone(),
            options: WatchOptions {
                before: self.before.clone(),
                selector: match self.before {
                    Source::Live => Selector::Next,
                    Source::None | Source::Recorded(_) => Selector::Current,
                },
                permission: self.permission,
                pace: self.pace,
                journaling,
                kill_switch: Some(self.state.path().join("freeze")),
                window: None,
                desk: None,
            },
        };
        watch.run().await.expect("the platform can be asked")
    }

    /// How many rollbacks the platform accepted.
    pub fn accepted(&self) -> u32 {
        *self.platform.accepted.lock().unwrap()
    }

    /// Tells the watch to stop after a while.
    pub fn stop_after(&self, span: Duration) {
        let stop = self.context.stop.clone();
        tokio::spawn(async move {
            tokio::time::sleep(span).await;
            stop.cancel();
        });
    }

    /// Makes the service ill after a while.
    pub fn fall_ill_after(&self, span: Duration) {
        let ill = Arc::clone(&self.ill);
        tokio::spawn(async move {
            tokio::time::sleep(span).await;
            ill.store(true, Ordering::SeqCst);
        });
    }

    /// Heals the service after a while.
    pub fn heal_after(&self, span: Duration) {
        let ill = Arc::clone(&self.ill);
        tokio::spawn(async move {
            tokio::time::sleep(span).await;
            ill.store(false, Ordering::SeqCst);
        });
    }

    /// The wall time that the watch and its rollback took.
    pub fn took(&self, record: &Record) -> Duration {
        record.finished.moment.since(record.started.moment)
    }
}

/// How the rollback ended, if there was one.
pub fn outcome(record: &Record) -> Option<RollbackOutcome> {
    record.rollback.as_ref().map(|rollback| rollback.outcome)
}

/// A clock of paused time: its wall moves with it.
#[derive(Debug)]
pub struct PausedClock(tokio::time::Instant);

impl PausedClock {
    pub fn start() -> Self {
        Self(tokio::time::Instant::now())
    }
}

impl Clock for PausedClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    fn wall(&self) -> WallTime {
        WallTime::since_unix_epoch(START + self.0.elapsed())
    }
}

/// 2026-11-21T08:00:00Z.
const START: Duration = Duration::from_secs(1_795_248_000);
