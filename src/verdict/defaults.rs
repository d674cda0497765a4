//! The limits that hold when none are declared.

use std::borrow::Cow;

use super::threshold::{Comparison, Limit, Measure, Subject, Threshold};

/// The share of failed samples above which a person should know: 1 %.
pub const WARNING_ERROR_RATE: f64 = 0.01;
/// The share of failed samples above which a deployment is bad: 5 %.
pub const CRITICAL_ERROR_RATE: f64 = 0.05;

/// The limits of a check that declares none: `error_rate: { warning: "> 1%", critical: "> 5%" }`.
#[must_use]
pub fn default_thresholds() -> Vec<Threshold> {
    let above = |value| {
        Some(Limit {
            comparison: Comparison::Above,
            value,
            measure: Measure::Share,
        })
    };
    vec![Threshold {
        subject: Subject::ErrorRate,
        warning: above(WARNING_ERROR_RATE),
        critical: above(CRITICAL_ERROR_RATE),
        lasting: None,
        consecutive: None,
    }]
}

/// The declared limits and, where none of them is about failures, the default one that is.
///
/// Someone who limits `used_pct` alone has not said that the query may fail: without this, a check
/// whose every second sample fails would pass as long as the others are quick.
#[must_use]
pub fn with_error_limit(declared: &[Threshold]) -> Cow<'_, [Threshold]> {
    let is_about_failures = |threshold: &Threshold| {
        matches!(
            threshold.subject,
            Subject::ErrorRate | Subject::Availability | Subject::ConsecutiveFailures
        )
    };
    if declared.iter().any(is_about_failures) {
        return Cow::Borrowed(declared);
    }
    Cow::Owned([&default_thresholds(), declared].concat())
}
