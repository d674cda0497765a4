//! How late probes start against their schedule, and how many turns were missed altogether: by it we
//! know that our own machine is too busy to judge anybody else's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How many steps lie between a span and its double: a share is exact within an eighth.
const STEPS: u32 = 8;
/// Spans up to 2⁴⁰ µs, twelve days, are told apart.
const BUCKETS: usize = 40 * STEPS as usize;

/// The lateness of every start so far. It may be counted by many at once.
#[derive(Debug)]
pub struct Lag {
    starts: [AtomicU64; BUCKETS],
    missed: AtomicU64,
    lost: AtomicU64,
}

impl Default for Lag {
    fn default() -> Self {
        Self {
            starts: [const { AtomicU64::new(0) }; BUCKETS],
            missed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }
}

impl Lag {
    /// Counts a start that came so late.
    pub fn count(&self, late: Duration) {
        self.starts[bucket(late)].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts turns that were left out because they came too late to be taken.
    pub fn miss(&self, turns: u64) {
        self.missed.fetch_add(turns, Ordering::Relaxed);
    }

    /// How many turns were left out.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Counts samples that were lost because the judge did not keep up.
    pub fn lose(&self, samples: usize) {
        self.lost.fetch_add(samples as u64, Ordering::Relaxed);
    }

    /// How many samples were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// At most so late were 99 of 100 starts, within an eighth; zero without any.
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
                return upper_end(bucket);
            }
            left -= count;
        }
        Duration::ZERO
    }
}

/// Buckets of the first microseconds are one wide; then each doubling has as many of them.
fn bucket(late: Duration) -> usize {
    let micros = u64::try_from(late.as_micros()).unwrap_or(u64::MAX);
    let steps = u64::from(STEPS);
    if micros < steps {
        return usize::try_from(micros).unwrap_or(0);
    }
    let doublings = micros.ilog2() - STEPS.ilog2();
    let step = (micros >> doublings) - steps;
    let place = u64::from(doublings + 1) * steps + step;
    usize::try_from(place).map_or(BUCKETS - 1, |place| place.min(BUCKETS - 1))
}

/// The largest span in a bucket.
fn upper_end(bucket: usize) -> Duration {
    let (bucket, steps) = (bucket as u64, u64::from(STEPS));
    if bucket < steps {
        return Duration::from_micros(bucket);
    }
    let (doublings, step) = (bucket / steps - 1, bucket % steps);
    Duration::from_micros(((steps + step + 1) << doublings) - 1)
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
        assert!(two >= Duration::from_secs(3), "two of a hundred: {two:?}");
        assert!(two < Duration::from_millis(3_400), "an eighth: {two:?}");
    }

    #[test]
    fn every_span_is_at_most_an_eighth_below_the_end_of_its_bucket() {
        let mut before = 0;
        for micros in (0..4_096).chain((12..40).map(|power| (1 << power) + 1)) {
            let span = Duration::from_micros(micros);
            let place = bucket(span);
            assert!(place >= before, "{micros}");
            before = place;
            let end = upper_end(place);
            assert!(end >= span && end <= span + span / 8, "{span:?} {end:?}");
        }
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }
}
