//! What the stand-in remembers of a service: plain data, changed by `rollout`, `shift`, `hooks` and
//! `monitors` alone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::conduct::Conduct;
use super::hooks::Hook;
use super::monitors::Monitors;
use super::stages::{Stage, Step};
use super::task_sets::TaskSets;
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
#[derive(Clone, Debug)]
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
    /// How the next deployment will go.
    pub(super) conduct: Conduct,
    /// The steps of the latest deployment.
    pub(super) script: Vec<Step>,
    /// What ECS wrote about it, the oldest first.
    pub(super) events: Vec<Event>,
    pub(super) motion: Motion,
    /// The service revision to which a rollback can return; none while one goes on.
    pub(super) completed: Option<String>,
    /// How the traffic is dealt out by weight: the service revision of the new side, and its
    /// share in thousandths. Without, it goes to whatever task runs.
    pub(super) weights: Option<(String, u32)>,
    /// The alarms that fire now.
    pub(super) firing: Vec<String>,
    /// Rollouts start all their tasks and then never finish.
    pub(super) held: bool,
    /// What only task sets have, where somebody else than ECS moves the tasks.
    pub(super) sets: TaskSets,
    pub(super) traffic: Arc<watch::Sender<Traffic>>,
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
    pub(super) conduct: Conduct,
    pub(super) stage: Option<Stage>,
    pub(super) hooks: Vec<Hook>,
    pub(super) monitors: Monitors,
}

/// How a service deployment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    InProgress,
    StopRequested,
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
            Self::Pending => "PENDING",
            Self::InProgress => "IN_PROGRESS",
            Self::StopRequested => "STOP_REQUESTED",
            Self::Successful => "SUCCESSFUL",
            Self::Stopped => "STOPPED",
            Self::RollbackRequested => "ROLLBACK_REQUESTED",
            Self::RollbackInProgress => "ROLLBACK_IN_PROGRESS",
            Self::RollbackSuccessful => "ROLLBACK_SUCCESSFUL",
            Self::RollbackFailed => "ROLLBACK_FAILED",
        }
    }

    /// Whether it goes on, and nobody has asked to end it.
    pub(super) const fn is_going_on(self) -> bool {
        matches!(self, Self::Pending | Self::InProgress)
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
    /// The private address of its network interface; none where it shares its host's.
    pub(super) address: Option<String>,
    /// Digests that it runs instead of its service revision's, by container.
    pub(super) digests: BTreeMap<String, String>,
    /// How it ended where nobody stopped it.
    pub(super) end: Option<End>,
}

/// How a task ended by itself.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// As in `stopCode`.
    pub(super) code: String,
    pub(super) reason: String,
    /// Absent where its containers never ran.
    pub(super) exit_code: Option<i32>,
}

/// A line that ECS wrote about a service.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) id: String,
    pub(super) at: WallTime,
    pub(super) text: String,
}

/// What a service is busy with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motion {
    Still,
    /// A deployment goes on: a step of its script, which began then.
    Rolling {
        step: usize,
        since: Moment,
    },
    /// A stop without a rollback was asked for and is not carried out yet.
    StopDue {
        at: Moment,
    },
    /// A rollback was asked for and has not begun.
    RollbackDue {
        at: Moment,
        reason: &'static str,
    },
    /// The old revision takes over again.
    RollingBack {
        since: Moment,
        span: Duration,
        /// Its tasks run still: only the traffic had to return.
        flipped: bool,
    },
}

/// What ECS does when it gives a deployment up by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakerEnd {
    /// It rolls back.
    RollBack,
    /// It stops the deployment and leaves things as they are.
    Stop,
}
