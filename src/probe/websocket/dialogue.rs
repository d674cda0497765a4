//! What is said over a WebSocket, as it is held: messages to send, and what is expected of those
//! that come. Read from the settings once, at load.

use serde_json::Value;
use tokio_tungstenite::tungstenite::Message;

use super::settings::{Form, Line};
use crate::clock::WallTime;
use crate::expect::{Document, JsonExpectations, Matcher, Unmet};
use crate::probe::Misfit;
use crate::probe::wire::payload::{Payload, hex};
use crate::sample::Fault;
use crate::secret::Mask;

/// What is said, in order.
pub struct Dialogue {
    /// The steps.
    pub steps: Vec<Step>,
    /// What of it is a credential by its name.
    credentials: Vec<String>,
}

/// A step.
pub enum Step {
    /// Send this.
    Send(Sort, Payload),
    /// Wait for a message and judge it.
    Hear(Wish),
}

/// Which sort of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// A text.
    Text,
    /// Bytes.
    Binary,
}

impl Sort {
    /// The message of this sort with this content.
    pub fn message(self, payload: &Payload) -> Message {
        match (self, payload) {
            (Self::Text, Payload::Text(text)) => Message::text(text.clone()),
            (_, payload) => Message::binary(payload.bytes().to_vec()),
        }
    }
}

/// A message that is expected.
pub struct Wish {
    /// How many others may come before it.
    pub skip: u32,
    expected: Expected,
}

enum Expected {
    Text(Matcher, Form),
    Json(JsonExpectations),
}

impl Dialogue {
    /// Reads the steps.
    ///
    /// # Errors
    /// A [`Misfit`] for each that cannot be taken.
    pub fn read(lines: Vec<Line>) -> Result<Self, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if lines.len() > MOST_STEPS {
            let message = format!("a dialogue has at most {MOST_STEPS} steps");
            misfits.push(Misfit::at(&["dialogue"], message));
        }
        let mut steps = Vec::new();
        let mut credentials = Vec::new();
        for line in &lines {
            line.send_json
                .iter()
                .for_each(|json| find_credentials(json, false, &mut credentials));
        }
        for (index, line) in lines.into_iter().enumerate() {
            match Step::read(line) {
                Ok(step) => steps.push(step),
                Err((field, message)) => {
                    let place = index.to_string();
                    let mut path = vec!["dialogue", &place];
                    path.extend((!field.is_empty()).then_some(field));
                    misfits.push(Misfit::at(&path, message));
                }
            }
        }
        if misfits.is_empty() {
            Ok(Self { steps, credentials })
        } else {
            Err(misfits)
        }
    }

    /// Hides what is sent: of a text what stands behind the first word of a line, of JSON whatever
    /// is a credential by its name.
    pub fn hide(&self, mask: &Mask) {
        self.credentials.iter().for_each(|text| mask.hide(text));
        for step in &self.steps {
            if let Step::Send(_, payload) = step {
                payload.hide(mask);
            }
        }
    }
}

/// The texts below members whose names say that they are credentials.
fn find_credentials(json: &Value, is_one: bool, found: &mut Vec<String>) {
    match json {
        Value::String(text) if is_one => found.push(text.clone()),
        Value::Array(items) => items
            .iter()
            .for_each(|item| find_credentials(item, is_one, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            let name = name.to_lowercase();
            let says = CREDENTIALS.iter().any(|part| name.contains(part));
            find_credentials(value, is_one || says, found);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Parts of names of credentials.
const CREDENTIALS: &[&str] = &["auth", "cookie", "key", "pass", "secret", "token"];

impl Step {
    /// Reads one step; else the field at fault, and what is wrong with it.
    fn read(line: Line) -> Result<Self, (&'static str, String)> {
        let Line {
            send,
            send_json,
            expect,
            expect_json,
            skip,
            form,
        } = line;
        let is_expected = expect.is_some() || expect_json.is_some();
        if !is_expected && skip.is_some() {
            return Err(("skip", "`skip` belongs to a step that expects".to_owned()));
        }
        if expect.is_none() && form.is_some() {
            return Err(("as", "`as` belongs to a step with `expect`".to_owned()));
        }
        let skip = skip.unwrap_or(0);
        if skip > MOST_SKIPPED {
            return Err((
                "skip",
                format!("at most {MOST_SKIPPED} messages are passed over"),
            ));
        }
        let hear = |expected| Ok(Self::Hear(Wish { skip, expected }));
        match (send, send_json, expect, expect_json) {
            (Some(payload), None, None, None) => {
                let sort = match payload {
                    Payload::Text(_) => Sort::Text,
                    Payload::Bytes(_) => Sort::Binary,
                };
                Ok(Self::Send(sort, payload))
            }
            (None, Some(json), None, None) => Ok(Self::Send(
                Sort::Text,
                Payload::Text(Value::to_string(&json)),
            )),
            (None, None, Some(matcher), None) => {
                hear(Expected::Text(matcher, form.unwrap_or_default()))
            }
            (None, None, None, Some(json)) => hear(Expected::Json(json)),
            _ => {
                let message = "a step has one of `send`, `send_json`, `expect`, `expect_json`";
                Err(("", message.to_owned()))
            }
        }
    }
}

impl Wish {
    /// Compares a message with what is expected in this step.
    ///
    /// # Errors
    /// [`Reason::Expectation`](crate::sample::Reason) where it differs, worded without what `mask` hides.
    pub fn judge(
        &self,
        number: usize,
        message: &Message,
        mask: &Mask,
        now: Option<WallTime>,
    ) -> Result<(), Fault> {
        let content = Content::of(message);
        let Some(wrong) = self.wrong(&content, now) else {
            return Ok(());
        };
        // Worded by the content without what was sent: a secret that is cut short is not found
        // later.
        let wrong = self.wrong(&content.masked(mask), now).unwrap_or(wrong);
        let detail = mask.apply(&format!("step {number}: {}", wrong.told()));
        Err(Fault {
            detail,
            ..wrong.fault()
        })
    }

    /// Whether what holds depends on what time it is.
    pub fn is_dated(&self) -> bool {
        match &self.expected {
            Expected::Text(matcher, _) => matcher.is_dated(),
            Expected::Json(json) => json.is_dated(),
        }
    }

    fn wrong(&self, content: &Content, now: Option<WallTime>) -> Option<Unmet> {
        let text = match (&self.expected, content) {
            (Expected::Json(json), content) => {
                return json.first_unmet(&Document::read(content.bytes()), now);
            }
            (Expected::Text(matcher, Form::Text), Content::Text(text)) => {
                matcher.judge_text_at(text, now).mismatch()?.to_string()
            }
            (Expected::Text(matcher, Form::Text), Content::Binary(bytes)) => format!(
                "expected {matcher}, got a binary message of {} bytes; compare it `as: hex`",
                bytes.len()
            ),
            (Expected::Text(matcher, Form::Hex), content) => {
                let text = hex(content.bytes());
                matcher.judge_text_at(&text, now).mismatch()?.to_string()
            }
        };
        Some(Unmet {
            text,
            is_dated: self.is_dated(),
            after: 0,
        })
    }
}

/// What a message carries.
enum Content {
    Text(String),
    Binary(Vec<u8>),
}

impl Content {
    fn of(message: &Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_string()),
            other => Self::Binary(other.clone().into_data().to_vec()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    fn masked(&self, mask: &Mask) -> Self {
        match self {
            Self::Text(text) => Self::Text(mask.apply(text)),
            Self::Binary(bytes) => Self::Binary(bytes.clone()),
        }
    }
}

/// The longest dialogues of sign-in and subscription have some ten steps.
const MOST_STEPS: usize = 100;
/// Whoever speaks of other things this often does not answer.
const MOST_SKIPPED: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(step: &str) -> Result<Step, (&'static str, String)> {
        Step::read(serde_json::from_str(step).unwrap())
    }

    #[test]
    fn a_message_is_compared_as_it_is_declared() {
        let (text, binary) = (Message::text("{\"n\": 1}"), Message::binary(vec![1, 0xff]));
        for (step, message, wrong) in [
            (r#"{"expect": {"contains": "n"}}"#, &text, None),
            (
                r#"{"expect": "x"}"#,
                &text,
                Some(r#"step 1: expected "x", got "{\"n\": 1}""#),
            ),
            (r#"{"expect": "01ff", "as": "hex"}"#, &binary, None),
            (
                r#"{"expect": "x"}"#,
                &binary,
                Some("a binary message of 2 bytes"),
            ),
            (r#"{"expect_json": {"$.n": 1}}"#, &text, None),
            (
                r#"{"expect_json": {"$.n": 2}}"#,
                &text,
                Some("$.n: expected 2, got 1"),
            ),
            (
                r#"{"expect_json": {"$.n": 2}}"#,
                &binary,
                Some("the body is not JSON"),
            ),
        ] {
            let Ok(Step::Hear(wish)) = read(step) else {
                panic!("{step} expects nothing");
            };
            let judged = wish.judge(1, message, &Mask::default(), None);
            match (wrong, judged) {
                (None, Ok(())) => {}
                (Some(wrong), Err(fault)) => assert!(fault.detail.contains(wrong), "{fault:?}"),
                (_, judged) => panic!("{step}: {judged:?}"),
            }
        }
    }

    #[test]
    fn a_credential_in_json_is_hidden_wherever_it_stands() {
        let step =
            r#"{"send_json": {"type": "init", "payload": {"headers": {"authToken": ["canary"]}}}}"#;
        let dialogue = Dialogue::read(vec![serde_json::from_str(step).unwrap()]);
        let mask = Mask::default();
        dialogue.map(|dialogue| dialogue.hide(&mask)).unwrap();
        assert_eq!(mask.apply("init canary"), "init ***");
    }

    #[test]
    fn a_step_does_one_thing() {
        for (step, field) in [
            ("{}", ""),
            (r#"{"send": "a", "expect": "b"}"#, ""),
            (r#"{"send": "a", "skip": 1}"#, "skip"),
            (r#"{"expect": "a", "skip": 1001}"#, "skip"),
            (r#"{"expect_json": {"$": 1}, "as": "hex"}"#, "as"),
        ] {
            assert_eq!(
                read(step).map_err(|(field, _)| field).err(),
                Some(field),
                "{step}"
            );
        }
        let Ok(Step::Send(sort, payload)) = read(r#"{"send_json": {"b": 1, "a": 2}}"#) else {
            panic!("it sends");
        };
        assert_eq!(sort.message(&payload), Message::text(r#"{"b":1,"a":2}"#));
        let Ok(Step::Send(sort, payload)) = read(r#"{"send": {"hex": "0a"}}"#) else {
            panic!("it sends");
        };
        assert_eq!(sort.message(&payload), Message::binary(vec![10]));
    }
}
