//! Scales: from what was measured to where it stands in a plot. What lies outside is drawn at the edge.

use std::time::Duration;

use super::ticks::round_up;
use crate::clock::WallTime;

/// A linear scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// Values from `low` to `high` stand between `from` and `to`; a scale without extent puts all of
    /// them at `from`.
    #[must_use]
    pub const fn new((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        Self {
            low,
            high,
            from,
            to,
        }
    }

    /// Where a value stands.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        let extent = self.high - self.low;
        // Neither `inf - inf` nor an empty extent has places.
        if extent.is_nan() || extent <= 0.0 || !value.is_finite() {
            return self.from;
        }
        let share = ((value - self.low) / extent).clamp(0.0, 1.0);
        self.from + (self.to - self.from) * share
    }

    /// The largest value.
    #[must_use]
    pub const fn high(&self) -> f64 {
        self.high
    }
}

/// A span of wall time across the whole width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Across {
    /// The left edge.
    pub from: WallTime,
    /// The right edge.
    pub to: WallTime,
}

impl Across {
    /// How long it is; never zero, so that shares of it can be told.
    #[must_use]
    pub fn span(&self) -> Duration {
        self.to.since(self.from).max(Duration::from_millis(1))
    }

    /// Where a time stands, as a share of the width.
    #[must_use]
    pub fn share(&self, time: WallTime) -> f64 {
        let since = time.since(self.from).as_secs_f64();
        (since / self.span().as_secs_f64()).clamp(0.0, 1.0)
    }
}

/// How far a limit may stand above everything that was measured to be drawn all the same: farther,
/// and what was measured would be a flat line at the bottom.
const REACH: f64 = 4.0;

/// The top of a scale of latencies in seconds: room for all that was measured, and for the limits
/// that stand near it; a round value.
#[must_use]
pub fn top(measured: impl Iterator<Item = f64>, limits: impl Iterator<Item = f64>) -> f64 {
    let most = measured.fold(0.0_f64, f64::max);
    let near = limits.filter(|limit| *limit <= most * REACH);
    let top = near.fold(most, f64::max);
    if top > 0.0 {
        round_up(top * HEADROOM)
    } else {
        // Nothing was measured: any scale will do, and a second can be read.
        1.0
    }
}

/// The highest curve does not touch the frame.
const HEADROOM: f64 = 1.08;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> WallTime {
        WallTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn values_stand_in_proportion_and_never_outside() {
        let scale = Scale::new((0.0, 200.0), (100.0, 0.0));
        for (value, place) in [
            (0.0, 100.0),
            (50.0, 75.0),
            (200.0, 0.0),
            (900.0, 0.0),
            (-5.0, 100.0),
            (f64::NAN, 100.0),
        ] {
            assert!((scale.at(value) - place).abs() < 1e-9, "{value}");
        }
        let flat = Scale::new((5.0, 5.0), (0.0, 10.0));
        assert!(flat.at(5.0).abs() < 1e-9, "no extent, no division by zero");
    }

    #[test]
    fn times_stand_in_proportion_and_never_outside() {
        let across = Across {
            from: at(100),
            to: at(200),
        };
        for (time, share) in [(100, 0.0), (150, 0.5), (200, 1.0), (10, 0.0), (999, 1.0)] {
            assert!((across.share(at(time)) - share).abs() < 1e-9, "{time}");
        }
        let none = Across {
            from: at(100),
            to: at(100),
        };
        assert!(none.share(at(100)).abs() < 1e-9);
    }

    #[test]
    fn a_limit_near_the_measured_is_shown_and_a_far_one_does_not_flatten_it() {
        let near = top([0.02, 0.04].into_iter(), [0.1].into_iter());
        assert!((0.1..=0.2).contains(&near), "{near}");
        let far = top([0.02, 0.04].into_iter(), [2.0].into_iter());
        assert!((0.04..=0.06).contains(&far), "{far}");
        let nothing = top(std::iter::empty(), [2.0].into_iter());
        assert!((nothing - 1.0).abs() < 1e-9);
    }
}
