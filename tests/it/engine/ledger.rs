//! What a window teaches about software, and what it does not.

use std::time::Duration;

use smokejumper::decision::{Choice, Permission};
use smokejumper::deployment::{Images, Revision, RollbackOutcome, Software, Standing};
use smokejumper::event::{Action, Verdict, What};
use smokejumper::journal::Entry;

use super::platform::Manner;
use super::stage::{Stage, outcome, stage};

fn labels(of: Vec<Software>) -> Vec<String> {
    of.into_iter().map(|one| one.revision.label).collect()
}

#[tokio::test(start_paused = true)]
async fn what_was_not_probed_again_is_not_good() {
    let mut stage = stage(Manner::Heals, true);
    stage.service.policy.rollback.verify = false;
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::RolledBackVerified));
    let past = stage.past().await;
    assert_eq!(labels(past.good()), [""; 0]);
    assert_eq!(labels(past.bad()), ["api:42"]);
}

#[tokio::test(start_paused = true)]
async fn what_was_accepted_without_a_proof_is_not_good() {
    let mut stage = stage(Manner::Heals, false);
    stage.service.policy.min_samples = 1_000;
    stage.service.policy.decide.inconclusive = Choice::Accept;
    let record = stage.watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Inconclusive);
    assert_eq!(record.decision.action, Action::Accept);
    assert_eq!(labels(stage.past().await.good()), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_a_verifier_found_that_is_ill_itself_is_not_bad() {
    let mut stage = stage(Manner::Heals, true);
    // Whatever the share of unknown samples is, it is not known to be small.
    stage.service.policy.rollback.max_unknown = f64::NAN;
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::Refused));
    assert_eq!(labels(stage.past().await.bad()), [""; 0]);
}

/// What an earlier window learnt of the revision that is deployed again.
fn judged(good: bool) -> Entry {
    Entry::Ledger {
        software: Software {
            revision: Revision {
                id: "arn:api:42".to_owned(),
                label: "api:42".to_owned(),
            },
            images: Images::new(),
        },
        good,
        guards: Vec::new(),
    }
}

/// How often somebody was told that the end of the deployment is waited for.
fn waits_told(stage: &mut Stage) -> usize {
    let mut told = 0;
    while let Ok(event) = stage.events.try_recv() {
        told +=
            usize::from(matches!(&event.what, What::Warned(text) if text == "waiting: let it end"));
    }
    told
}

#[tokio::test(start_paused = true)]
async fn a_bad_revision_that_is_deployed_again_is_gone_back_from() {
    let stage = stage(Manner::IsDeployedAgain, true);
    stage.happened("earlier", vec![judged(false)]).await;
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::RolledBackVerified));
    assert_eq!(stage.accepted(), 1);
    let past = stage.past().await;
    assert_eq!(labels(past.bad()), ["api:42"]);
    assert_eq!(labels(past.good()), ["api:41"]);
}

#[tokio::test(start_paused = true)]
async fn what_ran_before_as_well_is_neither_gone_back_from_nor_learnt_as_bad() {
    for (known, good) in [
        (None, [""; 0].as_slice()),
        (Some(judged(true)), &["api:42"]),
    ] {
        for permission in [Permission::Armed, Permission::NotArmed] {
            let mut stage = stage(Manner::IsDeployedAgain, true);
            stage.permission = permission;
            stage
                .happened("earlier", known.clone().into_iter().collect())
                .await;
            let record = stage.watch().await;
            assert_eq!(record.assessment.verdict, Verdict::Fail);
            let expected = match permission {
                Permission::Armed => RollbackOutcome::NotRollbackable,
                _ => RollbackOutcome::Refused,
            };
            assert_eq!(outcome(&record), Some(expected));
            assert_eq!(stage.accepted(), 0);
            let past = stage.past().await;
            assert_eq!(labels(past.bad()), [""; 0], "{known:?}");
            assert_eq!(labels(past.good()), good, "{known:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_bad_revision_that_is_being_deployed_again_is_let_end_first() {
    let mut stage = stage(Manner::IsDeployedAgain, true);
    stage.happened("earlier", vec![judged(false)]).await;
    stage.platform.stands(Standing::InFlight);
    let platform = stage.platform.clone();
    tokio::spawn(async move {
        tokio::time::sleep(ENDS).await;
        platform.stands(Standing::Completed);
    });
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::RolledBackVerified));
    assert_eq!(stage.accepted(), 1);
    let rollback = record.rollback.as_ref().expect("a rollback");
    let began = rollback.started.moment.since(record.started.moment);
    assert!(
        (ENDS..ENDS + Duration::from_secs(10)).contains(&began),
        "{began:?}"
    );
    assert_eq!(waits_told(&mut stage), 1);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_never_ends_is_not_waited_for_longer_than_a_rollback_may_take() {
    let mut stage = stage(Manner::IsDeployedAgain, true);
    stage.happened("earlier", vec![judged(false)]).await;
    stage.platform.stands(Standing::InFlight);
    let record = stage.watch().await;
    assert_eq!(outcome(&record), Some(RollbackOutcome::NotRollbackable));
    assert_eq!(stage.accepted(), 0);
    let timeout = stage.service.policy.rollback.timeout;
    let took = stage.took(&record);
    assert!(
        (timeout - Duration::from_secs(60)..timeout * 2).contains(&took),
        "{took:?}"
    );
    assert_eq!(waits_told(&mut stage), 1);
    assert_eq!(labels(stage.past().await.bad()), ["api:42"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_deployment_to_end_hears_an_order_to_stop() {
    let stage = stage(Manner::IsDeployedAgain, true);
    stage.happened("earlier", vec![judged(false)]).await;
    stage.platform.stands(Standing::InFlight);
    stage.stop_after(ENDS);
    let record = stage.watch().await;
    assert_eq!(stage.accepted(), 0);
    let rollback = record.rollback.as_ref().expect("one was meant");
    assert!(rollback.left && rollback.actuator.is_none(), "{rollback:?}");
    assert!(stage.took(&record) < ENDS + Duration::from_secs(10));
}

/// When the deployment that is deployed again has ended: long after it was condemned.
const ENDS: Duration = Duration::from_secs(240);
