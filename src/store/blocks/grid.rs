//! Spans of equal length on the wall clock, and the sums that fall into them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::bytes::Damaged;
use super::record::Record;
use super::sum::Sum;
use super::{MINUTE, microseconds};
use crate::store::history::Between;

/// Spans of equal length, whole ones only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    /// The start of the first.
    pub from: i64,
    /// The end of the last.
    pub to: i64,
    /// How long each is: minutes.
    pub step: i64,
}

impl Grid {
    /// The spans that touch what is asked for; each at least a minute.
    pub fn of(between: Between, step: Duration) -> Self {
        let step = i64::try_from(step.as_micros()).unwrap_or(LONGEST);
        let step = (step.clamp(1, LONGEST) + MINUTE - 1) / MINUTE * MINUTE;
        let (from, to) = (microseconds(between.from), microseconds(between.to));
        let end = to.min(i64::MAX - step).saturating_add(step - 1);
        Self {
            from: floor(from, step),
            to: floor(end, step),
            step,
        }
    }
}

/// The longest step: a hundred years, beyond which nothing is kept.
const LONGEST: i64 = 100 * 365 * 24 * super::HOUR;

fn floor(at: i64, step: i64) -> i64 {
    at.div_euclid(step) * step
}

/// Sums on a grid.
#[derive(Debug)]
pub struct Sums {
    grid: Grid,
    sums: BTreeMap<i64, Sum>,
}

impl Sums {
    /// None yet.
    pub const fn new(grid: Grid) -> Self {
        Self {
            grid,
            sums: BTreeMap::new(),
        }
    }

    /// Adds a sample that lies on the grid.
    ///
    /// # Errors
    /// When it means nothing to this version.
    pub fn add(&mut self, record: &Record) -> Result<(), Damaged> {
        match self.at(record.at) {
            Some(sum) => sum.add(record),
            None => Ok(()),
        }
    }

    /// Adds a sum whose start lies on the grid.
    pub fn merge(&mut self, at: i64, sum: &Sum) {
        if let Some(known) = self.at(at) {
            known.merge(sum);
        }
    }

    /// What came together, by the start of each span.
    pub fn done(self) -> BTreeMap<i64, Sum> {
        self.sums
    }

    fn at(&mut self, at: i64) -> Option<&mut Sum> {
        let inside = (self.grid.from..self.grid.to).contains(&at);
        let start = floor(at, self.grid.step);
        inside.then(|| self.sums.entry(start).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::blocks::{HOUR, wall};

    #[test]
    fn spans_are_whole_and_at_least_a_minute() {
        let between = |from: i64, to: i64| Between {
            from: wall(from),
            to: wall(to),
        };
        for (from, to, step, expected) in [
            (0, 1, Duration::ZERO, (0, MINUTE, MINUTE)),
            (
                MINUTE,
                2 * MINUTE,
                Duration::from_secs(60),
                (MINUTE, 2 * MINUTE, MINUTE),
            ),
            (
                MINUTE,
                MINUTE,
                Duration::from_secs(60),
                (MINUTE, MINUTE, MINUTE),
            ),
            (
                1,
                MINUTE + 1,
                Duration::from_secs(61),
                (0, 2 * MINUTE, 2 * MINUTE),
            ),
            (
                HOUR - 1,
                HOUR + 1,
                Duration::from_secs(3600),
                (0, 2 * HOUR, HOUR),
            ),
        ] {
            let grid = Grid::of(between(from, to), step);
            assert_eq!(
                (grid.from, grid.to, grid.step),
                expected,
                "{from} {to} {step:?}"
            );
        }
        let grid = Grid::of(between(0, i64::MAX), Duration::MAX);
        assert!(grid.from == 0 && grid.to > 0, "{grid:?}");
    }
}
