//! What the daemon is given: what every run shares, where it remembers, and the few things that only
//! its surroundings can do.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use super::recorder::Recorder;
use crate::deploy::{DeployError, DeploymentTarget, Lookout};
use crate::engine::context::Context;
use crate::engine::logbook::Journaling;
use crate::engine::record::Record;
use crate::event::Event;
use crate::plan::{Plan, ServicePlan};
use crate::sample::CheckId;
use crate::secret::Mask;
use crate::store::history::History;

/// What is declared, as the daemon needs it.
#[derive(Debug)]
pub struct Configuration {
    /// The plan, with what was selected of it.
    pub plan: Plan,
    /// How each check was declared, in the order of the plan's checks.
    pub declared: Vec<Declared>,
    /// Equal exactly when the control checks are declared alike.
    pub controls: u64,
    /// Equal exactly when notifiers and routes are declared alike.
    pub notifying: u64,
    /// What [`Outside::files`] said right before the files were read.
    pub files: u64,
}

/// How a check was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Which.
    pub check: CheckId,
    /// As YAML, with secrets masked.
    pub text: Arc<str>,
    /// The limits on it, each as typed: subject, level, limit.
    pub limits: Arc<[String]>,
    /// Equal exactly when everything that it is made of is declared alike.
    pub mark: u64,
}

/// What only the surroundings can do.
#[async_trait]
pub trait Outside: Send + Sync {
    /// Reads the configuration anew; may block. What is wrong with it is one text for people.
    fn load(&self) -> Result<Configuration, String>;

    /// Something that differs as soon as a file of the configuration does; may block.
    fn files(&self) -> u64;

    /// Connects to where a service is deployed.
    async fn connect(
        &self,
        service: &ServicePlan,
    ) -> Result<Arc<dyn DeploymentTarget>, DeployError>;

    /// How services are looked at together: their places, and the lookout over them.
    async fn lookouts(
        &self,
        services: &[ServicePlan],
    ) -> Vec<(Vec<usize>, Result<Arc<dyn Lookout>, DeployError>)>;

    /// The whole report of a window, masked.
    fn report(&self, record: &Record) -> Value;

    /// One line for what happened; nothing for what is no news.
    fn line(&self, event: &Event) -> Option<String>;
}

/// What the daemon is given.
#[derive(Clone)]
pub struct Outfit {
    /// What every run shares; its events and its instruments are replaced, service by service.
    pub context: Context,
    /// What only the surroundings can do.
    pub outside: Arc<dyn Outside>,
    /// Where everything is put that is to be remembered.
    pub recorder: Arc<dyn Recorder>,
    /// What is remembered, for baselines; absent where nothing is.
    pub history: Option<Arc<dyn History>>,
    /// The journal, or why there is none.
    pub journaling: Journaling,
    /// The file whose presence stops every rollback on this machine.
    pub kill_switch: PathBuf,
    /// The state folder.
    pub state: PathBuf,
    /// What must not be seen.
    pub mask: Mask,
    /// Whether rollbacks may be carried out: what the policies say where absent.
    pub rollback: Option<bool>,
    /// How long windows last, instead of what the policies say.
    pub bake: Option<Duration>,
    /// Where ECS tells us about our own task, when we run in one.
    pub own_task: Option<String>,
}

impl std::fmt::Debug for Outfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outfit")
            .field("kill_switch", &self.kill_switch)
            .field("rollback", &self.rollback)
            .field("bake", &self.bake)
            .finish_non_exhaustive()
    }
}
