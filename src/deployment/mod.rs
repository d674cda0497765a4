//! What is deployed, judged and returned to, as values without a vendor's client.

mod call;
mod diagnosis;
mod examined;
mod place;
mod sighting;
mod task;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;
pub use call::{Answer, Call};
pub use diagnosis::{Diagnosis, ServiceEvent, StoppedContainer, StoppedTask, TargetHealth};
pub use examined::{Examined, Permission, Purpose, State};
pub use place::{EcsService, Platform};
pub use sighting::Sighting;
pub use task::Task;

/// The digests of images, by container; those that the platform did not resolve are absent.
pub type Images = BTreeMap<String, String>;

/// A revision of what runs: for ECS the task-definition revision, by its full identifier.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Revision {
    /// The full identifier with which the platform can be told to run it (an ARN).
    pub id: String,
    /// The short name that people use: `api:41`.
    pub label: String,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.label)
    }
}

/// Which deployment to judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The one that is current when asked.
    Current,
    /// The first that appears after asking.
    Next,
    /// The one with this identifier.
    Id(String),
    /// The one that started the task in which we run, as the task metadata endpoint (version 4) at
    /// this URL says; the current one when that task belongs to another service.
    Own(String),
}

/// Software: a revision and the images that it was resolved to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Software {
    /// The revision.
    pub revision: Revision,
    /// Its images, where known.
    pub images: Images,
}

impl Software {
    /// Whether both may run the same code: the same revision, and no image that is known to differ.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let differs = |(container, digest): (&String, &String)| {
            let others = other.images.get(container);
            others.is_some_and(|others| others != digest)
        };
        self.revision.id == other.revision.id && !self.images.iter().any(differs)
    }
}

/// What a rollback is to return to, besides what the platform knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// The revision that a person named: `family:n` or its full identifier.
    pub to: Option<String>,
    /// Whether a revision with its images pinned by digest may be registered, where the earlier
    /// revision's name alone would bring the images that failed.
    pub pin_digest: bool,
    /// What was judged bad here: never returned to.
    pub avoid: Vec<Software>,
    /// What was judged good here, the newest first.
    pub good: Vec<Software>,
}

/// The deployment under test, pinned when the window opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployment {
    /// The platform's identifier; for ECS the service-deployment ARN, or the `ecs-svc/…` id where those do not exist.
    pub id: String,
    /// The service, as the platform names it.
    pub service: String,
    /// The revision under test.
    pub revision: Revision,
    /// The revision before it, where the platform says so.
    pub previous: Option<Revision>,
    /// When it was created, by the platform's clock.
    pub created: Option<WallTime>,
    /// The images under test.
    #[serde(default)]
    pub images: Images,
    /// The platform's record of just what was deployed; for ECS the service-revision ARN.
    #[serde(default)]
    pub service_revision: Option<String>,
}

impl Deployment {
    /// The software under test.
    #[must_use]
    pub fn software(&self) -> Software {
        Software {
            revision: self.revision.clone(),
            images: self.images.clone(),
        }
    }
}

/// What the platform says of the deployment under test right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Being rolled out.
    InFlight,
    /// Rolled out; the service runs its revision.
    Completed,
    /// The platform itself is returning to the previous revision.
    RollingBack,
    /// The platform itself has returned to the previous revision.
    RolledBack,
    /// The platform gave up on it without returning to the previous revision, or its own rollback failed.
    Failed,
    /// Another deployment has taken over.
    Superseded,
}

/// The way in which a rollback is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actuator {
    /// Answer the hook at which the deployment in flight pauses with an order to roll back.
    ContinueServiceDeployment,
    /// Stop the deployment in flight and let the platform return to its source revision.
    StopServiceDeployment,
    /// Deploy the target revision anew.
    UpdateService,
    /// Stop the CodeDeploy deployment in flight and let it roll back.
    CodedeployStopDeployment,
    /// Deploy the last good CodeDeploy revision anew.
    CodedeployCreateDeployment,
    /// Make the earlier task set, which still runs, the primary one again.
    UpdateServicePrimaryTaskSet,
}

impl Actuator {
    /// The name, as in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ContinueServiceDeployment => "continue_service_deployment",
            Self::StopServiceDeployment => "stop_service_deployment",
            Self::UpdateService => "update_service",
            Self::CodedeployStopDeployment => "codedeploy_stop_deployment",
            Self::CodedeployCreateDeployment => "codedeploy_create_deployment",
            Self::UpdateServicePrimaryTaskSet => "update_service_primary_task_set",
        }
    }

    /// Whether its call names the deployment that it undoes, so that it can hit no other, whoever
    /// else acts at the same moment.
    #[must_use]
    pub const fn is_keyed(self) -> bool {
        match self {
            Self::ContinueServiceDeployment
            | Self::StopServiceDeployment
            | Self::CodedeployStopDeployment => true,
            Self::UpdateService
            | Self::CodedeployCreateDeployment
            | Self::UpdateServicePrimaryTaskSet => false,
        }
    }
}

/// A rollback that could be carried out now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RollbackPlan {
    /// The deployment that was judged; acting on any other is a bug.
    pub deployment: Deployment,
    /// The revision to return to.
    pub target: Revision,
    /// How.
    pub actuator: Actuator,
    /// The images to return to, where they are known.
    #[serde(default)]
    pub images: Images,
    /// What the call names besides the deployment: the hook at which it pauses, the CodeDeploy
    /// deployment, the task set.
    #[serde(default)]
    pub handle: Option<String>,
    /// How long it will take, as far as the platform's past says.
    #[serde(default)]
    pub expected: Option<Duration>,
    /// What it would not restore: `network configuration`.
    #[serde(default)]
    pub not_restored: Vec<String>,
    /// What a person should know before and after: weaker guarantees, slow ways.
    pub caveats: Vec<String>,
    /// What the target was chosen by; a plan made anew is made by the same.
    #[serde(default)]
    pub wanted: Wanted,
}

impl RollbackPlan {
    /// The software to return to.
    #[must_use]
    pub fn software(&self) -> Software {
        Software {
            revision: self.target.clone(),
            images: self.images.clone(),
        }
    }
}

/// Why no rollback can be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRollback {
    /// There is no earlier good revision.
    NoTarget(String),
    /// The platform or the target revision does not allow it.
    NotRollbackable(String),
    /// What ran before is the same software, as far as is known: going back would change nothing,
    /// and the deployment is not what made it bad.
    SameSoftware(String),
    /// Not as long as the deployment is in flight; once it has ended, it can be.
    NotYet(String),
    /// Another deployment has taken over.
    Superseded(String),
    /// The platform is returning, or has returned, to the previous revision by itself.
    ByPlatform,
}

impl fmt::Display for NoRollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTarget(why)
            | Self::NotRollbackable(why)
            | Self::SameSoftware(why)
            | Self::NotYet(why)
            | Self::Superseded(why) => why,
            Self::ByPlatform => "the platform is rolling back by itself",
        })
    }
}

/// A rollback that was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartedRollback {
    /// What was planned.
    pub plan: RollbackPlan,
    /// The deployment that carries the rollback: a new one, or the stopped one itself.
    pub carrier: String,
}

/// How far a rollback has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Still going on; one line says what is waited for.
    Running(String),
    /// The previous revision runs, alone and whole.
    Complete,
    /// It will not complete; one line says why.
    Failed(String),
    /// Another deployment took over meanwhile.
    Superseded(String),
}

/// How a rollback ended, as in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollbackOutcome {
    /// Rolled back, and the previous revision passed the same checks.
    RolledBackVerified,
    /// Rolled back, and the previous revision fails as well: the deployment was not the cause.
    RolledBackUnhealthy,
    /// The platform rolled back by itself.
    RolledBackByEcs,
    /// The rollback could not be carried out.
    Failed,
    /// The rollback did not complete in time.
    Timeout,
    /// An interlock or the policy forbade it.
    Refused,
    /// Another deployment took over; nothing was changed.
    Superseded,
    /// There is no earlier good revision to return to.
    NoTarget,
    /// The deployment cannot be undone by running an earlier revision.
    NotRollbackable,
    /// It would have been rolled back; nothing was changed.
    DryRun,
}

impl RollbackOutcome {
    /// All outcomes, the best first.
    pub const ALL: [Self; 10] = [
        Self::RolledBackVerified,
        Self::RolledBackByEcs,
        Self::RolledBackUnhealthy,
        Self::Failed,
        Self::Timeout,
        Self::Refused,
        Self::Superseded,
        Self::NoTarget,
        Self::NotRollbackable,
        Self::DryRun,
    ];

    /// The name, as in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RolledBackVerified => "rolled_back_verified",
            Self::RolledBackUnhealthy => "rolled_back_unhealthy",
            Self::RolledBackByEcs => "rolled_back_by_ecs",
            Self::Failed => "failed",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Superseded => "superseded",
            Self::NoTarget => "no_target",
            Self::NotRollbackable => "not_rollbackable",
            Self::DryRun => "dry_run",
        }
    }
}
