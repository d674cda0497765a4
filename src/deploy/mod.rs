//! The seam of the deployment platforms: what the engine asks of one, and nothing more.
//!
//! Reading is separate from acting: only [`DeploymentTarget::roll_back`] changes anything, and
//! only `engine` calls it, with a plan that it got from the same adapter.

pub mod ecs;

use async_trait::async_trait;

use crate::deployment::{
    Deployment, NoRollback, Progress, RollbackPlan, Selector, Standing, StartedRollback,
};

/// Where a service is deployed, as declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platform {
    /// An ECS service.
    Ecs(EcsService),
}

/// An ECS service, as declared under `deployment: { ecs: … }`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
pub struct EcsService {
    /// The cluster: its name or its ARN.
    pub cluster: String,
    /// The service: its name or its ARN.
    pub service: String,
    /// The region; without it the environment's (`AWS_REGION`, the profile).
    #[serde(default)]
    pub region: Option<String>,
}

/// A platform that runs deployments and can return to an earlier revision.
#[async_trait]
pub trait DeploymentTarget: Send + Sync {
    /// Finds the deployment under test and pins it. With `Selector::Next` it waits until one
    /// appears; the caller bounds that wait.
    async fn pin(&self, selector: &Selector) -> Result<Deployment, DeployError>;

    /// What the platform says of the pinned deployment now.
    async fn standing(&self, deployment: &Deployment) -> Result<Standing, DeployError>;

    /// What a rollback of the pinned deployment would be if it were carried out now.
    async fn plan(
        &self,
        deployment: &Deployment,
    ) -> Result<Result<RollbackPlan, NoRollback>, DeployError>;

    /// Carries the plan out: re-reads the state first, and acts only when the deployment that was
    /// judged is still the one that would be undone.
    async fn roll_back(
        &self,
        plan: &RollbackPlan,
    ) -> Result<Result<StartedRollback, NoRollback>, DeployError>;

    /// How far a started rollback has come.
    async fn progress(&self, started: &StartedRollback) -> Result<Progress, DeployError>;

    /// How far the platform's own rollback of the deployment has come (`Standing::RollingBack`).
    async fn own_rollback(&self, deployment: &Deployment) -> Result<Progress, DeployError>;
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
}
