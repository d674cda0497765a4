//! The exit codes: the one table of them, and how a record maps to one. Pure.

use crate::deployment::RollbackOutcome;
use crate::engine::record::{Command, Record};
use crate::event::{Action, Verdict};

/// Pass; warnings are allowed.
pub const PASS: u8 = 0;
/// A critical failure; nothing was changed.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;
/// Nothing can be said: no data, too little, or we could not look.
pub const INCONCLUSIVE: u8 = 3;
/// No check was selected.
pub const NOTHING_SELECTED: u8 = 4;
/// Warnings, with `--fail-on warning`.
pub const WARNINGS: u8 = 5;
/// Failed, rolled back, and the previous revision verified healthy.
pub const ROLLED_BACK: u8 = 10;
/// Failed, and the rollback failed, timed out, or the previous revision is unhealthy too.
pub const ROLLBACK_FAILED: u8 = 11;
/// Failed, and the rollback was refused by an interlock.
pub const REFUSED: u8 = 12;
/// Another deployment took over; nothing was changed.
pub const SUPERSEDED: u8 = 13;
/// A bug of ours.
pub const INTERNAL: u8 = 70;
/// Interrupted (SIGINT) with nothing proven.
pub const INTERRUPTED: u8 = 130;
/// Told to stop (SIGTERM) with nothing proven.
pub const TERMINATED: u8 = 143;

/// The exit code of a finished run.
///
/// `fail_on_warning` is the flag; `signal` the code of the signal that ended the run, if any. A
/// signal never hides a failure that was already proven.
#[must_use]
pub fn exit_code(record: &Record, fail_on_warning: bool, signal: Option<u8>) -> u8 {
    if let Some(rollback) = &record.rollback {
        // Nothing has failed where a person only wanted to see what a rollback would do.
        if (record.command, rollback.outcome) == (Command::Rollback, RollbackOutcome::DryRun) {
            return PASS;
        }
        return rollback_code(rollback.outcome, rollback.actuator.is_some());
    }
    match record.assessment.verdict {
        Verdict::Fail => FAILED,
        _ if record.interrupted => signal.unwrap_or(INTERRUPTED),
        Verdict::Inconclusive => INCONCLUSIVE,
        // The checks are content, and still it was not accepted: a rollout that never ended, say.
        Verdict::Warn | Verdict::Pass if record.decision.action == Action::Hold => INCONCLUSIVE,
        Verdict::Warn if fail_on_warning => WARNINGS,
        Verdict::Warn | Verdict::Pass => PASS,
    }
}

/// The exit code of a rollback; `begun` says whether it may have changed something.
#[must_use]
pub fn rollback_code(outcome: RollbackOutcome, begun: bool) -> u8 {
    match outcome {
        RollbackOutcome::RolledBackVerified | RollbackOutcome::RolledBackByEcs => ROLLED_BACK,
        RollbackOutcome::RolledBackUnhealthy
        | RollbackOutcome::Failed
        | RollbackOutcome::Timeout => ROLLBACK_FAILED,
        RollbackOutcome::Refused | RollbackOutcome::NoTarget | RollbackOutcome::NotRollbackable => {
            REFUSED
        }
        // Overtaken while it went on: something was changed, and not as it was meant.
        RollbackOutcome::Superseded if begun => ROLLBACK_FAILED,
        RollbackOutcome::Superseded => SUPERSEDED,
        RollbackOutcome::DryRun => FAILED,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::deployment::Revision;
    use crate::engine::record::{Command, Decided, RollbackRecord, Stamp};
    use crate::engine::troubles::Troubles;
    use crate::verdict::Assessment;

    fn record(verdict: Verdict, rollback: Option<RollbackOutcome>, interrupted: bool) -> Record {
        let stamp = Stamp {
            moment: Default::default(),
            wall: Default::default(),
        };
        Record {
            command: Command::Watch,
            window: "window".to_owned(),
            service: Some(Arc::from("api")),
            started: stamp,
            finished: stamp,
            judge: crate::verdict::JudgeKind::Sequential,
            assessment: Assessment {
                verdict,
                findings: Vec::new(),
            },
            in_force: Vec::new(),
            deployment: None,
            decision: Decided {
                action: Action::None,
                because: Vec::new(),
            },
            rollback: rollback.map(|outcome| RollbackRecord {
                outcome,
                actuator: None,
                interlocks: Vec::new(),
                restored: None,
                is_same: false,
                left: false,
                from: Revision {
                    id: "api:42".to_owned(),
                    label: "api:42".to_owned(),
                },
                to: None,
                started: stamp,
                finished: stamp,
                because: String::new(),
                verified: None,
                verification: None,
            }),
            diagnosis: None,
            troubles: Troubles::default(),
            interrupted,
            warnings: Vec::new(),
            punctuality: None,
        }
    }

    #[test]
    fn the_code_follows_the_table() {
        use RollbackOutcome as Outcome;
        use Verdict::{Fail, Inconclusive, Pass, Warn};
        let cases = [
            (Pass, None, false, false, 0, "a pass"),
            (Warn, None, false, false, 0, "warnings are allowed"),
            (Warn, None, false, true, 5, "unless asked otherwise"),
            (
                Fail,
                None,
                false,
                false,
                1,
                "a failure changes nothing by itself",
            ),
            (
                Inconclusive,
                None,
                false,
                true,
                3,
                "not knowing is no warning",
            ),
            (
                Fail,
                Some(Outcome::RolledBackVerified),
                false,
                false,
                10,
                "undone and proven",
            ),
            (
                Pass,
                Some(Outcome::RolledBackByEcs),
                false,
                false,
                10,
                "undone by the platform",
            ),
            (
                Fail,
                Some(Outcome::RolledBackUnhealthy),
                false,
                false,
                11,
                "not the cause",
            ),
            (Fail, Some(Outcome::Failed), false, false, 11, "not undone"),
            (
                Fail,
                Some(Outcome::Timeout),
                true,
                false,
                11,
                "not undone in time",
            ),
            (
                Fail,
                Some(Outcome::Refused),
                false,
                false,
                12,
                "an interlock",
            ),
            (
                Fail,
                Some(Outcome::NoTarget),
                false,
                false,
                12,
                "nowhere to return to",
            ),
            (
                Fail,
                Some(Outcome::NotRollbackable),
                false,
                false,
                12,
                "no way to return",
            ),
            (
                Fail,
                Some(Outcome::Superseded),
                false,
                false,
                13,
                "overtaken, though failed",
            ),
            (
                Fail,
                Some(Outcome::DryRun),
                false,
                false,
                1,
                "failed; nothing was changed",
            ),
            (
                Pass,
                None,
                true,
                false,
                143,
                "told to stop with nothing proven",
            ),
            (
                Inconclusive,
                None,
                true,
                false,
                143,
                "told to stop with nothing proven",
            ),
            (
                Fail,
                None,
                true,
                false,
                1,
                "an interruption hides no proven failure",
            ),
        ];
        for (verdict, rollback, interrupted, fail_on_warning, expected, why) in cases {
            let record = record(verdict, rollback, interrupted);
            let code = exit_code(&record, fail_on_warning, Some(TERMINATED));
            assert_eq!(code, expected, "{why}");
        }
    }
}
