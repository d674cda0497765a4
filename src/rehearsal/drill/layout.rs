//! What of a policy can be simulated: which checks, how often, how long, and by which limits.
//!
//! A drill knows whether an answer was right and how long it took. Limits on readings and on phases
//! cannot be simulated; they are left out, and a drill says which.

use std::sync::Arc;
use std::time::Duration;

use super::scenario::USUAL_SPREAD;
use crate::decision::Policy;
pub use crate::engine::schedule::{CLOSER_EVERY, CLOSER_FOR};
use crate::plan::{CheckPlan, Plan};
use crate::verdict::threshold::{Comparison, Limit, Subject, Threshold};
use crate::verdict::with_error_limit;

/// A service as it is judged in a drill.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The service.
    pub service: Arc<str>,
    /// Its policy.
    pub policy: Policy,
    /// Its checks, with the limits that can be simulated.
    pub checks: Vec<CheckPlan>,
    /// The limits that cannot be simulated, as `check: subject`.
    pub left_out: Vec<String>,
    /// Whether a check sends more in reality than is simulated.
    pub is_thinned: bool,
}

/// How samples are taken in a simulated window.
#[derive(Clone, Debug, PartialEq)]
pub struct Layout {
    /// The checks.
    pub checks: Vec<CheckLayout>,
    /// How long the window lasts, in seconds.
    pub bake: f64,
    /// In the first so many seconds latency does not count.
    pub warm_up: f64,
    /// Whether a check that looked bad is looked at more closely.
    pub closer_look: bool,
    /// How the checks share an interval.
    pub spacing: Spacing,
}

/// How samples of one check are taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CheckLayout {
    /// Seconds from one sample to the next.
    pub every: f64,
    /// After so many seconds without an answer a sample is an error.
    pub timeout: f64,
    /// Where the 95th percentile of a latency of the usual form meets the limit at which the policy
    /// warns, in seconds: what [`super::scenario::Latency::level`] is a share of.
    pub reference: f64,
    /// Answers that take longer than so many seconds are over a critical limit.
    pub too_slow: f64,
}

/// How the checks of a service share an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spacing {
    /// As the engine does: the first runs within a second, and slow answers end at the timeout.
    AsScheduled,
    /// Evenly, from a phase of chance on, and without a timeout: as on the bench of the judge, whose
    /// figures are to be compared.
    Even,
}

impl Trial {
    /// The trials of a plan: one for each service that has checks.
    #[must_use]
    pub fn of(plan: &Plan) -> Vec<Self> {
        let services = plan.services.iter().filter_map(|service| {
            let declared: Vec<&CheckPlan> = plan
                .checks
                .iter()
                .filter(|check| check.facts.service == service.name)
                .collect();
            if declared.is_empty() {
                return None;
            }
            let is_thinned = declared
                .iter()
                .any(|check| check.pace.is_some() && check.every < SHORTEST_OF_A_RATE);
            let mut left_out = Vec::new();
            let checks = declared
                .into_iter()
                .map(|check| simulated(check, &mut left_out))
                .collect();
            Some(Self {
                service: Arc::clone(&service.name),
                policy: service.policy.clone(),
                is_thinned,
                checks,
                left_out,
            })
        });
        services.collect()
    }

    /// How samples are taken.
    #[must_use]
    pub fn layout(&self, spacing: Spacing) -> Layout {
        Layout {
            checks: self
                .checks
                .iter()
                .map(|check| check_layout(check, spacing))
                .collect(),
            bake: self.policy.bake.as_secs_f64(),
            warm_up: self.policy.warm_up.as_secs_f64(),
            closer_look: self.policy.judging.closer_look,
            spacing,
        }
    }

    /// How many samples the schedule promises in a window, all checks together.
    #[must_use]
    pub fn samples(&self) -> u64 {
        let per_check = self.checks.iter().map(|check| {
            let intervals = self.policy.bake.as_nanos() / check.every.as_nanos().max(1);
            u64::try_from(intervals).unwrap_or(u64::MAX).max(1)
        });
        per_check.fold(0, u64::saturating_add)
    }

    /// The shortest interval of the checks.
    #[must_use]
    pub fn shortest_interval(&self) -> Duration {
        let intervals = self.checks.iter().map(|check| check.every);
        intervals.min().unwrap_or_default()
    }

    /// Whether any check has a limit on latency.
    #[must_use]
    pub fn limits_latency(&self) -> bool {
        let mut thresholds = self.checks.iter().flat_map(|check| check.thresholds.iter());
        thresholds.any(|threshold| latency_limit(threshold).is_some())
    }

    /// The same service with no check further apart than this, and with timeouts that fit in.
    #[must_use]
    pub fn probed_every(&self, every: Duration) -> Self {
        let mut trial = self.clone();
        for check in &mut trial.checks {
            check.every = check.every.min(every);
            check.timeout = check.timeout.min(check.every);
        }
        trial
    }

    /// The same service watched for so long.
    #[must_use]
    pub fn baked_for(&self, bake: Duration) -> Self {
        let mut trial = self.clone();
        trial.policy.bake = bake;
        trial
    }
}

/// A check without the limits that cannot be simulated.
fn simulated(check: &CheckPlan, left_out: &mut Vec<String>) -> CheckPlan {
    let judged = with_error_limit(&check.thresholds).into_owned();
    let (kept, lost): (Vec<Threshold>, Vec<Threshold>) =
        judged.into_iter().partition(|threshold| {
            matches!(
                threshold.subject,
                Subject::ErrorRate
                    | Subject::Availability
                    | Subject::ConsecutiveFailures
                    | Subject::Quantile(None, _)
                    | Subject::Max(None)
                    | Subject::Mean(None)
            )
        });
    let names = lost.iter().map(|threshold| threshold.subject.name());
    left_out.extend(names.map(|name| format!("{}: {name}", check.facts.id)));
    CheckPlan {
        thresholds: kept.into(),
        every: match check.pace {
            Some(_) => check.every.max(SHORTEST_OF_A_RATE),
            None => check.every,
        },
        pace: None,
        ..check.clone()
    }
}

/// A load is simulated by ten samples a second at most: fifty in a block of the judge say what a
/// thousand would, and a drill simulates thousands of windows.
pub const SHORTEST_OF_A_RATE: Duration = Duration::from_millis(100);

fn check_layout(check: &CheckPlan, spacing: Spacing) -> CheckLayout {
    let timeout = check.timeout.as_secs_f64();
    let limits = || check.thresholds.iter().filter_map(latency_limit);
    let reference = limits()
        .map(|limit| limit.reference)
        .fold(f64::INFINITY, f64::min);
    let too_slow = limits()
        .map(|limit| limit.too_slow)
        .fold(f64::INFINITY, f64::min);
    CheckLayout {
        every: check.every.as_secs_f64().max(SHORTEST_INTERVAL),
        timeout: match spacing {
            Spacing::AsScheduled => timeout,
            Spacing::Even => f64::INFINITY,
        },
        reference: if reference.is_finite() {
            reference
        } else {
            timeout * WITHOUT_LIMIT
        },
        too_slow,
    }
}

/// No check runs more often than a thousand times a second, which also bounds a window's samples.
const SHORTEST_INTERVAL: f64 = 0.001;
/// Where no latency is limited, the usual one is so far below the timeout that it does not matter.
const WITHOUT_LIMIT: f64 = 0.2;

/// A limit on latency, as far as the simulation needs it.
struct LatencyLimit {
    reference: f64,
    too_slow: f64,
}

/// The quantile that the levels of the scenarios are about.
const REFERENCE_QUANTILE: f64 = 0.95;

fn latency_limit(threshold: &Threshold) -> Option<LatencyLimit> {
    // How far the limited figure of a log-normal latency of the usual form stands from its 95th
    // percentile, in logarithms.
    let offset = match threshold.subject {
        Subject::Quantile(None, quantile) => {
            (normal_quantile(REFERENCE_QUANTILE) - normal_quantile(quantile)) * USUAL_SPREAD
        }
        // The largest of some hundred samples lies about where their 99.9th percentile does.
        Subject::Max(None) => {
            (normal_quantile(REFERENCE_QUANTILE) - normal_quantile(0.999)) * USUAL_SPREAD
        }
        Subject::Mean(None) => {
            normal_quantile(REFERENCE_QUANTILE) * USUAL_SPREAD - USUAL_SPREAD * USUAL_SPREAD / 2.0
        }
        Subject::ErrorRate
        | Subject::Availability
        | Subject::ConsecutiveFailures
        | Subject::Quantile(Some(_), _)
        | Subject::Max(Some(_))
        | Subject::Mean(Some(_))
        | Subject::Reading(_) => return None,
    };
    let above = |limit: Limit| {
        matches!(limit.comparison, Comparison::Above | Comparison::AtLeast).then_some(limit.value)
    };
    let warning = threshold.warning.and_then(above);
    let critical = threshold.critical.and_then(above);
    // As the judge sees it: only quantiles that need not last deserve a closer look.
    let is_looked_at = matches!(threshold.subject, Subject::Quantile(None, _))
        && threshold.lasting.is_none()
        && threshold.consecutive.is_none();
    Some(LatencyLimit {
        reference: warning.or(critical)? * offset.exp(),
        too_slow: critical.filter(|_| is_looked_at).unwrap_or(f64::INFINITY),
    })
}

/// The standard normal quantile of the quantiles that a threshold can name, to four decimals.
fn normal_quantile(quantile: f64) -> f64 {
    const TABLE: [(f64, f64); 5] = [
        (0.5, 0.0),
        (0.9, 1.2816),
        (0.95, 1.6449),
        (0.99, 2.3263),
        (0.999, 3.0902),
    ];
    let distance = |entry: &&(f64, f64)| (entry.0 - quantile).abs();
    let nearest = TABLE
        .iter()
        .min_by(|a, b| distance(a).total_cmp(&distance(b)));
    nearest.map_or(0.0, |entry| entry.1)
}
