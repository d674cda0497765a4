//! How late probes start against their schedule, and the turns that never came: by it a person knows
//! whether the latencies of a run can be believed.
//!
//! Counted in the steps of `window::histogram`, each an atomic number: one such list for the whole
//! process, 30 KB. Counting is one addition; reading makes a histogram of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::window::histogram::{Histogram, PLACES, place_of};

/// The lateness of every start so far. It may be counted by many at once.
#[derive(Debug)]
pub struct Lateness {
    starts: Box<[AtomicU64]>,
    sum_nanoseconds: AtomicU64,
    longest_nanoseconds: AtomicU64,
    missed: AtomicU64,
    lost: AtomicU64,
}

/// How well the schedule was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Punctuality {
    /// How many runs were started by a schedule.
    pub starts: u64,
    /// At most so late was every second start, within 1 %.
    pub p50: Duration,
    /// At most so late were 99 of 100, within 1 %.
    pub p99: Duration,
    /// The latest start.
    pub max: Duration,
    /// Turns of the schedule that were never run.
    pub missed: u64,
    /// Samples that were taken and did not reach the judge.
    pub lost: u64,
}

impl Default for Lateness {
    fn default() -> Self {
        Self {
            starts: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            sum_nanoseconds: AtomicU64::new(0),
            longest_nanoseconds: AtomicU64::new(0),
            missed: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }
}

impl Lateness {
    /// Counts a start that came so late; one that came in time is late by nothing.
    pub fn count(&self, late: Duration) {
        let nanoseconds = u64::try_from(late.as_nanos()).unwrap_or(u64::MAX);
        self.starts[usize::from(place_of(late))].fetch_add(1, Ordering::Relaxed);
        self.sum_nanoseconds
            .fetch_add(nanoseconds, Ordering::Relaxed);
        self.longest_nanoseconds
            .fetch_max(nanoseconds, Ordering::Relaxed);
    }

    /// Counts turns that came so late that they were left out.
    pub fn miss(&self, turns: u64) {
        self.missed.fetch_add(turns, Ordering::Relaxed);
    }

    /// How many turns were left out.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }

    /// Counts samples that were lost because the judge did not keep up.
    pub fn lose(&self, samples: u64) {
        self.lost.fetch_add(samples, Ordering::Relaxed);
    }

    /// How many samples were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// How late all starts were together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum_nanoseconds.load(Ordering::Relaxed))
    }

    /// All starts as a histogram.
    #[must_use]
    pub fn histogram(&self) -> Histogram {
        let mut histogram = Histogram::default();
        for (place, count) in self.starts.iter().enumerate() {
            histogram.record_at(place, count.load(Ordering::Relaxed));
        }
        histogram
    }

    /// How well the schedule was kept, where there was one.
    #[must_use]
    pub fn told(&self) -> Option<Punctuality> {
        let found = self.punctuality();
        (found.starts > 0).then_some(found)
    }

    /// How well the schedule was kept so far.
    #[must_use]
    pub fn punctuality(&self) -> Punctuality {
        let histogram = self.histogram();
        let longest = Duration::from_nanos(self.longest_nanoseconds.load(Ordering::Relaxed));
        // The middle of the last step may lie beyond the longest.
        let at = |q| histogram.quantile(q).unwrap_or_default().min(longest);
        Punctuality {
            starts: histogram.count(),
            p50: at(0.5),
            p99: at(0.99),
            max: longest,
            missed: self.missed(),
            lost: self.lost(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_start_in_a_hundred_may_be_late() {
        let lateness = Lateness::default();
        assert_eq!(lateness.punctuality(), Punctuality::default());
        for _ in 0..198 {
            lateness.count(Duration::from_micros(80));
        }
        lateness.count(Duration::from_secs(3));
        lateness.miss(2);
        lateness.lose(5);
        let found = lateness.punctuality();
        assert_eq!((found.starts, found.missed, found.lost), (199, 2, 5));
        assert!(found.p99 < Duration::from_micros(81), "{found:?}");
        assert_eq!(found.max, Duration::from_secs(3), "the latest is exact");
        for _ in 0..4 {
            lateness.count(Duration::from_secs(3));
        }
        let p99 = lateness.punctuality().p99;
        assert!(p99 > Duration::from_millis(2_970), "{p99:?}");
        assert!(p99 <= Duration::from_secs(3), "never beyond the longest");
    }

    #[test]
    fn what_several_threads_count_is_all_there() {
        let lateness = Lateness::default();
        std::thread::scope(|scope| {
            for thread in 1..=4 {
                let lateness = &lateness;
                scope.spawn(move || {
                    for _ in 0..1_000 {
                        lateness.count(Duration::from_millis(thread));
                    }
                });
            }
        });
        assert_eq!(lateness.histogram().count(), 4_000);
        assert_eq!(lateness.sum(), Duration::from_secs(10));
    }
}
