//! A reading as it is declared: by one text where that says all, or by a mapping.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// Reads a text alone, of which `alone` makes the settings, or the mapping of all of them.
///
/// # Errors
/// When it is neither, in the words of `expected`, or when the mapping cannot be read.
pub fn text_or_mapping<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
    expected: &'static str,
    alone: fn(&str) -> T,
) -> Result<T, D::Error> {
    let settings = PhantomData;
    deserializer.deserialize_any(TextOrMapping {
        expected,
        alone,
        settings,
    })
}

struct TextOrMapping<T> {
    expected: &'static str,
    alone: fn(&str) -> T,
    settings: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for TextOrMapping<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        Ok((self.alone)(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}
