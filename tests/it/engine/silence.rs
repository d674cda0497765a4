//! A platform that cannot be asked for a while.

use std::time::Duration;

use smokejumper::cli::exit::exit_code;
use smokejumper::deployment::{RollbackOutcome, Standing};
use smokejumper::event::{Action, Verdict};

use super::platform::Manner;
use super::stage::{outcome, stage};

#[tokio::test(start_paused = true)]
async fn one_passing_fault_after_the_pinning_does_not_end_the_watch() {
    let stage = stage(Manner::Heals, false);
    stage.platform.is_silent(2);
    let record = stage.watch().await;
    assert_eq!(record.decision.action, Action::Accept);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_at_the_end_is_not_accepted() {
    let stage = stage(Manner::Heals, false);
    let platform = stage.platform.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        platform.is_silent(u32::MAX);
    });
    let record = stage.watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Pass);
    assert_eq!(record.decision.action, Action::Hold);
    assert!(record.decision.because[0].contains("rate exceeded"));
    assert_eq!(exit_code(&record, false, None), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_acted_upon_although_the_platform_did_not_say_how_it_stands() {
    let stage = stage(Manner::Heals, true);
    let platform = stage.platform.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(5)).await;
        platform.is_silent(u32::MAX);
    });
    let record = stage.watch().await;
    assert_eq!(
        outcome(&record),
        Some(RollbackOutcome::RolledBackVerified),
        "the adapter reads again before it acts"
    );
}

#[tokio::test(start_paused = true)]
async fn who_took_over_in_the_last_seconds_is_seen() {
    let mut stage = stage(Manner::Heals, false);
    stage.pace.poll = Duration::from_secs(3_600);
    let platform = stage.platform.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(299)).await;
        platform.stands(Standing::Superseded);
    });
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::Superseded));
    assert_eq!(exit_code(&record, false, None), 13);
}
