//! The proof of a rollback: the same checks, on fresh connections, against the previous revision,
//! for as long as their limits need to mean something. Called by `rollback` alone.

use std::time::Duration;

use super::panel::{LEAST_BAD, Panel};
use super::rollback::Order;
use super::sampling::{Manner, Sampling};
use crate::clock::Moment;
use crate::event::{Verdict, What};
use crate::plan::CheckPlan;
use crate::verdict::threshold::Threshold;
use crate::verdict::{Assessment, Closing, Sufficiency};

/// Each check gives at least this many samples against the previous revision.
const LEAST_SAMPLES: u64 = 10;

/// Runs the checks and says what was found. Ends early when told to stop.
pub(super) async fn sample_again(order: &Order<'_>) -> Assessment {
    let (attendance, asking) = order.attendance();
    let manner = Manner {
        in_window: true,
        any_version: true,
        attendance,
        ..Manner::default()
    };
    tokio::select! {
        found = sample(order, manner) => found,
        never = asking => match never {},
    }
}

async fn sample(order: &Order<'_>, manner: Manner) -> Assessment {
    order.emit(What::VerificationStarted {
        checks: order.checks.len(),
    });
    // What has just come back is asked whether it is well, and not put under load.
    let closer = |check: &CheckPlan| CheckPlan {
        every: match check.pace {
            Some(_) => order.pace.verify_every,
            None => check.every.min(order.pace.verify_every),
        },
        pace: None,
        ..check.clone()
    };
    let checks: Vec<CheckPlan> = order.checks.iter().map(closer).collect();
    // The tasks of the previous revision are as new as those of the bake were, and as cold.
    let warm_up = order.service.policy.warm_up;
    let start = order.context.clock.now();
    let mut panel = Panel::as_written(&checks, start, warm_up, |check| Sufficiency::Window {
        min_samples: samples(check),
        every: check.every,
        coverage: 0.0,
        least_bad: LEAST_BAD,
    });
    let mut sampling = Sampling::start(order.context, &checks, manner);
    let usual = longest(&checks, |check| lasts(check, warm_up));
    feed(order, &mut panel, &mut sampling, start + usual).await;
    let found = panel.close(order.context.clock.now(), Closing::Final).0;
    let is_open = |found: &Assessment| {
        let mut findings = found.findings.iter();
        findings.any(|one| one.verdict == Verdict::Inconclusive)
    };
    if !is_open(&found) || order.context.stop.is_cancelled() {
        return found;
    }
    // A sample or two were lost, or a limit asks for a breach that lasts longer than this.
    let patient = (usual + usual / 2).max(longest(&checks, must_last));
    feed(order, &mut panel, &mut sampling, start + patient).await;
    panel.close(order.context.clock.now(), Closing::Final).0
}

/// Hands samples to the judge until a moment, or until no more come.
async fn feed(order: &Order<'_>, panel: &mut Panel, sampling: &mut Sampling, end: Moment) {
    loop {
        tokio::select! {
            sample = sampling.next() => {
                let Some(sample) = sample else { return };
                order.emit(What::Sampled(sample.clone()));
                panel.hold(&sample);
            }
            () = order.context.sleep_until(end) => return,
        }
    }
}

/// How many samples of a check are wanted.
fn samples(check: &CheckPlan) -> u64 {
    let wanted = check
        .thresholds
        .iter()
        .map(|one| one.subject.least_samples());
    wanted.max().unwrap_or(0).max(LEAST_SAMPLES)
}

/// How long they take; those whose latency counts begin after the warm-up.
fn lasts(check: &CheckPlan, warm_up: Duration) -> Duration {
    let is_about_latency = |threshold: &Threshold| threshold.subject.is_about_time();
    let before = match check.thresholds.iter().any(is_about_latency) {
        true => warm_up,
        false => Duration::ZERO,
    };
    let samples = u32::try_from(samples(check)).unwrap_or(u32::MAX);
    before + check.every.saturating_mul(samples) + check.timeout
}

/// How long the longest `for` of a check takes to be told.
fn must_last(check: &CheckPlan) -> Duration {
    let lasting = check.thresholds.iter().filter_map(|one| one.lasting).max();
    lasting.unwrap_or_default() + check.every * 2 + check.timeout
}

fn longest(checks: &[CheckPlan], of: impl Fn(&CheckPlan) -> Duration) -> Duration {
    checks.iter().map(of).max().unwrap_or_default()
}
