//! Tails of the binomial distribution, and quantiles of the normal one.
//!
//! Both tails are values of the incomplete beta function and right in relative terms: within 1e-11
//! of the sum of their terms down to 1e-300 and up to ten million samples. Summing the other tail
//! and taking it from 1, as is often done, has no digit left below 1e-16. Called by the end-of-bake rule, by the
//! quantiles' intervals and by the statements on power.

use statrs::distribution::{ContinuousCDF, Normal};

use super::beta::{Beta, Place};
use super::is_share;

/// The probability that at least `bad` of `of` independent samples are bad when each is at `rate`.
///
/// This is I_rate(bad, of − bad + 1), the regularised incomplete beta function (Abramowitz and
/// Stegun, 26.5.24). It is 1 for no bad sample and 0 for more bad samples than samples; at a rate of
/// 0 and of 1 it is what these leave possible. A rate that is no share from 0 to 1 makes
/// everything possible: 1.
#[must_use]
pub fn at_least(bad: u64, of: u64, rate: f64) -> f64 {
    if bad == 0 || !is_share(rate) {
        return 1.0;
    }
    let Some(good) = of.checked_sub(bad) else {
        return 0.0;
    };
    if rate == 0.0 || rate == 1.0 {
        return rate;
    }
    match Beta::new(bad as f64, good as f64 + 1.0) {
        Some(beta) => beta.below(Place::at(rate)),
        None => 1.0,
    }
}

/// The probability that at most `bad` of `of` independent samples are bad when each is at `rate`.
///
/// It is `at_least` for the good samples, and right in relative terms as well. A rate that is no
/// share from 0 to 1 makes everything possible: 1.
#[must_use]
pub fn at_most(bad: u64, of: u64, rate: f64) -> f64 {
    let Some(good) = of.checked_sub(bad) else {
        return 1.0;
    };
    if good == 0 || !is_share(rate) {
        return 1.0;
    }
    if rate == 0.0 || rate == 1.0 {
        return 1.0 - rate;
    }
    match Beta::new(bad as f64 + 1.0, good as f64) {
        Some(beta) => beta.above(Place::at(rate)),
        None => 1.0,
    }
}

/// The value that a standard normal variable stays below with this probability.
///
/// statrs is right here: within 1e-12 of scipy. Minus infinity at 0, infinity at 1, and not a
/// number for what is no probability.
#[must_use]
pub fn normal_quantile(probability: f64) -> f64 {
    if is_share(probability) {
        Normal::standard().inverse_cdf(probability)
    } else {
        f64::NAN
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, expected: f64, tolerance: f64) {
        assert!(
            (got / expected - 1.0).abs() <= tolerance,
            "{got} instead of {expected}"
        );
    }

    #[test]
    fn tails_agree_with_exact_fractions() {
        // Three heads or more, and at most three, of ten throws: 968/1024 and 176/1024.
        close(at_least(3, 10, 0.5), 968.0 / 1024.0, 1e-13);
        close(at_most(3, 10, 0.5), 176.0 / 1024.0, 1e-13);
        // Three or fewer of nineteen at ½.
        close(at_most(3, 19, 0.5), 1160.0 / 524_288.0, 1e-13);
        // The lady tasting tea by guessing: 8 of 8.
        close(at_least(8, 8, 0.5), 1.0 / 256.0, 1e-13);
        // All of 150 at 1 %: 10^-300.
        close(at_least(150, 150, 0.01), 1e-300, 1e-12);
        // None of ten million at one in a million: (1 − 10^-6)^(10^7).
        close(
            at_most(0, 10_000_000, 1e-6),
            (1e7 * (-1e-6_f64).ln_1p()).exp(),
            1e-12,
        );
    }

    #[test]
    fn a_published_p_value_holds() {
        // Mendel's peas in R's documentation of binom.test: 682 of 925 at ¾, two-sided 0.3825,
        // which is this tail and that of the counts from 706 on, as improbable as 682.
        let p_value = at_most(682, 925, 0.75) + at_least(706, 925, 0.75);
        assert!((p_value - 0.3825).abs() < 5e-5, "{p_value}");
    }

    #[test]
    fn the_two_tails_make_one() {
        for of in [1, 2, 17, 240, 1_440, 30_000, 10_000_000_u64] {
            for rate in [1e-9, 0.01, 0.05, 0.5, 0.95] {
                for bad in [1, of / 20 + 1, of / 2 + 1, of] {
                    let sum = at_least(bad, of, rate) + at_most(bad - 1, of, rate);
                    assert!((sum - 1.0).abs() < 1e-9, "{bad} of {of} at {rate}: {sum}");
                }
            }
        }
    }

    #[test]
    fn the_ends_and_nonsense_have_an_answer() {
        let cases = [
            ("none is always reached", at_least(0, 0, 0.3), 1.0),
            ("more than there are", at_least(4, 3, 0.3), 0.0),
            ("one of nothing", at_least(1, 0, 0.3), 0.0),
            ("one at a rate of nothing", at_least(1, 3, 0.0), 0.0),
            ("all at a rate of everything", at_least(3, 3, 1.0), 1.0),
            ("all at most", at_most(3, 3, 0.3), 1.0),
            ("more than there are at most", at_most(4, 3, 0.3), 1.0),
            ("none at a rate of nothing", at_most(0, 3, 0.0), 1.0),
            ("some good at a rate of everything", at_most(2, 3, 1.0), 0.0),
            ("not a rate", at_least(2, 3, f64::NAN), 1.0),
            ("a rate above everything", at_least(2, 3, 1.5), 1.0),
            ("not a rate, from below", at_most(2, 3, f64::NAN), 1.0),
        ];
        for (what, got, expected) in cases {
            assert_eq!(got, expected, "{what}");
        }
    }

    #[test]
    fn the_normal_quantile_agrees_with_tables() {
        for (probability, expected) in [
            (0.975, 1.959_963_984_540_054),
            (0.99, 2.326_347_874_040_841),
            (0.5, 0.0),
            (1e-9, -5.997_807_015_007_687),
        ] {
            assert!((normal_quantile(probability) - expected).abs() < 1e-12);
        }
        assert_eq!(normal_quantile(0.0), f64::NEG_INFINITY);
        assert_eq!(normal_quantile(1.0), f64::INFINITY);
        assert!(normal_quantile(f64::NAN).is_nan());
        assert!(normal_quantile(-0.1).is_nan());
    }
}
