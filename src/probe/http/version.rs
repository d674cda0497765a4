//! Which version an answer is of, so that an answer of another revision is not taken for one of the
//! deployment under test. It judges no version: it says whether the answer counts.

use std::borrow::Cow;

use http::HeaderName;
use schemars::JsonSchema;

use super::expectation::{joined, present};
use crate::expect::{Document, Path, Undated, shown};
use crate::probe::Misfit;
use crate::probe::wire::exchange::Answer;
use crate::sample::{Fault, Reason};

/// Where an answer says which version gave it, and which one is under test.
///
/// An answer of another version was given by another revision: nothing is learnt from it. It neither
/// passes nor fails, and where all answers are so the verdict is inconclusive. An answer that names no
/// version does not pass either; where it is wrong besides it is a failure, since whoever cannot
/// answer cannot name itself: a proxy that reaches nobody says `502` and no version. A `gate` is
/// inconclusive as well where another version answers, and with `--wait` it waits for the right one.
/// Before the deployment and after its rollback any version counts.
#[derive(Clone, Debug, PartialEq, serde::Deserialize, JsonSchema)]
pub struct Version {
    /// The header that names it; either this or `json`.
    #[serde(default, deserialize_with = "present")]
    pub header: Option<String>,
    /// The JSON path in the body that names it; either this or `header`.
    #[serde(default, deserialize_with = "present")]
    pub json: Option<Path>,
    /// The version under test, or a matcher for it. It is compared as a text, whether the answer
    /// writes it as a text or as a number.
    pub is: Undated,
}

impl Version {
    /// Refuses two places or none, and a name that is no header.
    pub fn misfits(&self) -> Vec<Misfit> {
        let misfit = match (&self.header, &self.json) {
            (Some(_), Some(_)) => Some(Misfit::at(
                &["version"],
                "a version stands in one place: `header` or `json`",
            )),
            (None, None) => Some(
                Misfit::at(&["version"], "where the version stands is not said")
                    .hint("write `header: x-version` or `json: $.version`"),
            ),
            (Some(name), None) if HeaderName::try_from(name.as_str()).is_err() => {
                let message = format!("`{name}` is not the name of a header");
                Some(Misfit::at(&["version", "header"], message))
            }
            _ => None,
        };
        misfit.into_iter().collect()
    }

    /// Whether the answer names a version at all.
    pub fn is_named(&self, answer: &Answer) -> bool {
        self.of(answer).is_ok()
    }

    /// Why the answer does not count; absent when it is of the version under test.
    pub fn fault(&self, answer: &Answer) -> Option<Fault> {
        let place = self.place();
        let detail = match self.of(answer) {
            Ok(version) => {
                let mismatch = self.is.judge_text(&version).mismatch()?;
                format!(
                    "answered by another version: {place} is {}, under test is {}",
                    mismatch.actual, mismatch.expected
                )
            }
            Err(why) => {
                let status = answer.status.as_u16();
                format!("it is not known which version answered {status}: {place}: {why}")
            }
        };
        // While the new revision comes up, another try may well meet it.
        Some(Fault::new(Reason::OtherVersion, detail).transient())
    }

    fn place(&self) -> String {
        match (&self.header, &self.json) {
            (Some(name), _) => format!("header {name}"),
            (None, Some(path)) => path.to_string(),
            (None, None) => "nowhere".to_owned(),
        }
    }

    /// The version that the answer names, as a text.
    fn of(&self, answer: &Answer) -> Result<String, String> {
        let Some(path) = &self.json else {
            let name = self.header.as_deref().unwrap_or_default();
            let named = joined(&answer.headers, name).map(Cow::into_owned);
            return named.ok_or_else(|| "not there".to_owned());
        };
        if let Some(encoding) = &answer.foreign_encoding {
            return Err(format!("the body is encoded as {encoding}"));
        }
        let body = match Document::read(&answer.body) {
            Document::Parsed(body) => body,
            Document::Unreadable(why) => return Err(why),
        };
        match path.find(&body).as_deref() {
            Some([serde_json::Value::String(text)]) => Ok(text.clone()),
            Some([number @ serde_json::Value::Number(_)]) => Ok(number.to_string()),
            Some([]) => Err("not there".to_owned()),
            Some([other]) => Err(format!("{} names no version", shown(other))),
            Some(_) | None => Err("more than one value".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};
    use serde_json::{Value, json};

    use super::*;

    fn answer(header: Option<&'static str>, body: &'static str) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(value) = header {
            headers.insert("x-version", HeaderValue::from_static(value));
        }
        Answer {
            status: StatusCode::OK,
            headers,
            body: Bytes::from_static(body.as_bytes()),
            trailers: HeaderMap::new(),
            foreign_encoding: None,
            version: http::Version::HTTP_11,
        }
    }

    fn version(settings: Value) -> Version {
        serde_json::from_value(settings).unwrap()
    }

    #[test]
    fn only_an_answer_that_names_the_version_under_test_counts() {
        let header = || json!({ "header": "X-Version", "is": "1.4.2" });
        let in_body = |is: Value| json!({ "json": "$.version", "is": is });
        let cases = [
            (header(), Some("1.4.2"), "", None),
            (
                header(),
                Some("1.4.1"),
                "",
                Some("header X-Version is \"1.4.1\""),
            ),
            (header(), None, "", Some("header X-Version: not there")),
            (in_body(json!("42")), None, r#"{"version":"42"}"#, None),
            (in_body(json!("42")), None, r#"{"version":42}"#, None),
            (in_body(json!(42)), None, r#"{"version":"42"}"#, None),
            (
                in_body(json!({ "starts_with": "1." })),
                None,
                r#"{"version":"1.7"}"#,
                None,
            ),
            (
                in_body(json!("42")),
                None,
                r#"{"version":"41"}"#,
                Some("$.version is \"41\", under test is \"42\""),
            ),
            (
                in_body(json!("42")),
                None,
                "{}",
                Some("$.version: not there"),
            ),
            (in_body(json!("42")), None, "<html>", Some("not JSON")),
            (
                in_body(json!("42")),
                None,
                r#"{"version":null}"#,
                Some("null names no version"),
            ),
        ];
        for (settings, header, body, told) in cases {
            let fault = version(settings.clone()).fault(&answer(header, body));
            let detail = fault.as_ref().map(|fault| fault.detail.as_str());
            match told {
                None => assert_eq!(detail, None, "{settings} {body}"),
                Some(part) => {
                    let detail = detail.unwrap_or_else(|| panic!("{settings} {body}"));
                    assert!(detail.contains(part), "{detail}");
                    let told = fault.map(|fault| (fault.reason, fault.transient));
                    assert_eq!(told, Some((Reason::OtherVersion, true)));
                }
            }
        }
    }

    #[test]
    fn a_version_stands_in_one_place() {
        let cases = [
            (json!({ "is": "1" }), "not said"),
            (
                json!({ "header": "a", "json": "$.a", "is": "1" }),
                "one place",
            ),
            (
                json!({ "header": "a b", "is": "1" }),
                "not the name of a header",
            ),
        ];
        for (settings, message) in cases {
            let misfits = version(settings).misfits();
            assert_eq!(misfits.len(), 1);
            assert!(misfits[0].message.contains(message), "{misfits:?}");
        }
        assert!(
            version(json!({ "header": "etag", "is": "1" }))
                .misfits()
                .is_empty()
        );
    }
}
