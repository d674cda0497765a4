//! What is expected of a status: one, several, a class of them, or whatever a matcher says.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use serde_json::Value;

use crate::expect::{Matcher, Operator, Undated};

/// What is expected of the status.
#[derive(Clone, Debug, PartialEq)]
pub enum Status {
    /// Any from 200 to 299.
    Success,
    /// One of these.
    OneOf(Vec<StatusPart>),
    /// What a matcher says of the number.
    Matching(Matcher),
}

/// A status, or a class of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPart {
    /// `204`
    Code(u16),
    /// `2xx`, as its first digit.
    Class(u16),
}

impl Status {
    /// What is wrong with a status, where something is.
    pub fn mismatch(&self, status: StatusCode) -> Option<String> {
        let got = status.as_u16();
        let fine = match self {
            Self::Success => status.is_success(),
            Self::OneOf(parts) => parts.iter().any(|part| match part {
                StatusPart::Code(code) => *code == got,
                StatusPart::Class(class) => *class == got / 100,
            }),
            Self::Matching(matcher) => matcher.judge(&Value::from(got)).holds(),
        };
        (!fine).then(|| format!("expected status {self}, got {got}"))
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Success => f.write_str("2xx"),
            Self::OneOf(parts) => {
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| match part {
                        StatusPart::Code(code) => code.to_string(),
                        StatusPart::Class(class) => format!("{class}xx"),
                    })
                    .collect();
                f.write_str(&parts.join(" or "))
            }
            Self::Matching(matcher) => matcher.fmt(f),
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let matcher = Undated::deserialize(deserializer)?.into_matcher();
        let parts = match matcher.operators() {
            [Operator::Equal(Value::Array(parts))] if !parts.is_empty() => parts.as_slice(),
            [Operator::Equal(Value::Array(_))] => {
                return Err(de::Error::custom("an empty list expects nothing"));
            }
            [Operator::Equal(one)] => std::slice::from_ref(one),
            _ => return Ok(Self::Matching(matcher)),
        };
        parts
            .iter()
            .map(part)
            .collect::<Result<_, _>>()
            .map(Self::OneOf)
            .map_err(de::Error::custom)
    }
}

fn part(value: &Value) -> Result<StatusPart, String> {
    let wrong = || format!("{value} is not a status; write 200, [200, 204] or 2xx");
    match value {
        Value::Number(number) => number
            .as_u64()
            .and_then(|code| u16::try_from(code).ok())
            .filter(|code| (100..=599).contains(code))
            .map(StatusPart::Code)
            .ok_or_else(wrong),
        Value::String(text) => match text.to_ascii_lowercase().as_bytes() {
            [class @ b'1'..=b'5', b'x', b'x'] => Ok(StatusPart::Class(u16::from(class - b'0'))),
            _ => Err(wrong()),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => Err(wrong()),
    }
}

impl JsonSchema for Status {
    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let part = json_schema!({
            "anyOf": [
                { "type": "integer", "minimum": 100, "maximum": 599 },
                { "type": "string", "pattern": "^[1-5][xX][xX]$" }
            ]
        });
        let matcher = generator.subschema_for::<Matcher>();
        json_schema!({
            "description": "A status, several of them, a class of them as 2xx, or a matcher.",
            "anyOf": [part, { "type": "array", "items": part, "minItems": 1 }, matcher]
        })
    }
}
