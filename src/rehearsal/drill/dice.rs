//! The dice of the drill: random numbers that are the same on every machine, in every version and
//! on any number of threads.
//!
//! Each window has dice of its own, seeded from the seed of the drill, the name of the variant and
//! the number of the window, and from nothing else: not from the rule that judges it, so that all
//! rules see the same windows, and not from the thread that simulates it.

use rand_distr::{Distribution as _, Exp1, StandardNormal};
use rand_pcg::Pcg64;
use rand_pcg::rand_core::Rng as _;

/// Random numbers for one window.
#[derive(Clone, Debug)]
pub struct Dice(Pcg64);

impl Dice {
    /// The dice of one window.
    #[must_use]
    pub fn of_window(seed: u64, variant: &str, window: u64) -> Self {
        let state = u128::from(scrambled(seed)) << 64 | u128::from(scrambled(!window));
        Self(Pcg64::new(state, u128::from(fingerprint(variant))))
    }

    /// A number from 0 to below 1, each multiple of 2⁻⁵³ as likely as the next.
    pub fn share(&mut self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.0.next_u64() >> 11) as f64 * STEP
    }

    /// A number from `low` to below `high`, evenly distributed.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.share()
    }

    /// True with this chance.
    pub fn falls(&mut self, chance: f64) -> bool {
        self.share() < chance
    }

    /// A number of the normal distribution with mean 0 and standard deviation 1.
    pub fn normal(&mut self) -> f64 {
        StandardNormal.sample(&mut self.0)
    }

    /// A number of the exponential distribution with this mean.
    pub fn waiting(&mut self, mean: f64) -> f64 {
        let one: f64 = Exp1.sample(&mut self.0);
        mean * one
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014):
/// neighbouring seeds and windows begin far apart.
const fn scrambled(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): a name as a number, the same in every version.
const fn fingerprint(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xCBF2_9CE4_8422_2325;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01B3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden: when a new version of a crate changes these, the tables of all users change.
    #[test]
    fn the_numbers_are_those_of_every_version() {
        let mut dice = Dice::of_window(1, "outage", 0);
        let shares: Vec<u64> = (0..3).map(|_| (dice.share() * 1e6) as u64).collect();
        let normals: Vec<i64> = (0..3).map(|_| (dice.normal() * 1e6) as i64).collect();
        let waits: Vec<u64> = (0..3).map(|_| (dice.waiting(5.0) * 1e6) as u64).collect();
        assert_eq!(shares, [778_692, 15_844, 655_146]);
        assert_eq!(normals, [-799_142, -441_398, 979_817]);
        assert_eq!(waits, [12_358_921, 5_682_071, 4_355_739]);
    }

    #[test]
    fn seed_variant_and_window_each_give_other_dice() {
        let first = |seed, variant, window| Dice::of_window(seed, variant, window).share();
        let all = [
            first(1, "a", 0),
            first(2, "a", 0),
            first(1, "b", 0),
            first(1, "a", 1),
            first(0, "a", 1),
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert!((one - other).abs() > 1e-9);
            }
        }
    }

    #[test]
    fn the_distributions_have_their_moments() {
        let mut dice = Dice::of_window(7, "moments", 0);
        let count = 40_000;
        let mean = |numbers: &[f64]| numbers.iter().sum::<f64>() / numbers.len() as f64;
        let normals: Vec<f64> = (0..count).map(|_| dice.normal()).collect();
        let squares: Vec<f64> = normals.iter().map(|x| x * x).collect();
        let waits: Vec<f64> = (0..count).map(|_| dice.waiting(5.0)).collect();
        let shares: Vec<f64> = (0..count).map(|_| dice.share()).collect();
        // Five standard errors of each mean.
        assert!(mean(&normals).abs() < 0.025);
        assert!((mean(&squares) - 1.0).abs() < 0.036);
        assert!((mean(&waits) - 5.0).abs() < 0.125);
        assert!((mean(&shares) - 0.5).abs() < 0.008);
    }
}
