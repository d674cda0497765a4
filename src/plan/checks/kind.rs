//! The kind of a check, or of a guard: found among its keys, its settings read, its probe built.

use crate::config::problem::{Code, Problem};
use crate::config::{Deserializer, Entry, Node, Outcome, Step, Value, read_with, suggestion};
use crate::deployment::Platform;
use crate::plan::kinds::{Built, Kinds};
use crate::plan::sessions::SessionDraft;
use crate::plan::steps::{self, template};
use crate::probe::{Attended, Misfit, Probe, Surroundings};

/// The kind of a check, and its probe if that could be built.
pub struct KindDraft {
    /// The kind's name.
    pub name: &'static str,
    /// The probe.
    pub probe: Option<Box<dyn Probe>>,
}

/// What has a kind: a check or a guard.
#[derive(Clone, Copy)]
pub struct Bearer<'a> {
    /// What people call it.
    pub what: &'static str,
    /// Its keys besides the kind.
    pub keys: &'static [&'static str],
    /// Where its service is deployed, where it has one that says so.
    pub deployment: Option<&'a Platform>,
}

/// Finds the one kind of a check or a guard and builds its probe, which is run while logged in where
/// there is a session.
pub fn lower(
    check: &Entry,
    entries: &[Entry],
    bearer: &Bearer<'_>,
    session: Option<&SessionDraft<'_>>,
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> Option<KindDraft> {
    let (name, entry) = find(check, entries, bearer, kinds, problems)?;
    let probe = if !kinds.steps(name).is_empty() {
        of_steps(name, entry, session, kinds, problems)
    } else if let Some(draft) = session {
        let called = &draft.entry.key.text;
        let mold = steps::with_session(name, entry, called, &draft.names, kinds, problems);
        let login = draft.session.clone();
        login.map(|login| login.attended(Attended::Settings(mold)))
    } else {
        braces(&entry.value, problems);
        let around = Surroundings {
            deployment: bearer.deployment.cloned(),
            ..surroundings(entry)
        };
        tried(entry, &entry.value, problems, |settings| {
            build(name, settings, &around, kinds)
        })
    };
    Some(KindDraft { name, probe })
}

/// Builds the probe of a kind that is made of steps.
fn of_steps(
    name: &str,
    entry: &Entry,
    session: Option<&SessionDraft<'_>>,
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> Option<Box<dyn Probe>> {
    let given = session.map_or(&[][..], |draft| &draft.names);
    let lowered = steps::lower(entry, kinds.steps(name), given, kinds, problems);
    let mut around = surroundings(entry);
    around.steps = lowered.molds;
    let probe = tried(entry, &lowered.rest, problems, |settings| {
        build(name, settings, &around, kinds)
    })?;
    match session {
        None => Some(probe),
        Some(draft) => Some(draft.session.clone()?.attended(Attended::Whole(probe))),
    }
}

/// Finds the one kind of a check, a guard or a step.
pub fn find<'e>(
    check: &Entry,
    entries: &'e [Entry],
    bearer: &Bearer,
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> Option<(&'static str, &'e Entry)> {
    let names = kinds.names();
    let mut found: Vec<(&'static str, &'e Entry)> = Vec::new();
    let mut strangers = 0;
    for entry in entries {
        let key = entry.key.text.as_str();
        if let Some(name) = names.iter().find(|name| **name == key) {
            found.push((name, entry));
        } else if !bearer.keys.contains(&key) {
            strangers += 1;
            problems.push(unknown(entry, entries, bearer, &names));
        }
    }
    match found.as_slice() {
        [] if strangers == 0 => problems.push(without_kind(check, bearer, &names)),
        [] => {}
        [one] => return Some(*one),
        [(first_name, first), more @ ..] => {
            let what = bearer.what;
            for (name, entry) in more {
                let message = format!("the {what} has two kinds, `{first_name}` and `{name}`");
                let problem = Problem::error(Code::KindCount, message)
                    .at(&entry.key.place)
                    .other(&first.key.place, "the first kind")
                    .help(format!("make two {what}s of them"));
                problems.push(problem);
            }
        }
    }
    None
}

/// A key that is neither a setting nor a kind: which of the two was meant?
fn unknown(
    entry: &Entry,
    entries: &[Entry],
    bearer: &Bearer<'_>,
    names: &[&'static str],
) -> Problem {
    let key = entry.key.text.as_str();
    let near_kind = suggestion::nearest(key, names.iter().copied());
    let near_key = suggestion::nearest(key, bearer.keys.iter().copied());
    let has_kind = entries
        .iter()
        .any(|entry| names.contains(&entry.key.text.as_str()));
    let meant_as_kind =
        near_key.is_none() && !has_kind && matches!(entry.value.value, Value::Map(_));
    if near_kind.is_some() && near_key.is_none() || meant_as_kind {
        return Problem::error(
            Code::UnknownKind,
            format!("there is no kind of check `{key}`"),
        )
        .at(&entry.key.place)
        .maybe_help(match near_kind {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None => suggestion::one_of(names.iter().copied()),
        });
    }
    Problem::error(Code::UnknownKey, format!("unknown key `{key}`"))
        .at(&entry.key.place)
        .maybe_help(suggestion::did_you_mean(key, bearer.keys.iter().copied()))
}

fn without_kind(check: &Entry, bearer: &Bearer<'_>, names: &[&'static str]) -> Problem {
    let message = format!("the {} `{}` has no kind", bearer.what, check.key.text);
    let known = suggestion::one_of(names.iter().copied()).unwrap_or_default();
    Problem::error(Code::KindCount, message)
        .at(&check.key.place)
        .help(format!(
            "add what it checks, as `http: {{ url: https://… }}`; {known}"
        ))
}

/// What the kind of an entry may know of the world.
pub fn surroundings(entry: &Entry) -> Surroundings {
    Surroundings {
        folder: entry.key.place.file().folder().to_owned(),
        ..Surroundings::default()
    }
}

fn build(
    name: &str,
    settings: Deserializer<'_>,
    surroundings: &Surroundings,
    kinds: &dyn Kinds,
) -> Built {
    kinds
        .build(name, settings, surroundings)
        .unwrap_or_else(|| Ok(Err(vec![Misfit::at(&[], "the kind is not there")])))
}

/// Builds a probe of settings that are written at `entry`, and reports all that is wrong with them.
/// What is read of them is `node`: the same with something filled in, or without what others read.
pub fn tried(
    entry: &Entry,
    node: &Node,
    problems: &mut Vec<Problem>,
    build: impl FnMut(Deserializer<'_>) -> Built,
) -> Option<Box<dyn Probe>> {
    let nothing_expected = empty_expectations(entry, problems);
    let outcome = read_with(node, &entry.key.place, problems, build);
    match outcome {
        Outcome::Whole(Ok(probe)) => Some(probe),
        Outcome::Whole(Err(misfits)) => {
            for misfit in misfits {
                let told = nothing_expected && misfit.path.first().is_some_and(|at| at == "expect");
                if !told {
                    problems.push(refused(&misfit, entry));
                }
            }
            None
        }
        // A probe that was built from made-up settings, and what it thinks of them, mean nothing.
        Outcome::Guessed(_) | Outcome::Nothing => None,
    }
}

/// The problem of a setting that cannot work, below `entry`.
pub fn refused(misfit: &Misfit, entry: &Entry) -> Problem {
    let place = entry
        .value
        .place_at(&way(&misfit.path, &entry.value), &entry.key.place);
    Problem::error(Code::BadValue, &misfit.message)
        .at(&place)
        .maybe_help(misfit.hint.clone())
}

/// The way that a misfit names, as far as the tree has it: a number is an item of a list.
pub fn way(path: &[String], node: &Node) -> Vec<Step> {
    let mut node = Some(node);
    let mut steps = Vec::with_capacity(path.len());
    for part in path {
        let is_list = matches!(node.map(|node| &node.value), Some(Value::List(_)));
        let step = match part.parse() {
            Ok(index) if is_list => Step::Item(index),
            _ => Step::Key(part.clone()),
        };
        node = node.and_then(|node| node.at(std::slice::from_ref(&step)));
        steps.push(step);
    }
    steps
}

/// Reports expectations that expect nothing: such a check would pass whatever it is answered.
fn empty_expectations(kind: &Entry, problems: &mut Vec<Problem>) -> bool {
    let Some(expect) = kind.value.entry("expect") else {
        return false;
    };
    let before = problems.len();
    let parts = expect.value.entries().iter();
    for entry in std::iter::once(expect).chain(parts) {
        let empty = match &entry.value.value {
            Value::Map(entries) => entries.is_empty(),
            Value::Null => true,
            _ => false,
        };
        if empty {
            let message = format!("`{}` expects nothing", entry.key.text);
            let problem = Problem::error(Code::EmptyExpectation, message)
                .at(&entry.key.place)
                .help("say what must hold, or remove the key");
            problems.push(problem);
        }
    }
    problems.len() > before
}

/// Reports what would be filled in at run time where nothing does that: sent as it is written it would
/// ask something else than was meant.
fn braces(node: &Node, problems: &mut Vec<Problem>) {
    match &node.value {
        Value::Text(text) => {
            if let Some(found) = template::first(&text.text) {
                let message = format!("nothing fills in `{found}` here");
                let problem = Problem::error(Code::BadReference, message)
                    .at(&node.place.narrowed_to(found))
                    .help(
                        "only the steps of a `flow` and checks with a `session` are filled in; a \
                         variable is written ${NAME}",
                    );
                problems.push(problem);
            }
        }
        Value::List(items) => items.iter().for_each(|item| braces(item, problems)),
        Value::Map(entries) => entries
            .iter()
            .for_each(|entry| braces(&entry.value, problems)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Hole => {}
    }
}
