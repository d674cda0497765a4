//! The kinds of check that a plan may use. The registry's in the product; a test may bring others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Deserializer, Error};
use crate::probe::{Misfit, Probe, Readings, Replies, Session, Surroundings, registry};

/// What the settings of a check became: serde's error, settings that cannot work, or the probe.
pub type Built = Result<Result<Box<dyn Probe>, Vec<Misfit>>, Error>;

/// Reads the settings of a kind and builds its probe, long after they were read first; `None` when
/// there is no such kind.
pub type Builder =
    Arc<dyn Fn(&str, Deserializer<'_>, &Surroundings) -> Option<Built> + Send + Sync>;

/// What the settings of a session became.
pub type BuiltSession = Result<Result<Arc<dyn Session>, Vec<Misfit>>, Error>;

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

    /// How much a kind says of what it was answered, so that a step can capture values of it.
    fn replies(&self, name: &str) -> Replies {
        registered(name).map_or(Replies::Nothing, |kind| kind.replies)
    }

    /// The lists in the settings of a kind whose items are steps.
    fn steps(&self, name: &str) -> &'static [&'static str] {
        registered(name).map_or(&[], |kind| kind.steps)
    }

    /// What builds probes while checks are run.
    fn builder(&self) -> Builder {
        Arc::new(|name, settings, surroundings| registry::build(name, settings, surroundings))
    }

    /// The lists in the settings of a session whose items are steps.
    fn session_steps(&self) -> &'static [&'static str] {
        registry::SESSION_STEPS
    }

    /// Reads the settings of a session.
    ///
    /// # Errors
    /// Serde's.
    fn session(
        &self,
        name: &str,
        settings: Deserializer<'_>,
        surroundings: &Surroundings,
    ) -> BuiltSession {
        registry::session(name, settings, surroundings)
    }
}

fn registered(name: &str) -> Option<&'static registry::Entry> {
    registry::KINDS.iter().find(|kind| kind.name == name)
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
        registered(name).map(|kind| kind.readings)
    }

    fn dependency(&self, name: &str) -> Option<&'static str> {
        registered(name).and_then(|kind| kind.dependency)
    }

    fn observes(&self, name: &str) -> bool {
        registered(name).is_some_and(|kind| kind.observes)
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

    fn builder(&self) -> Builder {
        let kinds = self.clone();
        Arc::new(move |name, settings, surroundings| kinds.build(name, settings, surroundings))
    }
}
