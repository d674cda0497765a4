//! From which hour on each form of the past is kept.

use std::time::Duration;

use super::HOUR;
use crate::store::history::Retention;

/// The first hour, since 1970, that each form of the past is kept of.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    pub samples: i64,
    pub failures: i64,
    pub minutes: i64,
    pub hours: i64,
}

impl Kept {
    /// What is kept at a moment, in microseconds since 1970.
    pub fn at(now: i64, retention: &Retention) -> Self {
        let first = |span: Duration| {
            let span = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
            now.saturating_sub(span).div_euclid(HOUR)
        };
        Self {
            samples: first(retention.samples),
            failures: first(retention.failures.max(retention.samples)),
            minutes: first(retention.minutes),
            hours: first(retention.hours),
        }
    }
}
