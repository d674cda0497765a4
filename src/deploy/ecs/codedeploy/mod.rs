//! Services that CodeDeploy deploys: pins its deployments by their id, says how they stand, stops
//! one in flight so that CodeDeploy rolls it back, or deploys again what succeeded before.
//!
//! Refuses to guess what an AppSpec brings, to go past a deployment that cannot be read, and to
//! switch a group's alarms off. The rest of `deploy/ecs` calls it wherever a deployment's id is one
//! of CodeDeploy's.
//!
//! Reading order: `records` with `appspec` (what was read), `calls` (reading it), `reading`,
//! `standing`, `pinning`, `candidate` and `planning`, `stopping` and `creating` with `tell`,
//! `proof`.

mod appspec;
mod calls;
mod candidate;
mod creating;
mod pinning;
mod planning;
mod proof;
mod reading;
mod records;
mod standing;
mod stopping;
mod tell;

use super::EcsTarget;
use crate::deploy::DeployError;
use crate::deployment::{Deployment, Standing};

pub(super) use creating::{begun, create};
pub(super) use pinning::pin;
pub(super) use planning::plan;
pub(super) use proof::{own_rollback, progress};
pub(super) use reading::CONTROLLER;
pub(super) use stopping::{stop, was_taken};
pub(super) use tell::{CREATE, STOP};

/// Whether a deployment's identifier is one of CodeDeploy's. ECS's own begin with `arn:` or
/// `ecs-svc/`.
pub(super) fn is_deployment(id: &str) -> bool {
    id.starts_with("d-")
}

/// What CodeDeploy says of the pinned deployment now.
pub(super) async fn standing(
    target: &EcsTarget,
    deployment: &Deployment,
) -> Result<Standing, DeployError> {
    reading::read(target, &deployment.id).await?.standing()
}
