//! A dialogue as it is held: what to send, where an answer ends, what is expected of it. Read from
//! the settings once, at load; says what an answer lacks, without what was sent.

use super::settings::{Form, Line, Settings};
use crate::clock::WallTime;
use crate::expect::{Matcher, Unmet};
use crate::probe::Misfit;
use crate::probe::wire::payload::{Payload, hex};
use crate::quantity::Bytes;
use crate::sample::{Fault, Reason};
use crate::secret::Mask;

/// What is said, in order.
pub struct Dialogue {
    /// The steps; none for a connection alone.
    pub steps: Vec<Step>,
    /// How many bytes one answer may have.
    pub limit: usize,
    mask: Mask,
}

/// A step.
pub enum Step {
    /// Send these.
    Send(Payload),
    /// Wait for an answer and judge it.
    Hear(Wish),
}

/// An answer that is expected.
pub struct Wish {
    /// Where it ends.
    pub end: End,
    expected: Matcher,
    form: Form,
    is_line: bool,
}

/// Where an answer ends.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// Before these bytes.
    Delimiter(Vec<u8>),
    /// After so many.
    Length(usize),
    /// With the connection.
    Close,
}

impl Dialogue {
    /// Reads the dialogue of the settings.
    ///
    /// # Errors
    /// A [`Misfit`] for each step that cannot be taken, and for a limit beyond reason.
    pub fn read(settings: Settings) -> Result<Self, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if settings.limit > LARGEST || settings.limit.0 == 0 {
            let message = format!("an answer may have from 1B to {LARGEST}");
            misfits.push(Misfit::at(&["limit"], message));
        }
        let lines = settings.dialogue.unwrap_or_default();
        if lines.len() > MOST_STEPS {
            let message = format!("a dialogue has at most {MOST_STEPS} steps");
            misfits.push(Misfit::at(&["dialogue"], message));
        }
        let limit = usize::try_from(settings.limit.0).unwrap_or(usize::MAX);
        let mask = Mask::default();
        let mut steps = Vec::new();
        for (index, line) in lines.into_iter().enumerate() {
            match Step::read(line, limit) {
                Ok(step) => steps.push(step),
                Err((field, message)) => {
                    let place = index.to_string();
                    let mut path = vec!["dialogue", &place];
                    path.extend((!field.is_empty()).then_some(field));
                    misfits.push(Misfit::at(&path, message));
                }
            }
        }
        for step in &steps {
            if let Step::Send(payload) = step {
                payload.hide(&mask);
            }
        }
        let dialogue = Self { steps, limit, mask };
        if misfits.is_empty() {
            Ok(dialogue)
        } else {
            Err(misfits)
        }
    }

    /// Whether what holds depends on what time it is.
    pub fn is_dated(&self) -> bool {
        self.wishes(0).any(|wish| wish.expected.is_dated())
    }

    /// Whether any answer is waited for.
    pub fn hears(&self) -> bool {
        self.wishes(0).next().is_some()
    }

    /// How many answers are expected after the step of this number.
    fn expected_after(&self, number: usize) -> usize {
        self.wishes(number).count()
    }

    /// The answers that are expected after so many steps.
    fn wishes(&self, steps: usize) -> impl Iterator<Item = &Wish> {
        self.steps.iter().skip(steps).filter_map(|step| match step {
            Step::Hear(wish) => Some(wish),
            Step::Send(_) => None,
        })
    }

    /// Compares what was heard with what is expected in this step.
    ///
    /// # Errors
    /// [`Reason::Expectation`] where it differs, [`Reason::Malformed`] where it should be a text and
    /// is none.
    pub fn judge(
        &self,
        number: usize,
        wish: &Wish,
        heard: &[u8],
        now: Option<WallTime>,
    ) -> Result<(), Fault> {
        let heard = wish.without_end(heard);
        let text = match wish.form {
            Form::Hex => hex(heard),
            Form::Text => String::from_utf8(heard.to_vec()).map_err(|error| {
                let detail = format!(
                    "step {number}: expected {}, got bytes that are no text (UTF-8) after {} bytes; \
                     compare them `as: hex`",
                    wish.expected,
                    error.utf8_error().valid_up_to()
                );
                Fault::new(Reason::Malformed, self.mask.apply(&detail))
            })?,
        };
        let Some(mismatch) = wish.expected.judge_text_at(&text, now).mismatch() else {
            return Ok(());
        };
        // Worded by the text without what was sent: a secret that is cut short is not found later.
        let masked = wish.expected.judge_text_at(&self.mask.apply(&text), now);
        let worded = masked.mismatch().unwrap_or(mismatch);
        let unmet = Unmet {
            text: format!("step {number}: {worded}"),
            is_dated: wish.expected.is_dated(),
            after: self.expected_after(number),
        };
        let detail = self.mask.apply(&unmet.told());
        Err(Fault {
            detail,
            ..unmet.fault()
        })
    }
}

/// The field of a step at fault, and what is wrong with it.
type Wrong = (&'static str, String);

impl Step {
    /// Reads one step.
    fn read(mut line: Line, limit: usize) -> Result<Self, Wrong> {
        let Some(expected) = line.expect.take() else {
            return Self::sending(line);
        };
        if line.send.is_some() {
            let both = "a step either sends or expects: make two of it";
            return Err(("send", both.to_owned()));
        }
        Ok(Self::Hear(Wish {
            is_line: line.until.is_none(),
            end: End::read(line.until, line.length, line.to_end, limit)?,
            expected,
            form: line.form.unwrap_or_default(),
        }))
    }

    /// Reads a step that expects nothing.
    fn sending(line: Line) -> Result<Self, Wrong> {
        for (field, stands) in [
            ("until", line.until.is_some()),
            ("length", line.length.is_some()),
            ("to_end", line.to_end.is_some()),
            ("as", line.form.is_some()),
        ] {
            if stands {
                return Err((field, format!("`{field}` belongs to a step with `expect`")));
            }
        }
        match line.send {
            Some(payload) if payload.bytes().is_empty() => {
                Err(("send", "nothing is sent".to_owned()))
            }
            Some(payload) => Ok(Self::Send(payload)),
            None => Err(("", "a step has `send` or `expect`".to_owned())),
        }
    }
}

impl End {
    /// Reads where an answer of at most `limit` bytes ends; with its line, where nothing is said.
    fn read(
        until: Option<Payload>,
        length: Option<u32>,
        to_end: Option<bool>,
        limit: usize,
    ) -> Result<Self, Wrong> {
        match (until, length, to_end.unwrap_or(false)) {
            (Some(payload), None, false) if payload.bytes().is_empty() => {
                Err(("until", "nothing cannot be waited for".to_owned()))
            }
            (Some(payload), None, false) => Ok(Self::Delimiter(payload.bytes().to_vec())),
            (None, Some(length), false) => match usize::try_from(length) {
                Ok(length) if (1..=limit).contains(&length) => Ok(Self::Length(length)),
                _ => Err(("length", format!("from 1 to {limit}, as `limit` allows"))),
            },
            (None, None, true) => Ok(Self::Close),
            (None, None, false) => Ok(Self::Delimiter(b"\n".to_vec())),
            _ => {
                let message = "an answer ends in one way: `until`, `length` or `to_end`";
                Err(("", message.to_owned()))
            }
        }
    }
}

impl Wish {
    /// What was heard without the delimiter; of a line, without a carriage return before it.
    /// Adds an answer to those before it, one a line, without where it ended.
    pub fn add_to(&self, said: &mut Vec<u8>, heard: &[u8]) {
        if !said.is_empty() {
            said.push(b'\n');
        }
        said.extend_from_slice(self.without_end(heard));
    }

    fn without_end<'a>(&self, heard: &'a [u8]) -> &'a [u8] {
        let End::Delimiter(delimiter) = &self.end else {
            return heard;
        };
        let heard = heard.strip_suffix(delimiter.as_slice()).unwrap_or(heard);
        match heard.strip_suffix(b"\r") {
            Some(line) if self.is_line => line,
            _ => heard,
        }
    }
}

/// An answer that a person compares with an expectation is no larger.
const LARGEST: Bytes = Bytes(1 << 20);
/// The longest dialogues of mail have some ten steps.
const MOST_STEPS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(dialogue: &str) -> Result<Dialogue, Vec<Misfit>> {
        let text = format!(r#"{{"address": "a.test:1", "dialogue": {dialogue}}}"#);
        Dialogue::read(serde_json::from_str(&text).unwrap())
    }

    fn judge(step: &str, heard: &[u8]) -> Result<(), Fault> {
        let dialogue = read(&format!(r#"[{{"send": "LOGIN canary\r\n"}}, {step}]"#)).unwrap();
        let Step::Hear(wish) = &dialogue.steps[1] else {
            panic!("{step} expects nothing");
        };
        dialogue.judge(2, wish, heard, None)
    }

    #[test]
    fn an_answer_is_compared_without_its_end() {
        for (step, heard) in [
            (r#"{"expect": "OK"}"#, &b"OK\r\n"[..]),
            (r#"{"expect": "OK"}"#, b"OK\n"),
            (r#"{"expect": "OK\r", "until": "\n"}"#, b"OK\r\n"),
            (r#"{"expect": "OK", "until": {"hex": "00"}}"#, b"OK\0"),
            (
                r#"{"expect": "00ff", "length": 2, "as": "hex"}"#,
                b"\x00\xff",
            ),
            (
                r#"{"expect": {"ends_with": "bye\n"}, "to_end": true}"#,
                b"good bye\n",
            ),
        ] {
            assert_eq!(judge(step, heard), Ok(()), "{step}");
        }
    }

    #[test]
    fn what_was_sent_is_in_no_message() {
        for (step, heard, reason, detail) in [
            (
                r#"{"expect": {"starts_with": "250"}}"#,
                &b"554 no\r\n"[..],
                Reason::Expectation,
                r#"step 2: expected { starts_with: "250" }, got "554 no""#,
            ),
            (
                r#"{"expect": "OK"}"#,
                b"unknown: LOGIN canary\n",
                Reason::Expectation,
                r#"step 2: expected "OK", got "unknown: ***""#,
            ),
            (
                r#"{"expect": "OK"}"#,
                b"\xff\n",
                Reason::Malformed,
                r#"step 2: expected "OK", got bytes that are no text (UTF-8) after 0 bytes; compare them `as: hex`"#,
            ),
        ] {
            let fault = judge(step, heard).unwrap_err();
            assert_eq!((fault.reason, fault.detail.as_str()), (reason, detail));
        }
    }

    #[test]
    fn every_step_that_cannot_be_taken_is_named() {
        for (step, path, message) in [
            ("{}", "0", "has `send` or `expect`"),
            (r#"{"send": ""}"#, "send", "nothing is sent"),
            (r#"{"send": "a", "expect": "b"}"#, "send", "make two of it"),
            (r#"{"send": "a", "until": "b"}"#, "until", "belongs to"),
            (r#"{"send": "a", "as": "hex"}"#, "as", "belongs to"),
            (r#"{"expect": "a", "until": ""}"#, "until", "nothing"),
            (r#"{"expect": "a", "length": 0}"#, "length", "from 1 to"),
            (
                r#"{"expect": "a", "length": 65537}"#,
                "length",
                "from 1 to 65536",
            ),
            (
                r#"{"expect": "a", "length": 1, "to_end": true}"#,
                "0",
                "in one way",
            ),
        ] {
            let Err(misfits) = read(&format!("[{step}]")) else {
                panic!("{step} is taken");
            };
            assert_eq!(misfits.len(), 1);
            assert_eq!(misfits[0].path.last().unwrap(), path, "{misfits:?}");
            assert!(misfits[0].message.contains(message), "{misfits:?}");
        }
    }
}
