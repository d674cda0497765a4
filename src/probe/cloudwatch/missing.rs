//! What it means that there is no value.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// What it means that there is no value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    /// Nothing is learnt.
    #[default]
    Unknown,
    /// It is well: nobody asked, say.
    Ok,
    /// It is a failure.
    Fail,
    /// It is a value of zero: counts of errors are not written where there are none.
    Zero,
}

impl<'de> Deserialize<'de> for Missing {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = Missing;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`unknown`, `ok`, `fail` or `0`")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Missing, E> {
                match number {
                    0 => Ok(Missing::Zero),
                    other => Err(E::invalid_value(de::Unexpected::Unsigned(other), &self)),
                }
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Missing, E> {
                match number {
                    0 => Ok(Missing::Zero),
                    other => Err(E::invalid_value(de::Unexpected::Signed(other), &self)),
                }
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Missing, E> {
                match text {
                    "unknown" => Ok(Missing::Unknown),
                    "ok" => Ok(Missing::Ok),
                    "fail" => Ok(Missing::Fail),
                    "0" => Ok(Missing::Zero),
                    other => Err(E::unknown_variant(other, &["unknown", "ok", "fail", "0"])),
                }
            }
        }

        deserializer.deserialize_any(Word)
    }
}

impl JsonSchema for Missing {
    fn schema_name() -> Cow<'static, str> {
        "Missing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "What it means that there is no value.",
            "enum": ["unknown", "ok", "fail", "0", 0]
        })
    }
}
