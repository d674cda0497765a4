//! Counts samples and says, at any time and at no cost, whether a quantile is over a fixed limit.
//!
//! Quantiles are interpolated between two neighbours in rank (Hyndman and Fan's type 7, as k6 and
//! most tools do). Whether such a value is over a limit depends on the ranks around the limit alone:
//! on how many samples are over it, and on the two that stand next to it on either side.

use crate::rehearsal::drill::window::Shot;

/// Counts of samples, relative to one limit on latency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gauge {
    limit: f64,
    count: u64,
    bad: u64,
    over: u64,
    /// The largest latency that is not over the limit, in seconds.
    below: f64,
    /// The smallest latency that is over it, in seconds.
    above: f64,
}

impl Gauge {
    /// An empty gauge for a limit in seconds.
    #[must_use]
    pub const fn over(limit: f64) -> Self {
        Self {
            limit,
            count: 0,
            bad: 0,
            over: 0,
            below: 0.0,
            above: f64::INFINITY,
        }
    }

    /// Counts a sample.
    pub fn add(&mut self, shot: &Shot) {
        let latency = shot.latency.as_secs_f64();
        self.count += 1;
        self.bad += u64::from(shot.is_bad());
        if latency > self.limit {
            self.over += 1;
            self.above = self.above.min(latency);
        } else {
            self.below = self.below.max(latency);
        }
    }

    /// How many samples were counted.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The share of failures; nothing without samples.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        (self.count > 0).then(|| self.bad as f64 / self.count as f64)
    }

    /// Whether the quantile is over the limit; nothing without samples.
    #[must_use]
    pub fn is_over(&self, quantile: f64) -> Option<bool> {
        let last = self.count.checked_sub(1)?;
        let rank = quantile * last as f64;
        let lower = rank.floor();
        // The first rank, counted from 0, that is over the limit.
        let first_over = (self.count - self.over) as f64;
        if lower >= first_over {
            return Some(true);
        }
        if lower + 1.0 < first_over {
            return Some(false);
        }
        let value = if self.over == 0 {
            self.below
        } else {
            self.below + (rank - lower) * (self.above - self.below)
        };
        Some(value > self.limit)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::rehearsal::drill::dice::Dice;
    use crate::rehearsal::drill::window::Seen;

    fn shot(latency: Duration) -> Shot {
        Shot {
            check: 0,
            started: Duration::ZERO,
            latency,
            seen: Seen::Right,
            closer_look: false,
        }
    }

    #[test]
    fn it_agrees_with_the_quantile_itself() {
        let mut dice = Dice::of_window(3, "gauge", 0);
        for count in 1..60_u64 {
            for quantile in [0.5, 0.9, 0.95, 0.99] {
                let mut gauge = Gauge::over(1.0);
                let mut spans = Vec::new();
                for _ in 0..count {
                    let span = Duration::from_secs_f64(dice.between(0.5, 1.2));
                    gauge.add(&shot(span));
                    spans.push(span.as_secs_f64());
                }
                spans.sort_by(f64::total_cmp);
                let rank = quantile * (count - 1) as f64;
                let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
                let value = spans[low] + (rank - rank.floor()) * (spans[high] - spans[low]);
                assert_eq!(
                    gauge.is_over(quantile),
                    Some(value > 1.0),
                    "{count} {quantile}"
                );
            }
        }
    }

    #[test]
    fn nothing_is_said_without_samples() {
        let empty = Gauge::over(1.0);
        assert_eq!((empty.error_rate(), empty.is_over(0.95)), (None, None));
    }
}
