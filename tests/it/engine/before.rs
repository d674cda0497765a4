//! A watch that looks at the service while it waits for the next deployment, with time paused.

use std::time::Duration;

use smokejumper::engine::before::Source;
use smokejumper::event::{Action, Verdict};
use smokejumper::verdict::{Comparable, Tolerance};

use super::platform::Manner;
use super::stage::{Stage, stage};

/// Two minutes of the old revision: two dozen samples.
const WAIT: Duration = Duration::from_secs(120);

fn comparing(ill: bool) -> Stage {
    let mut stage = stage(Manner::Heals, ill);
    stage.before = Source::Live;
    stage.platform.appears_after(WAIT);
    stage.checks[0].tolerances = [Tolerance {
        subject: Comparable::Errors,
        warning: Some(0.1),
        critical: Some(0.5),
    }]
    .into();
    stage
}

#[tokio::test(start_paused = true)]
async fn what_was_down_before_the_deployment_is_no_reason_to_roll_it_back() {
    let stage = comparing(true);
    let record = stage.watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Inconclusive);
    assert_eq!(record.decision.action, Action::Hold);
    assert_eq!(stage.accepted(), 0, "nothing was changed");
    let reason = &record.assessment.findings[0].reasons[0];
    assert_eq!(reason.code, "failed_before", "{reason:?}");
}

#[tokio::test(start_paused = true)]
async fn what_was_well_before_is_judged_as_ever_and_the_report_says_what_is_known() {
    let stage = comparing(false);
    stage.fall_ill_after(WAIT);
    let record = stage.watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Fail);
    assert_eq!(stage.accepted(), 1);
    // Those of the last moments before it was seen may be of the new revision already.
    let expected = "pulse is compared with 22 samples from before";
    assert_eq!(record.warnings, [expected]);
}

#[tokio::test(start_paused = true)]
async fn a_deployment_that_is_there_at_once_leaves_nothing_to_compare_with() {
    let stage = comparing(false);
    stage.platform.appears_after(Duration::ZERO);
    let record = stage.watch().await;
    assert_eq!(record.assessment.verdict, Verdict::Pass);
    let expected = "pulse is not compared with before: only 0 samples of it known";
    assert_eq!(record.warnings, [expected]);
}
