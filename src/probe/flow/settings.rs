//! What the user writes below `flow:` and below a name in `sessions`, without what the steps do: that
//! is read by the kinds of the steps.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::capture::Capture;
use super::step::Step;
use crate::expect::JsonExpectations;
use crate::probe::{Generated, Misfit, Mold, Replies, Surroundings};
use crate::quantity::{Span, human};
use crate::sample::Phase;

/// Steps, one after the other, each of which may use what those before it captured.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FlowSettings {
    /// The steps. The first one that fails ends the flow; those after it are skipped.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepSettings>,
    /// Steps that run whatever happened before: they log out, and remove what was created. A fifth of
    /// the time is kept for them. One that uses what was never captured has nothing to do and is
    /// skipped.
    #[serde(default)]
    pub always: Vec<StepSettings>,
}

/// One step, besides its kind.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepSettings {
    /// What it is called in messages, and, with `_` for whatever is no letter or digit, in readings:
    /// `log in` gives `log_in.latency`.
    pub name: String,
    /// Values to take out of the answer, by the name under which later steps use them as
    /// `{{ name }}`.
    #[serde(default)]
    pub capture: BTreeMap<String, Capture>,
    /// How long it may take at most; without it, as long as the flow has time.
    #[serde(default)]
    pub timeout: Option<Span>,
}

/// One login for all checks that name it: steps as those of a flow, which are run when the first of
/// the checks needs them, and again when the login has expired.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionSettings {
    /// The steps that log in. What they capture, and the cookies that they are given, is there for
    /// every check with this session.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepSettings>,
    /// The answer to a check by which one sees that the login has expired. Only where a check fails
    /// is this asked: it is then logged in anew, once, and the check runs once more. Without it: the
    /// status 401 or 403.
    #[serde(default)]
    pub expired: Option<ExpiredSettings>,
    /// After how long it is logged in anew although nothing says that the login has expired.
    #[serde(default)]
    pub renew_after: Option<Span>,
}

/// The signs of a login that has expired; one of them is enough.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiredSettings {
    /// Statuses that say so.
    #[serde(default)]
    pub status: Vec<u16>,
    /// Paths in the body that say so; all of them.
    #[serde(default)]
    pub json: Option<JsonExpectations>,
}

impl Default for ExpiredSettings {
    fn default() -> Self {
        Self {
            status: vec![401, 403],
            json: None,
        }
    }
}

/// The steps of one list with what they do; refuses what cannot work.
pub fn steps(
    list: &'static str,
    settings: Vec<StepSettings>,
    surroundings: &Surroundings,
    place: usize,
    taken: &mut Vec<String>,
    misfits: &mut Vec<Misfit>,
) -> Vec<Step> {
    let molds = surroundings.steps.get(place).map_or(&[][..], Vec::as_slice);
    if molds.len() != settings.len() {
        misfits.push(Misfit::at(&[list], "what the steps do is not known here"));
        return Vec::new();
    }
    let mut steps = Vec::with_capacity(settings.len());
    for (index, (settings, mold)) in settings.into_iter().zip(molds).enumerate() {
        let index = index.to_string();
        let mut at = |way: &[&str], message: String, hint: &str| {
            let way = [&[list, index.as_str()], way].concat();
            misfits.push(Misfit::at(&way, message).hint(hint));
        };
        examine_name(&settings.name, taken, &mut at);
        examine_captures(&settings, mold, &mut at);
        if mold.asks_tasks || mold.asks_addresses_of.is_some() {
            let message = "a step asks whoever the name leads to, not each address or task";
            let hint = "remove `addresses`, or make a check of its own of it";
            at(&[mold.kind, "addresses"], message.to_owned(), hint);
        }
        match settings.timeout.map(|span| span.0) {
            Some(Duration::ZERO) => {
                let hint = "write a duration such as 2s";
                at(&["timeout"], "nothing answers within 0s".to_owned(), hint);
            }
            Some(timeout) if timeout <= mold.lasts => {
                let (timeout, lasts) = (human(timeout), human(mold.lasts));
                let message =
                    format!("{timeout} are over before the {lasts} that the step takes at least");
                at(&["timeout"], message, "lengthen it, or leave it out");
            }
            Some(_) | None => {}
        }
        steps.push(Step {
            reading: reading_name(&settings.name),
            name: settings.name,
            captures: settings.capture.into_iter().collect(),
            timeout: settings.timeout.map(|span| span.0),
            mold: Arc::clone(mold),
        });
    }
    steps
}

/// The name of a step in the names of its readings.
pub fn reading_name(name: &str) -> String {
    let plain = name.chars().map(|c| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
        _ => '_',
    });
    let plain: String = plain.collect();
    plain.trim_matches('_').to_owned()
}

fn examine_name(name: &str, taken: &mut Vec<String>, at: &mut impl FnMut(&[&str], String, &str)) {
    let reading = reading_name(name);
    let give = "give each step a name of its own, in a few words";
    if reading.is_empty() || name.chars().count() > LONGEST_NAME {
        let message =
            format!("a step has a name of 1 to {LONGEST_NAME} characters, with a letter or digit");
        at(&["name"], message, give);
    } else if taken.contains(&reading) {
        let message =
            format!("two steps are called `{name}`, or give readings of one name, `{reading}`");
        at(&["name"], message, give);
    } else if Phase::ALL.iter().any(|phase| phase.name() == reading) {
        let message = format!("`{name}` is the name of a phase: `{reading}.p95` would mean that");
        at(&["name"], message, "say what the step does, as `log in`");
    }
    taken.push(reading);
}

/// A longer name does not fit on the line that a failure is told in.
const LONGEST_NAME: usize = 60;

fn examine_captures(
    settings: &StepSettings,
    mold: &Mold,
    at: &mut impl FnMut(&[&str], String, &str),
) {
    if !settings.capture.is_empty() && mold.replies == Replies::Nothing {
        let message = format!(
            "this step of the kind `{}` is answered nothing to capture from",
            mold.kind
        );
        at(&["capture"], message, hint_for(mold.kind));
    }
    for (name, capture) in &settings.capture {
        let way = ["capture", name.as_str()];
        if !is_name(name) {
            let message = format!("`{name}` is no name for a value: letters, digits and `_`");
            at(&way, message, "choose a name such as `order_id`");
        } else if Generated::WORDS.contains(&name.as_str()) {
            let message = format!("`{name}` is a value that every run generates");
            at(&way, message, "choose another name");
        }
        if mold.replies == Replies::Body && capture.needs_headers() {
            let message = format!("a step of the kind `{}` is answered no headers", mold.kind);
            let hint = "write `json: $.path` or `regex: …`, which look into the body";
            at(&way, message, hint);
        }
        if capture
            .header()
            .is_some_and(|name| http::HeaderName::try_from(name).is_err())
        {
            let message = "that is not the name of a header".to_owned();
            at(&[&way[..], &["header"]].concat(), message, "as `location`");
        }
    }
}

/// What makes a step of a kind give something to capture.
fn hint_for(kind: &str) -> &'static str {
    match kind {
        "tcp" | "websocket" => "let its `dialogue` expect an answer",
        "postgres" | "mysql" => "give it a `query`",
        _ => {
            "capture from a step of the kind `http`, `tcp`, `websocket`, `postgres`, `mysql`, `redis` or `exec`"
        }
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.len() <= LONGEST_NAME
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_called_in_readings_what_it_is_called() {
        for (name, reading) in [
            ("log in", "log_in"),
            ("Pay (test mode)", "pay__test_mode"),
            ("settings", "settings"),
            ("…", ""),
        ] {
            assert_eq!(reading_name(name), reading);
        }
    }

    #[test]
    fn names_of_values_are_words() {
        for name in ["token", "_x", "order_id2"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "2x", "a-b", "a.b", "a b", "ä"] {
            assert!(!is_name(name), "{name}");
        }
    }
}
