//! k6: thresholds over everything seen so far, looked at every two seconds.
//!
//! Follows: Grafana k6, "Thresholds" (`abortOnFail`, `delayAbortEval`: "delay the evaluation of the
//! threshold to let k6 collect metric samples"), and `metrics/engine/engine.go`: thresholds are
//! evaluated every 2 s over sinks that are never emptied; one that fails aborts once the test has
//! run longer than its delay; metrics without samples are not evaluated while the test runs, and all
//! are evaluated a last time at its end.
//!
//! Without any sample a rate is not a number and fails its threshold at the end.

use std::time::Duration;

use super::gauge::Gauge;
use super::metric::{Metric, MetricLimit};
use super::{Judged, Rule};
use crate::rehearsal::drill::layout::Trial;
use crate::rehearsal::drill::window::SimulatedWindow;

/// How often thresholds are evaluated.
const EVALUATED_EVERY: Duration = Duration::from_secs(2);

/// Thresholds that abort.
#[derive(Debug)]
pub struct K6 {
    metrics: Vec<Metric>,
    delay: Duration,
}

impl K6 {
    /// The rule with the limits of a trial.
    #[must_use]
    pub fn new(trial: &Trial, delay: Duration) -> Self {
        Self {
            metrics: Metric::of(trial),
            delay,
        }
    }

    fn is_over(&self, sinks: &[Gauge]) -> bool {
        let mut pairs = self.metrics.iter().zip(sinks);
        pairs.any(|(metric, sink)| metric.is_breached(sink) == Some(true))
    }
}

impl Rule for K6 {
    fn judge(&self, window: &SimulatedWindow) -> Judged {
        let mut sinks: Vec<Gauge> = self.metrics.iter().map(Metric::gauge).collect();
        let mut arriving = window.shots.iter().peekable();
        let mut now = Duration::ZERO;
        while now < window.bake {
            now = (now + EVALUATED_EVERY).min(window.bake);
            while let Some(shot) = arriving.next_if(|shot| shot.arrived() <= now) {
                let counted = self.metrics.iter().zip(&mut sinks);
                counted
                    .filter(|(metric, _)| metric.counts(shot))
                    .for_each(|(_, sink)| sink.add(shot));
            }
            if now > self.delay && self.is_over(&sinks) {
                return Judged::at(Some(now));
            }
        }
        let is_empty = |(metric, sink): (&Metric, &Gauge)| {
            matches!(metric.limit, MetricLimit::Errors(_)) && sink.count() == 0
        };
        let is_failed = self.is_over(&sinks) || self.metrics.iter().zip(&sinks).any(is_empty);
        Judged::at(is_failed.then_some(window.bake))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Contestant::K6;
    use super::super::stage::{condemned, window};
    use super::*;

    fn every_ten_seconds(pattern: &str) -> SimulatedWindow {
        let samples: Vec<(u64, char)> = (0..).step_by(10).zip(pattern.chars()).collect();
        window(10 * samples.len() as u64, &samples)
    }

    #[test]
    fn what_was_seen_so_far_is_evaluated_every_two_seconds_after_the_delay() {
        // "thresholdsRate = 2 * time.Second", "AbortGracePeriod < timeSpentInTest"
        let cases = [
            (
                10,
                "..x...........................",
                Some(22),
                "one of three",
            ),
            (
                10,
                "x.............................",
                Some(12),
                "after the delay",
            ),
            (
                60,
                "x.............................",
                Some(62),
                "after a longer delay",
            ),
            (
                60,
                "x.....................",
                Some(62),
                "one of seven is over 5 %",
            ),
            (
                400,
                "x.............................",
                None,
                "one of thirty at the end",
            ),
            (
                400,
                "xx............................",
                Some(300),
                "two of thirty at the end",
            ),
            (
                10,
                "..s...........................",
                Some(24),
                "the p95 of three",
            ),
        ];
        for (delay, pattern, expected, why) in cases {
            let contestant = K6(Duration::from_secs(delay));
            assert_eq!(
                condemned(contestant, &every_ten_seconds(pattern)),
                expected,
                "{why}"
            );
        }
    }

    #[test]
    fn a_rate_of_nothing_fails_at_the_end() {
        assert_eq!(condemned(K6(EVALUATED_EVERY), &window(600, &[])), Some(600));
    }
}
