//! The kinds of check that a plan may use. The registry's in the product; a test may bring others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Deserializer, Error};
use crate::probe::{Misfit, Probe, Readings, Surroundings, registry};

/// What the settings of a check became: serde's error, settings that cannot work, or the probe.
pub type Built = Result<Result<Box<dyn Probe>, Vec<Misfit>>, Error>;

/// A set of kinds.
pub trait Kinds {
    /// The names of the kinds.
    fn names(&self) -> Vec<&'static str>;

    /// The readings that a kind can give.
    fn readings(&self, name: &str) -> Option<Readings>;

    /// What a kind probes, when that is seldom the service itself.
    fn dependency(&self, name: &str) -> Option<&'static str>;

    /// Whether a kind can say what it was answered.
    fn observes(&self, name: &str) -> bool;

    /// Reads the settings of a kind and builds its probe; `None` when there is no such kind.
    fn build(
        &self,
        name: &str,
        settings: Deserializer<'_>,
        surroundings: &Surroundings,
    ) -> Option<Built>;
}

/// The kinds of the registry.
#[derive(Clone, Debug, Default)]
pub struct Registered {
    /// The environment of the program, for the kinds that run another one.
    pub environment: Arc<BTreeMap<String, String>>,
}

impl Kinds for Registered {
    fn names(&self) -> Vec<&'static str> {
        registry::KINDS.iter().map(|kind| kind.name).collect()
    }

    fn readings(&self, name: &str) -> Option<Readings> {
        let kind = registry::KINDS.iter().find(|kind| kind.name == name);
        kind.map(|kind| kind.readings)
    }

    fn dependency(&self, name: &str) -> Option<&'static str> {
        let kind = registry::KINDS.iter().find(|kind| kind.name == name);
        kind.and_then(|kind| kind.dependency)
    }

    fn observes(&self, name: &str) -> bool {
        let mut kinds = registry::KINDS.iter();
        kinds.any(|kind| kind.name == name && kind.observes)
    }

    fn build(
        &self,
        name: &str,
        settings: Deserializer<'_>,
        surroundings: &Surroundings,
    ) -> Option<Built> {
        let surroundings = Surroundings {
            environment: Arc::clone(&self.environment),
            ..surroundings.clone()
        };
        registry::build(name, settings, &surroundings)
    }
}
