//! Flagger: one check of all metrics each minute, and so many failed ones undo the release.
//!
//! Follows: Flagger, "How it works", section "Canary analysis" (`threshold`: "max number of failed
//! metric checks before rollback"), and `pkg/controller/scheduler_metrics.go`: a check fails when any
//! metric is out of its range, or when there are no values ("Halt advancement no values found").
//!
//! Failed checks are counted over the whole analysis and need not be in a row. Flagger acts at the
//! tick after the last of them; here it is given that minute for nothing.

use super::metric::Metric;
use super::minutes::{end_of, minutes};
use super::{Judged, Rule};
use crate::rehearsal::drill::layout::Trial;
use crate::rehearsal::drill::window::SimulatedWindow;

/// A canary analysis with a threshold.
#[derive(Debug)]
pub struct Flagger {
    metrics: Vec<Metric>,
    threshold: u32,
}

impl Flagger {
    /// The rule with the limits of a trial.
    #[must_use]
    pub fn new(trial: &Trial, threshold: u32) -> Self {
        Self {
            metrics: Metric::of(trial),
            threshold,
        }
    }
}

impl Rule for Flagger {
    fn judge(&self, window: &SimulatedWindow) -> Judged {
        let metrics = || {
            self.metrics
                .iter()
                .map(|metric| (metric, minutes(window, metric)))
        };
        let measured: Vec<_> = metrics().collect();
        let count = measured.first().map_or(0, |(_, minutes)| minutes.len());
        let mut failed = 0;
        let last = (0..count).find(|minute| {
            let is_good = measured
                .iter()
                .all(|(metric, minutes)| metric.is_breached(&minutes[*minute]) == Some(false));
            failed += u32::from(!is_good);
            failed >= self.threshold
        });
        Judged::at(last.map(|minute| end_of(minute, window)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Contestant::Flagger;
    use super::super::stage::{by_minutes, condemned};

    #[test]
    fn as_many_failed_checks_as_the_threshold_roll_back() {
        // "max number of failed metric checks before rollback"
        let cases = [
            (5, "xxxx......", None, "four are not five"),
            (5, "xxxxx.....", Some(300), "five in a row"),
            (5, "x.x.x.x.x.", Some(540), "five over the whole analysis"),
            (5, "xsxsx.....", Some(300), "of whatever metric"),
            (5, "xx---.....", Some(300), "no values found fails as well"),
            (1, ".-........", Some(120), "the first one"),
        ];
        for (threshold, pattern, expected, why) in cases {
            let window = by_minutes(pattern);
            assert_eq!(condemned(Flagger(threshold), &window), expected, "{why}");
        }
    }
}
