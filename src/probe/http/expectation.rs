//! What is expected of an answer, and what a given answer lacks of it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use http::header::HeaderName;
use http::{HeaderMap, StatusCode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use serde_json::Value;

use crate::expect::{Document, JsonExpectations, Matcher, Operator, first_and_count};
use crate::probe::Misfit;
use crate::probe::wire::exchange::Answer;
use crate::sample::{Fault, Reason};

/// What is expected of an answer. Without a `status`, any from 200 to 299.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize, JsonSchema)]
#[schemars(transform = with_text)]
pub struct Expectation {
    /// The status: `200`, `[200, 204]`, `2xx`, or a matcher as `{ lt: 500 }`.
    #[serde(default, deserialize_with = "present")]
    pub status: Option<Status>,
    /// JSON paths into the body, each with what is expected there.
    #[serde(default, deserialize_with = "present")]
    pub json: Option<JsonExpectations>,
    /// What is expected of the body as a text.
    #[serde(default, alias = "text", deserialize_with = "present")]
    pub body: Option<Matcher>,
    /// Headers, each with what is expected of its value; of several values, of all of them joined
    /// by a comma.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<BTreeMap<String, Matcher>>")]
    pub headers: Option<Headers>,
}

/// What is expected of headers, by name. A list as long as it is: a map has room for eleven.
#[derive(Clone, Debug, PartialEq)]
pub struct Headers(Box<[(String, Matcher)]>);

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let declared = BTreeMap::<String, Matcher>::deserialize(deserializer)?;
        Ok(Self(declared.into_iter().collect()))
    }
}

impl Headers {
    fn iter(&self) -> std::slice::Iter<'_, (String, Matcher)> {
        self.0.iter()
    }
}

/// The other name of `body`, of which the schema would not know.
fn with_text(schema: &mut Schema) {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    if let Some(properties) = properties
        && let Some(body) = properties.get("body").cloned()
    {
        properties.insert("text".to_owned(), body);
    }
}

/// Reads a setting that, where it stands, must say something: an empty one is no default.
pub fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

impl Expectation {
    /// Refuses what expects nothing, and names that are no headers.
    pub fn misfits(&self) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        let Self {
            status,
            json,
            body,
            headers,
        } = self;
        let no_header = headers.as_ref().is_none_or(|headers| headers.0.is_empty());
        if status.is_none() && json.is_none() && body.is_none() && no_header {
            misfits.push(
                Misfit::at(&["expect"], "an empty expectation expects nothing")
                    .hint("leave `expect` out for any 2xx status, or name a status"),
            );
        }
        for (name, _) in headers.iter().flat_map(Headers::iter) {
            if HeaderName::try_from(name.as_str()).is_err() {
                let message = format!("`{name}` is not the name of a header");
                misfits.push(Misfit::at(&["expect", "headers", name], message));
            }
        }
        misfits
    }

    /// Whether an answer with this status is final.
    pub fn accepts(&self, status: StatusCode) -> bool {
        self.status_matcher().mismatch(status).is_none()
    }

    /// What is compared with before: what the JSON paths lead to, where some are declared, and
    /// else the whole body. Nothing when that cannot be read.
    pub fn observed(&self, answer: &Answer) -> Option<String> {
        if answer.foreign_encoding.is_some() {
            return None;
        }
        match &self.json {
            Some(json) => json.observed(&Document::read(&answer.body)),
            None => std::str::from_utf8(&answer.body).ok().map(str::to_owned),
        }
    }

    /// What the answer lacks, the root cause first; absent when it is as expected.
    pub fn fault(&self, answer: &Answer) -> Option<Fault> {
        let status = self.status_matcher().mismatch(answer.status);
        let reason = if status.is_some() {
            Reason::Status
        } else {
            Reason::Expectation
        };
        let mut faults: Vec<String> = status.into_iter().collect();
        faults.extend(self.header_faults(&answer.headers));
        faults.extend(self.body_faults(answer));
        let fault = Fault::new(reason, first_and_count(&faults)?);
        Some(if reason == Reason::Status && is_passing(answer.status) {
            fault.transient()
        } else {
            fault
        })
    }

    fn status_matcher(&self) -> Cow<'_, Status> {
        self.status
            .as_ref()
            .map_or(Cow::Owned(Status::Success), Cow::Borrowed)
    }

    fn header_faults(&self, headers: &HeaderMap) -> Vec<String> {
        let expected = self.headers.iter().flat_map(Headers::iter);
        expected
            .filter_map(|(name, matcher)| {
                let told = match joined(headers, name) {
                    Some(value) => matcher.judge_text(&value),
                    None => matcher.judge_absent(),
                };
                let mismatch = told.mismatch()?;
                Some(format!("header {name}: {mismatch}"))
            })
            .collect()
    }

    fn body_faults(&self, answer: &Answer) -> Vec<String> {
        if self.json.is_none() && self.body.is_none() {
            return Vec::new();
        }
        if let Some(encoding) = &answer.foreign_encoding {
            return vec![format!(
                "the body is encoded as {encoding}, which was not asked for and cannot be read"
            )];
        }
        let mut faults = Vec::new();
        if let Some(json) = &self.json
            && !json.surely_hold(&answer.body)
        {
            faults.extend(json.faults(&Document::read(&answer.body)));
        }
        if let Some(matcher) = &self.body {
            faults.extend(text_fault(matcher, &answer.body));
        }
        faults
    }
}

/// A status by which a target says that another try may well pass.
const fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn text_fault(matcher: &Matcher, body: &[u8]) -> Option<String> {
    match std::str::from_utf8(body) {
        Ok(text) => {
            let mismatch = matcher.judge_text(text).mismatch()?;
            Some(format!("body: {mismatch}"))
        }
        Err(error) => Some(format!(
            "body: expected {matcher}, got bytes that are not UTF-8 text after {} bytes",
            error.valid_up_to()
        )),
    }
}

/// The values of a header as one: repeated headers are a list (RFC 9110, section 5.3). Bytes
/// beyond ASCII are read as Latin-1, so that every value is a text.
pub fn joined<'a>(headers: &'a HeaderMap, name: &str) -> Option<Cow<'a, str>> {
    let mut values = headers.get_all(name).iter();
    let (first, second) = (values.next()?, values.next());
    if let (Ok(only), None) = (first.to_str(), second) {
        return Some(Cow::Borrowed(only));
    }
    let values: Vec<String> = [first]
        .into_iter()
        .chain(second)
        .chain(values)
        .map(|value| value.as_bytes().iter().copied().map(char::from).collect())
        .collect();
    Some(Cow::Owned(values.join(", ")))
}

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
    fn mismatch(&self, status: StatusCode) -> Option<String> {
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
        let matcher = Matcher::deserialize(deserializer)?;
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
