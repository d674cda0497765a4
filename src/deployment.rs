//! What is deployed, judged and returned to, as values without a vendor's client.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;

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
    /// Stop the deployment in flight and let the platform return to its source revision.
    StopServiceDeployment,
    /// Deploy the target revision anew.
    UpdateService,
}

impl Actuator {
    /// The name, as in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::StopServiceDeployment => "stop_service_deployment",
            Self::UpdateService => "update_service",
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
    /// What a person should know before and after: weaker guarantees, things not restored.
    pub caveats: Vec<String>,
}

/// Why no rollback can be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRollback {
    /// There is no earlier good revision.
    NoTarget(String),
    /// The platform or the target revision does not allow it.
    NotRollbackable(String),
    /// Another deployment has taken over.
    Superseded(String),
    /// The platform is returning, or has returned, to the previous revision by itself.
    ByPlatform,
}

impl fmt::Display for NoRollback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTarget(why) | Self::NotRollbackable(why) | Self::Superseded(why) => why,
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
