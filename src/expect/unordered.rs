//! What is expected of several texts whose order means nothing: the names of a certificate, the
//! records of a DNS answer.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use super::matcher::{Matcher, Operator};
use super::{Answer, Mismatch, Undated};

/// A matcher of a list without an order. A bare list means these and no others, in any order, each
/// as often as it stands there; a bare value means that it is the only one. Any other matcher
/// judges the list as it is, sorted.
#[derive(Clone, Debug, PartialEq)]
pub struct Unordered(Matcher);

impl Unordered {
    /// What the matcher says of these texts. Of none a bare value does not hold: an empty list is
    /// a list.
    #[must_use]
    pub fn judge(&self, texts: &[String]) -> Answer {
        let mut texts = texts.to_vec();
        texts.sort_unstable();
        let list = Value::from(texts);
        let answer = self.0.judge(&list);
        match (self.bare(), answer) {
            (true, Answer::DoesNotHold(mismatch) | Answer::CannotTell(mismatch)) => {
                Answer::DoesNotHold(Mismatch {
                    expected: format!("{} in any order", mismatch.expected),
                    ..mismatch
                })
            }
            (_, answer) => answer,
        }
    }

    fn bare(&self) -> bool {
        matches!(self.0.operators(), [Operator::Equal(Value::Array(_))])
    }
}

impl fmt::Display for Unordered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<'de> Deserialize<'de> for Unordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let matcher = Undated::deserialize(deserializer)?.into_matcher();
        Ok(Self(match matcher.operators() {
            [Operator::Equal(Value::Array(expected))] => {
                let mut texts: Vec<String> = expected.iter().map(text).collect();
                texts.sort_unstable();
                Matcher::equal(texts)
            }
            [Operator::Equal(one)] => Matcher::equal(vec![text(one)]),
            _ => matcher,
        }))
    }
}

/// A value as the text that it is elsewhere: what YAML reads as a number is one only by its looks.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

impl JsonSchema for Unordered {
    fn schema_name() -> Cow<'static, str> {
        "Unordered".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let matcher = generator.subschema_for::<Undated>();
        json_schema!({
            "description": "What is expected of several texts: a list of them in any order, the only one, or a matcher of the list, as { contains: x }.",
            "allOf": [matcher]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(matcher: &str, texts: &[&str]) -> Answer {
        let matcher: Unordered = serde_json::from_str(matcher).unwrap();
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        matcher.judge(&texts)
    }

    #[test]
    fn the_order_means_nothing_and_the_number_does() {
        for (matcher, texts, holds) in [
            (r#"["b", "a"]"#, &["a", "b"][..], true),
            (r#"["b", "a"]"#, &["b", "a"], true),
            (r#"["a"]"#, &["a", "a"], false),
            (r#"["a", "b"]"#, &["a"], false),
            (r#""a""#, &["a"], true),
            (r#""a""#, &["a", "b"], false),
            (r#""a""#, &[], false),
            ("[]", &[], true),
            ("10", &["10"], true),
            (r#"{"eq": ["b", "a"]}"#, &["a", "b"], true),
            (r#"{"contains": "a"}"#, &["b", "a"], true),
            (r#"{"contains": "c"}"#, &["b", "a"], false),
            (
                r#"{"each": {"ends_with": ".test"}}"#,
                &["a.test", "b.test"],
                true,
            ),
            (
                r#"{"any": {"starts_with": "v=spf1"}}"#,
                &["x", "v=spf1 -all"],
                true,
            ),
            (r#"{"len": {"ge": 2}}"#, &["a", "b"], true),
        ] {
            assert_eq!(answer(matcher, texts).holds(), holds, "{matcher} {texts:?}");
        }
    }

    #[test]
    fn the_message_shows_both_lists() {
        let Answer::DoesNotHold(mismatch) = answer(r#"["b", "a"]"#, &["c"]) else {
            panic!("it differs");
        };
        assert_eq!(
            mismatch.to_string(),
            r#"expected ["a","b"] in any order, got ["c"]"#
        );
    }
}
