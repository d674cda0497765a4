//! The journal: what was decided, meant, sent and seen, one entry each, in the order in which it
//! happened. Values only; `store` keeps them, `decision` reads a past out of them, `engine` writes
//! them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::clock::WallTime;
use crate::deployment::{
    Answer, Call, Deployment, RollbackOutcome, RollbackPlan, Software, StartedRollback,
};
use crate::event::{Action, Verdict};
use crate::sample::CheckId;

/// An entry as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Its number, growing over the whole journal.
    pub number: u64,
    /// When it was written, by the writer's clock.
    pub at: WallTime,
    /// The window that it belongs to.
    pub window: String,
    /// What it says.
    pub entry: Entry,
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A window was opened over a deployment.
    Opened {
        /// The service, as declared.
        service: Arc<str>,
        /// The deployment under test.
        deployment: Deployment,
        /// The answers of the policy's guards before the bake, by the guard's name.
        guards: Vec<Observation>,
    },
    /// A window was opened for a rollback by hand.
    Ordered {
        /// The service, as declared.
        service: Arc<str>,
        /// The deployment to undo.
        deployment: Deployment,
        /// Why, in the words of whoever ordered it.
        reason: Option<String>,
        /// The interlocks that were overridden, by name.
        overridden: Vec<String>,
    },
    /// It was decided what to do.
    Decided {
        /// What.
        action: Action,
        /// Why, the most important reason first.
        because: Vec<String>,
        /// What was found, so that a later run can say it again.
        judged: Judged,
    },
    /// Interlocks stopped a rollback, by name and with a line each.
    Stopped {
        /// The name and the line of each.
        interlocks: Vec<(String, String)>,
    },
    /// A rollback is about to be attempted.
    Intended {
        /// What is meant.
        plan: RollbackPlan,
    },
    /// A call that changes something is about to be sent.
    Calling {
        /// The call.
        call: Call,
    },
    /// What came of it.
    Answered {
        /// The call.
        call: Call,
        /// The answer.
        answer: Answer,
    },
    /// The platform carries the rollback out.
    Carried {
        /// What was started.
        started: StartedRollback,
    },
    /// The platform says that the previous revision runs, alone and whole.
    Restored,
    /// A rollback ended, in whatever way.
    Ended {
        /// How.
        outcome: RollbackOutcome,
        /// One line that says it all.
        because: String,
    },
    /// Software was judged: the ledger.
    Ledger {
        /// What ran.
        software: Software,
        /// Whether it was accepted after a whole bake that passed; otherwise it was judged bad.
        good: bool,
        /// The answers of the guards while it ran.
        guards: Vec<Observation>,
    },
    /// The window is over: nothing of it is left to do.
    Closed {
        /// What was found.
        verdict: Verdict,
    },
    /// The run ended before the window was over; another run may go on with it.
    Left,
}

/// The answer of a guard, as text to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The guard.
    pub guard: String,
    /// What it answered.
    pub answer: String,
}

/// What was found, without what only the running program needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    /// The worst of all.
    pub verdict: Option<Verdict>,
    /// Check by check.
    pub checks: Vec<JudgedCheck>,
}

/// What was found of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgedCheck {
    /// The check.
    pub check: CheckId,
    /// Its verdict.
    pub verdict: Verdict,
    /// Why, one line a reason.
    pub reasons: Vec<String>,
    /// The machine-readable codes of the reasons, in the same order.
    pub codes: Vec<String>,
    /// How many samples were taken, and how many of them failed or errored.
    pub samples: (u64, u64),
}
