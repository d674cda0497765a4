//! A watch over a platform and a service that do as they are told, with time paused.

use std::sync::atomic::Ordering;
use std::time::Duration;

use smokejumper::cli::exit::exit_code;
use smokejumper::deployment::{RollbackOutcome, Standing};
use smokejumper::event::{Action, Verdict, What};

use super::platform::Manner;
use super::stage::{outcome, stage};

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
        (Manner::FailsAtTheEnd, Outcome::Failed, 1),
        (Manner::HasNoTarget, Outcome::NoTarget, 0),
        (Manner::HangsWhenTold, Outcome::Failed, 0),
        (Manner::HangsWhenAsked, Outcome::Timeout, 1),
        (Manner::ThrottlesForever, Outcome::Failed, 0),
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
    let stage = stage(Manner::Heals, true);
    // The queue is full of events that nobody takes.
    for _ in 0..20_000 {
        stage.context.events.emit(What::Warned("filler".to_owned()));
    }
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

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_overtaken_changed_something_all_the_same() {
    let overtaken = stage(Manner::IsOvertaken, true).watch().await;
    assert!(overtaken.rollback.as_ref().unwrap().actuator.is_some());
    assert_eq!(exit_code(&overtaken, false, None), 11);

    let followed = stage(Manner::RollsBackItself, true).watch().await;
    assert_eq!(exit_code(&followed, false, None), 11, "{followed:#?}");

    let stage = stage(Manner::Heals, true);
    stage.platform.stands(Standing::Superseded);
    let superseded = stage.watch().await;
    assert!(superseded.rollback.as_ref().unwrap().actuator.is_none());
    assert_eq!(exit_code(&superseded, false, None), 13);
}
