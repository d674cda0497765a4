//! `guards` of a policy: what must hold for a rollback, each asked by a probe of its own.
//!
//! A guard is declared like a check: one kind with its settings. With `unchanged_since: baseline`
//! its answer must be what it was; without, its expectation must hold.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::GuardPlan;
use super::checks::kind::{self, Bearer};
use super::checks::names;
use super::kinds::Kinds;
use super::language::{DEFAULT_TIMEOUT, check_name};
use crate::config::problem::{Code, Problem};
use crate::config::tree::Key;
use crate::config::{Entry, Node, Value, read};
use crate::probe::Resolver;
use crate::quantity::Span;

/// A guard, besides its kind.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GuardSettings {
    /// What it is called in reports; its kind without it.
    pub name: Option<String>,
    /// Since when its answer must be the same; without it, its expectation must hold.
    pub unchanged_since: Option<SinceWord>,
    /// Why, in the words of whoever writes it.
    pub because: Option<String>,
    /// How long one run may take; 5s without it.
    pub timeout: Option<Span>,
    /// How names are resolved, as for a check; what `defaults` say is for checks.
    pub resolver: Option<Resolver>,
}

/// Since when an answer must be the same.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SinceWord {
    /// Since the software that would be returned to was last judged good; where that is not known,
    /// since the window began.
    Baseline,
}

/// The keys of a guard besides its kind.
const KEYS: [&str; 5] = ["name", "unchanged_since", "because", "timeout", "resolver"];

/// What the messages about kinds say of a guard.
const BEARER: Bearer<'_> = Bearer {
    what: "guard",
    keys: &KEYS,
    // A policy may be that of several services.
    deployment: None,
};

/// Reads the guards of a policy.
pub fn lower(policy: &Entry, kinds: &dyn Kinds, problems: &mut Vec<Problem>) -> Vec<GuardPlan> {
    let items = policy.value.entry("guards");
    let items = items.map_or(&[][..], |section| section.value.items());
    let mut names = BTreeSet::new();
    let guards = items.iter();
    guards
        .filter_map(|node| guard(node, policy, kinds, &mut names, problems))
        .collect()
}

fn guard(
    node: &Node,
    policy: &Entry,
    kinds: &dyn Kinds,
    names: &mut BTreeSet<String>,
    problems: &mut Vec<Problem>,
) -> Option<GuardPlan> {
    let Value::Map(entries) = &node.value else {
        refuse(node, problems);
        return None;
    };
    let settings = settings(node, entries, problems);
    let name = name(node, entries, kinds, settings.name.as_deref(), problems);
    let entry = Entry {
        key: Key {
            text: name.clone(),
            place: node.place.clone(),
        },
        value: node.clone(),
    };
    let kind = kind::lower(&entry, entries, &BEARER, None, kinds, problems)?;
    examine(&entry, kind.name, &settings, kinds, problems);
    if !names.insert(name.clone()) {
        problems.push(twice(&entry, policy));
    }
    Some(GuardPlan {
        name: Arc::from(name),
        kind: kind.name,
        unchanged: settings.unchanged_since.is_some(),
        because: settings.because,
        timeout: settings.timeout.map_or(DEFAULT_TIMEOUT, |span| span.0),
        resolver: names::lower(settings.resolver, node.entry("resolver"), problems),
        probe: Arc::from(kind.probe?),
    })
}

/// The name that is written, else the kind.
fn name(
    node: &Node,
    entries: &[Entry],
    kinds: &dyn Kinds,
    written: Option<&str>,
    problems: &mut Vec<Problem>,
) -> String {
    if let (Some(name), Some(entry)) = (written, node.entry("name")) {
        let key = Key {
            text: name.to_owned(),
            place: entry.value.place.clone(),
        };
        check_name(&key, "guard", problems);
        return name.to_owned();
    }
    let kinds = kinds.names();
    let kind = entries.iter().map(|entry| entry.key.text.as_str());
    let kind = kind.into_iter().find(|key| kinds.contains(key));
    kind.unwrap_or("guard").to_owned()
}

fn settings(node: &Node, entries: &[Entry], problems: &mut Vec<Problem>) -> GuardSettings {
    let own = entries
        .iter()
        .filter(|entry| KEYS.contains(&entry.key.text.as_str()));
    let own = Node {
        place: node.place.clone(),
        value: Value::Map(own.cloned().collect()),
    };
    read(&own, &node.place, problems).any().unwrap_or_default()
}

/// Finds what cannot be meant of one guard.
fn examine(
    entry: &Entry,
    kind: &str,
    settings: &GuardSettings,
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) {
    let place = |key: &str| {
        let written = entry.value.entry(key);
        written.map_or_else(|| entry.key.place.clone(), Entry::pointer)
    };
    if settings.unchanged_since.is_some() && !kinds.observes(kind) {
        let message = format!("what the kind `{kind}` answers cannot be compared with before");
        let problem = Problem::error(Code::BadValue, message)
            .at(&place("unchanged_since"))
            .help("leave `unchanged_since` out: the guard's expectation must hold then");
        problems.push(problem);
    }
    if settings
        .timeout
        .is_some_and(|span| span.0 == Duration::ZERO)
    {
        let problem = Problem::error(Code::BadValue, "nothing answers within 0s")
            .at(&place("timeout"))
            .help("write a duration such as 5s");
        problems.push(problem);
    }
}

fn refuse(node: &Node, problems: &mut Vec<Problem>) {
    if node.value == Value::Hole {
        return;
    }
    let found = node.description();
    let message = format!("a guard is a mapping with a kind, not {found}");
    let problem = Problem::error(Code::WrongType, message)
        .at(&node.place)
        .help("write `- postgres: { url: …, query: … }`");
    problems.push(problem);
}

fn twice(entry: &Entry, policy: &Entry) -> Problem {
    let (name, policy) = (&entry.key.text, &policy.key.text);
    let message = format!("the policy `{policy}` has two guards called `{name}`");
    Problem::error(Code::DuplicateName, message)
        .at(&entry.key.place)
        .help("give each a `name` of its own")
}
