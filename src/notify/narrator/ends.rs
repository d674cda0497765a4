//! How a rollback ended, in the words of a message: what is so now, and what the reader has to do.

use super::Narrator;
use crate::deployment::RollbackOutcome;
use crate::notify::notice::{Effect, Kind, Notice, Severity};

/// What is said of one way to end.
struct End {
    kind: Kind,
    severity: Severity,
    effect: Effect,
    line: String,
    done: String,
    next: String,
}

impl Narrator {
    pub(super) fn ended(&self, outcome: RollbackOutcome, because: &str) -> Notice {
        let end = match outcome {
            RollbackOutcome::RolledBackVerified
            | RollbackOutcome::RolledBackByEcs
            | RollbackOutcome::RolledBackUnhealthy => self.rolled_back(outcome),
            RollbackOutcome::Failed
            | RollbackOutcome::Timeout
            | RollbackOutcome::Refused
            | RollbackOutcome::NoTarget
            | RollbackOutcome::NotRollbackable => self.still_there(outcome),
            RollbackOutcome::Superseded => self.superseded(),
            RollbackOutcome::DryRun => self.rehearsed(),
        };
        let line = match because.is_empty() {
            true => end.line,
            false => format!("{}: {because}", end.line),
        };
        let mut notice = self.notice(end.kind, end.severity, &line);
        notice.effect = end.effect;
        notice.done = end.done;
        notice.next = end.next;
        notice.details = self.reasons();
        notice
    }

    /// The previous revision runs again.
    fn rolled_back(&self, outcome: RollbackOutcome) -> End {
        let (revision, target) = (self.revision(), self.back_to());
        let way = format!("{revision} -> {target}");
        let is_well = outcome != RollbackOutcome::RolledBackUnhealthy;
        let line = match outcome {
            RollbackOutcome::RolledBackByEcs => format!("the platform itself rolled back {way}"),
            _ if is_well => format!("rolled back {way} and verified"),
            _ => format!("rolled back {way}, and it is NO BETTER"),
        };
        let next = match is_well {
            true => format!("Find out what was wrong with {revision} before it is deployed again."),
            false => "The deployment was not the cause, or not alone: look at what both revisions \
                      depend on (database, network, providers)."
                .to_owned(),
        };
        End {
            kind: Kind::RollbackEnded,
            severity: match is_well {
                true => Severity::Warning,
                false => Severity::Critical,
            },
            effect: match is_well {
                true => Effect::Resolves,
                false => Effect::Opens,
            },
            line,
            done: format!("{target} runs again."),
            next,
        }
    }

    /// The revision that was judged bad may still run.
    fn still_there(&self, outcome: RollbackOutcome) -> End {
        let (revision, target, service) = (self.revision(), self.back_to(), &*self.service);
        let by_hand = format!("put {target} back by hand: smokejumper rollback {service}");
        let (line, done, next) = match outcome {
            RollbackOutcome::Failed => (
                format!("the ROLLBACK of {revision} FAILED"),
                format!("{revision} may still run."),
                format!("Act now: look at the service, then {by_hand}"),
            ),
            RollbackOutcome::Timeout => (
                format!("the rollback of {revision} is NOT PROVEN"),
                format!("It was ordered; whether {target} runs and is well is not known."),
                format!("Act now: look at the service; where {revision} still runs, {by_hand}"),
            ),
            RollbackOutcome::NoTarget | RollbackOutcome::NotRollbackable => (
                format!("{revision} is bad and CANNOT be rolled back"),
                format!("Nothing was changed: {revision} still runs."),
                "Act now: mend it with a new deployment.".to_owned(),
            ),
            _ => (
                format!("{revision} was NOT rolled back"),
                format!("Nothing was changed: {revision} still runs."),
                format!("Act now: decide whether to {by_hand}"),
            ),
        };
        End {
            kind: Kind::RollbackEnded,
            severity: Severity::Critical,
            effect: Effect::Opens,
            line,
            done,
            next,
        }
    }

    fn superseded(&self) -> End {
        End {
            kind: Kind::Superseded,
            severity: Severity::Info,
            effect: Effect::Resolves,
            line: format!("{} is no longer judged", self.revision()),
            done: "The newer deployment is another window's.".to_owned(),
            next: String::new(),
        }
    }

    fn rehearsed(&self) -> End {
        let (revision, target) = (self.revision(), self.back_to());
        End {
            kind: Kind::RollbackEnded,
            severity: Severity::Warning,
            effect: Effect::Opens,
            line: format!("{revision} would have been rolled back to {target}"),
            done: format!("It was only rehearsed: {revision} still runs."),
            next: "Where it is to happen by itself, arm the policy and leave out --dry-run."
                .to_owned(),
        }
    }
}
