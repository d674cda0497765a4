//! By what each check of a window is judged: its limits, and what it is compared with. It is taken down
//! when the window is opened and goes where the window goes, because a configuration that is read again
//! changes nothing of a window that was opened before. Values only; made by whoever opens a window.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use crate::plan::CheckPlan;
use crate::verdict::threshold::Threshold;
use crate::verdict::{Before, CheckFacts, with_error_limit};

/// By what a check is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct InForce {
    /// Which.
    pub facts: CheckFacts,
    /// The limits on it, those by default included.
    pub thresholds: Arc<[Threshold]>,
    /// How it was before; absent where it is compared with nothing.
    pub before: Option<Was>,
}

/// How a check was before the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Was {
    /// Over so many samples.
    pub samples: u64,
    /// The median of the latency of those that passed.
    pub p50: Duration,
    /// The 95 % quantile of it.
    pub p95: Duration,
}

/// By what each of these checks is judged, in their order; `before` is how each was before, or nothing.
#[must_use]
pub fn of(checks: &[CheckPlan], before: &[Before]) -> Vec<InForce> {
    let one = |(place, check): (usize, &CheckPlan)| InForce {
        facts: check.facts.clone(),
        thresholds: match with_error_limit(&check.thresholds) {
            Cow::Borrowed(_) => Arc::clone(&check.thresholds),
            Cow::Owned(all) => all.into(),
        },
        before: before
            .get(place)
            .filter(|before| check.is_compared_with_before() && before.is_enough())
            .and_then(was),
    };
    checks.iter().enumerate().map(one).collect()
}

fn was(before: &Before) -> Option<Was> {
    Some(Was {
        samples: before.len() as u64,
        p50: before.quantile(0.5)?,
        p95: before.quantile(0.95)?,
    })
}
