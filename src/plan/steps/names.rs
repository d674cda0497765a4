//! Whether everything that a step fills in is there by then: generated, given by a session, or captured
//! by a step before it.

use std::sync::Arc;

use super::template;
use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Node, Place, Value, suggestion};
use crate::probe::Generated;

/// A name that a step captures.
pub struct Captured<'a> {
    /// The name.
    pub name: &'a str,
    place: &'a Place,
    /// The step, as messages call it.
    step: String,
}

/// What a step captures, by its node.
pub fn captured<'a>(node: &'a Node, step: &str) -> Vec<Captured<'a>> {
    let capture = node.entry("capture");
    let entries = capture.map_or(&[][..], |entry| entry.value.entries());
    let captured = entries.iter().map(|entry| Captured {
        name: &entry.key.text,
        place: &entry.key.place,
        step: step.to_owned(),
    });
    captured.collect()
}

/// What may be filled in at some point of a flow, or of a check with a session.
pub struct Known<'a> {
    /// What a session gives.
    pub given: &'a [Arc<str>],
    /// What was captured before.
    pub before: &'a [Captured<'a>],
    /// What is captured only here or later.
    pub later: &'a [Captured<'a>],
    /// Who would have to capture what is missing.
    pub whoever: Whoever<'a>,
}

/// Who would have to capture what is missing.
pub enum Whoever<'a> {
    /// The step before: what it is called, and where.
    Before(&'a str, &'a Place),
    /// Nobody comes before.
    Nobody,
    /// The session of this name.
    Session(&'a str),
}

/// Reports every name in the settings that nothing fills in.
pub fn examine(entry: &Entry, known: &Known<'_>, problems: &mut Vec<Problem>) {
    walk(&entry.value, known, problems);
}

fn walk(node: &Node, known: &Known<'_>, problems: &mut Vec<Problem>) {
    match &node.value {
        Value::Text(text) => {
            let Ok(Some(parts)) = template::parse(&text.text) else {
                return;
            };
            for part in parts {
                if let template::Part::Name(name) = part
                    && !known.has(&name)
                {
                    let written = written(&text.text, &name);
                    let place = node.place.narrowed_to(written);
                    problems.push(known.problem(&name, &place));
                }
            }
        }
        Value::List(items) => items.iter().for_each(|item| walk(item, known, problems)),
        Value::Map(entries) => {
            for entry in entries {
                walk(&entry.value, known, problems);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Hole => {}
    }
}

/// The `{{ name }}` of a text as it is written there.
fn written<'t>(text: &'t str, name: &str) -> &'t str {
    let mut starts = text.match_indices("{{");
    let found = starts.find_map(|(start, _)| {
        let end = start + text[start..].find("}}")? + 2;
        (text[start + 2..end - 2].trim() == name).then(|| &text[start..end])
    });
    found.unwrap_or("{{")
}

impl Known<'_> {
    fn has(&self, name: &str) -> bool {
        Generated::is_name(name)
            || self.given.iter().any(|known| **known == *name)
            || self.before.iter().any(|known| known.name == name)
    }

    fn problem(&self, name: &str, place: &Place) -> Problem {
        if let Some(later) = self.later.iter().find(|known| known.name == name) {
            let message = format!(
                "`{name}` is not captured yet: step \"{}\" does that",
                later.step
            );
            return Problem::error(Code::UnknownReference, message)
                .at(place)
                .other(later.place, "captured here")
                .help("a step can use what the steps before it captured: move that one up");
        }
        let message = format!("nothing fills in `{name}`");
        let problem = Problem::error(Code::UnknownReference, message).at(place);
        if let Some(near) = self.nearest(name) {
            return problem.help(near);
        }
        match self.whoever {
            Whoever::Before(step, place) => problem
                .other(place, "the step before")
                .help(format!(
                    "let step \"{step}\" or one before it capture it, as `capture: {{ {name}: {{ json: \
                     $.{name} }} }}`"
                )),
            Whoever::Nobody => problem.help(
                "no step comes before this one; generated are `uuid`, `now`, `random.email`, `run.tag` \
                 and others",
            ),
            Whoever::Session(session) => problem.help(format!(
                "let a step of the session `{session}` capture it, as `capture: {{ {name}: {{ json: \
                 $.{name} }} }}`"
            )),
        }
    }

    /// What was probably meant, and who captures that.
    fn nearest(&self, name: &str) -> Option<String> {
        let captured = self.before.iter().map(|known| known.name);
        let given = self.given.iter().map(|known| &**known);
        let all = captured
            .chain(given)
            .chain(Generated::NAMES.iter().copied());
        let near = suggestion::nearest(name, all)?;
        let by = self.before.iter().rev().find(|known| known.name == near);
        Some(match by {
            Some(known) => format!(
                "did you mean `{near}`, which step \"{}\" captures?",
                known.step
            ),
            None => format!("did you mean `{near}`?"),
        })
    }
}
