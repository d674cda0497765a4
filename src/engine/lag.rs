//! How late probes start against their schedule: by it we know that our own machine is too busy to
//! judge anybody else's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many spans are told apart: from 1 ms on, each twice as long as the one before, up to 9 hours.
const BUCKETS: usize = 26;

/// The lateness of every start so far, within a factor of two. It may be counted by many at once.
#[derive(Debug, Default)]
pub struct Lag {
    starts: [AtomicU64; BUCKETS],
}

impl Lag {
    /// Counts a start that came so late.
    pub fn count(&self, late: Duration) {
        let millis = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - millis.leading_zeros()) as usize;
        self.starts[bucket.min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    /// At most so late were 99 of 100 starts; zero without any.
    #[must_use]
    pub fn p99(&self) -> Duration {
        let starts = self
            .starts
            .each_ref()
            .map(|count| count.load(Ordering::Relaxed));
        let all: u64 = starts.iter().sum();
        let mut left = all / 100;
        for (bucket, count) in starts.iter().enumerate().rev() {
            if *count > left {
                // The upper end of the bucket: under 1 ms, 1 ms, under 4 ms …
                return match bucket {
                    0 => Duration::ZERO,
                    _ => Duration::from_millis((1 << bucket) - 1),
                };
            }
            left -= count;
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_start_in_a_hundred_may_be_late() {
        let lag = Lag::default();
        assert_eq!(lag.p99(), Duration::ZERO, "no start at all");
        for _ in 0..99 {
            lag.count(Duration::ZERO);
        }
        lag.count(Duration::from_secs(3));
        assert_eq!(lag.p99(), Duration::ZERO, "one of a hundred");
        lag.count(Duration::from_secs(3));
        let two = lag.p99();
        assert!(
            two >= Duration::from_secs(3),
            "two of a hundred and one: {two:?}"
        );
        assert!(
            two < Duration::from_secs(6),
            "within a factor of two: {two:?}"
        );
    }
}
