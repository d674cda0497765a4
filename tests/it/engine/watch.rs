//! A watch over a platform and a service that do as they are told, with time paused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use smokejumper::decision::Permission;
use smokejumper::deployment::{RollbackOutcome, Selector, Standing};
use smokejumper::engine::clock::SystemClock;
use smokejumper::engine::context::{Context, Events};
use smokejumper::engine::record::Record;
use smokejumper::engine::rollback::Pace;
use smokejumper::engine::watch::{Watch, WatchOptions};
use smokejumper::event::{Action, Event, Verdict, What};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::platform::{Manner, Platform, pulse, service};

struct Stage {
    context: Context,
    events: mpsc::Receiver<Event>,
    platform: Arc<Platform>,
    ill: Arc<AtomicBool>,
}

fn stage(manner: Manner, ill: bool) -> Stage {
    let ill = Arc::new(AtomicBool::new(ill));
    let clock = Arc::new(SystemClock::start());
    let (events, receiver) = Events::queue(clock.clone());
    let slots = Arc::new(Semaphore::new(100));
    let context = Context {
        clock,
        events,
        slots,
        stop: CancellationToken::new(),
    };
    let platform = Platform::new(manner, Arc::clone(&ill));
    Stage {
        context,
        events: receiver,
        platform,
        ill,
    }
}

impl Stage {
    async fn watch(&self) -> Record {
        let (service, checks) = (service(), [pulse(&self.ill)]);
        let watch = Watch {
            context: &self.context,
            service: &service,
            checks: &checks,
            target: self.platform.clone(),
            options: WatchOptions {
                selector: Selector::Current,
                permission: Permission::Armed,
                pace: Pace::default(),
            },
        };
        watch.run().await.expect("the platform can be asked")
    }

    fn accepted(&self) -> u32 {
        *self.platform.accepted.lock().unwrap()
    }
}

fn outcome(record: &Record) -> Option<RollbackOutcome> {
    record.rollback.as_ref().map(|rollback| rollback.outcome)
}

#[tokio::test(start_paused = true)]
async fn every_manner_of_a_rollback_has_its_outcome() {
    use RollbackOutcome as Outcome;
    let cases = [
        (Manner::Heals, Outcome::RolledBackVerified, 1),
        (Manner::Throttles, Outcome::RolledBackVerified, 1),
        (Manner::DoesNotHeal, Outcome::RolledBackUnhealthy, 1),
        (Manner::Stalls, Outcome::Timeout, 1),
        (Manner::Fails, Outcome::Failed, 1),
        (Manner::Denies, Outcome::Failed, 0),
        (Manner::IsOvertaken, Outcome::Superseded, 1),
        (Manner::IsOvertakenAtTheEnd, Outcome::Superseded, 1),
        (Manner::FallsSilent, Outcome::Timeout, 1),
        (Manner::HasNoTarget, Outcome::NoTarget, 0),
    ];
    for (manner, expected, accepted) in cases {
        let stage = stage(manner, true);
        let record = stage.watch().await;
        assert_eq!(record.assessment.verdict, Verdict::Fail, "{manner:?}");
        assert_eq!(record.decision.action, Action::RollBack, "{manner:?}");
        assert_eq!(outcome(&record), Some(expected), "{manner:?}");
        assert_eq!(
            stage.accepted(),
            accepted,
            "at most one rollback: {manner:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_condemned_long_before_the_bake_is_over() {
    let stage = stage(Manner::Heals, true);
    let record = stage.watch().await;
    let rollback = record.rollback.as_ref().expect("rolled back");
    let exposed = rollback.started.moment.since(record.started.moment);
    assert!(exposed < Duration::from_secs(100), "{exposed:?} of 300 s");
}

#[tokio::test(start_paused = true)]
async fn intent_is_told_before_the_call_and_the_end_after_it() {
    let mut stage = stage(Manner::Heals, true);
    stage.watch().await;
    let mut order = Vec::new();
    while let Ok(event) = stage.events.try_recv() {
        match event.what {
            What::Decided { .. } => order.push("decided"),
            What::RollbackIntended(_) => order.push("intended"),
            What::RollbackStarted { .. } => order.push("started"),
            What::VerificationStarted { .. } => order.push("verifying"),
            What::RollbackEnded { .. } => order.push("ended"),
            _ => {}
        }
    }
    assert_eq!(
        order,
        ["decided", "intended", "started", "verifying", "ended"]
    );
}

#[tokio::test(start_paused = true)]
async fn nobody_listening_delays_nothing() {
    let Stage {
        context,
        events,
        platform,
        ill,
    } = stage(Manner::Heals, true);
    // The queue is full of events that nobody takes.
    for _ in 0..20_000 {
        context.events.emit(What::Warned("filler".to_owned()));
    }
    let stage = Stage {
        context,
        events,
        platform,
        ill,
    };
    assert_eq!(
        outcome(&stage.watch().await),
        Some(RollbackOutcome::RolledBackVerified)
    );
    assert!(stage.context.events.lost() > 0);
}

#[tokio::test(start_paused = true)]
async fn a_healthy_deployment_is_accepted_after_the_whole_bake() {
    let stage = stage(Manner::Heals, false);
    let record = stage.watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Pass);
    assert_eq!(record.decision.action, Action::Accept);
    let watched = record.finished.moment.since(record.started.moment);
    assert!(watched >= Duration::from_secs(300), "{watched:?}");
    assert_eq!(stage.accepted(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_never_rolled_out_is_not_accepted() {
    let stage = stage(Manner::Heals, false);
    stage.platform.stands(Standing::InFlight);
    let record = stage.watch().await;
    assert_eq!(record.decision.action, Action::Hold);
    assert_eq!(stage.accepted(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_supersedes_ends_the_watch_even_when_the_service_is_ill() {
    let stage = stage(Manner::Heals, true);
    stage.platform.stands(Standing::Superseded);
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::Superseded));
    assert_eq!(stage.accepted(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_rollback_of_the_platform_is_followed_not_repeated() {
    let stage = stage(Manner::Heals, true);
    stage.platform.stands(Standing::RollingBack);
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::RolledBackByEcs));
    assert_eq!(stage.accepted(), 0);
    assert!(!stage.ill.load(Ordering::SeqCst));
}
