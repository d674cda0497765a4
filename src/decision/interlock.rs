//! What stops a rollback that the findings ask for, by name, so that whoever is paged knows which
//! hand was on the brake.
//!
//! The names are a contract: reports have them, and `rollback --override NAME` takes them.

use std::fmt;
use std::time::Duration;

use super::rollback::Budget;
use crate::quantity::human;

/// Whether a rollback may be carried out, as the policy and the command line say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Permission {
    /// It may.
    Armed,
    /// The policy says `arm: false`.
    NotArmed,
    /// The command line says `--rollback never`.
    Forbidden,
    /// The command line says `--dry-run`.
    DryRun,
}

impl Permission {
    pub(super) const fn interlock(self) -> Option<Interlock> {
        match self {
            Self::Armed => None,
            Self::NotArmed => Some(Interlock::NotArmed),
            Self::Forbidden => Some(Interlock::Forbidden),
            Self::DryRun => Some(Interlock::DryRun),
        }
    }
}

/// What stops a rollback.
#[derive(Clone, Debug, PartialEq)]
pub enum Interlock {
    /// The policy is not armed.
    NotArmed,
    /// The command line forbids it.
    Forbidden,
    /// It is only rehearsed.
    DryRun,
    /// The policy's general answer to a failure is to hold.
    Policy,
    /// A rule of the policy holds.
    Rule {
        /// The check whose failure the rule is about.
        check: String,
        /// Why, in the words of whoever wrote the rule.
        because: Option<String>,
    },
    /// Another deployment has taken over.
    Superseded,
    /// The last rollback of the service is too recent.
    Cooldown {
        /// How long ago it was.
        ago: Duration,
        /// How long it must be.
        cooldown: Duration,
    },
    /// There were enough rollbacks of the service for a while.
    Budget {
        /// How many there were.
        used: usize,
        /// How many there may be.
        budget: Budget,
    },
    /// We have undone this very deployment before, or may have.
    AlreadyRolledBack {
        /// The deployment.
        deployment: String,
    },
    /// The deployment is itself a rollback of ours.
    IsRollback {
        /// The deployment.
        deployment: String,
    },
    /// What would be returned to was judged bad here.
    Ledger {
        /// The revision.
        revision: String,
    },
    /// Somebody has pulled the brake.
    Freeze {
        /// What says so: the file, the parameter, why it cannot be read.
        by: String,
    },
    /// We are not well ourselves.
    Verifier(Ailment),
    /// Too little was seen.
    Evidence(Lack),
    /// A guard of the policy stands in the way.
    Guard {
        /// Its name.
        name: String,
        /// What it saw.
        why: String,
        /// Why it is there, in the words of whoever wrote it.
        because: Option<String>,
    },
    /// The service is only watched at first.
    Shadow {
        /// How many deployments were watched to the end.
        seen: usize,
        /// How many must be.
        of: usize,
    },
    /// Nothing can be written down.
    Journal {
        /// Why not.
        why: String,
    },
    /// Somebody else acts on the service.
    Lease {
        /// Who.
        by: String,
        /// For how long still, unless it is renewed.
        left: Duration,
    },
}

/// How the verifier is not well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ailment {
    /// Too many samples say nothing.
    Unknown {
        /// Their share.
        share: f64,
        /// The greatest share with which we trust ourselves.
        most: f64,
    },
    /// Our own machine does not keep up.
    Lag {
        /// By how much one probe in a hundred starts too late.
        lag: Duration,
        /// By how much it may.
        most: Duration,
    },
    /// The clock of our machine was set while the deployment was watched.
    ClockJump {
        /// By how much.
        jump: Duration,
        /// By how much it may.
        most: Duration,
    },
}

/// What there is too little of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// Time.
    Time {
        /// How long the deployment was watched.
        watched: Duration,
        /// How long it must be.
        least: Duration,
    },
    /// Samples.
    Samples {
        /// How many there are.
        samples: u64,
        /// How many there must be.
        least: u64,
    },
}

impl Interlock {
    /// The names of all, in the order in which they are explained.
    pub const NAMES: [&str; 18] = [
        "not_armed",
        "forbidden",
        "dry_run",
        "policy",
        "rule",
        "superseded",
        "cooldown",
        "budget",
        "already_rolled_back",
        "is_rollback",
        "ledger",
        "freeze",
        "verifier",
        "evidence",
        "guard",
        "shadow",
        "journal",
        "lease",
    ];

    /// The name, as in reports and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotArmed => "not_armed",
            Self::Forbidden => "forbidden",
            Self::DryRun => "dry_run",
            Self::Policy => "policy",
            Self::Rule { .. } => "rule",
            Self::Superseded => "superseded",
            Self::Cooldown { .. } => "cooldown",
            Self::Budget { .. } => "budget",
            Self::AlreadyRolledBack { .. } => "already_rolled_back",
            Self::IsRollback { .. } => "is_rollback",
            Self::Ledger { .. } => "ledger",
            Self::Freeze { .. } => "freeze",
            Self::Verifier(_) => "verifier",
            Self::Evidence(_) => "evidence",
            Self::Guard { .. } => "guard",
            Self::Shadow { .. } => "shadow",
            Self::Journal { .. } => "journal",
            Self::Lease { .. } => "lease",
        }
    }

    /// Whether a person may override it by its name. A deployment that has taken over was never
    /// judged; undoing it is another rollback, to be ordered as such.
    #[must_use]
    pub const fn can_be_overridden(&self) -> bool {
        !matches!(self, Self::Superseded)
    }

    /// The names that `--override` takes.
    pub fn overridable() -> impl Iterator<Item = &'static str> {
        let names = Self::NAMES.into_iter();
        names.filter(|name| *name != Self::Superseded.name())
    }

    /// Whether it gives way by itself while the deployment is watched, so that it is waited for
    /// and is no refusal yet.
    #[must_use]
    pub const fn gives_way(&self) -> bool {
        matches!(self, Self::Evidence(_))
    }
}

impl fmt::Display for Interlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotArmed => f.write_str("policy: arm is false"),
            Self::Forbidden => f.write_str("command line: --rollback never"),
            Self::DryRun => f.write_str("command line: --dry-run"),
            Self::Policy => f.write_str("policy: a critical failure is held"),
            Self::Rule {
                because: Some(because),
                ..
            } => write!(f, "rule: {because}"),
            Self::Rule {
                check,
                because: None,
            } => write!(f, "rule: hold when {check} fails"),
            Self::Superseded => f.write_str("superseded: another deployment has taken over"),
            Self::Cooldown { ago, cooldown } => write!(
                f,
                "cooldown: the last rollback of this service was {} ago, and {} must pass",
                human(*ago),
                human(*cooldown)
            ),
            Self::Budget { used, budget } => write!(
                f,
                "budget: {used} of {} in {} {} used",
                counted(budget.times, "rollback"),
                human(budget.span),
                if *used == 1 { "is" } else { "are" }
            ),
            Self::AlreadyRolledBack { deployment } => write!(
                f,
                "already_rolled_back: {deployment} was rolled back before, and once is all it gets"
            ),
            Self::IsRollback { deployment } => {
                write!(f, "is_rollback: {deployment} is itself a rollback of ours")
            }
            Self::Ledger { revision } => {
                write!(f, "ledger: {revision} was judged bad here as well")
            }
            Self::Freeze { by } => write!(f, "freeze: {by}"),
            Self::Verifier(ailment) => write!(f, "verifier: {ailment}"),
            Self::Evidence(lack) => write!(f, "evidence: {lack}"),
            Self::Guard { name, why, because } => {
                write!(f, "guard: {name}: {why}")?;
                match because {
                    Some(because) => write!(f, " ({because})"),
                    None => Ok(()),
                }
            }
            Self::Shadow { seen, of } => write!(
                f,
                "shadow: {seen} of the first {} {} watched to the end, and none of these is rolled back",
                counted(u32::try_from(*of).unwrap_or(u32::MAX), "deployment"),
                if *seen == 1 { "was" } else { "were" }
            ),
            Self::Journal { why } => {
                write!(
                    f,
                    "journal: without one there is no automatic rollback: {why}"
                )
            }
            Self::Lease { by, left } => write!(
                f,
                "lease: {by} acts on this service, for {} more at least",
                human(*left)
            ),
        }
    }
}

impl fmt::Display for Ailment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { share, most } if share.is_finite() => write!(
                f,
                "{:.0}% of the samples say nothing, and {:.0}% are the most",
                share * 100.0,
                most * 100.0
            ),
            Self::Unknown { .. } => f.write_str("how many samples say nothing is not known"),
            Self::Lag { lag, most } => write!(
                f,
                "one probe in a hundred starts {} late or more, and {} is the most",
                human(*lag),
                human(*most)
            ),
            Self::ClockJump { jump, most } => write!(
                f,
                "our clock was set by {} while we watched, and {} is the most",
                human(*jump),
                human(*most)
            ),
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Time { watched, least } => write!(
                f,
                "watched for {}, and {} is the least",
                human(*watched),
                human(*least)
            ),
            Self::Samples { samples, least } => {
                let count = u32::try_from(*samples).unwrap_or(u32::MAX);
                write!(f, "{}, and {least} are the least", counted(count, "sample"))
            }
        }
    }
}

fn counted(count: u32, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
