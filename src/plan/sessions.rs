//! `sessions`: logins that checks share by naming them, as `session: smoke`.

use std::sync::Arc;

use super::checks::{Surroundings, kind};
use super::kinds::Kinds;
use super::language::check_name;
use super::steps;
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Outcome, Value, read_with, suggestion};
use crate::probe::Session;

/// A session, as far as it could be read.
pub struct SessionDraft<'a> {
    /// Where it is declared.
    pub entry: &'a Entry,
    /// What it captures.
    pub names: Vec<Arc<str>>,
    /// The login; absent where something about it is wrong, which was reported.
    pub session: Option<Arc<dyn Session>>,
}

/// Reads the section.
pub fn lower<'a>(
    document: &'a Document,
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> Vec<SessionDraft<'a>> {
    let sessions = document.sessions.iter();
    sessions
        .map(|entry| session(entry, kinds, problems))
        .collect()
}

fn session<'a>(
    entry: &'a Entry,
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> SessionDraft<'a> {
    check_name(&entry.key, "session", problems);
    if !matches!(entry.value.value, Value::Map(_) | Value::Hole) {
        let (name, found) = (&entry.key.text, entry.value.description());
        let message = format!("the session `{name}` is a mapping with `steps`, not {found}");
        let problem = Problem::error(Code::WrongType, message)
            .at(&entry.pointer())
            .help("write `steps: [{ name: log in, http: { … }, capture: { … } }]`");
        problems.push(problem);
    }
    let lowered = steps::lower(entry, kinds.session_steps(), &[], kinds, problems);
    let mut surroundings = kind::surroundings(entry);
    surroundings.steps = lowered.molds;
    let outcome = read_with(&lowered.rest, &entry.key.place, problems, |settings| {
        kinds.session(&entry.key.text, settings, &surroundings)
    });
    let session = match outcome {
        Outcome::Whole(Ok(session)) => Some(session),
        Outcome::Whole(Err(misfits)) => {
            let misfits = misfits.iter();
            problems.extend(misfits.map(|misfit| kind::refused(misfit, entry)));
            None
        }
        Outcome::Guessed(_) | Outcome::Nothing => None,
    };
    SessionDraft {
        entry,
        names: steps::captured(entry, kinds.session_steps()),
        session,
    }
}

/// The session that a check names.
pub fn named<'s>(
    name: &str,
    check: &Entry,
    around: &Surroundings<'_, 's>,
    problems: &mut Vec<Problem>,
) -> Option<&'s SessionDraft<'s>> {
    let sessions = around.sessions;
    let found = sessions.iter().find(|draft| draft.entry.key.text == name);
    if found.is_none() && !around.document.partial {
        let known = sessions.iter().map(|draft| draft.entry.key.text.as_str());
        let declare = || format!("declare it: `sessions: {{ {name}: {{ steps: [ … ] }} }}`");
        let help = suggestion::did_you_mean(name, known).unwrap_or_else(declare);
        let written = check.value.entry("session");
        let place = written.map_or_else(|| check.key.place.clone(), Entry::pointer);
        let message = format!("there is no session `{name}`");
        let problem = Problem::error(Code::UnknownReference, message).at(&place);
        problems.push(problem.help(help));
    }
    found
}

/// Warns of sessions that no check names.
pub fn unused(sessions: &[SessionDraft<'_>], document: &Document, problems: &mut Vec<Problem>) {
    let uses = |name: &str| {
        let named = |check: &Entry| {
            let entry = check.value.entry("session");
            entry.is_some_and(|entry| match &entry.value.value {
                Value::Text(text) => text.text == name,
                _ => false,
            })
        };
        document.checks.iter().any(named)
    };
    for draft in sessions {
        let key = &draft.entry.key;
        if !document.partial && !uses(&key.text) {
            let message = format!("no check uses the session `{}`", key.text);
            let problem = Problem::warning(Code::Unused, message)
                .at(&key.place)
                .help(format!("name it at a check, as `session: {}`", key.text));
            problems.push(problem);
        }
    }
}
