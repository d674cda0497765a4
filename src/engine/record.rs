//! What a run of the engine leaves behind: everything that a report, an exit code or a later
//! reader needs, as one value.

use std::sync::Arc;

use super::in_force::InForce;
use super::instruments::Punctuality;
use super::troubles::Troubles;
use crate::clock::{Moment, WallTime};
use crate::decision::{Decision, Interlock};
use crate::deployment::{Actuator, Deployment, Diagnosis, Revision, RollbackOutcome, Software};
use crate::event::Action;
use crate::verdict::{Assessment, JudgeKind};

/// One finished run of `gate`, `watch` or `replay`.
#[derive(Clone, Debug)]
pub struct Record {
    /// Which command ran.
    pub command: Command,
    /// The window's identifier.
    pub window: String,
    /// The service, when all checks belong to one.
    pub service: Option<Arc<str>>,
    /// When it started.
    pub started: Stamp,
    /// When it finished.
    pub finished: Stamp,
    /// Who judged.
    pub judge: JudgeKind,
    /// What was found.
    pub assessment: Assessment,
    /// By what it was found, check by check; empty where that is not known any more.
    pub in_force: Vec<InForce>,
    /// The deployment under test.
    pub deployment: Option<Deployment>,
    /// What was decided, and why.
    pub decision: Decided,
    /// What became of the rollback, when one was ordered or forbidden.
    pub rollback: Option<RollbackRecord>,
    /// What the platform knows of a deployment that failed.
    pub diagnosis: Option<Diagnosis>,
    /// Whether the run was told to stop before it was over.
    pub interrupted: bool,
    /// What our own machine kept the run from learning.
    pub troubles: Troubles,
    /// What a person should know besides.
    pub warnings: Vec<String>,
    /// How well we kept our own schedule; absent where nothing was probed by one.
    pub punctuality: Option<Punctuality>,
}

impl Record {
    /// A moment of this run as wall time.
    #[must_use]
    pub fn wall(&self, moment: Moment) -> WallTime {
        let since = moment.since(self.started.moment);
        WallTime::since_unix_epoch(self.started.wall.unix() + since)
    }
}

/// The commands that leave a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// `smokejumper gate`
    Gate,
    /// `smokejumper watch`
    Watch,
    /// `smokejumper replay`
    Replay,
    /// `smokejumper rollback`
    Rollback,
}

impl Command {
    /// The name, as typed and as reported.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gate => "gate",
            Self::Watch => "watch",
            Self::Replay => "replay",
            Self::Rollback => "rollback",
        }
    }
}

/// One instant on both lines.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// On the monotonic line.
    pub moment: Moment,
    /// For people.
    pub wall: WallTime,
}

impl Stamp {
    /// The present.
    #[must_use]
    pub fn now(clock: &dyn crate::clock::Clock) -> Self {
        Self {
            moment: clock.now(),
            wall: clock.wall(),
        }
    }
}

/// What was decided, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What.
    pub action: Action,
    /// Why, the most important reason first.
    pub because: Vec<String>,
}

impl From<&Decision> for Decided {
    fn from(decision: &Decision) -> Self {
        let because = match decision {
            Decision::Accept { because }
            | Decision::RollBack { because }
            | Decision::Hold { because, .. } => because.clone(),
            Decision::Superseded => vec!["superseded by a newer deployment".to_owned()],
            Decision::Follow => vec!["the platform rolls back by itself".to_owned()],
            Decision::Wait => Vec::new(),
        };
        Self {
            action: decision.action(),
            because,
        }
    }
}

/// What became of a rollback.
#[derive(Clone, Debug)]
pub struct RollbackRecord {
    /// How it ended.
    pub outcome: RollbackOutcome,
    /// How it was carried out; absent when it was not.
    pub actuator: Option<Actuator>,
    /// What stopped it, the first the one that was met first; empty when nothing did.
    pub interlocks: Vec<Interlock>,
    /// The revision that was judged.
    pub from: Revision,
    /// The revision to return to, where there is one.
    pub to: Option<Revision>,
    /// The software that runs again, where that is known.
    pub restored: Option<Software>,
    /// Whether the same software ran before: then the deployment is not what made it bad.
    pub is_same: bool,
    /// Whether we were told to stop while it went on: another run can go on with it.
    pub left: bool,
    /// When it was ordered.
    pub started: Stamp,
    /// When it had ended.
    pub finished: Stamp,
    /// One line that says it all.
    pub because: String,
    /// Whether the same checks passed afterwards; absent when they were not run.
    pub verified: Option<bool>,
    /// What the checks found afterwards; absent when they were not run.
    pub verification: Option<Assessment>,
}
