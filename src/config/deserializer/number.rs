//! Numbers that stay exact on their way to whoever reads them.

use serde::de::value::StrDeserializer;
use serde::de::{self, Visitor};

use super::{Error, Sort};

/// The key under which `serde_json`, built with `arbitrary_precision`, takes the digits of a
/// number. The test of exactness fails when a new version chooses another.
const SERDE_JSON_NUMBER: &str = "$serde_json::private::Number";

/// A decimal of so many digits comes back from an `f64` as it was written.
const EXACT_DIGITS: usize = 15;

/// Gives a number to a visitor that takes any type: as an integer where 64 bits hold it, as an
/// `f64` where that is exact, else digit by digit.
pub fn visit<'de, V: Visitor<'de>>(digits: &str, visitor: V) -> Result<V::Value, Error> {
    if let Ok(number) = digits.parse::<u64>() {
        return visitor.visit_u64(number);
    }
    if let Ok(number) = digits.parse::<i64>() {
        return visitor.visit_i64(number);
    }
    match digits.parse::<f64>() {
        Ok(number) if survives(digits, number) => visitor.visit_f64(number),
        _ => visitor.visit_map(Exact(Some(digits))),
    }
}

fn survives(digits: &str, number: f64) -> bool {
    let mantissa = digits.split(['e', 'E']).next().unwrap_or(digits);
    let count = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let ordinary = number == 0.0 || (1e-15..1e15).contains(&number.abs());
    count <= EXACT_DIGITS && ordinary && !digits.contains(['e', 'E'])
}

/// One entry: the digits under the key that `serde_json` knows.
struct Exact<'a>(Option<&'a str>);

impl<'de> de::MapAccess<'de> for Exact<'_> {
    type Error = Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Error> {
        if self.0.is_none() {
            return Ok(None);
        }
        seed.deserialize(StrDeserializer::new(SERDE_JSON_NUMBER))
            .map(Some)
    }

    fn next_value_seed<S: de::DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let digits = self.0.take().unwrap_or_default();
        seed.deserialize(StrDeserializer::new(digits))
    }
}

/// A type of number, for messages.
pub trait Limits {
    /// The numbers it holds: `a whole number from 0 to 255`.
    fn range() -> String;
}

macro_rules! limits {
    ($($type:ty)*) => {$(
        impl Limits for $type {
            fn range() -> String {
                format!("a whole number from {} to {}", Self::MIN, Self::MAX)
            }
        }
    )*};
}

limits! { u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 }

impl Limits for f32 {
    fn range() -> String {
        "a number".to_owned()
    }
}

impl Limits for f64 {
    fn range() -> String {
        "a number".to_owned()
    }
}

/// The error of a number that the setting cannot hold.
pub fn refused<T: Limits>(digits: &str) -> Error {
    let expected = T::range();
    Error::new(
        Sort::Refused,
        format!("expected {expected}, found the number `{digits}`"),
    )
}
