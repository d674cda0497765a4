//! What the events of a window are called when they are told, whose business they are, and their facts.

use serde_json::{Map, Value, json};

use super::happenings::Severity;
use crate::event::{Action, What};

/// What an event is called, whose business it is, and its facts; nothing of what is told otherwise.
pub(super) fn facts(what: &What) -> Option<(&'static str, Severity, Map<String, Value>)> {
    let (kind, severity, facts) = match what {
        What::Pinned {
            deployment,
            standing,
            rollback,
        } => (
            "deployment_pinned",
            Severity::Info,
            json!({
                "deployment": deployment.id,
                "revision": deployment.revision.label,
                "previous": deployment.previous.as_ref().map(|one| &one.label),
                "standing": format!("{standing:?}"),
                "returns_to": rollback.as_ref().ok().map(|plan| &plan.target.label),
            }),
        ),
        What::StandingChanged(standing) => (
            "standing_changed",
            Severity::Info,
            json!({ "standing": format!("{standing:?}") }),
        ),
        What::Decided { action, because } => (
            "decided",
            match action {
                Action::RollBack => Severity::Critical,
                Action::Hold => Severity::Warning,
                Action::Accept | Action::None => Severity::Info,
            },
            json!({ "action": action.name(), "because": because }),
        ),
        What::RollbackIntended(plan) => (
            "rollback_intended",
            Severity::Critical,
            json!({
                "from": plan.deployment.revision.label,
                "to": plan.target.label,
                "actuator": plan.actuator.name(),
            }),
        ),
        What::RollbackStarted { carrier } => (
            "rollback_started",
            Severity::Info,
            json!({ "carrier": carrier }),
        ),
        What::RollbackProgress(line) => {
            ("rollback_progress", Severity::Info, json!({ "line": line }))
        }
        What::VerificationStarted { checks } => (
            "verification_started",
            Severity::Info,
            json!({ "checks": checks }),
        ),
        What::RollbackEnded { outcome, because } => (
            "rollback_ended",
            Severity::Critical,
            json!({ "outcome": outcome.name(), "because": because }),
        ),
        What::Warned(line) => ("warned", Severity::Warning, json!({ "line": line })),
        What::Started { .. }
        | What::NotReady { .. }
        | What::Waiting { .. }
        | What::Sampled(_)
        | What::CheckJudged { .. } => return None,
    };
    match facts {
        Value::Object(facts) => Some((kind, severity, facts)),
        _ => None,
    }
}
