//! A watch that is told to stop, at each of its stages.

use std::time::Duration;

use smokejumper::cli::exit::{TERMINATED, exit_code};
use smokejumper::deployment::{RollbackOutcome, Standing};
use smokejumper::event::{Action, Verdict};

use super::platform::Manner;
use super::stage::{outcome, stage};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn an_estimate_that_is_not_proven_yet_rolls_nothing_back_when_told_to_stop() {
    let stage = stage(Manner::Heals, true);
    // Three bad samples of thirty: over the limit, and proven only by the whole bake.
    stage.heal_after(Duration::from_secs(12));
    stage.stop_after(Duration::from_secs(150));
    let record = stage.watch().await;
    assert_eq!(stage.accepted(), 0, "{record:?}");
    assert_eq!(record.decision.action, Action::Hold);
    assert_ne!(record.assessment.verdict, Verdict::Fail);
    assert_eq!(exit_code(&record, false, Some(TERMINATED)), TERMINATED);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_takes_longer_than_the_bake_can_be_interrupted_too() {
    let stage = stage(Manner::Heals, true);
    stage.platform.stands(Standing::InFlight);
    stage.heal_after(Duration::from_secs(12));
    stage.stop_after(Duration::from_secs(400));
    let record = stage.watch().await;
    assert_eq!(stage.accepted(), 0, "{record:?}");
    assert!(record.interrupted);
    assert_eq!(exit_code(&record, false, Some(TERMINATED)), TERMINATED);
    assert!(record.decision.because[0].contains("told to stop"));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_that_was_ordered_goes_on_without_us() {
    let stage = stage(Manner::Stalls, true);
    stage.stop_after(LONG * 3);
    let record = stage.watch().await;
    let rollback = record.rollback.as_ref().expect("ordered");
    assert_eq!(rollback.outcome, RollbackOutcome::Timeout);
    assert!(rollback.because.contains("the platform goes on"));
    assert_eq!(exit_code(&record, false, Some(TERMINATED)), 11);
    assert!(stage.took(&record) < LONG * 4, "it ends when told to");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_tried_again_and_again_ends_when_told_to_stop() {
    let stage = stage(Manner::ThrottlesForever, true);
    stage.stop_after(LONG * 2);
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::Failed));
    assert_eq!(exit_code(&record, false, Some(TERMINATED)), 11);
    assert!(stage.took(&record) < LONG * 3, "{:?}", stage.took(&record));
}

#[tokio::test(start_paused = true)]
async fn a_proof_that_was_interrupted_says_so() {
    let stage = stage(Manner::Heals, true);
    let told = stage.platform.clone();
    let stop = stage.context.stop.clone();
    tokio::spawn(async move {
        while *told.accepted.lock().unwrap() == 0 {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        stop.cancel();
    });
    let record = stage.watch().await;
    let rollback = record.rollback.as_ref().expect("ordered");
    assert_eq!(rollback.outcome, RollbackOutcome::Timeout);
    assert!(
        rollback.because.starts_with("told to stop"),
        "{}",
        rollback.because
    );
}
