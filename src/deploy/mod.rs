//! The seam of the deployment platforms: what the engine asks of one, and nothing more.
//!
//! Reading is separate from acting: only [`DeploymentTarget::roll_back`] changes anything, and
//! only `engine` calls it, with a plan that it got from the same adapter.

pub mod ecs;

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::deployment::{
    Answer, Call, Deployment, Diagnosis, Examined, NoRollback, Progress, Purpose, RollbackPlan,
    Selector, Sighting, Standing, StartedRollback, Task, Wanted,
};
pub use crate::deployment::{EcsService, Platform};

/// A platform that runs deployments and can return to an earlier revision.
#[async_trait]
pub trait DeploymentTarget: Send + Sync {
    /// What the service is called everywhere: for ECS its ARN. What is remembered of a service is
    /// remembered under it.
    async fn identity(&self) -> Result<String, DeployError>;

    /// Finds the deployment under test and pins it. With `Selector::Next` it waits until one
    /// appears; the caller bounds that wait.
    async fn pin(&self, selector: &Selector) -> Result<Deployment, DeployError>;

    /// What the platform says of the pinned deployment now.
    async fn standing(&self, deployment: &Deployment) -> Result<Standing, DeployError>;

    /// What a rollback of the pinned deployment would be if it were carried out now.
    async fn plan(
        &self,
        deployment: &Deployment,
        wanted: &Wanted,
    ) -> Result<Result<RollbackPlan, NoRollback>, DeployError>;

    /// What a person should know before a bake of this length begins, one line each: what weakens
    /// the platform's own safety, what would stop a rollback, what would end the deployment earlier
    /// than the bake. What a rollback would return to is chosen as in [`DeploymentTarget::plan`].
    async fn concerns(
        &self,
        deployment: &Deployment,
        bake: Duration,
        wanted: &Wanted,
    ) -> Result<Vec<String>, DeployError>;

    /// The tasks of the service that are meant to run, and which of them the deployment started.
    async fn tasks(&self, deployment: &Deployment) -> Result<Vec<Task>, DeployError>;

    /// What the platform knows of a deployment that failed; what cannot be looked at is a gap in
    /// it, never an error.
    async fn diagnose(&self, deployment: &Deployment) -> Diagnosis;

    /// What a parameter of the platform's own store says, by its name; nothing when there is none.
    async fn parameter(&self, name: &str) -> Result<Option<String>, DeployError>;

    /// Looks at everything that a watch will need: who we are, where the platform is asked, whether
    /// its clock and ours agree, and every permission, exercised where that changes nothing. What
    /// cannot be looked at is told in its place, never as an error.
    async fn examine(&self, purpose: &Purpose, clock: &dyn Clock) -> Vec<Examined>;

    /// Carries the plan out: re-reads the state first, and acts only when the deployment that was
    /// judged is still the one that would be undone.
    ///
    /// `witness` writes down each changing call before it is sent, and can say which were written
    /// down by an earlier run that died: those are looked for before anything is sent again.
    async fn roll_back(
        &self,
        plan: &RollbackPlan,
        witness: &dyn Witness,
    ) -> Result<Result<StartedRollback, NoRollback>, DeployError>;

    /// How far a started rollback has come.
    async fn progress(&self, started: &StartedRollback) -> Result<Progress, DeployError>;

    /// How far the platform's own rollback of the deployment has come (`Standing::RollingBack`).
    async fn own_rollback(&self, deployment: &Deployment) -> Result<Progress, DeployError>;
}

/// Several services, looked at together with as few questions as their platform allows. Changes
/// nothing.
#[async_trait]
pub trait Lookout: Send + Sync {
    /// What is deployed at each of them now, in the order in which they were named. Whoever asks
    /// chooses how often; one call is one question to the platform, or as few as it takes.
    async fn look(&self) -> Vec<Result<Sighting, DeployError>>;
}

/// Who writes down the calls that change something, and may forbid them to the last.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Writes down a call that is about to be sent. An error means that it must not be sent: it
    /// could not be written down, or somebody has pulled the brake meanwhile.
    async fn before(&self, call: &Call) -> Result<(), DeployError>;

    /// Writes down what came of it. That this cannot be written changes nothing any more.
    async fn after(&self, call: &Call, answer: &Answer);

    /// The calls for this deployment that were written down, in this run or in one before it, and
    /// that were not refused: each may have been done.
    fn sent(&self) -> Vec<Call>;

    /// Whether only calls that name the deployment itself may be sent (`Actuator::is_keyed`):
    /// nobody guards the service against a second actor.
    fn is_keyed_only(&self) -> bool;
}

/// A platform that could not be asked or told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeployError {
    /// The declaration names something that does not exist, or our permissions do not reach it:
    /// the user can mend it.
    #[error("{0}")]
    Declared(String),
    /// The platform did not answer, or answered with a passing fault: later may work.
    #[error("{0}")]
    Passing(String),
    /// The platform answered in a way that this version does not understand.
    #[error("{0}")]
    Strange(String),
    /// A [`Witness`] forbade a call: nothing was sent.
    #[error("{0}")]
    Forbidden(String),
}
