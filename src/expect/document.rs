//! Expectations over a JSON body: paths, each with what is expected where it leads.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{Matcher, Path, Unmet, sieve};
use crate::clock::WallTime;

/// A body that may or may not be JSON. A body that is not is no error: it is what expectations
/// cannot be told of.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// The body did parse.
    Parsed(Value),
    /// It did not, for this reason.
    Unreadable(String),
}

impl Document {
    /// Reads a body. At most 128 levels deep; of members of one name, the last one counts.
    #[must_use]
    pub fn read(body: &[u8]) -> Self {
        if body.is_empty() {
            return Self::Unreadable("the body is empty".to_owned());
        }
        match serde_json::from_slice(body) {
            Ok(value) => Self::Parsed(value),
            Err(error) => Self::Unreadable(format!("the body is not JSON: {error}")),
        }
    }
}

/// What is expected of a JSON body, in the order in which it was declared.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct JsonExpectations(Vec<(Path, Matcher)>);

impl JsonExpectations {
    /// Whether nothing is expected.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the body surely is JSON of which all this holds. A short way for the usual case:
    /// where it cannot tell, [`JsonExpectations::first_unmet`] does.
    #[must_use]
    pub fn surely_hold(&self, body: &[u8]) -> bool {
        sieve::surely_holds(&self.0, body)
    }

    /// What the paths lead to: `$.schema: 41; $.flags[*]: "a", "b"`; nothing of a body that is not
    /// JSON.
    #[must_use]
    pub fn observed(&self, document: &Document) -> Option<String> {
        let Document::Parsed(value) = document else {
            return None;
        };
        let found = self.0.iter().map(|(path, _)| {
            let found = path.find(value)?.into_iter();
            let found: Vec<String> = found.map(Value::to_string).collect();
            Some(format!("{path}: {}", found.join(", ")))
        });
        let found: Option<Vec<String>> = found.collect();
        Some(found?.join("; "))
    }

    /// The first expectation that does not hold or cannot be told, where it is known what time it is.
    #[must_use]
    pub fn first_unmet(&self, document: &Document, now: Option<WallTime>) -> Option<Unmet> {
        let value = match document {
            Document::Parsed(value) => value,
            Document::Unreadable(why) => {
                return (!self.is_empty()).then(|| Unmet {
                    text: why.clone(),
                    is_dated: false,
                    after: self.len() - 1,
                });
            }
        };
        let mut expectations = self.0.iter().enumerate();
        expectations.find_map(|(index, (path, matcher))| {
            Some(Unmet {
                text: fault(path, matcher, value, now)?,
                is_dated: matcher.is_dated(),
                after: self.len() - index - 1,
            })
        })
    }

    /// How many expectations there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether what holds depends on what time it is.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.0.iter().any(|(_, matcher)| matcher.is_dated())
    }
}

fn fault(
    path: &Path,
    matcher: &Matcher,
    document: &Value,
    now: Option<WallTime>,
) -> Option<String> {
    if let Some(one) = path.direct(document)
        && matcher.judge_at(one, now).holds()
    {
        return None;
    }
    let Some(found) = path.find(document) else {
        return Some(format!("{path}: finds more values than can be held"));
    };
    let mismatch = matcher.judge_found(&found, path.finds(), now).mismatch()?;
    Some(if found.is_empty() {
        let stop = path.where_it_stops(document);
        format!("{stop}, expected {}", mismatch.expected)
    } else {
        format!("{path}: {mismatch}")
    })
}

impl<'de> Deserialize<'de> for JsonExpectations {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ExpectationsVisitor;

        impl<'de> Visitor<'de> for ExpectationsVisitor {
            type Value = JsonExpectations;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping of JSON paths, as `$.status: ok`")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<JsonExpectations, A::Error> {
                let mut expectations: Vec<(Path, Matcher)> = Vec::new();
                while let Some((path, matcher)) = map.next_entry::<Path, Matcher>()? {
                    if expectations.iter().any(|(known, _)| *known == path) {
                        let message = format!("the path {path} stands here twice");
                        return Err(de::Error::custom(message));
                    }
                    expectations.push((path, matcher));
                }
                if expectations.is_empty() {
                    return Err(de::Error::custom("an empty mapping expects nothing"));
                }
                Ok(JsonExpectations(expectations))
            }
        }

        deserializer.deserialize_map(ExpectationsVisitor)
    }
}

impl JsonSchema for JsonExpectations {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "JsonExpectations".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let path = generator.subschema_for::<Path>();
        let matcher = generator.subschema_for::<Matcher>();
        json_schema!({
            "type": "object",
            "description": "JSON paths (RFC 9535), each with what is expected there.",
            "propertyNames": path,
            "additionalProperties": matcher,
            "minProperties": 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(expectations: &str, body: &[u8]) -> String {
        let expectations: JsonExpectations = serde_json::from_str(expectations).unwrap();
        let unmet = expectations.first_unmet(&Document::read(body), None);
        unmet.map(|unmet| unmet.told()).unwrap_or_default()
    }

    #[test]
    fn what_the_paths_lead_to_is_told_in_the_order_of_declaration() {
        let text =
            r#"{"$.n": {"exists": true}, "$.list[*]": {"len": 2}, "$.none": {"exists": false}}"#;
        let expectations: JsonExpectations = serde_json::from_str(text).unwrap();
        let told = |body: &[u8]| expectations.observed(&Document::read(body));
        let body = br#"{"list": ["a", "b"], "n": 12345678901234567890123, "time": 5}"#;
        let expected = r#"$.n: 12345678901234567890123; $.list[*]: "a", "b"; $.none: "#;
        assert_eq!(told(body).as_deref(), Some(expected));
        assert_eq!(told(b"no JSON"), None);
    }

    #[test]
    fn each_fault_is_one_line_with_expected_and_actual() {
        let body = br#"{"status":"degraded","checks":{"database":{}},"n":250}"#;
        let cases = [
            (r#"{"$.status":"degraded"}"#, ""),
            (
                r#"{"$.status":"ok"}"#,
                r#"$.status: expected "ok", got "degraded""#,
            ),
            (
                r#"{"$.checks.database.status":"ok"}"#,
                r#"$.checks.database: no member `status`, expected "ok""#,
            ),
            (
                r#"{"$.n":{"lt":100}}"#,
                "$.n: expected { lt: 100 }, got 250",
            ),
            (
                r#"{"$.status":{"lt":100}}"#,
                r#"$.status: expected { lt: 100 }, got "degraded", which is of type string"#,
            ),
        ];
        for (expectations, told) in cases {
            assert_eq!(fault(expectations, body), told);
        }
    }

    #[test]
    fn hostile_bodies_cannot_be_told_and_crash_nothing() {
        let deep = "[".repeat(100_000);
        let bodies: [&[u8]; 6] = [
            b"",
            b"<html>",
            b"{\"a\":",
            b"\"\xff\xfe\"",
            deep.as_bytes(),
            b"{\"a\":1} trailing",
        ];
        for body in bodies {
            for expected in [
                r#"{"$":{"exists":false}}"#,
                r#"{"$.a":{"not":1}}"#,
                r#"{"$.a":1}"#,
            ] {
                let told = fault(expected, body);
                assert!(told.starts_with("the body is "), "{expected} {told}");
            }
        }
        assert_eq!(fault(r#"{"$.a":2}"#, br#"{"a":1,"a":2}"#), "");
    }

    #[test]
    fn the_first_that_is_not_met_is_told_and_those_after_it_counted() {
        let unmet = |expectations: &str, body: &[u8]| {
            let expectations: JsonExpectations = serde_json::from_str(expectations).unwrap();
            let unmet = expectations.first_unmet(&Document::read(body), None)?;
            Some((unmet.text, unmet.after))
        };
        let expected = r#"{"$.a":1,"$.b":2,"$.c":3,"$.d":4}"#;
        let told = unmet(expected, br#"{"a":1,"b":3,"c":0,"d":4}"#).unwrap();
        assert_eq!(told, ("$.b: expected 2, got 3".to_owned(), 2));
        assert_eq!(
            unmet(expected, b"").unwrap(),
            ("the body is empty".to_owned(), 3)
        );
        assert_eq!(unmet(expected, br#"{"a":1,"b":2,"c":3,"d":4}"#), None);
    }

    #[test]
    fn a_path_that_stands_twice_is_refused() {
        for text in [r#"{"$.a":1,"$.a":2}"#, "{}"] {
            assert!(
                serde_json::from_str::<JsonExpectations>(text).is_err(),
                "{text}"
            );
        }
    }
}
