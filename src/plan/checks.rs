//! `checks`: each with one kind, its schedule, its tags, its limits, and the probe made from it.

pub mod kind;
pub mod load;
pub mod names;
mod schedule;

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use self::kind::{Bearer, KindDraft};
use self::load::Declared;
use self::schedule::Schedule;
use super::defaults::Defaults;
use super::kinds::Kinds;
use super::language::{bad_name, check_name, is_name};
use super::pace::Pace;
use super::services::ServiceDraft;
use super::sessions::{self, SessionDraft};
use super::thresholds::{self, Measurable, ThresholdDraft};
use super::{baseline, control};
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Node, Place, Value, read, suggestion};
use crate::probe::{Probe, Resolver};
use crate::quantity::Span;
use crate::verdict::Tolerance;

/// A check, as far as it could be read.
pub struct CheckDraft<'a> {
    /// Where it is declared.
    pub entry: &'a Entry,
    /// Its kind.
    pub kind: Option<&'static str>,
    /// The index of its service.
    pub service: Option<usize>,
    /// How often it runs; with a rate, how often in the end.
    pub every: Duration,
    /// Where that is written.
    pub every_place: Place,
    /// How long one run may take.
    pub timeout: Duration,
    /// The open loop in which it is sent instead of by an interval.
    pub pace: Option<Pace>,
    /// How many of its runs may be in flight at once; always there with a rate.
    pub max_in_flight: Option<u32>,
    /// Whether it only says whether we can reach anything.
    pub control: bool,
    /// How it wants names to be resolved, where it or the defaults say so.
    pub resolver: Option<Arc<Resolver>>,
    /// Its tags.
    pub tags: Vec<Arc<str>>,
    /// Its limits; `None` when it declares none.
    pub thresholds: Option<Vec<ThresholdDraft<'a>>>,
    /// How much worse than before it may be.
    pub tolerances: Vec<Tolerance>,
    /// Its probe.
    pub probe: Option<Box<dyn Probe>>,
    /// Whether all of it could be read: otherwise what is missing may only be misread.
    pub whole: bool,
}

/// A check, besides its kind.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckSettings {
    /// The service that it belongs to; without it the only one declared.
    pub service: Option<String>,
    /// How often it runs.
    pub every: Option<Span>,
    /// How long one run may take, from resolving the name to the last byte; with a rate from the
    /// moment at which it was due.
    pub timeout: Option<Span>,
    /// How many of its runs may be in flight at once, 1 to 10000. With a rate, what is due beyond
    /// waits, and what waits longer than the timeout is not sent and counted as unsent; without it
    /// as many as the timeout can hold at that rate, at most 500.
    pub max_in_flight: Option<u32>,
    /// How names are resolved: `default`, `system`, or `{ servers: [10.0.0.2] }` and
    /// `{ hosts: { api.test: [10.0.0.7] } }`.
    pub resolver: Option<Resolver>,
    /// The session in which it runs, by its name in `sessions`: what the login captured is filled in
    /// as `{{ name }}`, and its cookies are sent.
    pub session: Option<String>,
    /// Words by which rules and `--tag` find it.
    pub tags: Option<Vec<String>>,
    /// Whether it is a control check: it says whether we ourselves can reach anything, as `{ http: {
    /// url: https://example.com }, control: true }`. It is never judged and belongs to no service.
    /// When a run of another check cannot reach its target or gets no answer in time, and no control
    /// check reaches its own either, that run teaches nothing (`offline`). Choose what is reached the
    /// same way as the targets and does not depend on them. With several, one that is reached is enough.
    pub control: Option<bool>,
}

/// The keys of a check besides its kind.
pub const CHECK_KEYS: [&str; 11] = [
    "service",
    "session",
    "every",
    "rate",
    "max_in_flight",
    "timeout",
    "resolver",
    "tags",
    "control",
    "thresholds",
    "baseline",
];

/// What the messages about kinds say of a check.
const BEARER: Bearer<'_> = Bearer {
    what: "check",
    keys: &CHECK_KEYS,
    deployment: None,
};

/// What checks are read against.
pub struct Surroundings<'a, 'b> {
    /// The document.
    pub document: &'a Document,
    /// The kinds.
    pub kinds: &'b dyn Kinds,
    /// The services.
    pub services: &'b [ServiceDraft<'a>],
    /// The defaults.
    pub defaults: &'b Defaults,
    /// The sessions.
    pub sessions: &'b [SessionDraft<'a>],
}

/// Reads the section.
pub fn lower<'a>(
    around: &Surroundings<'a, '_>,
    problems: &mut Vec<Problem>,
) -> Vec<CheckDraft<'a>> {
    let document = around.document;
    if document.checks.is_empty() && !document.partial {
        let problem = Problem::error(Code::NoChecks, "there is nothing to check")
            .help("declare one: `checks: { web: { http: { url: https://… } } }`");
        problems.push(problem);
    }
    let mut drafts = Vec::with_capacity(document.checks.len());
    for entry in &document.checks {
        drafts.extend(check(entry, around, problems));
    }
    drafts
}

fn check<'a>(
    entry: &'a Entry,
    around: &Surroundings<'a, '_>,
    problems: &mut Vec<Problem>,
) -> Option<CheckDraft<'a>> {
    let errors =
        |problems: &[Problem]| problems.iter().filter(|problem| problem.is_error()).count();
    let before = errors(problems);
    check_name(&entry.key, "check", problems);
    let Value::Map(entries) = &entry.value.value else {
        refuse(entry, problems);
        return None;
    };
    let settings = settings(entry, entries, problems);
    let session = settings.session.as_deref();
    let session = session.and_then(|name| sessions::named(name, entry, around, problems));
    let control = settings.control == Some(true);
    let service = match control {
        true => control::judged_keys(entry, problems),
        false => service(settings.service.as_deref(), entry, around, problems),
    };
    let bearer = Bearer {
        deployment: service.and_then(|at| around.services.get(at)?.platform.as_ref()),
        ..BEARER
    };
    let kind = kind::lower(entry, entries, &bearer, session, around.kinds, problems);
    let readings = Measurable {
        kind: kind
            .as_ref()
            .and_then(|kind| around.kinds.readings(kind.name)),
        own: kind
            .as_ref()
            .and_then(|kind| kind.probe.as_deref()?.readings()),
        asks_each: kind
            .as_ref()
            .and_then(|kind| thresholds::asks_each(kind.probe.as_deref()?)),
    };
    let rate = load::lower(entry, problems);
    let schedule = Schedule::of(&settings, &rate, entry, around.defaults, problems);
    let pace = match &rate {
        Declared::Pace(pace, _) => Some(*pace),
        Declared::Nothing | Declared::Unclear => None,
    };
    let max_in_flight = load::max_in_flight(&settings, pace, schedule.timeout, entry, problems);
    let own = names::lower(settings.resolver, entry.value.entry("resolver"), problems);
    let tags = tags(settings.tags.unwrap_or_default(), entry, problems);
    let thresholds = entry
        .value
        .entry("thresholds")
        .map(|section| thresholds::lower(section, &readings, problems));
    let tolerances = entry
        .value
        .entry("baseline")
        .map(|section| baseline::lower(section, problems));
    let (kind, probe) = match kind {
        Some(KindDraft { name, probe }) => (Some(name), probe),
        None => (None, None),
    };
    load::refuse_for_each(&rate, probe.as_deref(), problems);
    schedule.refuse_shorter_than(probe.as_deref(), entry, problems);
    schedule.refuse_longer_part(probe.as_deref(), entry, problems);
    if control {
        control::reachable(entry, probe.as_deref(), problems);
    }
    Some(CheckDraft {
        entry,
        kind,
        service,
        every: schedule.every,
        every_place: schedule.every_place,
        timeout: schedule.timeout,
        pace,
        max_in_flight,
        control,
        resolver: own.or_else(|| around.defaults.resolver.clone()),
        tags,
        thresholds,
        tolerances: tolerances.unwrap_or_default(),
        probe,
        whole: errors(problems) == before && !entry.value.has_hole(),
    })
}

fn refuse(entry: &Entry, problems: &mut Vec<Problem>) {
    if entry.value.value == Value::Hole {
        return;
    }
    let (name, found) = (&entry.key.text, entry.value.description());
    let message = format!("the check `{name}` is a mapping with a kind, not {found}");
    let problem = Problem::error(Code::WrongType, message)
        .at(&entry.pointer())
        .help(format!("write `{name}: {{ http: {{ url: https://… }} }}`"));
    problems.push(problem);
}

/// Reads what every kind has in common.
fn settings(entry: &Entry, entries: &[Entry], problems: &mut Vec<Problem>) -> CheckSettings {
    const READ_HERE: [&str; 8] = [
        "service",
        "session",
        "every",
        "timeout",
        "max_in_flight",
        "resolver",
        "tags",
        "control",
    ];
    let own = entries
        .iter()
        .filter(|entry| READ_HERE.contains(&entry.key.text.as_str()));
    let node = Node {
        place: entry.value.place.clone(),
        value: Value::Map(own.cloned().collect()),
    };
    read(&node, &entry.key.place, problems)
        .any()
        .unwrap_or_default()
}

fn service(
    named: Option<&str>,
    entry: &Entry,
    around: &Surroundings<'_, '_>,
    problems: &mut Vec<Problem>,
) -> Option<usize> {
    let services = around.services;
    let names = services.iter().map(|service| &*service.name);
    let written = entry.value.entry("service");
    let Some(name) = named.filter(|name| !name.is_empty()) else {
        if services.len() > 1 && written.is_none() && !around.document.partial {
            let check = &entry.key.text;
            let message = format!("the check `{check}` names no service, and several are declared");
            let problem = Problem::error(Code::Ambiguous, message)
                .at(&entry.key.place)
                .help(format!(
                    "add `service: …`; {}",
                    suggestion::one_of(names).unwrap_or_default()
                ));
            problems.push(problem);
        }
        return (services.len() == 1).then_some(0);
    };
    let found = services.iter().position(|service| &*service.name == name);
    let implied = services.iter().all(|service| service.entry.is_none());
    if found.is_none() && !around.document.partial {
        let help = if implied {
            format!("declare it: `services: {{ {name}: {{}} }}`")
        } else {
            suggestion::did_you_mean(name, names).unwrap_or_default()
        };
        let place = written.map_or_else(|| entry.key.place.clone(), Entry::pointer);
        let message = format!("there is no service `{name}`");
        problems.push(
            Problem::error(Code::UnknownReference, message)
                .at(&place)
                .help(help),
        );
    }
    found
}

fn tags(names: Vec<String>, entry: &Entry, problems: &mut Vec<Problem>) -> Vec<Arc<str>> {
    let mut tags: Vec<Arc<str>> = Vec::new();
    let nodes = entry
        .value
        .entry("tags")
        .map_or(&[][..], |tags| tags.value.items());
    for node in nodes {
        let Value::Text(text) = &node.value else {
            continue;
        };
        if !is_name(&text.text) {
            problems.push(bad_name(&text.text, "tag", &node.place));
        }
        let first = nodes
            .iter()
            .find(|first| first.value == node.value)
            .filter(|first| first.place != node.place);
        if let Some(first) = first {
            let message = format!("the tag `{}` is given twice", text.text);
            let problem = Problem::error(Code::DuplicateName, message)
                .at(&node.place)
                .other(&first.place, "first given here")
                .help("remove one of the two");
            problems.push(problem);
        }
    }
    for name in names {
        if !tags.iter().any(|tag| **tag == *name) {
            tags.push(Arc::from(name.as_str()));
        }
    }
    tags
}
