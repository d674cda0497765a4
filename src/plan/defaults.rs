//! `defaults`: what checks do when they do not say otherwise.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::checks::names;
use crate::config::problem::Problem;
use crate::config::{Document, Entry, Node, Place, Value, read};
use crate::probe::Resolver;
use crate::quantity::Span;

/// The values, with the places where they are written.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// How often a check runs.
    pub every: Option<(Span, Place)>,
    /// How long a run may take.
    pub timeout: Option<(Span, Place)>,
    /// How names are resolved.
    pub resolver: Option<Arc<Resolver>>,
}

/// What applies to each check that does not say otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultSettings {
    /// How often a check runs; 10s without it.
    pub every: Option<Span>,
    /// How long one run may take; 5s without it, or the interval where that is shorter.
    pub timeout: Option<Span>,
    /// How names are resolved; the hosts file and the system's name servers without it.
    pub resolver: Option<Resolver>,
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
        resolver: names::lower(settings.resolver, node.entry("resolver"), problems),
        every: with_place(settings.every, "every"),
        timeout: with_place(settings.timeout, "timeout"),
    }
}
