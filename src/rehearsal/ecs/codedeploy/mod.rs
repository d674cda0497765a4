//! What the stand-in of CodeDeploy remembers: groups that deploy to services, and deployments. They
//! are changed by `motion`, by the operations and by the control alone.
//!
//! A deployment makes a task set beside the one that runs, gives it the traffic half-way, and takes
//! the other away at its end. Stopped, it is over a while later, and a while after that a deployment
//! of CodeDeploy's own returns to what ran before.

mod control;
mod motion;

use serde_json::{Value, json};

use super::operations::Refusal;
use super::state::{World, digest_of};
use crate::clock::{Moment, WallTime};

pub use control::GroupControl;
pub(super) use motion::advance;

/// Everything that CodeDeploy knows.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    pub(super) groups: Vec<Group>,
    /// The oldest first.
    pub(super) deployments: Vec<Deployment>,
}

impl Known {
    pub(super) fn deployment(&self, id: &str) -> Option<usize> {
        self.deployments.iter().position(|known| known.id == id)
    }

    /// The place of a group.
    pub(super) fn group(&self, application: &str, name: &str) -> Result<usize, Refusal> {
        if !self
            .groups
            .iter()
            .any(|known| known.application == application)
        {
            return Err(Refusal::new(
                "ApplicationDoesNotExistException",
                format!("No application found for name: {application}"),
            ));
        }
        let mut groups = self.groups.iter();
        groups
            .position(|known| known.application == application && known.name == name)
            .ok_or_else(|| {
                Refusal::new(
                    "DeploymentGroupDoesNotExistException",
                    format!("No Deployment Group found for name: {name}"),
                )
            })
    }

    /// The deployment of a group that goes on.
    pub(super) fn in_flight(&self, group: usize) -> Option<usize> {
        let mut deployments = self.deployments.iter();
        deployments.position(|known| known.group == group && known.status.is_in_flight())
    }
}

/// A deployment group of an application.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) application: String,
    pub(super) name: String,
    pub(super) cluster: String,
    pub(super) service: String,
    /// How the traffic is moved.
    pub(super) configuration: String,
    pub(super) alarms: Vec<String>,
    /// One of them fires: whatever is deployed is stopped.
    pub(super) firing: bool,
}

/// A deployment.
#[derive(Clone, Debug)]
pub(super) struct Deployment {
    pub(super) id: String,
    pub(super) group: usize,
    /// As it was given: the AppSpec or where it lies.
    pub(super) revision: Value,
    /// The task definition that it brings.
    pub(super) definition: String,
    pub(super) description: Option<String>,
    pub(super) creator: &'static str,
    pub(super) status: Status,
    pub(super) step: Step,
    pub(super) created: WallTime,
    pub(super) since: Moment,
    pub(super) completed: Option<WallTime>,
    /// It stays as it is, with this status.
    pub(super) held: Option<Status>,
    /// Its spans are over at once.
    pub(super) hurried: bool,
    /// Alarms do not stop it.
    pub(super) unalarmed: bool,
    /// The task set that it gives the traffic.
    pub(super) own: Option<String>,
    /// The task set that it takes away at its end.
    pub(super) other: Option<String>,
    pub(super) stop: Option<Stop>,
    pub(super) rollback_due: Option<Moment>,
    pub(super) rolled_back_by: Option<String>,
    pub(super) rolls_back: Option<String>,
}

/// A stop that was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    pub(super) at: Moment,
    pub(super) rolls_back: bool,
}

/// How far a deployment has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing is done yet.
    Waiting,
    /// Its task set runs beside the other.
    Installed,
    /// Its task set has the traffic.
    Shifted,
}

/// The status of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It is known.
    Created,
    /// It waits for its turn.
    Queued,
    /// It goes on.
    InProgress,
    /// It has the traffic and is watched.
    Baking,
    /// It waits for a word to move the traffic.
    Ready,
    /// It has ended well.
    Succeeded,
    /// It has failed.
    Failed,
    /// It was stopped.
    Stopped,
}

impl Status {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Created => "Created",
            Self::Queued => "Queued",
            Self::InProgress => "InProgress",
            Self::Baking => "Baking",
            Self::Ready => "Ready",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Stopped => "Stopped",
        }
    }

    pub(super) const fn is_in_flight(self) -> bool {
        !matches!(self, Self::Succeeded | Self::Failed | Self::Stopped)
    }
}

/// What a new deployment is made of.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) group: usize,
    pub(super) revision: Value,
    pub(super) definition: String,
    pub(super) description: Option<String>,
    pub(super) unalarmed: bool,
}

impl World {
    /// Makes a deployment; answers with its id. A group has one at a time.
    pub(super) fn order(&mut self, order: Order) -> Result<String, Refusal> {
        if self.codedeploy.in_flight(order.group).is_some() {
            return Err(Refusal::new(
                "DeploymentLimitExceededException",
                "The deployment group already has an active deployment.".to_owned(),
            ));
        }
        let id = format!("d-{:09X}", FIRST_ID + self.ids.next());
        self.codedeploy.deployments.push(Deployment {
            id: id.clone(),
            group: order.group,
            revision: order.revision,
            definition: order.definition,
            description: order.description,
            creator: "user",
            status: Status::Created,
            step: Step::Waiting,
            created: self.present.wall,
            since: self.present.moment,
            completed: None,
            held: None,
            hurried: false,
            unalarmed: order.unalarmed,
            own: None,
            other: None,
            stop: None,
            rollback_due: None,
            rolled_back_by: None,
            rolls_back: None,
        });
        Ok(id)
    }
}

/// An AppSpec, as a revision, that brings a task definition.
pub(super) fn app_spec(definition: &str) -> Value {
    let properties = json!({
        "TaskDefinition": definition,
        "LoadBalancerInfo": { "ContainerName": "api", "ContainerPort": 80 },
    });
    let service = json!({ "Type": "AWS::ECS::Service", "Properties": properties });
    let content = json!({ "version": 0.0, "Resources": [{ "TargetService": service }] });
    written(&content.to_string())
}

/// An AppSpec as it is written, as a revision.
pub(super) fn written(content: &str) -> Value {
    json!({
        "revisionType": "AppSpecContent",
        "appSpecContent": { "content": content, "sha256": digest_of(content) },
    })
}

/// Real ids have nine letters and digits.
const FIRST_ID: u64 = 0x1_2340_0000;
