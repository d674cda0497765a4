//! The words of the API: closed sets as they are written, times and spans.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::clock::WallTime;
use crate::engine::serve::live::WindowState;
use crate::event::Verdict;
use crate::sample::Outcome;

/// What the judge says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictWord {
    /// Everything that was declared holds, on enough data.
    Pass,
    /// A warning limit is breached.
    Warn,
    /// Not enough data to say.
    Inconclusive,
    /// A critical limit is breached.
    Fail,
}

impl From<Verdict> for VerdictWord {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Warn => Self::Warn,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Fail => Self::Fail,
        }
    }
}

/// How one run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OutcomeWord {
    /// The target answered as expected.
    Pass,
    /// The target answered, wrongly.
    Fail,
    /// The target could not be reached or did not answer in time.
    Error,
    /// Nothing is learnt about the target: our own fault or a third party's.
    Unknown,
}

impl From<Outcome> for OutcomeWord {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Pass => Self::Pass,
            Outcome::Fail => Self::Fail,
            Outcome::Error => Self::Error,
            Outcome::Unknown => Self::Unknown,
        }
    }
}

/// What a window is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StateWord {
    /// The deployment is looked for.
    Opening,
    /// The deployment bakes.
    Baking,
    /// It is being undone.
    RollingBack,
    /// The revision before is being proven.
    Verifying,
    /// It is over.
    Closed,
    /// The daemon ended while it was open, and nobody went on with it.
    Left,
}

impl From<WindowState> for StateWord {
    fn from(state: WindowState) -> Self {
        match state {
            WindowState::Closed => Self::Closed,
            WindowState::Opening => Self::Opening,
            WindowState::Baking => Self::Baking,
            WindowState::RollingBack => Self::RollingBack,
            WindowState::Verifying => Self::Verifying,
        }
    }
}

/// A time as RFC 3339 in UTC, as exact as it is known: `2026-11-21T08:50:00.25Z`.
#[must_use]
pub fn time(time: WallTime) -> String {
    let span = time.unix();
    let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    // Less than a billion.
    let nanoseconds = i32::try_from(span.subsec_nanos()).unwrap_or_default();
    jiff::Timestamp::new(seconds, nanoseconds).map_or_else(
        |_| crate::report::wall::rfc3339(time),
        |timestamp| timestamp.to_string(),
    )
}

/// A time as it is asked for: RFC 3339, with any offset.
#[must_use]
pub fn read_time(text: &str) -> Option<WallTime> {
    let timestamp: jiff::Timestamp = text.parse().ok()?;
    // Nothing happened before 1970: all of that is its first moment.
    let nanoseconds = u128::try_from(timestamp.as_nanosecond()).unwrap_or_default();
    let seconds = u64::try_from(nanoseconds / NANOSECONDS).ok()?;
    let rest = u32::try_from(nanoseconds % NANOSECONDS).ok()?;
    Some(WallTime::since_unix_epoch(Duration::new(seconds, rest)))
}

/// In a second.
const NANOSECONDS: u128 = 1_000_000_000;

/// A span in milliseconds.
#[must_use]
pub fn millis(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_as_they_were_told() {
        let cases = [
            ("2026-11-21T08:40:00Z", Some("2026-11-21T08:40:00Z")),
            ("2026-11-21T08:40:00.25Z", Some("2026-11-21T08:40:00.25Z")),
            ("2026-11-21T09:40:00+01:00", Some("2026-11-21T08:40:00Z")),
            ("1969-12-31T23:59:59Z", Some("1970-01-01T00:00:00Z")),
            ("2026-11-21", None),
            ("yesterday", None),
        ];
        for (text, expected) in cases {
            assert_eq!(read_time(text).map(time).as_deref(), expected, "{text}");
        }
    }
}
