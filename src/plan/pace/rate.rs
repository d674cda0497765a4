//! A rate as people write it: `100/s`, `30/min`, `0.5/s`. Reading, writing, and the time of each
//! send, in whole numbers.

use std::fmt;
use std::time::Duration;

/// So many in a second, a minute or an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many millionths of a send.
    millionths: u64,
    /// In which time.
    per: Per,
}

/// The time that a rate is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Per {
    Second,
    Minute,
    Hour,
}

/// Text that is not a rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a rate; write a number and a unit of time, as 100/s, 30/min or 0.5/s")]
pub struct RateError(pub String);

/// Rates are kept to the millionth: nobody means less.
const MILLION: u64 = 1_000_000;
/// A larger number is refused before it can overflow; what is too fast to be meant is refused
/// elsewhere, with a reason.
const LARGEST: f64 = 1e12;

impl Rate {
    /// Reads a rate.
    ///
    /// # Errors
    /// When the text is no decimal number with `/s`, `/m`, `/min` or `/h` behind it.
    pub fn parse(text: &str) -> Result<Self, RateError> {
        let wrong = || RateError(text.to_owned());
        let (number, unit) = text.split_once('/').ok_or_else(wrong)?;
        let number = number.trim();
        let is_digit = |c: char| c.is_ascii_digit() || c == '.';
        let value: f64 = match number.chars().all(is_digit) {
            true => number.parse().map_err(|_| wrong())?,
            false => return Err(wrong()),
        };
        let per = match unit.trim() {
            "s" => Per::Second,
            "m" | "min" => Per::Minute,
            "h" => Per::Hour,
            _ => return Err(wrong()),
        };
        if value > LARGEST {
            return Err(wrong());
        }
        // A whole number within the range by the line above.
        let millionths = (value * MILLION as f64).round() as u64;
        Ok(Self { millionths, per })
    }

    /// So many a second.
    #[must_use]
    pub fn per_second(self) -> f64 {
        self.millionths as f64 / MILLION as f64 / self.per.span().as_secs_f64()
    }

    /// Whether nothing is sent at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.millionths == 0
    }

    /// When the send with this number is due, in whole nanoseconds; never, without a rate.
    pub(super) fn due(self, number: u64) -> Duration {
        if self.is_zero() {
            return Duration::MAX;
        }
        let nanos = u128::from(number) * self.numerator() / u128::from(self.millionths);
        nanoseconds(nanos)
    }

    /// How many are due up to a moment, itself included.
    pub(super) fn sends_by(self, span: Duration) -> u64 {
        // The n-th is due at the whole nanosecond below n·p/m, which is at most the span exactly
        // where n·p/m is less than a nanosecond more.
        let within = (span.as_nanos() + 1).saturating_mul(u128::from(self.millionths));
        u64::try_from(within.div_ceil(self.numerator())).unwrap_or(u64::MAX)
    }

    /// The nanoseconds of its unit, for as many as there are millionths of one.
    fn numerator(self) -> u128 {
        self.per.span().as_nanos() * u128::from(MILLION)
    }
}

impl Per {
    const fn span(self) -> Duration {
        match self {
            Self::Second => Duration::from_secs(1),
            Self::Minute => Duration::from_secs(60),
            Self::Hour => Duration::from_secs(3_600),
        }
    }
}

fn nanoseconds(nanos: u128) -> Duration {
    const IN_A_SECOND: u128 = 1_000_000_000;
    let seconds = u64::try_from(nanos / IN_A_SECOND).unwrap_or(u64::MAX);
    // Below a thousand millions by the remainder.
    Duration::new(seconds, (nanos % IN_A_SECOND) as u32)
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:06}", self.millionths % MILLION);
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        let unit = match self.per {
            Per::Second => "s",
            Per::Minute => "min",
            Per::Hour => "h",
        };
        write!(f, "{}{point}{decimals}/{unit}", self.millionths / MILLION)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_written() {
        let cases = [
            ("100/s", 100.0, "100/s"),
            ("30/min", 0.5, "30/min"),
            ("30/m", 0.5, "30/min"),
            ("0.5/s", 0.5, "0.5/s"),
            (" 1.250 / s ", 1.25, "1.25/s"),
            ("36/h", 0.01, "36/h"),
            ("0/s", 0.0, "0/s"),
        ];
        for (text, per_second, written) in cases {
            let rate = Rate::parse(text).unwrap();
            assert!((rate.per_second() - per_second).abs() < 1e-12, "{text}");
            assert_eq!(rate.to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            "100",
            "/s",
            "100/",
            "-1/s",
            "1e3/s",
            "100/ms",
            "100/d",
            "100 s",
            "./s",
            "1/s/s",
            "99999999999999/s",
        ] {
            assert!(Rate::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_constant_rate_never_drifts() {
        let cases = [
            ("3/s", 1, 333_333_333),
            ("3/s", 3, 1_000_000_000),
            ("3/s", 259_200_000_000, 86_400_000_000_000_000_000),
            ("7/min", 7 * 1_440, 86_400_000_000_000),
            ("0.3/s", 3, 10_000_000_000),
        ];
        for (text, number, nanos) in cases {
            let due = Rate::parse(text).unwrap().due(number);
            assert_eq!(due.as_nanos(), nanos, "{text}, send {number}");
        }
    }
}
