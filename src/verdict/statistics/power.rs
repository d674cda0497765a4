//! What a number of samples can show at all, for the sentence that goes with a pass.
//!
//! Ten clean samples exclude nothing below 26 %: a pass that does not say so promises too much.
//! How surely a rule that waits for k bad samples would have seen a fault is `at_least` itself. Called
//! by explanations and by the plan.

use super::{is_confidence, is_share};

/// The largest rate that `samples` clean samples exclude with this confidence.
///
/// At any higher rate, seeing no bad sample at all would be rarer than the confidence leaves:
/// 1 − (1 − confidence)^(1/samples), the one-sided Clopper–Pearson bound for none bad. At 95 % about
/// 3/samples (the "rule of three", Hanley and Lippman-Hand, JAMA 249, 1983). No samples, and a
/// confidence not strictly between 0 and 1, exclude nothing: 1.
#[must_use]
pub fn excluded_rate(samples: u64, confidence: f64) -> f64 {
    if samples == 0 || !is_confidence(confidence) {
        return 1.0;
    }
    -((-confidence).ln_1p() / samples as f64).exp_m1()
}

/// How many clean samples exclude a rate with this confidence.
///
/// The inverse of [`excluded_rate`]; one sample excludes a rate of 1. Absent for a rate of 0, which
/// nothing excludes, for what is no rate, and for a confidence not strictly between 0 and 1.
#[must_use]
pub fn samples_to_exclude(rate: f64, confidence: f64) -> Option<u64> {
    if rate == 0.0 || !is_share(rate) || !is_confidence(confidence) {
        return None;
    }
    let exact = (-confidence).ln_1p() / (-rate).ln_1p();
    // A hair above a whole number, left by rounding, is not one more sample.
    Some(((exact * (1.0 - 1e-12)).ceil() as u64).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_samples_exclude_little() {
        for (samples, percent) in [(10, 26.0), (60, 4.9), (1, 95.0), (300, 1.0)] {
            let got = 100.0 * excluded_rate(samples, 0.95);
            assert!((got - percent).abs() < 0.12, "{samples}: {got}");
        }
        assert!((excluded_rate(10_000_000, 0.95) * 1e7 - 20_f64.ln()).abs() < 1e-6);
        assert_eq!(excluded_rate(0, 0.95), 1.0, "no samples exclude nothing");
        for confidence in [0.0, 1.0, f64::NAN] {
            assert_eq!(excluded_rate(10, confidence), 1.0, "{confidence}");
        }
    }

    #[test]
    fn the_samples_that_are_needed_are_just_enough() {
        // 59 samples for 95 % at 95 % is the sample size of Wilks (1941).
        for (rate, samples) in [(0.05, 59), (0.01, 299), (0.5, 5), (0.95, 1), (1.0, 1)] {
            assert_eq!(samples_to_exclude(rate, 0.95), Some(samples), "{rate}");
            assert!(excluded_rate(samples, 0.95) <= rate * (1.0 + 1e-9));
        }
        for (rate, confidence) in [(0.0, 0.95), (f64::NAN, 0.95), (2.0, 0.95), (0.1, 1.0)] {
            assert_eq!(samples_to_exclude(rate, confidence), None);
        }
    }
}
