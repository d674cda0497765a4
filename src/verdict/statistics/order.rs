//! How well a quantile is known: which order statistics enclose it, whatever the distribution.
//!
//! Latencies follow no law that could be assumed, but how many of them lie below their true quantile
//! always follows the binomial distribution. Ranks count from 0, as a slice in ascending order does.
//! Where there are too few values for an end it is absent: of twenty values none is surely above the
//! 95th percentile. Called by findings on latency and by baselines.

use super::{at_least, at_most, is_confidence, normal_quantile};

/// The two ends around a quantile, each absent when the values do not reach so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds<T> {
    /// The lower end.
    pub low: Option<T>,
    /// The upper end.
    pub high: Option<T>,
}

impl<T> Bounds<T> {
    const NONE: Self = Self {
        low: None,
        high: None,
    };
}

/// The values, out of some in ascending order, between which their true quantile lies with at least
/// this confidence.
///
/// The values at the ranks of [`order_statistic_ranks`]; absent ends as there.
#[must_use]
pub fn quantile_bounds<T: Copy>(ascending: &[T], q: f64, confidence: f64) -> Bounds<T> {
    let ranks = order_statistic_ranks(ascending.len() as u64, q, confidence);
    let value = |rank: u64| ascending.get(usize::try_from(rank).ok()?).copied();
    Bounds {
        low: ranks.low.and_then(value),
        high: ranks.high.and_then(value),
    }
}

/// The ranks between which the `q`-quantile of `count` values lies with at least this confidence.
///
/// Each end is wrong at most as often as half of what the confidence leaves (Conover, Practical
/// Nonparametric Statistics, 3rd edition, section 3.2; for ties the ends are only surer). Both are
/// absent unless `q` and the confidence are strictly between 0 and 1.
#[must_use]
pub fn order_statistic_ranks(count: u64, q: f64, confidence: f64) -> Bounds<u64> {
    if !is_confidence(q) || !is_confidence(confidence) {
        return Bounds::NONE;
    }
    let leftover = (1.0 - confidence) / 2.0;
    // The value at rank r is above the quantile when at most r values are not.
    let too_high = |rank| at_most(rank, count, q) > leftover;
    let low = first_where(count, too_high).checked_sub(1);
    // It is below the quantile when at least r + 1 values are.
    let high_enough = |rank| at_least(rank + 1, count, q) <= leftover;
    let high = Some(first_where(count, high_enough)).filter(|rank| *rank < count);
    Bounds { low, high }
}

/// The same by Woodruff's approximation, with room for dependence: the shares
/// q ± z √(q (1 − q) φ / count), read off the values.
///
/// Woodruff, Confidence Intervals for Medians and Other Position Measures, JASA 47, 1952; both ends
/// are rounded up as Conover does. `dispersion` is φ ≥ 1; less counts as 1. It is near the nominal
/// confidence from about twenty values beyond the quantile on. Both ends are absent when an argument
/// makes no sense.
#[must_use]
pub fn woodruff_ranks(count: u64, q: f64, confidence: f64, dispersion: f64) -> Bounds<u64> {
    if !is_confidence(q) || !is_confidence(confidence) || !dispersion.is_finite() {
        return Bounds::NONE;
    }
    let z = -normal_quantile((1.0 - confidence) / 2.0);
    let (middle, spread) = position(count, q, dispersion);
    let rank = |position: f64| {
        let from_one = position.ceil();
        (from_one >= 1.0 && from_one <= count as f64).then(|| from_one as u64 - 1)
    };
    Bounds {
        low: rank(middle - z * spread),
        high: rank(middle + z * spread),
    }
}

/// The rank of a value that is above the quantile of a baseline, as surely as `z` standard errors.
///
/// ⌈m q + z √(m q (1 − q) φ)⌉ for m = `count` values with dispersion φ; absent when the baseline
/// has no such value, or when an argument makes no sense. A `dispersion` below 1 counts as 1.
#[must_use]
pub fn upper_quantile_rank(count: u64, q: f64, z: f64, dispersion: f64) -> Option<u64> {
    if !is_confidence(q) || !z.is_finite() || !dispersion.is_finite() {
        return None;
    }
    let (middle, spread) = position(count, q, dispersion);
    let rank = (middle + z * spread).ceil();
    (rank >= 0.0 && rank < count as f64).then_some(rank as u64)
}

/// Where the quantile is expected among the values, and the standard error of that.
fn position(count: u64, q: f64, dispersion: f64) -> (f64, f64) {
    let middle = count as f64 * q;
    (middle, (middle * (1.0 - q) * dispersion.max(1.0)).sqrt())
}

/// The first number below `end` that fits, or `end`; once one fits, all after it do.
fn first_where(end: u64, fits: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low + (high - low) / 2;
        if fits(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_agree_with_published_tables() {
        // The sign-test interval of the median at 95 %: ranks counted from 1 in tables of the
        // binomial at ½ (Conover, table A3; Documenta Geigy): 6 of them give (1, 6), 10 (2, 9),
        // 20 (6, 15), 100 (40, 61).
        for (count, low, high) in [(6, 1, 6), (10, 2, 9), (20, 6, 15), (100, 40, 61)] {
            let got = order_statistic_ranks(count, 0.5, 0.95);
            let expected = Bounds {
                low: Some(low - 1),
                high: Some(high - 1),
            };
            assert_eq!(got, expected, "{count}");
        }
    }

    #[test]
    fn an_end_that_the_values_do_not_reach_is_absent() {
        // 0.95^n is below 2.5 % from 72 values on: the classical sample size for an upper limit.
        let cases = [
            (0, 0.95, false, false),
            (5, 0.5, false, false),
            (6, 0.5, true, true),
            (20, 0.95, true, false),
            (71, 0.95, true, false),
            (72, 0.95, true, true),
        ];
        for (count, q, low, high) in cases {
            let got = order_statistic_ranks(count, q, 0.95);
            assert_eq!(
                (got.low.is_some(), got.high.is_some()),
                (low, high),
                "{count} {q}"
            );
        }
    }

    #[test]
    fn the_ends_are_the_tightest_that_keep_the_confidence() {
        for count in [8, 30, 72, 240, 1_440, 30_000] {
            for q in [0.5, 0.9, 0.95] {
                let Bounds { low, high } = order_statistic_ranks(count, q, 0.95);
                if let Some(low) = low {
                    assert!(at_most(low, count, q) <= 0.025 && at_most(low + 1, count, q) > 0.025);
                }
                if let Some(high) = high {
                    assert!(at_least(high + 1, count, q) <= 0.025);
                    assert!(at_least(high, count, q) > 0.025);
                }
            }
        }
    }

    #[test]
    fn values_are_taken_at_their_ranks() {
        let ascending: Vec<u32> = (1..=100).collect();
        let got = quantile_bounds(&ascending, 0.5, 0.95);
        assert_eq!((got.low, got.high), (Some(40), Some(61)));
        assert_eq!(quantile_bounds::<u32>(&[], 0.5, 0.95), Bounds::NONE);
    }

    #[test]
    fn woodruff_comes_near_the_exact_ranks_and_widens_with_dispersion() {
        for count in [240, 1_440, 30_000] {
            let exact = order_statistic_ranks(count, 0.9, 0.95);
            let near = woodruff_ranks(count, 0.9, 0.95, 1.0);
            let off = |a: Option<u64>, b: Option<u64>| a.unwrap().abs_diff(b.unwrap());
            assert!(off(exact.low, near.low) <= 2, "{count}: {exact:?} {near:?}");
            assert!(
                off(exact.high, near.high) <= 2,
                "{count}: {exact:?} {near:?}"
            );
            let wide = woodruff_ranks(count, 0.9, 0.95, 4.0);
            assert!(wide.low < near.low && wide.high.unwrap_or(count) > near.high.unwrap());
        }
        assert_eq!(woodruff_ranks(20, 0.95, 0.95, 1.0).high, None);
        assert_eq!(woodruff_ranks(0, 0.5, 0.95, 1.0), Bounds::NONE);
        assert_eq!(woodruff_ranks(20, 0.5, 0.95, f64::NAN), Bounds::NONE);
        assert_eq!(woodruff_ranks(20, 1.0, 0.95, 1.0), Bounds::NONE);
    }

    #[test]
    fn the_upper_rank_of_a_baseline_follows_its_formula() {
        // ⌈240 · 0.95 + 2.326 √(240 · 0.95 · 0.05)⌉ = ⌈228 + 7.85⌉.
        assert_eq!(upper_quantile_rank(240, 0.95, 2.326, 1.0), Some(236));
        // The factor 4 doubles the distance: ⌈228 + 15.71⌉ is beyond the last rank.
        assert_eq!(upper_quantile_rank(240, 0.95, 2.326, 4.0), None);
        assert_eq!(upper_quantile_rank(240, 0.5, 2.326, 4.0), Some(157));
        assert_eq!(upper_quantile_rank(240, 0.5, 2.326, 0.1), Some(139));
        assert_eq!(upper_quantile_rank(0, 0.5, 2.326, 1.0), None);
        for (q, z, dispersion) in [
            (f64::NAN, 2.326, 1.0),
            (1.0, 2.326, 1.0),
            (0.5, f64::INFINITY, 1.0),
            (0.5, 2.326, f64::NAN),
        ] {
            assert_eq!(upper_quantile_rank(240, q, z, dispersion), None);
        }
    }
}
