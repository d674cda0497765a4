//! Names for runs, so that they can be found in a tracing system. Random enough that no two of any two
//! processes are the same, and as quick as a counter. Asked by whoever starts a run.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::sample::Trace;

/// Where runs get their names.
#[derive(Debug)]
pub struct Traces {
    seed: [u64; 2],
    counter: AtomicU64,
    /// Of 2^64 runs so many are sampled.
    sampled: AtomicU64,
}

impl Traces {
    /// Names of which a share, from 0 to 1, is marked as sampled. `seed` is random.
    #[must_use]
    pub fn new(seed: [u64; 2], share: f64) -> Self {
        Self {
            seed,
            counter: AtomicU64::new(0),
            sampled: AtomicU64::new(of_all(share)),
        }
    }

    /// The same with a seed of its own.
    #[must_use]
    pub fn sampling(share: f64) -> Self {
        Self::new([random(), random()], share)
    }

    /// From now on another share is marked.
    pub fn sample(&self, share: f64) {
        self.sampled.store(of_all(share), Ordering::Relaxed);
    }

    /// The names of a run that begins.
    #[must_use]
    pub fn begin(&self) -> Trace {
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let [first, second] = self.seed;
        let (high, low) = (scattered(first, number), scattered(second, number));
        let span = scattered(high, low);
        Trace::new(
            (u128::from(high) << u64::BITS) | u128::from(low),
            span,
            low < self.sampled.load(Ordering::Relaxed),
        )
    }
}

impl Default for Traces {
    /// Names that nobody keeps.
    fn default() -> Self {
        Self::sampling(0.0)
    }
}

/// Random bits, from where the standard library gets them for its maps: the operating system.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A share of all numbers of 64 bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the cast saturates, and a part in 2^53 of a share is nobody's business"
)]
fn of_all(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * u64::MAX as f64) as u64
}

/// The output function of SplitMix64: a bijection in which each bit of the input changes about half of
/// those of the output (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
const fn scattered(seed: u64, number: u64) -> u64 {
    let step = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut x = seed.wrapping_add(step);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_runs_have_the_same_name() {
        let traces = Traces::new([1, 2], 0.0);
        let names: HashSet<_> = (0..100_000).map(|_| traces.begin().trace_id()).collect();
        assert_eq!(names.len(), 100_000);
        let other = Traces::new([1, 3], 0.0);
        assert!(!names.contains(&other.begin().trace_id()));
    }

    #[test]
    fn the_declared_share_is_sampled() {
        for (share, least, most) in [(0.0, 0, 0), (0.01, 900, 1_100), (1.0, 100_000, 100_000)] {
            let traces = Traces::new([7, 11], share);
            let sampled = (0..100_000).filter(|_| traces.begin().sampled).count();
            assert!((least..=most).contains(&sampled), "{share}: {sampled}");
            traces.sample(1.0);
            assert!(traces.begin().sampled, "it can be declared anew");
        }
    }
}
