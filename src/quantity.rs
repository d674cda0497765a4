//! Durations, ratios and sizes as people write them: `250ms`, `5%`, `64KiB`. Parsing and printing
//! only.

mod bytes;

pub use bytes::Bytes;

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A span of time written with a unit: `250ms`, `2s`, `1m30s`, `15m`, `24h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub Duration);

/// A share of a whole: `1%` is 0.01. Always finite and between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Ratio(f64);

/// Text that is not the quantity that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a duration.
    #[error("`{0}` is not a duration; write a number and a unit, as 250ms, 2s, 1m30s or 24h")]
    Duration(String),
    /// Not a ratio.
    #[error("`{0}` is not a share; write a percentage from 0% to 100%, or a number from 0 to 1")]
    Ratio(String),
    /// Not a number of bytes.
    #[error("`{0}` is not a number of bytes; write a whole number and a unit, as 64KiB or 1MiB")]
    Bytes(String),
}

impl Span {
    /// Reads a span.
    ///
    /// # Errors
    /// When the text is empty, has no unit, an unknown unit, a sign, or more than 100 years.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let wrong = || QuantityError::Duration(text.to_owned());
        let mut rest = text.trim();
        let mut seconds = 0.0_f64;
        let mut last_unit = f64::INFINITY;
        if rest.is_empty() {
            return Err(wrong());
        }
        while !rest.is_empty() {
            let digits = rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .filter(|at| *at > 0)
                .ok_or_else(wrong)?;
            let (number, tail) = rest.split_at(digits);
            let number: f64 = number.parse().map_err(|_| wrong())?;
            let unit_end = tail
                .find(|c: char| !c.is_alphabetic())
                .unwrap_or(tail.len());
            let (unit, tail) = tail.split_at(unit_end);
            let unit = unit_seconds(unit)
                .filter(|unit| *unit < last_unit)
                .ok_or_else(wrong)?;
            seconds += number * unit;
            last_unit = unit;
            rest = tail;
        }
        if seconds > LONGEST_SECONDS {
            return Err(wrong());
        }
        // Whole nanoseconds, so that 0.1s and 100ms are the same span.
        Ok(Self(Duration::from_nanos((seconds * 1e9).round() as u64)))
    }
}

/// A hundred years: longer is a slip of the keyboard.
const LONGEST_SECONDS: f64 = 100.0 * 365.25 * 86_400.0;

fn unit_seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    })
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&human(self.0))
    }
}

/// Writes a span as a person would: `250ms`, `2.5s`, `15m`, `1h30m`.
#[must_use]
pub fn human(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if span.is_zero() {
        return "0s".to_owned();
    }
    if seconds < 0.001 {
        return format!("{}us", trim(seconds * 1e6, 0));
    }
    if seconds < 1.0 {
        return format!(
            "{}ms",
            trim(seconds * 1e3, if seconds < 0.1 { 1 } else { 0 })
        );
    }
    if seconds < 60.0 {
        return format!("{}s", trim(seconds, 1));
    }
    let whole = span.as_secs();
    let (days, hours, minutes, rest) = (
        whole / 86_400,
        whole / 3_600 % 24,
        whole / 60 % 60,
        whole % 60,
    );
    let parts = [(days, "d"), (hours, "h"), (minutes, "m"), (rest, "s")];
    parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, unit)| format!("{n}{unit}"))
        .collect()
}

fn trim(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

impl Ratio {
    /// Makes a ratio from a number between 0 and 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// The share, between 0 and 1.
    #[must_use]
    pub const fn share(self) -> f64 {
        self.0
    }

    /// Reads a ratio: `5%` or `0.05`.
    ///
    /// # Errors
    /// When the text is no number or outside 0 to 1 (0 % to 100 %).
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        let wrong = || QuantityError::Ratio(text.to_owned());
        let text_trimmed = text.trim();
        let (number, scale) = match text_trimmed.strip_suffix('%') {
            Some(number) => (number.trim_end(), 100.0),
            None => (text_trimmed, 1.0),
        };
        let number: f64 = number.parse().map_err(|_| wrong())?;
        Self::new(number / scale).ok_or_else(wrong)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", trim(self.0 * 100.0, 2))
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl schemars::JsonSchema for Span {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^ *([0-9.]+(us|µs|ms|s|m|h|d))+ *$",
            "description": "A span of time: a number and a unit (us, ms, s, m, h, d), as 250ms, 2s, 1m30s or 24h.",
            "examples": ["250ms", "5s", "15m"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_written() {
        let cases = [
            ("250ms", 250, "250ms"),
            ("0.1s", 100, "100ms"),
            ("2s", 2_000, "2s"),
            ("1m30s", 90_000, "1m30s"),
            ("15m", 900_000, "15m"),
            ("24h", 86_400_000, "1d"),
            ("1h30m", 5_400_000, "1h30m"),
        ];
        for (text, milliseconds, written) in cases {
            let span = Span::parse(text).unwrap();
            assert_eq!(span.0, Duration::from_millis(milliseconds), "{text}");
            assert_eq!(span.to_string(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_span_is_refused() {
        for text in [
            "",
            "5",
            "s",
            "-1s",
            "5 s",
            "1s1m",
            "1s1s",
            "5sec",
            "1e9d",
            "99999999d",
            ".",
        ] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ratios_are_read_as_percentages_and_as_numbers() {
        assert_eq!(Ratio::parse("5%").unwrap().share(), 0.05);
        assert_eq!(Ratio::parse("0.5 %").unwrap().share(), 0.005);
        assert_eq!(Ratio::parse("1").unwrap().share(), 1.0);
        for text in ["", "%", "101%", "-1%", "1.5", "five", "NaN"] {
            assert!(Ratio::parse(text).is_err(), "{text}");
        }
    }
}
