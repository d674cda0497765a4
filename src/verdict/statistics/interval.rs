//! How well a share is known: Clopper–Pearson bounds on a rate from counts.
//!
//! Exact in the sense of Clopper and Pearson (The Use of Confidence or Fiducial Limits Illustrated
//! in the Case of the Binomial, Biometrika 26, 1934): whatever the true rate is, a bound is wrong at
//! most as often as its confidence allows. Shorter intervals (Wilson 1927; Agresti and Coull 1998)
//! are right on average only, which is not what a report may promise. Counts are real numbers: a
//! baseline with dispersion φ counts as bad/φ of of/φ samples. Called by findings and baselines.

use super::beta::Beta;
use super::is_confidence;

/// From where to where a share may lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end, from 0 to 1.
    pub low: f64,
    /// The upper end, from 0 to 1 and not below `low`.
    pub high: f64,
}

impl Interval {
    /// Everything: what is known before anything was seen.
    pub const EVERYTHING: Self = Self {
        low: 0.0,
        high: 1.0,
    };
}

/// The two-sided Clopper–Pearson interval of the rate behind `bad` of `of` samples.
///
/// The ends are the one-sided bounds at half of what the confidence leaves. No samples, more bad
/// samples than samples, negative or infinite counts, and a confidence that is not strictly between
/// 0 and 1 give [`Interval::EVERYTHING`].
#[must_use]
pub fn clopper_pearson(bad: f64, of: f64, confidence: f64) -> Interval {
    if !is_confidence(confidence) {
        return Interval::EVERYTHING;
    }
    // Not 1 − (1 − c)/2: small leftovers keep their digits this way.
    let leftover = (1.0 - confidence) / 2.0;
    Interval {
        low: low_end(bad, of, leftover),
        high: high_end(bad, of, leftover),
    }
}

/// The one-sided Clopper–Pearson bound that the rate is at least, with this confidence.
///
/// It is 0 for no bad sample, and where [`clopper_pearson`] gives everything.
#[must_use]
pub fn lower_bound(bad: f64, of: f64, confidence: f64) -> f64 {
    if is_confidence(confidence) {
        low_end(bad, of, 1.0 - confidence)
    } else {
        0.0
    }
}

/// The one-sided Clopper–Pearson bound that the rate is at most, with this confidence.
///
/// It is 1 when all samples are bad, and where [`clopper_pearson`] gives everything.
#[must_use]
pub fn upper_bound(bad: f64, of: f64, confidence: f64) -> f64 {
    if is_confidence(confidence) {
        high_end(bad, of, 1.0 - confidence)
    } else {
        1.0
    }
}

/// The rate at which as many bad samples, or more, are seen with probability `leftover`.
fn low_end(bad: f64, of: f64, leftover: f64) -> f64 {
    if !is_count(bad, of) {
        return 0.0;
    }
    match Beta::new(bad, of - bad + 1.0) {
        Some(beta) => beta.quantile(leftover),
        None => 0.0,
    }
}

/// The rate at which as few bad samples, or fewer, are seen with probability `leftover`.
fn high_end(bad: f64, of: f64, leftover: f64) -> f64 {
    if !is_count(bad, of) {
        return 1.0;
    }
    match Beta::new(bad + 1.0, of - bad) {
        Some(beta) => beta.quantile_from_above(leftover),
        None => 1.0,
    }
}

fn is_count(bad: f64, of: f64) -> bool {
    of > 0.0 && of.is_finite() && (0.0..=of).contains(&bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_agree_with_published_ones() {
        // (bad, of, confidence, low, high, digits behind the point, where it is printed)
        let cases = [
            (
                682.0,
                925.0,
                0.95,
                0.707_668_3,
                0.765_406_6,
                7,
                "R, binom.test, Mendel's peas",
            ),
            (
                4.0,
                20.0,
                0.90,
                0.071_354,
                0.401_028,
                6,
                "NIST, Dataplot, exact binomial limits",
            ),
            (
                0.0,
                10.0,
                0.95,
                0.0,
                0.3085,
                4,
                "Documenta Geigy, exact limits",
            ),
            (
                1.0,
                10.0,
                0.95,
                0.0025,
                0.4450,
                4,
                "Documenta Geigy, exact limits",
            ),
            (
                5.0,
                10.0,
                0.95,
                0.1871,
                0.8129,
                4,
                "Documenta Geigy, exact limits",
            ),
            (
                10.0,
                10.0,
                0.95,
                0.6915,
                1.0,
                4,
                "Documenta Geigy, exact limits",
            ),
            (
                81.0,
                263.0,
                0.95,
                0.2527,
                0.3676,
                4,
                "Newcombe 1998, table I, method 5",
            ),
            (
                15.0,
                148.0,
                0.95,
                0.0578,
                0.1617,
                4,
                "Newcombe 1998, table I, method 5",
            ),
            (
                0.0,
                20.0,
                0.95,
                0.0,
                0.1684,
                4,
                "Newcombe 1998, table I, method 5",
            ),
            (
                1.0,
                29.0,
                0.95,
                0.0009,
                0.1776,
                4,
                "Newcombe 1998, table I, method 5",
            ),
        ];
        for (bad, of, confidence, low, high, digits, printed) in cases {
            let got = clopper_pearson(bad, of, confidence);
            let half = 0.5001 * 10_f64.powi(-digits);
            assert!(
                (got.low - low).abs() <= half && (got.high - high).abs() <= half,
                "{printed}: {bad} of {of}: {got:?}"
            );
        }
    }

    #[test]
    fn one_sided_bounds_have_closed_forms_at_the_ends() {
        for of in [1.0, 10.0, 60.0, 1e7] {
            let expected = -(0.05_f64.ln() / of).exp_m1();
            let none_bad = upper_bound(0.0, of, 0.95);
            assert!((none_bad / expected - 1.0).abs() < 1e-12, "{of}");
            let all_bad = lower_bound(of, of, 0.95);
            assert!((all_bad - (1.0 - expected)).abs() < 1e-12, "{of}");
        }
        assert_eq!(lower_bound(0.0, 10.0, 0.95), 0.0);
        assert_eq!(upper_bound(10.0, 10.0, 0.95), 1.0);
    }

    #[test]
    fn a_diluted_count_knows_less() {
        let whole = upper_bound(12.0, 1_440.0, 0.95);
        let diluted = upper_bound(12.0 / 2.5, 1_440.0 / 2.5, 0.95);
        assert!(
            diluted > whole && diluted < 2.0 * whole,
            "{whole} {diluted}"
        );
    }

    #[test]
    fn nonsense_tells_nothing() {
        let cases = [
            (0.0, 0.0, 0.95),
            (4.0, 3.0, 0.95),
            (-1.0, 3.0, 0.95),
            (f64::NAN, 3.0, 0.95),
            (1.0, f64::NAN, 0.95),
            (1.0, f64::INFINITY, 0.95),
            (1.0, 3.0, 0.0),
            (1.0, 3.0, 1.0),
            (1.0, 3.0, f64::NAN),
        ];
        for (bad, of, confidence) in cases {
            let got = clopper_pearson(bad, of, confidence);
            assert_eq!(got, Interval::EVERYTHING, "{bad} of {of} at {confidence}");
            assert_eq!(lower_bound(bad, of, confidence), 0.0);
            assert_eq!(upper_bound(bad, of, confidence), 1.0);
        }
    }
}
