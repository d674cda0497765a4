//! From a read document to what will be run: everything resolved, nothing optional that means
//! "not validated yet".
//!
//! [`compile()`] finds every problem of every part in one run. It knows the names of the language,
//! also of what this version does not do, so that nothing is passed over in silence. It runs
//! nothing and reaches nothing. Called by `cli`.

mod baseline;
mod checks;
mod compile;
mod control;
pub mod declared;
mod defaults;
mod feasibility;
mod guards;
pub mod kinds;
mod language;
mod notifiers;
pub mod pace;
mod policies;
mod reach;
mod references;
mod routes;
mod rules;
pub mod schema;
pub mod selection;
pub mod server;
mod services;
mod sessions;
pub mod silences;
mod steps;
pub mod store;
pub mod telemetry;
mod thresholds;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::decision::Policy;
use crate::deploy::Platform;
use crate::notify::Notifying;
use crate::probe::{Probe, Resolver};
use crate::sample::CheckId;
use crate::verdict::threshold::Threshold;
use crate::verdict::{CheckFacts, Tolerance};

pub use self::compile::{Compiled, compile, compile_with};
pub use self::pace::{Load, Pace};
pub use self::selection::{Selection, SelectionError, Unselected};
pub use self::silences::SilencePlan;
pub use self::telemetry::TelemetryPlan;

/// What was declared, resolved and found possible.
#[derive(Debug, Default)]
pub struct Plan {
    /// The services, in the order of declaration.
    pub services: Vec<ServicePlan>,
    /// The checks, in the order of declaration.
    pub checks: Vec<CheckPlan>,
    /// The control checks, in the order of declaration: they are never judged.
    pub controls: Vec<ControlPlan>,
    /// The maintenance windows, in the order of declaration.
    pub silences: Vec<SilencePlan>,
    /// Where the daemon listens, and for whom.
    pub server: server::ServerPlan,
    /// Who can be told of what happens, and of what each is told.
    pub notifying: Notifying,
    /// Where the daemon remembers, and for how long.
    pub store: store::StorePlan,
    /// What leaves for other tools.
    pub telemetry: TelemetryPlan,
    /// What is declared as well and was not selected.
    pub unselected: Unselected,
}

/// A service to judge.
#[derive(Clone, Debug)]
pub struct ServicePlan {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is deployed; `gate` needs none.
    pub platform: Option<Platform>,
    /// How it is judged.
    pub policy: Policy,
    /// What must hold for a rollback, in the order of declaration.
    pub guards: Vec<GuardPlan>,
}

/// A condition of a rollback, asked by a probe of its own.
#[derive(Clone)]
pub struct GuardPlan {
    /// Its name.
    pub name: Arc<str>,
    /// Its kind.
    pub kind: &'static str,
    /// Whether its answer must be what it was; otherwise its expectation must hold.
    pub unchanged: bool,
    /// Why, in the words of whoever wrote it.
    pub because: Option<String>,
    /// How long one run may take.
    pub timeout: Duration,
    /// How it wants names to be resolved; absent where it does not say.
    pub resolver: Option<Arc<Resolver>>,
    /// What is run.
    pub probe: Arc<dyn Probe>,
}

impl fmt::Debug for GuardPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardPlan")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("unchanged", &self.unchanged)
            .finish_non_exhaustive()
    }
}

/// A check that says whether we ourselves can reach anything. It is judged for no service.
#[derive(Clone)]
pub struct ControlPlan {
    /// Its name.
    pub id: CheckId,
    /// Its kind.
    pub kind: &'static str,
    /// How often it runs while a window is watched, besides when it is asked.
    pub every: Duration,
    /// How long one run may take.
    pub timeout: Duration,
    /// How names become addresses; absent where nobody says.
    pub resolver: Option<Arc<Resolver>>,
    /// What is run.
    pub probe: Arc<dyn Probe>,
}

impl fmt::Debug for ControlPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ControlPlan")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .field("every", &self.every)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A check to run.
#[derive(Clone)]
pub struct CheckPlan {
    /// Its name, kind, service and tags.
    pub facts: CheckFacts,
    /// How often it runs. With a pace, how often on average over the bake of its policy: what is
    /// judged by an interval asks [`CheckPlan::interval`].
    pub every: Duration,
    /// How long one run may take; with a pace, from the moment at which it was due.
    pub timeout: Duration,
    /// When it is sent, where it is sent in an open loop and not by an interval.
    pub pace: Option<Pace>,
    /// How many of its runs may be in flight at once; always there with a pace.
    pub max_in_flight: Option<u32>,
    /// How it wants names to be resolved; absent where neither it nor the defaults say.
    pub resolver: Option<Arc<Resolver>>,
    /// The limits, as declared or by default. Clones share them, as do all checks with those by
    /// default.
    pub thresholds: Arc<[Threshold]>,
    /// How much worse than before it may be, as declared under `baseline`.
    pub tolerances: Arc<[Tolerance]>,
    /// Whether the limits were declared; without them those of the contract apply.
    pub declared_thresholds: bool,
    /// What is run.
    pub probe: Arc<dyn Probe>,
}

impl CheckPlan {
    /// Its open loop; absent where it runs by an interval.
    #[must_use]
    pub fn load(&self) -> Option<Load> {
        let pace = self.pace?;
        let usual = || Load::usual_in_flight(pace, self.timeout);
        Some(Load {
            pace,
            max_in_flight: self.max_in_flight.unwrap_or_else(usual),
        })
    }

    /// Whether how it was before the deployment is a yardstick of anything: it declares a `baseline`, or
    /// a reading that is to be `stable`.
    #[must_use]
    pub fn is_compared_with_before(&self) -> bool {
        !self.tolerances.is_empty() || self.thresholds.iter().any(Threshold::is_of_before)
    }

    /// The mean time from one run to the next within a window that begins with the first.
    #[must_use]
    pub fn interval(&self, window: Duration) -> Duration {
        self.pace.map_or(self.every, |pace| pace.interval(window))
    }

    /// How many runs begin within a span, the one at its start and one at its end included.
    #[must_use]
    pub fn runs_within(&self, span: Duration) -> u64 {
        pace::runs_within(self.pace, self.every, span)
    }
}

impl fmt::Debug for CheckPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckPlan")
            .field("facts", &self.facts)
            .field("every", &self.every)
            .field("timeout", &self.timeout)
            .field("pace", &self.pace)
            .field("max_in_flight", &self.max_in_flight)
            .field("thresholds", &self.thresholds)
            .finish_non_exhaustive()
    }
}
