//! `defaults`: what checks do when they do not say otherwise.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::problem::Problem;
use crate::config::{Document, Entry, Node, Place, Value, read};
use crate::quantity::Span;

/// The values, with the places where they are written.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// How often a check runs.
    pub every: Option<(Span, Place)>,
    /// How long a run may take.
    pub timeout: Option<(Span, Place)>,
}

/// What applies to each check that does not say otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultSettings {
    /// How often a check runs; 10s without it.
    pub every: Option<Span>,
    /// How long one run may take; 5s without it, or the interval where that is shorter.
    pub timeout: Option<Span>,
}

/// Reads the section.
pub fn lower(document: &Document, problems: &mut Vec<Problem>) -> Defaults {
    let Some(first) = document.defaults.first() else {
        return Defaults::default();
    };
    let place = &first.key.place;
    let node = Node {
        place: place.clone(),
        value: Value::Map(document.defaults.clone()),
    };
    let Some(settings) = read::<DefaultSettings>(&node, place, problems).any() else {
        return Defaults::default();
    };
    let with_place =
        |value: Option<Span>, key: &str| value.zip(node.entry(key).map(Entry::pointer));
    Defaults {
        every: with_place(settings.every, "every"),
        timeout: with_place(settings.timeout, "timeout"),
    }
}
