//! What the rules of other tools look at: the critical limits of the policy, put as their users
//! would put them into their configuration.
//!
//! Checks with the same limit make one metric, as requests to several paths do in a mesh. A tool
//! measures latency over all answers, the failed ones included. Limits that these tools do not know
//! (`for`, `consecutive`, the mean, the maximum) are not handed to them.

use super::gauge::Gauge;
use crate::rehearsal::drill::layout::Trial;
use crate::rehearsal::drill::window::Shot;
use crate::verdict::threshold::{Comparison, Limit, Subject};

/// A metric and its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// For each check, whether its samples count.
    pub checks: Vec<bool>,
    /// What is limited.
    pub limit: MetricLimit,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MetricLimit {
    /// The share of failures.
    Errors(f64),
    /// A quantile of the latency, in seconds.
    Latency {
        /// Which quantile.
        quantile: f64,
        /// The limit.
        seconds: f64,
    },
}

impl Metric {
    /// The metrics of a trial.
    #[must_use]
    pub fn of(trial: &Trial) -> Vec<Self> {
        let mut metrics: Vec<Self> = Vec::new();
        for (place, check) in trial.checks.iter().enumerate() {
            let limits = check
                .thresholds
                .iter()
                .filter_map(|threshold| metric_limit(&threshold.subject, threshold.critical?));
            for limit in limits {
                let known = metrics.iter().position(|metric| metric.limit == limit);
                let at = known.unwrap_or_else(|| {
                    metrics.push(Self {
                        checks: vec![false; trial.checks.len()],
                        limit,
                    });
                    metrics.len() - 1
                });
                metrics[at].checks[place] = true;
            }
        }
        metrics
    }

    /// An empty gauge for this metric.
    #[must_use]
    pub const fn gauge(&self) -> Gauge {
        match self.limit {
            MetricLimit::Errors(_) => Gauge::over(f64::INFINITY),
            MetricLimit::Latency { seconds, .. } => Gauge::over(seconds),
        }
    }

    /// Whether a sample counts.
    #[must_use]
    pub fn counts(&self, shot: &Shot) -> bool {
        self.checks[shot.check]
    }

    /// Whether what was gauged is over the limit; nothing without data.
    #[must_use]
    pub fn is_breached(&self, gauge: &Gauge) -> Option<bool> {
        match self.limit {
            MetricLimit::Errors(limit) => gauge.error_rate().map(|rate| rate > limit),
            MetricLimit::Latency { quantile, .. } => gauge.is_over(quantile),
        }
    }

    /// The limit on latency in seconds, where it is one.
    #[must_use]
    pub const fn latency_limit(&self) -> Option<f64> {
        match self.limit {
            MetricLimit::Latency { seconds, .. } => Some(seconds),
            MetricLimit::Errors(_) => None,
        }
    }
}

fn metric_limit(subject: &Subject, limit: Limit) -> Option<MetricLimit> {
    let is_upper = matches!(limit.comparison, Comparison::Above | Comparison::AtLeast);
    let is_lower = matches!(limit.comparison, Comparison::Below | Comparison::AtMost);
    match subject {
        Subject::ErrorRate if is_upper => Some(MetricLimit::Errors(limit.value)),
        Subject::Availability if is_lower => Some(MetricLimit::Errors(1.0 - limit.value)),
        Subject::Quantile(None, quantile) if is_upper => Some(MetricLimit::Latency {
            quantile: *quantile,
            seconds: limit.value,
        }),
        Subject::ErrorRate
        | Subject::Availability
        | Subject::ConsecutiveFailures
        | Subject::Quantile(..)
        | Subject::Max(_)
        | Subject::Mean(_)
        | Subject::Reading(_) => None,
    }
}
