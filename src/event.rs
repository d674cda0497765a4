//! What can happen while Smokejumper works: the only interface between the engine and whoever
//! shows, stores or forwards it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::{Moment, WallTime};
use crate::deployment::{Deployment, RollbackOutcome, RollbackPlan, Standing};
use crate::sample::{CheckId, Fault, Sample};

/// How serious a limit is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// A person should know.
    Warning,
    /// The deployment is bad.
    Critical,
}

impl Level {
    /// The name, as in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// What the judge says. Ordered from best to worst for an assessment: a proven failure is worse
/// than not knowing, and not knowing is worse than a warning.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything that was declared holds, on enough data.
    Pass,
    /// A warning limit is breached.
    Warn,
    /// Not enough data to say.
    Inconclusive,
    /// A critical limit is breached.
    Fail,
}

impl Verdict {
    /// The name, as in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }
}

/// What was decided, as in reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// The deployment stays.
    Accept,
    /// The previous revision comes back.
    RollBack,
    /// Nothing is changed; a person decides.
    Hold,
    /// There was nothing to decide about.
    None,
}

impl Action {
    /// The name, as in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::RollBack => "roll_back",
            Self::Hold => "hold",
            Self::None => "none",
        }
    }
}

/// Something that happened, and when.
#[derive(Clone, Debug)]
pub struct Event {
    /// When, on the monotonic line.
    pub at: Moment,
    /// When, for people.
    pub wall: WallTime,
    /// The service it concerns, where it concerns one.
    pub service: Option<Arc<str>>,
    /// What.
    pub what: What,
}

/// The kinds of things that happen.
#[derive(Clone, Debug)]
pub enum What {
    /// Probing begins.
    Started {
        /// How many checks take part.
        checks: usize,
        /// How long it will take, where that is known beforehand.
        lasts: Option<Duration>,
    },
    /// A check is not ready yet and is tried again (`gate --wait`).
    NotReady {
        /// Which check.
        check: CheckId,
        /// What was seen.
        fault: Fault,
        /// When the next try starts.
        again_in: Duration,
    },
    /// No deployment to judge is there yet (`watch --deployment next`).
    Waiting {
        /// The service that is to be deployed.
        service: Arc<str>,
        /// How long it is waited for.
        at_most: Duration,
    },
    /// The deployment under test was found and pinned.
    Pinned {
        /// The deployment.
        deployment: Deployment,
        /// What the platform says of it.
        standing: Standing,
        /// What a rollback would do, or why there is none.
        rollback: Result<Box<RollbackPlan>, String>,
    },
    /// One run of a probe ended.
    Sampled(Sample),
    /// The judge's opinion of a check changed.
    CheckJudged {
        /// Which check.
        check: CheckId,
        /// Before.
        from: Option<Verdict>,
        /// Now.
        to: Verdict,
        /// Why, in one line.
        because: String,
    },
    /// The platform says something else of the deployment under test than before.
    StandingChanged(Standing),
    /// It was decided what to do.
    Decided {
        /// What.
        action: Action,
        /// Why, the most important reason first.
        because: Vec<String>,
    },
    /// A rollback is about to be attempted. Emitted before the call, always.
    RollbackIntended(Box<RollbackPlan>),
    /// The platform accepted the rollback.
    RollbackStarted {
        /// The deployment that carries it.
        carrier: String,
    },
    /// A rollback has moved on.
    RollbackProgress(String),
    /// The previous revision runs again; the same checks are now run against it.
    VerificationStarted {
        /// How many checks are run.
        checks: usize,
    },
    /// A rollback ended, in whatever way. Emitted after every `RollbackIntended`.
    RollbackEnded {
        /// How.
        outcome: RollbackOutcome,
        /// One line that says it all.
        because: String,
    },
    /// Something that a person should know and that changed nothing.
    Warned(String),
}
