//! Quantities of the EVM's JSON-RPC: `0x36` as the integer that it is, whatever its size.
//!
//! Nodes break the rules of EIP-1474 (its own example does), so leading zeros, a bare `0x` and a
//! JSON number are read, and marked as not canonical. A text without `0x` is refused: `36` could
//! be either of two numbers, and a guess would make a head age out of nothing. Pure.

use std::fmt;

use serde_json::Value;

/// A non-negative integer of any size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    /// Hexadecimal digits, lower case, without leading zeros; `0` for zero.
    digits: String,
    /// Whether the node wrote it as EIP-1474 asks.
    pub canonical: bool,
}

/// What is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityFault {
    /// Neither a text nor a number.
    #[error("{0} instead of a quantity such as 0x36")]
    Shape(&'static str),
    /// A text that does not begin with `0x`.
    #[error("a quantity without its 0x")]
    Prefix,
    /// Something else than hexadecimal digits behind the `0x`.
    #[error("a quantity with something else than hexadecimal digits")]
    Digits,
    /// A number with a sign, a fraction or an exponent.
    #[error("a number that is no non-negative integer instead of a quantity")]
    Integer,
}

impl Quantity {
    /// Reads a quantity from a node's answer.
    ///
    /// # Errors
    /// When the value is no non-negative integer in a form that has one meaning only.
    pub fn read(value: &Value) -> Result<Self, QuantityFault> {
        match value {
            Value::String(text) => Self::hexadecimal(text),
            Value::Number(number) => Self::decimal(&number.to_string()).map(|read| Self {
                canonical: false,
                ..read
            }),
            Value::Null => Err(QuantityFault::Shape("null")),
            Value::Bool(_) => Err(QuantityFault::Shape("a truth value")),
            Value::Array(_) => Err(QuantityFault::Shape("an array")),
            Value::Object(_) => Err(QuantityFault::Shape("an object")),
        }
    }

    /// Reads `0x36`.
    ///
    /// # Errors
    /// When the prefix is missing or something else than hexadecimal digits follows it.
    pub fn hexadecimal(text: &str) -> Result<Self, QuantityFault> {
        let digits = text
            .strip_prefix("0x")
            .or_else(|| text.strip_prefix("0X"))
            .ok_or(QuantityFault::Prefix)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(QuantityFault::Digits);
        }
        let significant = digits.trim_start_matches('0');
        let canonical = text.starts_with("0x")
            && (digits == "0" || digits == significant)
            && !digits.is_empty();
        let digits = if significant.is_empty() {
            "0".to_owned()
        } else {
            significant.to_ascii_lowercase()
        };
        Ok(Self { digits, canonical })
    }

    /// Reads `54`, up to 128 bits: what people declare, and what some nodes answer.
    ///
    /// # Errors
    /// When the text is something else than decimal digits, or a larger number.
    pub fn decimal(text: &str) -> Result<Self, QuantityFault> {
        let number: u128 = Some(text)
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse().ok())
            .ok_or(QuantityFault::Integer)?;
        Ok(Self {
            digits: format!("{number:x}"),
            canonical: true,
        })
    }

    /// The integer, where it fits 64 bits.
    #[must_use]
    pub fn to_u64(&self) -> Option<u64> {
        u64::from_str_radix(&self.digits, 16).ok()
    }

    /// Whether it is zero, which a bare `0x` is as well.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.digits == "0"
    }

    /// Whether both are the same integer, however they were written.
    #[must_use]
    pub fn equals(&self, other: &Self) -> bool {
        self.digits == other.digits
    }
}

/// The decimal number where it fits 64 bits; the hexadecimal one, cut when long, elsewhere.
impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_u64() {
            Some(number) => write!(f, "{number}"),
            None if self.digits.len() <= LONGEST_SHOWN => write!(f, "0x{}", self.digits),
            None => write!(f, "0x{}…", &self.digits[..LONGEST_SHOWN]),
        }
    }
}

/// The digits of a 256-bit word: more is nobody's number.
const LONGEST_SHOWN: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quantities_are_the_integers_that_they_are() {
        // answer, decimal, canonical
        let cases = [
            (json!("0x0"), "0", true),
            (json!("0x41"), "65", true),
            (json!("0x400"), "1024", true),
            (json!("0xFF"), "255", true),
            (json!("0xc72dd9d5e883e"), "3503995874084926", true),
            (json!("0x09184e72a000"), "10000000000000", false),
            (json!("0x00"), "0", false),
            (json!("0x"), "0", false),
            (json!("0X36"), "54", false),
            (json!(54), "54", false),
        ];
        for (answer, decimal, canonical) in cases {
            let read = Quantity::read(&answer).unwrap();
            assert!(
                read.equals(&Quantity::decimal(decimal).unwrap()),
                "{answer}"
            );
            assert_eq!(read.to_string(), decimal, "{answer}");
            assert_eq!(read.canonical, canonical, "{answer}");
        }
    }

    #[test]
    fn what_has_two_meanings_or_none_is_refused() {
        let cases = [
            (json!("ff"), QuantityFault::Prefix),
            (json!("36"), QuantityFault::Prefix),
            (json!(""), QuantityFault::Prefix),
            (json!("0xzz"), QuantityFault::Digits),
            (json!("0x 1"), QuantityFault::Digits),
            (json!("0x-1"), QuantityFault::Digits),
            (json!("0xé"), QuantityFault::Digits),
            (json!(-1), QuantityFault::Integer),
            (json!(1.5), QuantityFault::Integer),
            (json!(null), QuantityFault::Shape("null")),
            (json!([]), QuantityFault::Shape("an array")),
            (json!({}), QuantityFault::Shape("an object")),
            (json!(true), QuantityFault::Shape("a truth value")),
        ];
        for (answer, fault) in cases {
            assert_eq!(Quantity::read(&answer), Err(fault), "{answer}");
        }
    }

    #[test]
    fn numbers_wider_than_64_bits_stay_exact() {
        let wide = Quantity::hexadecimal("0x10000000000000001").unwrap();
        assert_eq!(wide.to_u64(), None);
        assert!(wide.equals(&Quantity::decimal("18446744073709551617").unwrap()));
        assert!(!wide.equals(&Quantity::hexadecimal("0x10000000000000000").unwrap()));
        let huge = Quantity::hexadecimal(&format!("0x{}", "f".repeat(5_000))).unwrap();
        assert!(huge.to_string().len() < 80);
    }
}
