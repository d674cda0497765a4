//! What was read from ECS, as values of our own: nothing optional that the adapter cannot do without.

use std::time::Duration;

use aws_sdk_ecs::primitives::DateTime;
use aws_sdk_ecs::types;

use super::place::Place;
use crate::clock::WallTime;
use crate::deployment::{Images, Revision};

/// A service, as DescribeServices shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Service {
    /// Its ARN.
    pub(super) arn: String,
    /// Its cluster and its name, as its own ARNs begin after the kind; none where ECS named no
    /// cluster.
    pub(super) place: Option<Place>,
    pub(super) status: String,
    /// Who moves its tasks: `ECS`, `CODE_DEPLOY`, `EXTERNAL`.
    pub(super) controller: String,
    pub(super) desired: i32,
    /// `ROLLING`, `BLUE_GREEN` …; none where ECS does not say, which is rolling.
    pub(super) strategy: Option<String>,
    /// `deployments[]`; for other controllers than ECS the task sets.
    pub(super) entries: Vec<Entry>,
    /// The service deployment that ECS calls current.
    pub(super) current: Option<String>,
}

impl Service {
    pub(super) fn is_active(&self) -> bool {
        self.status == ACTIVE
    }

    /// Whether a service deployment or a service revision is one of this service: of its account,
    /// region, cluster and name.
    pub(super) fn owns(&self, arn: &str) -> bool {
        self.place.as_ref().is_none_or(|place| place.owns(arn))
    }

    pub(super) fn is_moved_by_ecs(&self) -> bool {
        self.controller == "ECS"
    }

    pub(super) fn primary(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.primary)
    }

    pub(super) fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }
}

impl From<&types::Service> for Service {
    fn from(service: &types::Service) -> Self {
        let controller = service.deployment_controller();
        let controller = controller.map_or("ECS", |controller| controller.r#type().as_str());
        let entries = if controller == "ECS" {
            service.deployments().iter().map(Entry::of).collect()
        } else {
            service.task_sets().iter().map(Entry::of_task_set).collect()
        };
        Self {
            arn: service.service_arn().unwrap_or_default().to_owned(),
            place: Place::of(service),
            status: service.status().unwrap_or(ACTIVE).to_owned(),
            controller: controller.to_owned(),
            desired: service.desired_count(),
            strategy: service
                .deployment_configuration()
                .and_then(types::DeploymentConfiguration::strategy)
                .map(|strategy| strategy.as_str().to_owned()),
            entries,
            current: service.current_service_deployment().map(str::to_owned),
        }
    }
}

/// The status of a service that takes deployments.
pub(super) const ACTIVE: &str = "ACTIVE";

/// An entry of `deployments[]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) primary: bool,
    pub(super) task_definition: String,
    pub(super) rollout: Rollout,
    pub(super) desired: i32,
    pub(super) running: i32,
    pub(super) pending: i32,
    pub(super) created: Option<WallTime>,
}

impl Entry {
    /// What an answer leaves out stays empty: an entry that is not counted could hide that two
    /// deployments run side by side.
    fn of(deployment: &types::Deployment) -> Self {
        let (running, desired) = (deployment.running_count(), deployment.desired_count());
        let rollout = match deployment.rollout_state() {
            Some(types::DeploymentRolloutState::Completed) => Rollout::Completed,
            Some(types::DeploymentRolloutState::Failed) => Rollout::Failed,
            Some(_) => Rollout::InProgress,
            // Behind a Classic Load Balancer there is no state: the counts must do.
            None if running == desired && deployment.pending_count() == 0 => Rollout::Completed,
            None => Rollout::InProgress,
        };
        Self {
            id: deployment.id().unwrap_or_default().to_owned(),
            primary: deployment.status() == Some("PRIMARY"),
            task_definition: deployment.task_definition().unwrap_or_default().to_owned(),
            rollout,
            desired,
            running,
            pending: deployment.pending_count(),
            created: wall(deployment.created_at()),
        }
    }

    fn of_task_set(set: &types::TaskSet) -> Self {
        let steady = set.stability_status() == Some(&types::StabilityStatus::SteadyState);
        Self {
            id: set.id().unwrap_or_default().to_owned(),
            primary: set.status() == Some("PRIMARY"),
            task_definition: set.task_definition().unwrap_or_default().to_owned(),
            rollout: if steady {
                Rollout::Completed
            } else {
                Rollout::InProgress
            },
            desired: set.computed_desired_count(),
            running: set.running_count(),
            pending: set.pending_count(),
            created: wall(set.created_at()),
        }
    }
}

/// How far an entry of `deployments[]` has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

/// A task definition's ARN with the name that people use.
pub(super) fn revision(task_definition: &str) -> Revision {
    Revision {
        id: task_definition.to_owned(),
        label: label(task_definition).to_owned(),
    }
}

/// `family:n` of a task definition's ARN.
pub(super) fn label(task_definition: &str) -> &str {
    task_definition
        .rsplit('/')
        .next()
        .unwrap_or(task_definition)
}

/// Whether a deployment's identifier is an entry of `deployments[]` and not a service deployment.
pub(super) fn is_entry(id: &str) -> bool {
    !id.starts_with("arn:")
}

/// A time of the SDK; times before 1970 are none.
pub(super) fn wall(time: Option<&DateTime>) -> Option<WallTime> {
    let time = time?;
    let seconds = u64::try_from(time.secs()).ok()?;
    Some(WallTime::since_unix_epoch(Duration::new(
        seconds,
        time.subsec_nanos(),
    )))
}

/// A time for the SDK, from its distance to 1970.
pub(super) fn date_time(since_epoch: Duration) -> DateTime {
    DateTime::from_secs_f64(since_epoch.as_secs_f64())
}

/// Digests of images by container.
pub(super) type Digests = Images;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_is_the_last_part_of_the_arn() {
        let arn = "arn:aws:ecs:eu-west-1:000000000000:task-definition/api:41";
        assert_eq!(revision(arn).label, "api:41");
        assert!(is_entry("ecs-svc/123"));
        assert!(!is_entry(
            "arn:aws:ecs:eu-west-1:0:service-deployment/c/s/x"
        ));
    }
}
