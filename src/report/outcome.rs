//! What became of a rollback, in words: one sentence, and what the reader should do now. Used by the
//! report for a person.

use crate::deployment::RollbackOutcome;
use crate::engine::record::RollbackRecord;
use crate::quantity::human;

/// What became of it, in one sentence.
pub(super) fn sentence(rollback: &RollbackRecord) -> String {
    let to = rollback
        .to
        .as_ref()
        .map_or("the previous revision", |to| to.label.as_str());
    let from = &rollback.from.label;
    let took = human(rollback.finished.moment.since(rollback.started.moment));
    match rollback.outcome {
        RollbackOutcome::RolledBackVerified => {
            format!("Rolled back {from} -> {to} in {took}; {}", rollback.because)
        }
        RollbackOutcome::RolledBackUnhealthy => {
            format!(
                "Rolled back {from} -> {to}, and it is no better: {}",
                rollback.because
            )
        }
        RollbackOutcome::RolledBackByEcs => {
            format!(
                "ECS rolled {from} back to {to} by itself; {}",
                rollback.because
            )
        }
        RollbackOutcome::Failed => {
            format!("Rollback {from} -> {to} FAILED: {}", rollback.because)
        }
        RollbackOutcome::Timeout if rollback.verification.is_some() => {
            format!(
                "Rolled back {from} -> {to} in {took}, not proven: {}",
                rollback.because
            )
        }
        RollbackOutcome::Timeout => {
            format!(
                "Rollback {from} -> {to} not complete after {took}: {}",
                rollback.because
            )
        }
        RollbackOutcome::Refused => format!("Not rolled back: {}", rollback.because),
        RollbackOutcome::Superseded if rollback.actuator.is_some() => {
            format!(
                "Rollback {from} -> {to} was overtaken: {}",
                rollback.because
            )
        }
        RollbackOutcome::Superseded => format!("Nothing was changed: {}", rollback.because),
        RollbackOutcome::NoTarget | RollbackOutcome::NotRollbackable => {
            format!("Cannot roll back {from}: {}", rollback.because)
        }
        RollbackOutcome::DryRun => {
            format!(
                "Dry run: would roll back {from} -> {to}; {}",
                rollback.because
            )
        }
    }
}

/// What the reader should do now.
pub(super) fn next(rollback: &RollbackRecord) -> String {
    let from = &rollback.from.label;
    let to = rollback
        .to
        .as_ref()
        .map_or("the previous revision", |to| to.label.as_str());
    match rollback.outcome {
        RollbackOutcome::RolledBackVerified | RollbackOutcome::RolledBackByEcs => {
            format!("{to} is serving; mend {from} before it is deployed again")
        }
        RollbackOutcome::RolledBackUnhealthy => format!(
            "the deployment was not the cause: look at what {from} and {to} share \
             (database, network, configuration); do not roll back further"
        ),
        RollbackOutcome::Timeout if rollback.verification.is_some() => {
            format!("{to} runs again; probe it with gate before you rely on it")
        }
        RollbackOutcome::Failed | RollbackOutcome::Timeout => format!(
            "look at the service's deployments now; to return by hand, deploy {to} by its full ARN"
        ),
        RollbackOutcome::Refused => {
            format!("{from} is still serving; decide by hand whether to return to {to}")
        }
        RollbackOutcome::Superseded => {
            "judge the newer deployment in a window of its own".to_owned()
        }
        RollbackOutcome::NoTarget | RollbackOutcome::NotRollbackable => {
            format!("{from} is still serving; deploy a mended revision")
        }
        RollbackOutcome::DryRun => format!("{from} is still serving; nothing was changed"),
    }
}
