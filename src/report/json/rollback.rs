//! What became of a rollback, in the report.

use schemars::JsonSchema;
use serde::Serialize;

use super::{CheckReport, check};
use crate::deployment::RollbackOutcome;
use crate::engine::record::{Record, RollbackRecord};
use crate::report::wall::rfc3339;
use crate::secret::Mask;

/// What became of a rollback.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RollbackReport {
    /// How it ended.
    pub outcome: RollbackOutcome,
    /// How it was carried out; `null` when it was not.
    pub actuator: Option<&'static str>,
    /// The revision that was judged.
    pub from: String,
    /// The revision to return to, where there is one.
    pub to: Option<String>,
    /// When it was ordered (RFC 3339, UTC).
    pub started: String,
    /// When it had ended (RFC 3339, UTC).
    pub finished: String,
    /// One line that says it all.
    pub because: String,
    /// What stopped it, each by its name; absent when nothing did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interlocks: Vec<InterlockReport>,
    /// The checks as they were found afterwards; absent when they were not run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verification: Vec<CheckReport>,
}

/// Something that stopped a rollback.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InterlockReport {
    /// Its name, as `--override` takes it.
    pub name: &'static str,
    /// One line that says why.
    pub text: String,
}

pub(super) fn rollback_report(record: &Record, rollback: &RollbackRecord) -> RollbackReport {
    let verification = rollback.verification.as_ref();
    RollbackReport {
        outcome: rollback.outcome,
        actuator: rollback.actuator.map(|actuator| actuator.name()),
        from: rollback.from.label.clone(),
        to: rollback.to.as_ref().map(|revision| revision.label.clone()),
        started: rfc3339(record.wall(rollback.started.moment)),
        finished: rfc3339(record.wall(rollback.finished.moment)),
        because: rollback.because.clone(),
        interlocks: rollback
            .interlocks
            .iter()
            .map(|interlock| InterlockReport {
                name: interlock.name(),
                text: interlock.to_string(),
            })
            .collect(),
        verification: verification
            .map(|found| {
                found
                    .findings
                    .iter()
                    .map(|finding| check(record, finding))
                    .collect()
            })
            .unwrap_or_default(),
    }
}

impl RollbackReport {
    /// Masks whatever was declared or said by a platform.
    pub(super) fn hide(&mut self, mask: &Mask) {
        let hide = |text: &mut String| *text = mask.apply(text);
        hide(&mut self.from);
        self.to.iter_mut().for_each(hide);
        hide(&mut self.because);
        let interlocks = self.interlocks.iter_mut();
        interlocks.for_each(|interlock| hide(&mut interlock.text));
        let checks = self.verification.iter_mut();
        checks.for_each(|check| check.hide(mask));
    }
}
