//! The settings of a probe that is built only when it is run, because something in them is not known
//! before: `{{ name }}`. Made by `plan`, which read and tried them; filled in by whoever runs it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::{Probe, Target};

/// Values by name, shared by all who use them.
pub type Values = Arc<BTreeMap<String, Value>>;

/// Says what is filled in for a name.
pub type ValueOf<'a> = dyn Fn(&str) -> Option<Value> + Send + Sync + 'a;

/// Builds a probe from settings that are filled in; says on one line why it cannot, without repeating
/// a value.
type Build = dyn Fn(&ValueOf<'_>) -> Result<Arc<dyn Probe>, String> + Send + Sync;

/// Settings with names to be filled in, whose every other part is known to be right.
pub struct Mold {
    /// The kind.
    pub kind: &'static str,
    /// Whether the kind says what it was answered ([`super::Reply`]).
    pub replies: bool,
    /// The names that it takes to build it, each once.
    pub names: Vec<Arc<str>>,
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
        kind: &'static str,
        replies: bool,
        probe: Option<&dyn Probe>,
        names: Vec<Arc<str>>,
        build: impl Fn(&ValueOf<'_>) -> Result<Arc<dyn Probe>, String> + Send + Sync + 'static,
    ) -> Self {
        Self {
            kind,
            replies,
            names,
            target: probe.and_then(Probe::target),
            asks_tasks: probe.is_some_and(Probe::asks_tasks),
            asks_addresses_of: probe.and_then(Probe::asks_addresses_of).map(str::to_owned),
            build: Box::new(build),
        }
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
