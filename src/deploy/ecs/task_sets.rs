//! Task sets: what services have in the place of `deployments[]` when somebody else than ECS moves
//! their tasks, CodeDeploy or a deployer of their own.

use aws_sdk_ecs::types;

use super::EcsTarget;
use super::facts::{self, Service};
use crate::clock::WallTime;
use crate::deploy::DeployError;

/// A task set, as DescribeServices shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TaskSet {
    pub(super) id: String,
    /// Its deployer's name for it: with CodeDeploy the id of the deployment that made it.
    pub(super) external: Option<String>,
    pub(super) primary: bool,
    /// Its tasks are being stopped.
    pub(super) draining: bool,
    pub(super) task_definition: String,
    pub(super) steady: bool,
    /// The service's desired count times the set's scale.
    pub(super) desired: i32,
    pub(super) running: i32,
    pub(super) created: Option<WallTime>,
}

impl TaskSet {
    /// What an answer leaves out stays empty, and an empty id or task definition is never acted on.
    pub(super) fn of(shown: &types::TaskSet) -> Self {
        Self {
            id: shown.id().unwrap_or_default().to_owned(),
            external: shown
                .external_id()
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
            primary: shown.status() == Some("PRIMARY"),
            draining: shown.status() == Some("DRAINING"),
            task_definition: shown.task_definition().unwrap_or_default().to_owned(),
            steady: shown.stability_status() == Some(&types::StabilityStatus::SteadyState),
            desired: shown.computed_desired_count(),
            running: shown.running_count(),
            created: facts::wall(shown.created_at()),
        }
    }

    /// Whether all the tasks that it is to have run, and it has any.
    pub(super) const fn is_whole(&self) -> bool {
        self.steady && self.desired > 0 && self.running == self.desired
    }
}

impl EcsTarget {
    /// The service as it is now, with its task sets.
    pub(super) async fn service_with_sets(&self) -> Result<(Service, Vec<TaskSet>), DeployError> {
        let (service, shown) = self.shown_service().await?;
        let sets = shown.task_sets().iter().map(TaskSet::of).collect();
        Ok((service, sets))
    }
}
