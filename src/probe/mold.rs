//! The settings of a probe that is built only when it is run, because something in them is not known
//! before: `{{ name }}`. Made by `plan`, which read and tried them; filled in by whoever runs it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Probe, Readings, Replies, Target};
use crate::sample::Unit;
use crate::verdict::threshold::Threshold;

/// Values by name, shared by all who use them.
pub type Values = Arc<BTreeMap<String, Value>>;

/// Says what is filled in for a name.
pub type ValueOf<'a> = dyn Fn(&str) -> Option<Value> + Send + Sync + 'a;

/// Builds a probe from settings that are filled in; says on one line why it cannot, without repeating
/// a value.
type Build = dyn Fn(&ValueOf<'_>) -> Result<Arc<dyn Probe>, String> + Send + Sync;

/// What is known of a kind before its settings are.
#[derive(Clone, Copy, Debug)]
pub struct Nature {
    /// Its name.
    pub kind: &'static str,
    /// How much it says of what it was answered ([`super::Reply`]).
    pub replies: Replies,
    /// The readings that it can give.
    pub readings: Readings,
}

/// Settings with names to be filled in, whose every other part is known to be right.
pub struct Mold {
    /// The kind.
    pub kind: &'static str,
    /// How much it says of what it was answered ([`super::Reply`]).
    pub replies: Replies,
    /// The names that it takes to build it, each once.
    pub names: Vec<Arc<str>>,
    /// The readings that the kind can give.
    pub readings: Readings,
    /// Those that the settings name, where they say so, whatever is filled in.
    pub own: Option<Vec<(Arc<str>, Unit)>>,
    /// How long a run takes at least, whatever is filled in.
    pub lasts: Duration,
    /// The limits on its readings that hold where the check declares none.
    pub limits: Vec<Threshold>,
    /// Whom it asks, whatever is filled in; absent where that depends on it.
    pub target: Option<Target>,
    /// Whether each run asks one task of the deployment under test.
    pub asks_tasks: bool,
    /// The name of whose addresses each is asked by itself.
    pub asks_addresses_of: Option<String>,
    build: Box<Build>,
}

impl Mold {
    /// Makes a mold; the rest is what `probe`, built on trial, says of itself, where it could be.
    pub fn new(
        nature: Nature,
        probe: Option<&dyn Probe>,
        names: Vec<Arc<str>>,
        build: impl Fn(&ValueOf<'_>) -> Result<Arc<dyn Probe>, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind: nature.kind,
            replies: match probe.is_none_or(Probe::hears) {
                true => nature.replies,
                false => Replies::Nothing,
            },
            readings: nature.readings,
            own: probe.and_then(Probe::readings),
            lasts: probe.map_or(Duration::ZERO, Probe::lasts),
            limits: probe.map_or_else(Vec::new, Probe::limits),
            names,
            target: probe.and_then(Probe::target),
            asks_tasks: probe.is_some_and(Probe::asks_tasks),
            asks_addresses_of: probe.and_then(Probe::asks_addresses_of).map(str::to_owned),
            build: Box::new(build),
        }
    }

    /// Takes back what is not so with other values filled in.
    #[must_use]
    pub fn unless_differing_from(mut self, other: Option<&dyn Probe>) -> Self {
        let target = other.and_then(Probe::target);
        self.target = self.target.filter(|one| Some(one) == target.as_ref());
        let own = other.and_then(Probe::readings);
        self.own = self.own.filter(|one| Some(one) == own.as_ref());
        if other.map(Probe::lasts) != Some(self.lasts) {
            self.lasts = Duration::ZERO;
        }
        self
    }

    /// Builds the probe.
    ///
    /// # Errors
    /// On one line: the name that nothing fills in, or what the filled in settings lack.
    pub fn build(&self, value_of: &ValueOf<'_>) -> Result<Arc<dyn Probe>, String> {
        (self.build)(value_of)
    }
}

impl fmt::Debug for Mold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The settings may hold secrets.
        f.debug_struct("Mold")
            .field("kind", &self.kind)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
