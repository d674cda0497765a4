//! Numbers as they are written: integers of any size, decimals, and the hex quantities of the
//! chains. Compared exactly, without ever being turned into a float.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Number;

/// An exact decimal number: sign, digits without leading or trailing zeros, and the power of ten
/// of the first digit. Zero has no digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Decimal {
    negative: bool,
    digits: String,
    /// The number is `0.digits × 10^magnitude`.
    magnitude: i64,
}

impl Decimal {
    /// Reads a number as JSON writes it: `-12.50`, `1e3`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let digits = format!("{whole}{fraction}");
        let magnitude = exponent.checked_add(i64::try_from(whole.len()).ok()?)?;
        Self::normal(negative, &digits, magnitude)
    }

    /// Reads a hex quantity: `0x1a`. Absent for anything else, and for more than
    /// `LONGEST_QUANTITY` digits.
    #[must_use]
    pub fn quantity(text: &str) -> Option<Self> {
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))?;
        if digits.is_empty() || digits.len() > LONGEST_QUANTITY {
            return None;
        }
        // Limbs of nine decimal digits, the lowest first.
        let mut limbs: Vec<u64> = Vec::new();
        for digit in digits.chars() {
            let mut carry = u64::from(digit.to_digit(16)?);
            for limb in &mut limbs {
                let value = *limb * 16 + carry;
                *limb = value % LIMB;
                carry = value / LIMB;
            }
            if carry > 0 {
                limbs.push(carry);
            }
        }
        let decimal: String = limbs
            .iter()
            .rev()
            .map(|limb| format!("{limb:09}"))
            .collect();
        let magnitude = i64::try_from(decimal.len()).ok()?;
        Self::normal(false, &decimal, magnitude)
    }

    fn normal(negative: bool, digits: &str, magnitude: i64) -> Option<Self> {
        let stripped = digits.trim_start_matches('0');
        let leading = i64::try_from(digits.len() - stripped.len()).ok()?;
        let digits = stripped.trim_end_matches('0');
        if digits.is_empty() {
            return Some(Self {
                negative: false,
                digits: String::new(),
                magnitude: 0,
            });
        }
        Some(Self {
            negative,
            digits: digits.to_owned(),
            magnitude: magnitude.checked_sub(leading)?,
        })
    }

    /// Whether there is nothing behind the decimal point.
    #[must_use]
    pub fn is_integer(&self) -> bool {
        i64::try_from(self.digits.len()).is_ok_and(|digits| digits <= self.magnitude)
            || self.digits.is_empty()
    }

    fn cmp_absolute(&self, other: &Self) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            // Fractions of equal magnitude compare digit by digit, as words do.
            (false, false) => self
                .magnitude
                .cmp(&other.magnitude)
                .then_with(|| self.digits.cmp(&other.digits)),
        }
    }
}

impl From<&Number> for Decimal {
    fn from(number: &Number) -> Self {
        // A JSON number is always a decimal; only an exponent beyond 64 bits is none that we can
        // hold, and then the number is as good as zero or endless.
        let text = number.to_string();
        Self::parse(&text).unwrap_or_else(|| {
            let tiny = text.contains("e-") || text.contains("E-");
            Self {
                negative: !tiny && text.starts_with('-'),
                digits: if tiny { String::new() } else { "1".to_owned() },
                magnitude: if tiny { 0 } else { i64::MAX },
            }
        })
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_absolute(other),
            (true, true) => other.cmp_absolute(self),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let length = i64::try_from(self.digits.len()).unwrap_or(i64::MAX);
        if self.digits.is_empty() {
            return f.write_str("0");
        }
        match usize::try_from(self.magnitude) {
            Ok(point) if self.magnitude >= length && self.magnitude <= PLAIN => {
                let zeros = "0".repeat(point - self.digits.len());
                write!(f, "{sign}{}{zeros}", self.digits)
            }
            Ok(point) if point > 0 && self.magnitude < length => {
                let (whole, fraction) = self.digits.split_at(point);
                write!(f, "{sign}{whole}.{fraction}")
            }
            Ok(0) => write!(f, "{sign}0.{}", self.digits),
            _ => write!(f, "{sign}0.{}e{}", self.digits, self.magnitude),
        }
    }
}

/// More hex digits than this are text: turning them into decimals costs their square.
const LONGEST_QUANTITY: usize = 256;
const LIMB: u64 = 1_000_000_000;
/// Numbers with more digits than this before the point are written with an exponent.
const PLAIN: i64 = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text)
            .or_else(|| Decimal::quantity(text))
            .unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn numbers_compare_as_what_they_are() {
        use Ordering::{Equal, Greater, Less};
        let cases = [
            ("1.0", "1", Equal),
            ("1e3", "1000", Equal),
            ("-0.0", "0", Equal),
            ("0.1", "0.10000000000000000000000000001", Less),
            ("9007199254740993", "9007199254740992", Greater),
            (
                "340282366920938463463374607431768211457",
                "340282366920938463463374607431768211456",
                Greater,
            ),
            ("-5", "-4", Less),
            ("-5", "4", Less),
            ("9", "10", Less),
            ("0.09", "0.1", Less),
            ("1e-400", "0", Greater),
            ("1e999999999", "1e999999998", Greater),
            ("0x1a", "26", Equal),
            ("0x0", "0", Equal),
            (
                "0xffffffffffffffffffffffffffffffff",
                "340282366920938463463374607431768211455",
                Equal,
            ),
            ("0x3b9aca00", "1000000000", Equal),
        ];
        for (left, right, order) in cases {
            assert_eq!(decimal(left).cmp(&decimal(right)), order, "{left} {right}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in ["", "-", "1.2.3", "abc", "0x", "0xg", "1e", ".5", "0x1.5"] {
            assert!(Decimal::parse(text).is_none(), "{text}");
            assert!(Decimal::quantity(text).is_none(), "{text}");
        }
        assert!(Decimal::quantity(&format!("0x{}", "f".repeat(9_999))).is_none());
    }

    #[test]
    fn integers_are_told_from_fractions() {
        for (text, integer) in [
            ("1.0", true),
            ("1e2", true),
            ("0", true),
            ("1.5", false),
            ("1e-1", false),
        ] {
            assert_eq!(decimal(text).is_integer(), integer, "{text}");
        }
    }

    proptest! {
        #[test]
        fn order_agrees_with_the_integers(left: i64, right: i64) {
            let (a, b) = (decimal(&left.to_string()), decimal(&right.to_string()));
            prop_assert_eq!(a.cmp(&b), left.cmp(&right));
        }

        #[test]
        fn what_is_written_is_read_again(whole in -1_000_000_i64..1_000_000, tail in 0_u32..1_000_000) {
            let number = decimal(&format!("{whole}.{tail:06}"));
            prop_assert_eq!(decimal(&number.to_string()), number);
        }

        #[test]
        fn hex_is_the_same_integer(value: u128) {
            prop_assert_eq!(decimal(&format!("{value:#x}")), decimal(&value.to_string()));
        }
    }
}
