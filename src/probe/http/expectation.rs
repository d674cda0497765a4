//! What is expected of an answer, and what a given answer lacks of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use schemars::{JsonSchema, Schema};
use serde::de::{Deserialize, Deserializer};
use serde_json::Value;

use super::set_cookie::{CookieExpectation, CookieExpectations};
use super::status::Status;
use crate::clock::WallTime;
use crate::expect::{Document, JsonExpectations, Matcher, Unmet};
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
    /// by a comma, or with `each`, `any` and `all` of them one by one.
    #[serde(default, deserialize_with = "present")]
    #[schemars(with = "Option<BTreeMap<String, Matcher>>")]
    pub headers: Option<Headers>,
    /// Cookies that the answer sets, each with what is expected of its value or its attributes, as
    /// `{ session: { exists: true, http_only: true } }`.
    #[serde(default, deserialize_with = "present")]
    pub cookies: Option<CookieExpectations>,
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
            cookies,
        } = self;
        let no_header = headers.as_ref().is_none_or(|headers| headers.0.is_empty());
        let no_cookie = cookies.as_ref().is_none_or(BTreeMap::is_empty);
        let nothing_else = status.is_none() && json.is_none() && body.is_none();
        if nothing_else && no_header && no_cookie {
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

    /// Whether what holds depends on what time it is.
    pub fn is_dated(&self) -> bool {
        let of_headers = self.headers.iter().flat_map(Headers::iter);
        of_headers
            .map(|(_, matcher)| matcher)
            .chain(&self.body)
            .any(Matcher::is_dated)
            || self
                .cookies
                .iter()
                .flat_map(BTreeMap::values)
                .any(CookieExpectation::is_dated)
            || self.json.as_ref().is_some_and(JsonExpectations::is_dated)
    }

    /// What the answer lacks first; absent when it is as expected. What is asked after that is not
    /// evaluated: a body that comes with the wrong status is seldom the body that was meant.
    pub fn fault(&self, answer: &Answer, now: Option<WallTime>) -> Option<Fault> {
        if let Some(text) = self.status_matcher().mismatch(answer.status) {
            let left = self.count(Part::Status);
            let unmet = Unmet {
                text,
                is_dated: false,
                after: left,
            };
            let fault = Fault::new(Reason::Status, unmet.told());
            return Some(match is_passing(answer.status) {
                true => fault.transient(),
                false => fault,
            });
        }
        let found = self.unmet_header(&answer.headers, now);
        let found = found.or_else(|| self.unmet_cookie(&answer.headers, now));
        let found = found.or_else(|| self.unmet_in_body(answer, now))?;
        Some(found.fault())
    }

    /// How many expectations come after all those of a part.
    fn count(&self, part: Part) -> usize {
        let headers = self.headers.as_ref().map_or(0, |headers| headers.0.len());
        let cookies = self.cookies.as_ref().map_or(0, BTreeMap::len);
        let json = self.json.as_ref().map_or(0, JsonExpectations::len);
        let body = usize::from(self.body.is_some());
        match part {
            Part::Status => headers + cookies + json + body,
            Part::Headers => cookies + json + body,
            Part::Cookies => json + body,
            Part::Json => body,
        }
    }

    fn status_matcher(&self) -> Cow<'_, Status> {
        self.status
            .as_ref()
            .map_or(Cow::Owned(Status::Success), Cow::Borrowed)
    }

    fn unmet_header(&self, headers: &HeaderMap, now: Option<WallTime>) -> Option<Unmet> {
        let expected = self.headers.as_ref()?;
        expected
            .iter()
            .enumerate()
            .find_map(|(index, (name, matcher))| {
                let values: Vec<Cow<'_, str>> = headers.get_all(name).iter().map(text).collect();
                let values: Vec<&str> = values.iter().map(|value| &**value).collect();
                let mismatch = matcher.judge_texts(&values, now).mismatch()?;
                Some(Unmet {
                    text: format!("header {name}: {mismatch}"),
                    is_dated: matcher.is_dated(),
                    after: expected.0.len() - index - 1 + self.count(Part::Headers),
                })
            })
    }

    fn unmet_cookie(&self, headers: &HeaderMap, now: Option<WallTime>) -> Option<Unmet> {
        let expected = self.cookies.as_ref()?;
        expected
            .iter()
            .enumerate()
            .find_map(|(index, (name, cookie))| {
                Some(Unmet {
                    text: cookie.fault(name, headers, now)?,
                    is_dated: cookie.is_dated(),
                    after: expected.len() - index - 1 + self.count(Part::Cookies),
                })
            })
    }

    fn unmet_in_body(&self, answer: &Answer, now: Option<WallTime>) -> Option<Unmet> {
        if self.json.is_none() && self.body.is_none() {
            return None;
        }
        if let Some(encoding) = &answer.foreign_encoding {
            let text = format!(
                "the body is encoded as {encoding}, which was not asked for and cannot be read"
            );
            return Some(Unmet {
                text,
                is_dated: false,
                after: (self.count(Part::Cookies)).saturating_sub(1),
            });
        }
        if let Some(json) = &self.json
            && !json.surely_hold(&answer.body)
            && let Some(unmet) = json.first_unmet(&Document::read(&answer.body), now)
        {
            let after = unmet.after + self.count(Part::Json);
            return Some(Unmet { after, ..unmet });
        }
        let matcher = self.body.as_ref()?;
        Some(Unmet {
            text: text_fault(matcher, &answer.body, now)?,
            is_dated: matcher.is_dated(),
            after: 0,
        })
    }
}

/// The parts of an expectation, in the order in which they are asked.
#[derive(Clone, Copy)]
enum Part {
    Status,
    Headers,
    Cookies,
    Json,
}

/// A status by which a target says that another try may well pass.
const fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

fn text_fault(matcher: &Matcher, body: &[u8], now: Option<WallTime>) -> Option<String> {
    match std::str::from_utf8(body) {
        Ok(text) => {
            let mismatch = matcher.judge_text_at(text, now).mismatch()?;
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
    if second.is_none() {
        return Some(text(first));
    }
    let all = [first].into_iter().chain(second).chain(values).map(text);
    Some(Cow::Owned(all.collect::<Vec<_>>().join(", ")))
}

/// The value of a header as a text.
fn text(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(value.as_bytes().iter().copied().map(char::from).collect()),
    }
}
