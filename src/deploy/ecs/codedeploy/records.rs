//! What CodeDeploy keeps of a deployment, as values of our own.

use aws_sdk_codedeploy::primitives::DateTime;
use aws_sdk_codedeploy::types::{DeploymentInfo, DeploymentStatus, RevisionLocation};

use super::super::facts;
use super::appspec;
use crate::clock::WallTime;

/// A deployment of CodeDeploy.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    /// `d-…`.
    pub(super) id: String,
    pub(super) group: Group,
    pub(super) status: Status,
    pub(super) created: WallTime,
    pub(super) completed: Option<WallTime>,
    /// The AppSpec, or where it lies: with it the same is deployed again.
    pub(super) revision: Option<RevisionLocation>,
    pub(super) description: Option<String>,
    /// The deployment with which CodeDeploy rolls this one back.
    pub(super) rolled_back_by: Option<String>,
    /// The deployment that this one rolls back.
    pub(super) rolls_back: Option<String>,
}

impl Record {
    pub(super) fn of(shown: &DeploymentInfo) -> Option<Self> {
        let rollback = shown.rollback_info();
        Some(Self {
            id: shown.deployment_id()?.to_owned(),
            group: Group {
                application: shown.application_name()?.to_owned(),
                name: shown.deployment_group_name()?.to_owned(),
            },
            status: Status::of(shown.status()?),
            created: wall(shown.create_time())?,
            completed: wall(shown.complete_time()),
            revision: shown.revision().cloned(),
            description: shown.description().map(str::to_owned),
            rolled_back_by: rollback
                .and_then(|rollback| rollback.rollback_deployment_id())
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
            rolls_back: rollback
                .and_then(|rollback| rollback.rollback_triggering_deployment_id())
                .filter(|id| !id.is_empty())
                .map(str::to_owned),
        })
    }

    /// The ARN of the task definition that its AppSpec brings, where it can be read: one that lies
    /// in a bucket or a repository cannot.
    pub(super) fn task_definition(&self) -> Option<String> {
        let revision = self.revision.as_ref()?;
        let content = match (revision.app_spec_content(), revision.string()) {
            (Some(content), _) => content.content(),
            (None, Some(content)) => content.content(),
            (None, None) => None,
        };
        appspec::task_definition(content?)
    }
}

/// A deployment group: what CodeDeploy deploys to, one deployment at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) application: String,
    pub(super) name: String,
}

/// How a deployment stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// Created, Queued, InProgress, Baking or Ready.
    InFlight,
    Succeeded,
    /// Failed or Stopped: it is over, and whether it was rolled back another deployment says.
    Broken,
    Unknown(String),
}

impl Status {
    fn of(status: &DeploymentStatus) -> Self {
        match status {
            DeploymentStatus::Created
            | DeploymentStatus::Queued
            | DeploymentStatus::InProgress
            | DeploymentStatus::Baking
            | DeploymentStatus::Ready => Self::InFlight,
            DeploymentStatus::Succeeded => Self::Succeeded,
            DeploymentStatus::Failed | DeploymentStatus::Stopped => Self::Broken,
            other => Self::Unknown(other.as_str().to_owned()),
        }
    }
}

fn wall(time: Option<&DateTime>) -> Option<WallTime> {
    facts::wall(time)
}
