//! Three failures in a row: what load balancers, container health checks and status pages do.
//!
//! Follows: Gatus, README, section "Alerting" (`failure-threshold`, 3 by default: "number of
//! failures in a row needed before triggering the alert"), with a condition on `[RESPONSE_TIME]`;
//! Amazon ECS, task definition parameters, `healthCheck.retries` (3 by default); Elastic Load
//! Balancing, "Health checks for your target groups" (`UnhealthyThresholdCount`).
//!
//! Each check counts for itself, and any right answer sets its count back. An answer later than the
//! critical limit on latency is a failure, as behind a load balancer whose timeout it is. Missing
//! samples neither count nor set back.

use super::metric::Metric;
use super::{Judged, Rule};
use crate::rehearsal::drill::layout::Trial;
use crate::rehearsal::drill::window::SimulatedWindow;

/// So many failures in a row condemn.
const IN_A_ROW: u32 = 3;

/// Three failures in a row.
#[derive(Debug)]
pub struct ThreeInARow {
    /// For each check, from how many seconds on an answer is too late.
    too_slow: Vec<f64>,
}

impl ThreeInARow {
    /// The rule with the limits of a trial.
    #[must_use]
    pub fn new(trial: &Trial) -> Self {
        let mut too_slow = vec![f64::INFINITY; trial.checks.len()];
        for metric in Metric::of(trial) {
            let Some(limit) = metric.latency_limit() else {
                continue;
            };
            let checks = too_slow.iter_mut().zip(&metric.checks);
            for (slow, _) in checks.filter(|(_, counts)| **counts) {
                *slow = slow.min(limit);
            }
        }
        Self { too_slow }
    }
}

impl Rule for ThreeInARow {
    fn judge(&self, window: &SimulatedWindow) -> Judged {
        let mut rows = vec![0; self.too_slow.len()];
        let third = window.shots.iter().find(|shot| {
            let is_late = shot.latency.as_secs_f64() > self.too_slow[shot.check];
            let row = &mut rows[shot.check];
            *row = if shot.is_bad() || is_late {
                *row + 1
            } else {
                0
            };
            *row >= IN_A_ROW && shot.arrived() < window.bake
        });
        Judged::at(third.map(|shot| shot.arrived()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Contestant::ThreeInARow;
    use super::super::stage::{condemned, of_shots, shot, window};

    #[test]
    fn the_third_failure_in_a_row_condemns() {
        // "number of failures in a row needed before triggering the alert"
        let cases: &[(&str, Option<u64>, &str)] = &[
            ("..xx.xx.", None, "a right answer sets the count back"),
            ("..xxx...", Some(40), "at the third, when it has arrived"),
            (
                "..sss...",
                Some(43),
                "answers over the limit count as failures",
            ),
            ("..xsx...", Some(40), "of both kinds"),
            ("........", None, "no failure"),
        ];
        for (pattern, expected, why) in cases {
            let samples: Vec<(u64, char)> = (0..).step_by(10).zip(pattern.chars()).collect();
            assert_eq!(
                condemned(ThreeInARow, &window(600, &samples)),
                *expected,
                "{why}"
            );
        }
    }

    #[test]
    fn each_check_counts_for_itself() {
        let mixed = [0, 1, 0, 1].iter().zip((0..).step_by(5));
        let shots = mixed.map(|(check, at)| shot(*check, at, 'x')).collect();
        assert_eq!(condemned(ThreeInARow, &of_shots(600, shots)), None);
    }

    #[test]
    fn what_is_missing_neither_counts_nor_sets_back() {
        let samples = [(0, 'x'), (10, 'x'), (500, 'x')];
        assert_eq!(condemned(ThreeInARow, &window(600, &samples)), Some(500));
    }
}
