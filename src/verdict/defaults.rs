//! What holds when nothing is declared: limits, the warm-up, what is forgiven.

use std::borrow::Cow;
use std::time::Duration;

use super::sequential::process::Forgive;
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

/// Caches, pools and compilers of a new revision are cold for half a minute to a minute.
const LONGEST_WARM_UP: Duration = Duration::from_secs(60);
/// A short bake must not be all warm-up.
const WARM_UP_PART: u32 = 5;

/// How long latency does not count where nobody says: a fifth of the bake, at most a minute.
#[must_use]
pub fn usual_warm_up(bake: Duration) -> Duration {
    (bake / WARM_UP_PART).min(LONGEST_WARM_UP)
}

/// Longer than the ten to twenty seconds that replacing tasks costs a healthy service; an outage
/// that lasts longer is seen at once after it. At 20 s the judge is a little faster and brittle,
/// at 45 s some fifteen seconds slower.
const FORGIVEN_SPAN: Duration = Duration::from_secs(30);
/// A short bake must not be forgiven whole; a bake of five minutes or more forgives the full span.
const FORGIVEN_PART: u32 = 10;

/// What is forgiven where nobody says: one burst of half a minute, of a tenth of a short bake.
#[must_use]
pub fn usual_forgiveness(bake: Duration) -> Forgive {
    Forgive {
        span: (bake / FORGIVEN_PART).min(FORGIVEN_SPAN),
        times: 1,
    }
}
