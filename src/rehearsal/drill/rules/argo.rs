//! Argo Rollouts: an analysis of the metrics, measured each minute.
//!
//! Follows: Argo Rollouts, "Analysis & Progressive Delivery" (`failureLimit`: "the maximum number of
//! failed runs"; a metric fails with `failed > failureLimit`), and `assessMetricStatus` in
//! `analysis/analysis.go`: with more than `consecutiveErrorLimit` (4 by default) measurements in a
//! row that could not be taken, the analysis ends in error and the rollout is aborted as well.
//!
//! Each metric counts its own failures over the whole analysis. The first measurement is taken after
//! one interval (`initialDelay: 1m`); without it, it would ask about a minute without samples. A
//! minute without samples is a measurement that could not be taken: Prometheus answers nothing.

use super::metric::Metric;
use super::minutes::{end_of, minutes};
use super::{Judged, Rule};
use crate::rehearsal::drill::layout::Trial;
use crate::rehearsal::drill::window::SimulatedWindow;

/// `consecutiveErrorLimit` when none is written.
const CONSECUTIVE_ERROR_LIMIT: u32 = 4;

/// An analysis with a failure limit.
#[derive(Debug)]
pub struct Argo {
    metrics: Vec<Metric>,
    failure_limit: u32,
}

impl Argo {
    /// The rule with the limits of a trial.
    #[must_use]
    pub fn new(trial: &Trial, failure_limit: u32) -> Self {
        Self {
            metrics: Metric::of(trial),
            failure_limit,
        }
    }

    /// In which minute a metric ends the analysis.
    fn ends(&self, metric: &Metric, window: &SimulatedWindow) -> Option<usize> {
        let mut failed = 0;
        let mut errors_in_a_row = 0;
        minutes(window, metric).iter().position(|gauge| {
            match metric.is_breached(gauge) {
                None => errors_in_a_row += 1,
                Some(breached) => {
                    errors_in_a_row = 0;
                    failed += u32::from(breached);
                }
            }
            failed > self.failure_limit || errors_in_a_row > CONSECUTIVE_ERROR_LIMIT
        })
    }
}

impl Rule for Argo {
    fn judge(&self, window: &SimulatedWindow) -> Judged {
        let ends = self
            .metrics
            .iter()
            .filter_map(|metric| self.ends(metric, window));
        Judged::at(ends.min().map(|minute| end_of(minute, window)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Contestant::Argo;
    use super::super::stage::{by_minutes, condemned};

    #[test]
    fn more_failed_measurements_than_the_limit_end_the_analysis() {
        // "metric assessed Failed due to failed (4) > failureLimit (3)"
        let cases = [
            (0, "..x...", Some(180), "one failure is more than none"),
            (3, "x.x.x..", None, "three failures are not more than three"),
            (3, "x.x.x.x", Some(420), "failures need not be in a row"),
            (3, "xxxx", Some(240), "the fourth, at the end of its minute"),
            (
                0,
                "..s...",
                Some(180),
                "one answer of six over the limit moves the p95",
            ),
            (
                1,
                "x.s.x.",
                Some(300),
                "each metric counts its own failures",
            ),
            (1, "x.s...", None, "and not those of the other"),
        ];
        for (limit, pattern, expected, why) in cases {
            let window = by_minutes(pattern);
            assert_eq!(condemned(Argo(limit), &window), expected, "{why}");
        }
    }

    #[test]
    fn five_measurements_in_a_row_that_cannot_be_taken_abort() {
        // "consecutiveErrors (5) > consecutiveErrorLimit (4)"
        let cases = [
            (".-----.", Some(360), "five in a row"),
            (".----.----", None, "four, and a measurement between"),
        ];
        for (pattern, expected, why) in cases {
            assert_eq!(condemned(Argo(3), &by_minutes(pattern)), expected, "{why}");
        }
    }
}
