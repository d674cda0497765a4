//! The records that ECS keeps of what was deployed: service deployments and service revisions.

use aws_sdk_ecs::types;

use super::facts::{self, Digests, wall};
use crate::clock::WallTime;
use crate::deployment::Software;

/// A service deployment, as DescribeServiceDeployments shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServiceDeployment {
    pub(super) arn: String,
    pub(super) status: Status,
    pub(super) created: WallTime,
    /// The ARNs of the service revisions that ran before.
    pub(super) sources: Vec<String>,
    /// The ARN of the service revision that it brings.
    pub(super) target: String,
    /// The ARN of the service revision to which it was rolled back.
    pub(super) rolled_back_to: Option<String>,
    /// The ids of the PAUSE hooks that await an answer.
    pub(super) awaiting: Vec<String>,
    /// Whether ECS's own failure detection, or a hook that nobody answered, has ended it.
    pub(super) given_up_by_ecs: bool,
}

impl ServiceDeployment {
    /// The hook at which it waits for an answer; one that is given up already waits for none.
    pub(super) fn paused_at(&self) -> Option<&str> {
        let first = self.awaiting.first().map(String::as_str);
        first.filter(|_| self.status == Status::InProgress)
    }

    pub(super) fn of(shown: &types::ServiceDeployment) -> Option<Self> {
        let arn_of = |summary: &types::ServiceRevisionSummary| summary.arn().map(str::to_owned);
        Some(Self {
            arn: shown.service_deployment_arn()?.to_owned(),
            status: Status::of(shown.status()?.as_str()),
            created: wall(shown.created_at())?,
            sources: shown
                .source_service_revisions()
                .iter()
                .filter_map(arn_of)
                .collect(),
            target: arn_of(shown.target_service_revision()?)?,
            rolled_back_to: shown
                .rollback()
                .and_then(types::Rollback::service_revision_arn)
                .map(str::to_owned),
            awaiting: awaiting(shown),
            given_up_by_ecs: given_up_by_ecs(shown),
        })
    }

    /// The service revision that runs when it has ended well: after a rollback not its target.
    pub(super) fn effective(&self) -> Option<&str> {
        match self.status {
            Status::Successful => Some(&self.target),
            Status::RollbackSuccessful => self.rolled_back_to.as_deref(),
            _ => None,
        }
    }
}

fn awaiting(shown: &types::ServiceDeployment) -> Vec<String> {
    use types::{
        DeploymentLifecycleHookStatus as Status, DeploymentLifecycleHookTargetType as Type,
    };
    let hooks = shown.lifecycle_hook_details().iter();
    hooks
        .filter(|hook| hook.target_type() == Some(&Type::Pause))
        .filter(|hook| hook.status() == Some(&Status::AwaitingAction))
        .filter_map(|hook| hook.hook_id().map(str::to_owned))
        .collect()
}

fn given_up_by_ecs(shown: &types::ServiceDeployment) -> bool {
    use types::ServiceDeploymentRollbackMonitorsStatus::Triggered;
    use types::{DeploymentLifecycleHookAction, DeploymentLifecycleHookStatus};
    let breaker = shown.deployment_circuit_breaker();
    let breaker = breaker.and_then(types::ServiceDeploymentCircuitBreaker::status);
    let alarms = shown.alarms();
    let alarms = alarms.and_then(types::ServiceDeploymentAlarms::status);
    let timed_out = |hook: &types::DeploymentLifecycleHookDetail| {
        hook.status() == Some(&DeploymentLifecycleHookStatus::TimedOut)
            && hook.timeout_action() == Some(&DeploymentLifecycleHookAction::Rollback)
    };
    breaker == Some(&Triggered)
        || alarms == Some(&Triggered)
        || shown.lifecycle_hook_details().iter().any(timed_out)
}

/// A service deployment in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) arn: String,
    pub(super) created: WallTime,
    pub(super) started: Option<WallTime>,
    pub(super) finished: Option<WallTime>,
    pub(super) status: Status,
    /// The ARN of the service revision that it brought.
    pub(super) target: Option<String>,
}

impl Listed {
    pub(super) fn of(brief: &types::ServiceDeploymentBrief) -> Option<Self> {
        Some(Self {
            arn: brief.service_deployment_arn()?.to_owned(),
            created: wall(brief.created_at())?,
            started: wall(brief.started_at()),
            finished: wall(brief.finished_at()),
            status: Status::of(brief.status().map_or("", |status| status.as_str())),
            target: brief.target_service_revision_arn().map(str::to_owned),
        })
    }
}

/// The status of a service deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    InProgress,
    StopRequested,
    RollbackRequested,
    RollbackInProgress,
    Successful,
    Stopped,
    RollbackSuccessful,
    RollbackFailed,
    Unknown(String),
}

impl Status {
    fn of(name: &str) -> Self {
        match name {
            "PENDING" => Self::Pending,
            "IN_PROGRESS" => Self::InProgress,
            "STOP_REQUESTED" => Self::StopRequested,
            "ROLLBACK_REQUESTED" => Self::RollbackRequested,
            "ROLLBACK_IN_PROGRESS" => Self::RollbackInProgress,
            "SUCCESSFUL" => Self::Successful,
            "STOPPED" => Self::Stopped,
            "ROLLBACK_SUCCESSFUL" => Self::RollbackSuccessful,
            "ROLLBACK_FAILED" => Self::RollbackFailed,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

/// A service revision: what was really deployed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ServiceRevision {
    pub(super) arn: String,
    pub(super) task_definition: String,
    /// By container, the digest of its image where ECS resolved it.
    pub(super) digests: Digests,
    pub(super) shown: types::ServiceRevision,
}

impl ServiceRevision {
    pub(super) fn of(shown: &types::ServiceRevision) -> Option<Self> {
        let digest = |image: &types::ContainerImage| {
            Some((
                image.container_name()?.to_owned(),
                image.image_digest()?.to_owned(),
            ))
        };
        Some(Self {
            arn: shown.service_revision_arn()?.to_owned(),
            task_definition: shown.task_definition()?.to_owned(),
            digests: shown.container_images().iter().filter_map(digest).collect(),
            shown: shown.clone(),
        })
    }

    pub(super) fn software(&self) -> Software {
        Software {
            revision: facts::revision(&self.task_definition),
            images: self.digests.clone(),
        }
    }

    /// What differs besides the task definition, and would not come back with it.
    pub(super) fn differences(&self, other: &Self) -> Vec<&'static str> {
        let (a, b) = (&self.shown, &other.shown);
        let compared = [
            (
                "network configuration",
                a.network_configuration == b.network_configuration,
            ),
            ("platform version", a.platform_version == b.platform_version),
            ("load balancers", a.load_balancers == b.load_balancers),
            (
                "service registries",
                a.service_registries == b.service_registries,
            ),
            (
                "Service Connect",
                a.service_connect_configuration == b.service_connect_configuration,
            ),
            (
                "volumes",
                a.volume_configurations == b.volume_configurations,
            ),
            (
                "VPC Lattice",
                a.vpc_lattice_configurations == b.vpc_lattice_configurations,
            ),
        ];
        let differing = compared.into_iter().filter(|(_, same)| !same);
        differing.map(|(name, _)| name).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_rollback_the_effective_revision_is_the_one_rolled_back_to() {
        let deployment = |status, rolled_back_to: Option<&str>| ServiceDeployment {
            arn: "d".into(),
            status,
            created: WallTime::default(),
            sources: vec!["old".into()],
            target: "bad".into(),
            rolled_back_to: rolled_back_to.map(str::to_owned),
            awaiting: Vec::new(),
            given_up_by_ecs: false,
        };
        assert_eq!(
            deployment(Status::Successful, None).effective(),
            Some("bad")
        );
        assert_eq!(
            deployment(Status::RollbackSuccessful, Some("old")).effective(),
            Some("old")
        );
        assert_eq!(
            deployment(Status::RollbackSuccessful, None).effective(),
            None
        );
        assert_eq!(deployment(Status::Stopped, None).effective(), None);
    }
}
