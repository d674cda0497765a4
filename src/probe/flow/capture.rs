//! Values that a step takes out of its answer for the steps after it.
//!
//! A capture finds exactly one value or says where it stopped looking; it guesses nothing.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::expect::{Document, Path, Pattern};
use crate::probe::{Cookie, Reply};

/// Where a value is taken from.
#[derive(Clone, Debug, PartialEq)]
pub struct Capture {
    place: Place,
    /// What of the text there is taken: the first group of the expression, or all that it matches.
    regex: Option<Pattern>,
    /// Whether no output may show the value.
    pub secret: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Place {
    Json(Path),
    Header(String),
    Cookie(String),
    Body,
}

/// The keys of a capture.
const KEYS: &[&str] = &["json", "header", "cookie", "regex", "secret"];

/// What is written of a capture, before it is known to make sense.
#[derive(Default)]
struct Written {
    json: Option<Path>,
    header: Option<String>,
    cookie: Option<String>,
    regex: Option<Pattern>,
    secret: bool,
}

impl Written {
    fn read<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut written = Self::default();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "json" => written.json = Some(map.next_value()?),
                "header" => written.header = Some(map.next_value()?),
                "cookie" => written.cookie = Some(map.next_value()?),
                "regex" => written.regex = Some(map.next_value()?),
                "secret" => written.secret = map.next_value()?,
                unknown => return Err(de::Error::unknown_field(unknown, KEYS)),
            }
        }
        Ok(written)
    }

    fn whole(self) -> Result<Capture, String> {
        let places = [
            self.json.map(Place::Json),
            self.header.map(Place::Header),
            self.cookie.map(Place::Cookie),
        ];
        let mut places = places.into_iter().flatten();
        let place = match (places.next(), places.next(), &self.regex) {
            (Some(place), None, _) => place,
            (None, _, Some(_)) => Place::Body,
            (None, _, None) => {
                return Err(format!("where the value stands is not said; {EXAMPLE}"));
            }
            (Some(_), Some(_), _) => {
                return Err(format!("a value stands in one place; {EXAMPLE}"));
            }
        };
        Ok(Capture {
            place,
            regex: self.regex,
            secret: self.secret,
        })
    }
}

/// What is suggested where a capture makes no sense.
const EXAMPLE: &str = "write one of `json: $.path`, `header: NAME`, `cookie: NAME` or `regex: …`";

impl<'de> Deserialize<'de> for Capture {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CaptureVisitor;

        impl<'de> Visitor<'de> for CaptureVisitor {
            type Value = Capture;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON path, or where the value stands as `{ header: location }`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Capture, E> {
                Ok(Capture {
                    place: Place::Json(Path::parse(text).map_err(E::custom)?),
                    regex: None,
                    secret: false,
                })
            }

            fn visit_unit<E: de::Error>(self) -> Result<Capture, E> {
                Written::default().whole().map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Capture, A::Error> {
                Written::read(map)?.whole().map_err(de::Error::custom)
            }
        }

        deserializer.deserialize_any(CaptureVisitor)
    }
}

impl Capture {
    /// The name of the header that it asks for.
    #[must_use]
    pub fn header(&self) -> Option<&str> {
        match &self.place {
            Place::Header(name) => Some(name),
            Place::Json(_) | Place::Cookie(_) | Place::Body => None,
        }
    }

    /// Whether it looks where only an answer with headers has something.
    #[must_use]
    pub const fn needs_headers(&self) -> bool {
        matches!(self.place, Place::Header(_) | Place::Cookie(_))
    }

    /// The value in an answer whose body is this document.
    ///
    /// # Errors
    /// Where and why nothing was found, without the value.
    pub fn take(&self, reply: &Reply, document: &Document) -> Result<Value, String> {
        let value = match &self.place {
            Place::Json(path) => in_document(path, document)?,
            Place::Header(name) => Value::String(header(reply, name)?.to_owned()),
            Place::Cookie(name) => Value::String(cookie(reply, name)?),
            Place::Body => Value::String(body(reply)?.to_owned()),
        };
        let value = match &self.regex {
            None => value,
            Some(pattern) => Value::String(matched(pattern, &value, &self.place)?),
        };
        let size = value
            .as_str()
            .map_or_else(|| value.to_string().len(), str::len);
        if size > LARGEST {
            return Err(format!("the value has {size} bytes, {LARGEST} at most"));
        }
        Ok(value)
    }

    /// Whether it looks into the body as JSON.
    #[must_use]
    pub const fn reads_json(&self) -> bool {
        matches!(self.place, Place::Json(_))
    }
}

/// A larger value is no token and no identifier: it would be sent again with every step.
const LARGEST: usize = 64 << 10;

fn in_document(path: &Path, document: &Document) -> Result<Value, String> {
    let document = match document {
        Document::Parsed(document) => document,
        Document::Unreadable(why) => return Err(format!("{path}: {why}")),
    };
    match path.find(document).as_deref() {
        Some([one]) => Ok((*one).clone()),
        Some([]) => Err(path.where_it_stops(document)),
        Some(several) => Err(format!(
            "{path} finds {} values, and one is needed: name it, as [0]",
            several.len()
        )),
        None => Err(format!("{path}: finds more values than can be held")),
    }
}

fn header<'r>(reply: &'r Reply, name: &'r str) -> Result<&'r str, String> {
    let mut values = reply.header(name);
    match (values.next(), values.next()) {
        (Some(only), None) => Ok(only),
        (None, _) => Err(format!("the answer has no header `{name}`")),
        (Some(_), Some(_)) => Err(format!("the answer has the header `{name}` several times")),
    }
}

/// The value of a cookie that the answer sets; of several of one name the last one counts, as it does
/// for a browser.
fn cookie(reply: &Reply, name: &str) -> Result<String, String> {
    let set = reply.header("set-cookie").filter_map(Cookie::parse);
    let named = set.filter(|cookie| cookie.name == name).last();
    named
        .map(|cookie| cookie.value)
        .ok_or_else(|| format!("the answer sets no cookie `{name}`"))
}

fn body(reply: &Reply) -> Result<&str, String> {
    std::str::from_utf8(&reply.body).map_err(|error| {
        let at = error.valid_up_to();
        format!("the body is not UTF-8 text after {at} bytes")
    })
}

fn matched(pattern: &Pattern, value: &Value, place: &Place) -> Result<String, String> {
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    let found = pattern.first_in(&text).map(str::to_owned);
    found.ok_or_else(|| match place {
        Place::Body => format!("{pattern} is not found in the body"),
        Place::Header(name) => format!("{pattern} is not found in the header `{name}`"),
        Place::Cookie(name) => format!("{pattern} is not found in the cookie `{name}`"),
        Place::Json(path) => format!("{pattern} is not found at {path}"),
    })
}

impl JsonSchema for Capture {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Capture".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let path = generator.subschema_for::<Path>();
        let described = |text: &str| json_schema!({ "type": "string", "description": text });
        json_schema!({
            "description": "Where in the answer a value is taken from: a JSON path by itself, or one place with more said of it.",
            "anyOf": [
                path,
                {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "json": { "description": "The path in the body that leads to the value, and to one alone.", "allOf": [path] },
                        "header": described("The header that is the value."),
                        "cookie": described("The cookie that the answer sets and whose value it is."),
                        "regex": described("What of the text there is the value: the first group of this expression, or all that it matches. Without a place: in the body."),
                        "secret": { "type": "boolean", "default": false, "description": "Whether the value is masked in every output." }
                    }
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reply(body: &'static [u8]) -> Reply {
        let headers = [
            ("location", "/orders/42?x=1"),
            ("set-cookie", "sid=first; Path=/"),
            ("set-cookie", "sid=second; HttpOnly"),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Reply {
            status: Some(201),
            headers: headers.into(),
            body: body.into(),
        }
    }

    fn taken(capture: Value, body: &'static [u8]) -> Result<Value, String> {
        let capture: Capture = serde_json::from_value(capture).unwrap();
        capture.take(&reply(body), &Document::read(body))
    }

    #[test]
    fn one_value_is_taken_as_what_it_is() {
        const BODY: &[u8] =
            br#"{"id": 12345678901234567890123, "data": {"token": "t"}, "list": [1, 2]}"#;
        let exact: Value = serde_json::from_str("12345678901234567890123").unwrap();
        let cases = [
            (json!("$.id"), exact),
            (
                json!({ "json": "$.data.token", "secret": true }),
                json!("t"),
            ),
            (json!({ "json": "$.list[-1]" }), json!(2)),
            (json!({ "json": "$.list" }), json!([1, 2])),
            (json!({ "header": "Location" }), json!("/orders/42?x=1")),
            (
                json!({ "header": "location", "regex": r"/orders/(\d+)" }),
                json!("42"),
            ),
            (json!({ "cookie": "sid" }), json!("second")),
            (json!({ "regex": "tok.n" }), json!("token")),
            (json!({ "json": "$.id", "regex": "^1(23)" }), json!("23")),
        ];
        for (capture, value) in cases {
            assert_eq!(taken(capture.clone(), BODY), Ok(value), "{capture}");
        }
    }

    #[test]
    fn what_is_not_there_says_where_it_stopped() {
        let cases = [
            (
                json!("$.data.token"),
                &br#"{"data":{"user":"u"}}"#[..],
                "$.data: no member `token`",
            ),
            (json!("$.list[*]"), br#"{"list":[1,2]}"#, "finds 2 values"),
            (json!("$.id"), b"<html>", "$.id: the body is not JSON"),
            (json!("$.id"), b"", "the body is empty"),
            (json!({ "header": "etag" }), b"", "no header `etag`"),
            (json!({ "header": "set-cookie" }), b"", "several times"),
            (json!({ "cookie": "csrf" }), b"", "sets no cookie `csrf`"),
            (
                json!({ "regex": "x(.)" }),
                b"abc",
                "/x(.)/ is not found in the body",
            ),
            (
                json!({ "regex": "x" }),
                b"\xff",
                "not UTF-8 text after 0 bytes",
            ),
        ];
        for (capture, body, part) in cases {
            let told = taken(capture.clone(), body).unwrap_err();
            assert!(told.contains(part), "{capture}: {told}");
        }
    }

    #[test]
    fn a_capture_that_makes_no_sense_is_refused() {
        for (capture, part) in [
            (json!({}), "where the value stands is not said"),
            (
                json!({ "secret": true }),
                "where the value stands is not said",
            ),
            (
                json!({ "json": "$.a", "header": "b" }),
                "stands in one place",
            ),
            (json!({ "jsn": "$.a" }), "unknown field `jsn`"),
            (json!("token"), "is not a JSON path"),
            (json!({ "regex": "(" }), "is not a regular expression"),
        ] {
            let error = serde_json::from_value::<Capture>(capture.clone()).unwrap_err();
            assert!(error.to_string().contains(part), "{capture}: {error}");
        }
    }

    #[test]
    fn a_value_that_is_too_large_is_not_carried_on() {
        let body: &'static [u8] = Box::leak(vec![b'x'; LARGEST + 1].into_boxed_slice());
        let told = taken(json!({ "regex": "^x+$" }), body).unwrap_err();
        assert!(told.contains("at most"), "{told}");
    }
}
