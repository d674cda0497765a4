//! A text that is filled in from a notice: minijinja's language, where what is not known is an error and
//! not nothing, and nothing can run or grow without end.

use std::io;

use jiff::Timestamp;
use minijinja::value::{Kwargs, Value as Filled};
use minijinja::{AutoEscape, Environment, ErrorKind, UndefinedBehavior, filters};
use serde_json::{Value, json};

use crate::notify::notice::{Effect, Kind, Notice, Severity, cut};
use crate::sample::CheckId;

/// A template, or a text without anything to fill in.
pub(super) enum Template {
    /// Sent as it stands.
    Plain(String),
    /// Filled in for each notice.
    Made(Box<Environment<'static>>),
}

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) message: String,
    /// The part that is wrong.
    pub(super) found: Option<String>,
    pub(super) hint: Option<String>,
}

impl Trouble {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            found: None,
            hint: None,
        }
    }
}

/// The name under which a template is kept.
const NAME: &str = "template";
/// Deeper is no message but a mistake.
const RECURSION: usize = 50;
/// So many instructions, some thousand times what a message takes.
const FUEL: u64 = 200_000;
/// Larger is no message (PagerDuty's and Slack's limits are below it).
const LARGEST: usize = 256 * 1_024;

impl Template {
    /// Reads a template.
    pub(super) fn of(text: &str) -> Result<Self, Trouble> {
        if !["{{", "{%", "{#"].iter().any(|sign| text.contains(sign)) {
            return Ok(Self::plain(text));
        }
        let mut environment = Environment::new();
        environment.set_debug(true);
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_recursion_limit(RECURSION);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|_| AutoEscape::None);
        environment.add_filter("escaped", escaped);
        environment.add_filter("tojson", tojson);
        environment.add_filter("urlencode", urlencode);
        let read = environment.add_template_owned(NAME, text.to_owned());
        read.map_err(|error| trouble(&error, text))?;
        Ok(Self::Made(Box::new(environment)))
    }

    pub(super) fn plain(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }

    /// The text for a notice.
    pub(super) fn fill(&self, notice: &Notice) -> Result<String, Trouble> {
        let environment = match self {
            Self::Plain(text) => return Ok(text.clone()),
            Self::Made(environment) => environment,
        };
        let mut written = Bounded::default();
        let filling = environment.get_template(NAME).and_then(|template| {
            let values = Filled::from(minijinja::value::Serde(values(notice)));
            template
                .render_captured_to(values, &mut written)
                .map(|_| ())
        });
        if written.is_full {
            return Err(Trouble::new(format!(
                "it becomes larger than {LARGEST} bytes"
            )));
        }
        filling.map_err(|error| {
            let source = error.template_source().unwrap_or_default().to_owned();
            trouble(&error, &source)
        })?;
        String::from_utf8(written.bytes).map_err(|_| Trouble::new("it becomes no text"))
    }
}

/// What is written, as long as there is room.
#[derive(Default)]
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > LARGEST {
            self.is_full = true;
            return Err(io::Error::other("full"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A text within quotes of JSON that somebody wrote around it.
fn escaped(value: Filled) -> Result<String, minijinja::Error> {
    let quoted = Value::String(there(value)?.to_string()).to_string();
    Ok(quoted[1..quoted.len() - 1].to_owned())
}

/// The usual filter, for which what is not known would be `null`.
fn tojson(
    value: Filled,
    indent: Option<Filled>,
    options: Kwargs,
) -> Result<Filled, minijinja::Error> {
    filters::tojson(&there(value)?, indent, options)
}

/// The usual filter, for which what is not known would be an empty text.
fn urlencode(value: Filled) -> Result<String, minijinja::Error> {
    filters::urlencode(&there(value)?)
}

fn there(value: Filled) -> Result<Filled, minijinja::Error> {
    match value.is_undefined() {
        true => Err(minijinja::Error::new(
            ErrorKind::UndefinedError,
            BEFORE_FILTER,
        )),
        false => Ok(value),
    }
}

/// Says that it is not the part of the template at which it was found, but what stands before that.
const BEFORE_FILTER: &str = "what is filtered is not known";

/// The name that stands before a filter.
fn filtered(before: &str) -> Option<&str> {
    let name = before.trim_end().strip_suffix('|')?.trim_end();
    let is_of_name = |sign: char| sign.is_alphanumeric() || "_.[]".contains(sign);
    let start = name.trim_end_matches(is_of_name).len();
    name.get(start..)
}

/// What went wrong, where, and what to write instead.
fn trouble(error: &minijinja::Error, source: &str) -> Trouble {
    let found = error.range().and_then(|range| match error.detail() {
        Some(BEFORE_FILTER) => filtered(source.get(..range.start)?),
        _ => source.get(range),
    });
    let found = found
        .filter(|found| !found.trim().is_empty())
        .map(str::to_owned);
    let shown = found
        .as_deref()
        .map(|found| format!("`{}`", cut(found, 80)));
    let line = error
        .line()
        .map(|line| format!("line {line} of the template: "));
    let line = line
        .filter(|_| source.trim_end().contains('\n'))
        .unwrap_or_default();
    let detail = error
        .detail()
        .map(|detail| format!(": {detail}"))
        .unwrap_or_default();
    let (what, hint) = match error.kind() {
        ErrorKind::UndefinedError => {
            let shown = shown.unwrap_or_else(|| "something".to_owned());
            (format!("there is no {shown} in a notice"), Some(known()))
        }
        ErrorKind::OutOfFuel => ("it runs without end".to_owned(), None),
        ErrorKind::UnknownFilter => (
            format!("there is no such filter{detail}"),
            Some("for JSON: tojson, or escaped within quotes; for addresses: urlencode".to_owned()),
        ),
        kind => (format!("{kind}{detail}"), None),
    };
    Trouble {
        message: format!("{line}{what}"),
        found,
        hint,
    }
}

/// The names that a template may use.
fn known() -> String {
    let [full, _] = made_up();
    let names = values(&full);
    let names = names.as_object().into_iter().flatten();
    let names: Vec<String> = names.map(|(name, _)| format!("`{name}`")).collect();
    format!("known here: {}", names.join(", "))
}

/// What a template may name. What a notice does not have is an empty text.
fn values(notice: &Notice) -> Value {
    let millis = i64::try_from(notice.at.unix().as_millis()).unwrap_or_default();
    let at = Timestamp::from_millisecond(millis).map(|at| at.to_string());
    let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
    let effect = match notice.effect {
        Effect::Tells => "tells",
        Effect::Opens => "opens",
        Effect::Acknowledges => "acknowledges",
        Effect::Resolves => "resolves",
    };
    json!({
        "headline": notice.title(),
        "severity": notice.severity.name(),
        "call": notice.call(),
        "kind": notice.kind.name(),
        "effect": effect,
        "resolved": notice.effect == Effect::Resolves,
        "service": notice.service.as_deref().unwrap_or_default(),
        "check": notice.check.as_ref().map_or("", CheckId::as_str),
        "window": notice.window.as_deref().unwrap_or_default(),
        "revision": or_empty(&notice.revision),
        "previous": or_empty(&notice.previous),
        "details": notice.details,
        "done": notice.done,
        "next": notice.next,
        "text": notice.text(),
        "link": or_empty(&notice.link),
        "subject": notice.subject,
        "thread": notice.thread,
        "at": at.unwrap_or_default(),
        "is_test": notice.is_test,
    })
}

/// The whole notice as JSON, where no body is declared.
pub(super) fn whole(notice: &Notice) -> String {
    let mut whole = values(notice);
    if let Some(whole) = whole.as_object_mut() {
        whole.insert("schema".to_owned(), json!("smokejumper.notice/1"));
    }
    whole.to_string()
}

/// Two notices: one with all that a notice can have, and with the signs that break what is not escaped;
/// and one with the least.
pub(super) fn made_up() -> [Notice; 2] {
    let line = "api: orders \"fails\" on api:42\n\\ error rate 12.1 %";
    let mut full = Notice::new(Kind::CheckFailing, Severity::Critical, "subject", line);
    full.effect = Effect::Opens;
    full.service = Some("api".into());
    full.window = Some("01J0000000000000000000000".into());
    full.check = Some(CheckId::new("orders"));
    full.revision = Some("api:42".to_owned());
    full.previous = Some("api:41".to_owned());
    full.details = vec!["orders: \"error rate\" 12.1 %".to_owned()];
    full.done = "Nothing \"yet\".".to_owned();
    full.next = "Wait.".to_owned();
    full.link = Some("https://smokejumper.test/windows/1".to_owned());
    let least = Notice::new(Kind::Warned, Severity::Info, "subject", "warned");
    [full, least]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, Trouble> {
        let [full, _] = made_up();
        Template::of(text)?.fill(&full)
    }

    #[test]
    fn what_is_named_is_filled_in_and_escaped_as_asked() {
        let cases = [
            ("plain { text }", "plain { text }"),
            ("{{ service }}/{{ check }}", "api/orders"),
            (
                "{{ details[0] | tojson }}",
                r#""orders: \"error rate\" 12.1 %""#,
            ),
            (
                "\"{{ details[0] | escaped }}\"",
                r#""orders: \"error rate\" 12.1 %""#,
            ),
            ("{% if resolved %}over{% else %}on{% endif %}", "on"),
            ("{{ revision | urlencode }}", "api%3A42"),
            (
                "{% for one in details %}<{{ one }}>{% endfor %}",
                "<orders: \"error rate\" 12.1 %>",
            ),
        ];
        for (text, expected) in cases {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_place() {
        let cases = [
            (
                "{{ headlin }}",
                "there is no `headlin` in a notice",
                Some("headlin"),
            ),
            (
                "a\n{{ check.name }}",
                "line 2 of the template: there is no `check.name` in a notice",
                Some("check.name"),
            ),
            (
                "{{ service | tojson }}{{ headlin | tojson }}",
                "there is no `headlin` in a notice",
                Some("headlin"),
            ),
            (
                "{{ next }}\n{{ check.name|urlencode }}",
                "line 2 of the template: there is no `check.name` in a notice",
                Some("check.name"),
            ),
            (
                "{{ details[7] | escaped }}",
                "there is no `details[7]` in a notice",
                Some("details[7]"),
            ),
            (
                "{{ headline | shout }}",
                "there is no such filter: filter shout is unknown",
                Some("shout"),
            ),
        ];
        for (text, message, found) in cases {
            let trouble = filled(text).expect_err(text);
            assert_eq!(
                (trouble.message.as_str(), trouble.found.as_deref()),
                (message, found)
            );
            assert!(trouble.hint.is_some(), "{text}");
        }
        let trouble = filled("{% if %}").expect_err("no condition");
        assert!(trouble.message.starts_with("syntax error"), "{trouble:?}");
    }

    #[test]
    fn nothing_runs_or_grows_without_end() {
        let endless =
            "{% for a in range(9999) %}{% for b in range(9999) %}.{% endfor %}{% endfor %}";
        assert_eq!(
            filled(endless).expect_err("endless").message,
            "it runs without end"
        );
        let large = "{% for a in range(9999) %}{{ headline }}{{ headline }}{% endfor %}";
        let trouble = filled(large).expect_err("too large");
        assert_eq!(
            trouble.message,
            format!("it becomes larger than {LARGEST} bytes")
        );
        let deep = format!(
            "{}1{}",
            "{{ ".to_owned() + &"(".repeat(9_999),
            ")".repeat(9_999) + " }}"
        );
        assert!(filled(&deep).is_err(), "a stack is not for ever");
    }
}
