//! What stops a rollback that the findings ask for, by name, so that whoever is paged knows which
//! hand was on the brake.

use std::fmt;

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
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

impl Interlock {
    /// The name, as in reports and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotArmed => "not_armed",
            Self::Forbidden => "forbidden",
            Self::DryRun => "dry_run",
            Self::Policy => "policy",
            Self::Rule { .. } => "rule",
        }
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
        }
    }
}
