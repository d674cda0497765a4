//! What the stand-in remembers of a service: plain data, changed by `rollout` and `shift` alone.

use serde_json::Value;
use tokio::sync::watch;

use super::traffic::Traffic;
use crate::clock::{Moment, WallTime};

/// Who moves the tasks of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// ECS itself, rolling.
    Ecs,
    /// CodeDeploy.
    CodeDeploy,
    /// Somebody else, by task sets.
    External,
}

impl Controller {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ecs => "ECS",
            Self::CodeDeploy => "CODE_DEPLOY",
            Self::External => "EXTERNAL",
        }
    }
}

/// A service.
#[derive(Debug)]
pub(super) struct Service {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) cluster: String,
    pub(super) active: bool,
    pub(super) desired: usize,
    pub(super) controller: Controller,
    pub(super) created: WallTime,
    /// As in `deployments[]`, the primary first.
    pub(super) deployments: Vec<Deployment>,
    /// All service deployments, the oldest first.
    pub(super) history: Vec<ServiceDeployment>,
    pub(super) revisions: Vec<ServiceRevision>,
    pub(super) tasks: Vec<Task>,
    pub(super) motion: Motion,
    /// Rollouts start all their tasks and then never finish.
    pub(super) held: bool,
    pub(super) traffic: watch::Sender<Traffic>,
}

impl Service {
    pub(super) fn primary(&self) -> Option<&Deployment> {
        self.deployments.first()
    }

    pub(super) fn revision(&self, arn: &str) -> Option<&ServiceRevision> {
        self.revisions.iter().find(|known| known.arn == arn)
    }

    /// The running tasks of one entry of `deployments[]`.
    pub(super) fn running(&self, deployment: &str) -> usize {
        self.tasks
            .iter()
            .filter(|task| task.stopped.is_none() && task.deployment == deployment)
            .count()
    }

    /// The running tasks of one service revision.
    pub(super) fn running_revision(&self, arn: &str) -> usize {
        self.deployments
            .iter()
            .filter(|deployment| deployment.revision == arn)
            .map(|deployment| self.running(&deployment.id))
            .sum()
    }
}

/// An entry of `deployments[]`.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) primary: bool,
    pub(super) rollout: Rollout,
    /// The ARN of the service revision that it brings.
    pub(super) revision: String,
    pub(super) created: WallTime,
    pub(super) updated: WallTime,
}

/// How far an entry of `deployments[]` has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rollout {
    InProgress,
    Completed,
    Failed,
}

impl Rollout {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
        }
    }
}

/// A service deployment; a rollback is recorded inside the one that is rolled back.
#[derive(Clone, Debug)]
pub(super) struct ServiceDeployment {
    pub(super) arn: String,
    pub(super) status: Status,
    pub(super) reason: Option<&'static str>,
    pub(super) sources: Vec<String>,
    pub(super) target: String,
    pub(super) created: WallTime,
    pub(super) updated: WallTime,
    pub(super) finished: Option<WallTime>,
    pub(super) stopped: Option<WallTime>,
    pub(super) rollback: Option<Rollback>,
    pub(super) breaker_tripped: bool,
}

/// How a service deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    InProgress,
    Successful,
    Stopped,
    RollbackRequested,
    RollbackInProgress,
    RollbackSuccessful,
    RollbackFailed,
}

impl Status {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Successful => "SUCCESSFUL",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    pub(super) const fn is_rolling_back(self) -> bool {
        matches!(self, Self::RollbackRequested | Self::RollbackInProgress)
    }
}

/// The rollback inside a service deployment.
#[derive(Clone, Debug)]
pub(super) struct Rollback {
    pub(super) revision: String,
    pub(super) started: WallTime,
    pub(super) reason: &'static str,
}

/// A service revision: what was really deployed, images by digest.
#[derive(Clone, Debug)]
pub(super) struct ServiceRevision {
    pub(super) arn: String,
    pub(super) task_definition: String,
    pub(super) label: String,
    pub(super) images: Vec<Image>,
    /// Network, load balancers and the rest, shown again as they came.
    pub(super) configuration: Value,
    pub(super) created: WallTime,
}

/// A container's image as it was resolved.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) container: String,
    pub(super) image: String,
    pub(super) digest: String,
}

/// A task of a service.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) arn: String,
    /// The entry of `deployments[]` that started it.
    pub(super) deployment: String,
    /// The ARN of its service revision.
    pub(super) revision: String,
    pub(super) started: WallTime,
    pub(super) stopped: Option<WallTime>,
}

/// What a service is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    Still,
    /// New tasks replace old ones.
    Rolling {
        since: Moment,
    },
    /// A rollback was asked for and has not begun.
    RollbackDue {
        at: Moment,
        reason: &'static str,
    },
    /// The old revision's tasks replace the new one's.
    RollingBack {
        since: Moment,
    },
}

/// What ECS's own circuit breaker does when it trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerEnd {
    /// It rolls back.
    RollBack,
    /// It stops the deployment and leaves things as they are.
    Stop,
}
