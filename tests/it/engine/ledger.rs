//! What a window teaches about software, and what it does not.

use smokejumper::decision::Choice;
use smokejumper::deployment::{RollbackOutcome, Software};
use smokejumper::event::{Action, Verdict};

use super::platform::Manner;
use super::stage::{outcome, stage};

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
