//! From an assessment to what is done about it: the policy, its rules, the phases. Pure.
//!
//! The decision knows no platform and performs nothing. An order to roll back leaves here as a
//! value; `engine` alone carries it out.

mod brakes;
mod decide;
mod interlock;
mod past;
mod prove;
mod rollback;
mod rules;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Level, Verdict};
use crate::verdict::{Forgive, JudgeKind, Regressed, usual_forgiveness, usual_warm_up};
pub use brakes::{GuardAnswer, Seen, Verifier, brakes, target_brake};
pub use decide::{Circumstances, Decision, decide};
pub use interlock::{Ailment, Interlock, Lack, Permission};
pub use past::{Past, PastRollback, Unfinished};
pub use prove::{Proof, prove};
pub use rollback::{Budget, Freeze, RollbackPolicy};

/// How a service's deployments are judged and what is done about them, as declared under `policies`.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Its name; `default` when the service names none.
    pub name: Arc<str>,
    /// How long a deployment is watched before it is accepted.
    pub bake: Duration,
    /// The start of the bake, whose latency does not count.
    pub warm_up: Duration,
    /// The least number of samples a check needs.
    pub min_samples: u64,
    /// The least share of promised samples that must arrive, from 0 to 1.
    pub coverage: f64,
    /// Who judges, and how carefully.
    pub judging: Judging,
    /// What is done at each verdict, when no rule says otherwise.
    pub decide: Decide,
    /// The decision matrix; the first rule that matches a finding wins.
    pub rules: Vec<Rule>,
    /// How a rollback is carried out.
    pub rollback: RollbackPolicy,
}

/// Who judges a window, and how carefully.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judging {
    /// Who judges.
    pub judge: JudgeKind,
    /// The chance of condemning a healthy window, from 0 to 1.
    pub false_rollback: f64,
    /// How much trouble is forgiven: replacing tasks costs a healthy service some.
    pub forgive: Forgive,
    /// Whether a check that looks bad is looked at more closely.
    pub closer_look: bool,
    /// Whether being worse than before may condemn.
    pub regression: Regressed,
    /// Whether the warm-up was declared; otherwise it follows from the bake.
    pub has_own_warm_up: bool,
    /// Whether the forgiven span was declared; otherwise it follows from the bake.
    pub has_own_span: bool,
}

impl Policy {
    /// The same policy with another bake, and with what follows from it.
    #[must_use]
    pub fn baking(mut self, bake: Duration) -> Self {
        self.bake = bake;
        if !self.judging.has_own_warm_up {
            self.warm_up = usual_warm_up(bake);
        }
        if !self.judging.has_own_span {
            self.judging.forgive.span = usual_forgiveness(bake).span;
        }
        self
    }
}

/// What is done at each verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decide {
    /// At a failure.
    pub critical: Choice,
    /// At a warning.
    pub warning: Choice,
    /// When nothing can be said at the end of the bake.
    pub inconclusive: Choice,
}

/// What a policy can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Choice {
    /// Return to the previous revision.
    Rollback,
    /// Keep the deployment.
    Accept,
    /// Change nothing and ask a person.
    Hold,
    /// Tell people, and do not count the finding.
    Alert,
}

/// A line of the decision matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// Which findings it is about.
    pub when: When,
    /// What is done about them.
    pub then: Choice,
    /// Why, in the words of whoever wrote it.
    pub because: Option<String>,
}

/// Which findings a rule is about: all given conditions must hold; an empty list is no condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct When {
    /// The check has one of these tags.
    pub tags: Vec<Arc<str>>,
    /// The check is one of these.
    pub checks: Vec<Arc<str>>,
    /// The check is of one of these kinds.
    pub kinds: Vec<Arc<str>>,
    /// A reason of the finding, at its verdict's level, is about one of these subjects.
    pub thresholds: Vec<Arc<str>>,
    /// The finding is at this level.
    pub level: Option<Level>,
    /// The finding has this verdict.
    pub verdict: Option<Verdict>,
}
