//! An Amazon CloudWatch alarm: M of the last N datapoints of a minute.
//!
//! Follows: Amazon CloudWatch, "Alarm evaluation" (`Period`, `Evaluation Periods`, `Datapoints to
//! Alarm`), and "Configuring how CloudWatch alarms treat missing data" with the default, `missing`:
//! "the alarm does not consider missing data points when evaluating whether to change state". To find
//! N datapoints it looks back a little further than N periods, its *evaluation range*; how far is not
//! documented, and the page's example for three periods shows five.
//!
//! Each metric has its alarm; any of them undoes the deployment, as the alarms of an ECS service do.

use super::gauge::Gauge;
use super::metric::Metric;
use super::minutes::{end_of, minutes};
use super::{Judged, Rule};
use crate::rehearsal::drill::layout::Trial;
use crate::rehearsal::drill::window::SimulatedWindow;

/// How many periods beyond N the evaluation range reaches back.
const FURTHER_BACK: usize = 2;

/// An alarm on each metric.
#[derive(Debug)]
pub struct CloudWatch {
    metrics: Vec<Metric>,
    breaching: usize,
    of: usize,
}

impl CloudWatch {
    /// The rule with the limits of a trial: `breaching` of `of` datapoints.
    #[must_use]
    pub fn new(trial: &Trial, breaching: u32, of: u32) -> Self {
        let number = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Self {
            metrics: Metric::of(trial),
            breaching: number(breaching),
            of: number(of),
        }
    }

    fn alarms(&self, metric: &Metric, minutes: &[Gauge]) -> Option<usize> {
        let states: Vec<Option<bool>> = minutes
            .iter()
            .map(|gauge| metric.is_breached(gauge))
            .collect();
        (0..states.len()).find(|minute| {
            let first = (minute + 1).saturating_sub(self.of + FURTHER_BACK);
            let existing = states[first..=*minute].iter().rev().flatten();
            let breaching = existing.take(self.of).filter(|breached| **breached);
            breaching.count() >= self.breaching
        })
    }
}

impl Rule for CloudWatch {
    fn judge(&self, window: &SimulatedWindow) -> Judged {
        let alarms = self
            .metrics
            .iter()
            .filter_map(|metric| self.alarms(metric, &minutes(window, metric)));
        Judged::at(alarms.min().map(|minute| end_of(minute, window)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Contestant::CloudWatch;
    use super::super::stage::{by_minutes, condemned};

    #[test]
    fn so_many_of_the_last_datapoints_alarm() {
        // "the number of data points within the Evaluation Periods that must be breaching"
        let cases = [
            ((3, 3), "xx.xx.", None, "not three in a row"),
            ((3, 3), ".xxx..", Some(240), "three in a row"),
            ((3, 3), "xsx...", None, "each metric has its own alarm"),
            ((2, 3), "x.x...", Some(180), "two of three"),
            ((2, 3), "x..x..", None, "two of four are not enough"),
            ((1, 1), "...s..", Some(240), "the p95 of a minute"),
        ];
        for ((breaching, of), pattern, expected, why) in cases {
            let window = by_minutes(pattern);
            assert_eq!(
                condemned(CloudWatch(breaching, of), &window),
                expected,
                "{why}"
            );
        }
    }

    #[test]
    fn missing_datapoints_are_looked_past_within_the_evaluation_range() {
        let cases = [
            (
                (3, 3),
                "x-x-x.",
                Some(300),
                "three of the five periods of the range",
            ),
            ((3, 3), "x--x-x", None, "the first lies outside it"),
            ((3, 3), "------", None, "nothing says nothing"),
        ];
        for ((breaching, of), pattern, expected, why) in cases {
            let window = by_minutes(pattern);
            assert_eq!(
                condemned(CloudWatch(breaching, of), &window),
                expected,
                "{why}"
            );
        }
    }
}
