//! What is expected of the cookies that an answer sets: their values, and the attributes that keep them
//! from others.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use http::HeaderMap;
use http::header::SET_COOKIE;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use crate::clock::WallTime;
use crate::expect::{Matcher, OPERATORS, Operator, Undated};
use crate::probe::Cookie;

/// What is expected of one cookie.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CookieExpectation {
    /// Of its value.
    value: Option<Matcher>,
    /// Of its attributes, by their names.
    attributes: Vec<(&'static str, Matcher)>,
}

/// Cookies, each with what is expected of it.
pub type CookieExpectations = BTreeMap<String, CookieExpectation>;

/// The attributes of which something can be expected.
const ATTRIBUTES: &[&str] = &[
    "domain",
    "path",
    "same_site",
    "max_age",
    "secure",
    "http_only",
];

impl CookieExpectation {
    /// Whether what holds depends on what time it is.
    pub fn is_dated(&self) -> bool {
        self.value.as_ref().is_some_and(Matcher::is_dated)
    }

    /// What the cookie of this name lacks; several of one name are one, the last, as for a browser.
    pub fn fault(&self, name: &str, headers: &HeaderMap, now: Option<WallTime>) -> Option<String> {
        let set = headers.get_all(SET_COOKIE).iter();
        let mut set =
            set.filter_map(|value| Cookie::parse(&String::from_utf8_lossy(value.as_bytes())));
        let cookie = set.rfind(|cookie| cookie.name == name);
        if let Some(matcher) = &self.value {
            let told = match &cookie {
                Some(cookie) => matcher.judge_text_at(&cookie.value, now),
                None => matcher.judge_absent(),
            };
            if let Some(mismatch) = told.mismatch() {
                return Some(format!("cookie {name}: {mismatch}"));
            }
        }
        self.attributes.iter().find_map(|(attribute, matcher)| {
            let told = match &cookie {
                Some(cookie) => of_attribute(cookie, attribute, matcher),
                None => matcher.judge_absent(),
            };
            let mismatch = told.mismatch()?;
            Some(format!("cookie {name}, {attribute}: {mismatch}"))
        })
    }
}

fn of_attribute(cookie: &Cookie, attribute: &str, matcher: &Matcher) -> crate::expect::Answer {
    let text = |text: &Option<String>| match text {
        Some(text) => matcher.judge_text(text),
        None => matcher.judge_absent(),
    };
    match attribute {
        "domain" => text(&cookie.domain),
        "path" => text(&cookie.path),
        "same_site" => text(&cookie.same_site),
        "max_age" => text(&cookie.max_age.map(|seconds| seconds.to_string())),
        "secure" => matcher.judge(&cookie.secure.into()),
        _ => matcher.judge(&cookie.http_only.into()),
    }
}

impl<'de> Deserialize<'de> for CookieExpectation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CookieVisitor;

        impl<'de> Visitor<'de> for CookieVisitor {
            type Value = CookieExpectation;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the value, or a mapping as `{ exists: true, http_only: true }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<CookieExpectation, E> {
                Ok(CookieExpectation {
                    value: Some(Matcher::equal(text)),
                    attributes: Vec::new(),
                })
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<CookieExpectation, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_bool<E: de::Error>(self, value: bool) -> Result<CookieExpectation, E> {
                self.visit_str(&value.to_string())
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut map: A,
            ) -> Result<CookieExpectation, A::Error> {
                let (mut operators, mut attributes) = (Vec::new(), Vec::new());
                while let Some(key) = map.next_key::<String>()? {
                    if let Some(attribute) = ATTRIBUTES.iter().find(|known| **known == key) {
                        let expected: Undated = map.next_value()?;
                        attributes.push((*attribute, expected.into_matcher()));
                    } else if OPERATORS.contains(&key.as_str()) {
                        operators.push(Operator::read(&key, &mut map)?);
                    } else {
                        return Err(de::Error::unknown_field(&key, KEYS));
                    }
                }
                if operators.is_empty() && attributes.is_empty() {
                    let message = "an empty mapping expects nothing; write `{ exists: true }`";
                    return Err(de::Error::custom(message));
                }
                Ok(CookieExpectation {
                    value: (!operators.is_empty()).then(|| Matcher::all_of(operators)),
                    attributes,
                })
            }
        }

        deserializer.deserialize_any(CookieVisitor)
    }
}

/// The keys that are suggested: the attributes, and the operators that one asks a cookie with.
const KEYS: &[&str] = &[
    "exists",
    "eq",
    "matches",
    "starts_with",
    "len",
    "domain",
    "path",
    "same_site",
    "max_age",
    "secure",
    "http_only",
];

impl JsonSchema for CookieExpectation {
    fn schema_name() -> Cow<'static, str> {
        "CookieExpectation".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let matcher = generator.subschema_for::<Matcher>();
        let of = |text: &str| json_schema!({ "description": text, "allOf": [matcher] });
        let mut properties = serde_json::Map::new();
        for operator in OPERATORS {
            let text = format!("The operator `{operator}`, asked of the value.");
            properties.insert(
                (*operator).to_owned(),
                json_schema!({ "description": text }).into(),
            );
        }
        let attributes = [
            (
                "domain",
                "Of the attribute Domain, in lower case and without a leading dot.",
            ),
            ("path", "Of the attribute Path."),
            (
                "same_site",
                "Of the attribute SameSite, in lower case: strict, lax or none.",
            ),
            ("max_age", "Of the attribute Max-Age, in seconds."),
            ("secure", "Whether it is sent over TLS alone."),
            ("http_only", "Whether scripts cannot read it."),
        ];
        for (name, text) in attributes {
            properties.insert(name.to_owned(), of(text).into());
        }
        json_schema!({
            "description": "What is expected of a cookie that the answer sets: its value, operators for it, and its attributes.",
            "anyOf": [
                { "type": ["string", "number", "boolean"] },
                { "type": "object", "additionalProperties": false, "minProperties": 1, "properties": properties }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use serde_json::json;

    fn fault(expected: serde_json::Value) -> Option<String> {
        let mut headers = HeaderMap::new();
        for set in [
            "session=old",
            "session=abc; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=3600",
            "plain=1",
        ] {
            headers.append(SET_COOKIE, HeaderValue::from_static(set));
        }
        let expected: CookieExpectations = serde_json::from_value(expected).unwrap();
        let mut faults = expected.iter();
        faults.find_map(|(name, one)| one.fault(name, &headers, None))
    }

    #[test]
    fn values_and_attributes_are_told() {
        let cases = [
            (json!({ "session": { "exists": true } }), None),
            (json!({ "session": "abc" }), None),
            (json!({ "plain": 1 }), None),
            (json!({ "gone": { "exists": false } }), None),
            (
                json!({ "session": { "len": 3, "path": "/", "secure": true, "http_only": true, "same_site": "lax", "max_age": { "gt": 60 } } }),
                None,
            ),
            (
                json!({ "gone": { "exists": true } }),
                Some("cookie gone: expected { exists: true }, got nothing"),
            ),
            (
                json!({ "session": "old" }),
                Some(r#"cookie session: expected "old", got "abc""#),
            ),
            (
                json!({ "plain": { "secure": true } }),
                Some("cookie plain, secure: expected true, got false"),
            ),
            (
                json!({ "plain": { "same_site": { "in": ["lax", "strict"] } } }),
                Some(
                    "cookie plain, same_site: expected { in: [\"lax\", \"strict\"] }, got nothing",
                ),
            ),
            (
                json!({ "plain": { "not": { "len": 1 } } }),
                Some("cookie plain: expected { not: { len: 1 } }, got \"1\""),
            ),
        ];
        for (expected, told) in cases {
            assert_eq!(fault(expected.clone()).as_deref(), told, "{expected}");
        }
    }

    #[test]
    fn what_expects_nothing_or_is_misspelt_is_refused() {
        for (expected, part) in [
            (json!({ "a": {} }), "expects nothing"),
            (
                json!({ "a": { "httponly": true } }),
                "unknown field `httponly`",
            ),
            (json!({ "a": [1] }), "the value, or a mapping"),
        ] {
            let error = serde_json::from_value::<CookieExpectations>(expected.clone()).unwrap_err();
            assert!(error.to_string().contains(part), "{expected}: {error}");
        }
    }
}
