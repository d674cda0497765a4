//! What a run left undone is gone on with by the next: at every instant of a window at which it may
//! have died, and after an order to stop.

use std::time::Duration;

use smokejumper::decision::Permission;
use smokejumper::deployment::RollbackOutcome;
use smokejumper::event::{Action, Verdict, What};

use super::platform::Manner;
use super::stage::{outcome, stage};

/// A window of an ill service is over after some seventy seconds of paused time: forty to prove the
/// failure, the rest to prove the rollback.
const INSTANTS: u64 = 90;

#[tokio::test(start_paused = true)]
async fn a_run_that_dies_at_any_instant_is_gone_on_with_and_acts_once() {
    let mut gone_on_with = 0;
    for instant in 0..INSTANTS {
        let stage = stage(Manner::Heals, true);
        let dies_after = Duration::from_millis(instant * 1_000 + 13);
        // Dropping the run is dying: what is not in the journal is lost.
        let died = tokio::time::timeout(dies_after, stage.watch())
            .await
            .is_err();
        let done_before = stage.accepted();
        // The lease of one that died so is free when it has run out.
        tokio::time::sleep(Duration::from_secs(120)).await;
        if !died {
            assert_eq!(stage.accepted(), 1);
            continue;
        }
        let record = stage.watch().await;
        let told = format!("died after {dies_after:?}: {record:#?}");
        assert_eq!(stage.accepted(), 1, "{told}");
        assert_eq!(
            outcome(&record),
            Some(RollbackOutcome::RolledBackVerified),
            "{told}"
        );
        assert_eq!(record.assessment.verdict, Verdict::Fail, "{told}");
        assert_eq!(record.decision.action, Action::RollBack, "{told}");
        gone_on_with += done_before;
    }
    assert!(
        gone_on_with > 5,
        "some died after they had acted: {gone_on_with}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_left_when_told_to_stop_is_proven_by_the_next_run() {
    let mut stage = stage(Manner::Heals, true);
    stage.stop_after(Duration::from_secs(45));
    let first = stage.watch().await;
    assert_eq!(outcome(&first), Some(RollbackOutcome::Timeout));
    assert!(first.rollback.as_ref().unwrap().left);
    stage.context.stop = Default::default();
    let second = stage.watch().await;
    assert_eq!(outcome(&second), Some(RollbackOutcome::RolledBackVerified));
    assert_eq!(second.window, first.window);
    assert_eq!(stage.accepted(), 1);
    assert!(
        second.warnings[0].contains("going on with it"),
        "{second:#?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_may_not_act_leaves_a_rollback_and_says_so() {
    let mut stage = stage(Manner::Heals, true);
    stage.stop_after(Duration::from_secs(45));
    let first = stage.watch().await;
    assert!(first.rollback.as_ref().unwrap().left);
    stage.context.stop = Default::default();
    stage.permission = Permission::NotArmed;
    stage.watch().await;
    let mut told = Vec::new();
    while let Ok(event) = stage.events.try_recv() {
        if let What::Warned(text) = event.what {
            told.push(text);
        }
    }
    let is_told = |text: &String| text.contains("only an armed watch goes on with it");
    assert!(told.iter().any(is_told), "{told:?}");
    assert_eq!(stage.accepted(), 1, "nothing was sent again");
}

#[tokio::test(start_paused = true)]
async fn a_bake_that_was_left_begins_anew_on_the_same_deployment() {
    let mut stage = stage(Manner::Heals, false);
    stage.stop_after(Duration::from_secs(100));
    let first = stage.watch().await;
    assert!(first.interrupted);
    stage.context.stop = Default::default();
    let second = stage.watch().await;
    assert_eq!(second.assessment.verdict, Verdict::Pass);
    assert_eq!(second.decision.action, Action::Accept);
    assert!(
        stage.took(&second) >= Duration::from_secs(300),
        "a whole bake"
    );
}
