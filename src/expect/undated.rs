//! A matcher of what is no date: a number of rows, a status, a version. `age` would never hold of it,
//! so that it is refused where it is written.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};

use super::Matcher;

/// A matcher without `age`.
#[derive(Clone, Debug, PartialEq)]
pub struct Undated(Matcher);

impl Undated {
    /// The matcher.
    #[must_use]
    pub fn into_matcher(self) -> Matcher {
        self.0
    }
}

impl Deref for Undated {
    type Target = Matcher;

    fn deref(&self) -> &Matcher {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Undated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let matcher = Matcher::deserialize(deserializer)?;
        if matcher.is_dated() {
            return Err(de::Error::custom(
                "this is no date and has no `age`; write what it is compared with, as `{ lt: 100 }`",
            ));
        }
        Ok(Self(matcher))
    }
}

impl AsRef<Matcher> for Undated {
    fn as_ref(&self) -> &Matcher {
        &self.0
    }
}

impl AsRef<Matcher> for Matcher {
    fn as_ref(&self) -> &Matcher {
        self
    }
}

impl JsonSchema for Undated {
    fn schema_name() -> Cow<'static, str> {
        "Undated".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let matcher = generator.subschema_for::<Matcher>();
        json_schema!({
            "description": "What is expected of a value that is no date, so that `age` does not fit.",
            "allOf": [matcher],
            "not": { "type": "object", "required": ["age"] }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_of_what_is_no_date_is_refused_however_deep_it_stands() {
        for text in [
            r#"{"age":{"lt":"60s"}}"#,
            r#"{"ge":1,"not":{"age":{"lt":"60s"}}}"#,
            r#"{"len":{"age":{"lt":"60s"}}}"#,
        ] {
            let error = serde_json::from_str::<Undated>(text).unwrap_err();
            assert!(error.to_string().contains("has no `age`"), "{error}");
        }
        let fine: Undated = serde_json::from_str(r#"{"ge":1,"le":5}"#).unwrap();
        assert!(fine.judge(&3.into()).holds());
    }
}
