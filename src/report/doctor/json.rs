//! A doctor's findings for a program: `smokejumper.doctor/1`.

use serde::Serialize;
use serde_json::Value;

use super::policy;
use crate::deployment::{Examined, Permission};
use crate::engine::doctor::{CheckExamined, Examination};
use crate::report::wall::rfc3339;
use crate::sample::Outcome;
use crate::secret::Mask;

/// The report of one `doctor`.
#[derive(Debug, Serialize)]
pub struct DoctorReport {
    /// Always `smokejumper.doctor/1`.
    pub schema: &'static str,
    /// When it began (RFC 3339, UTC).
    pub started: String,
    /// When it was over (RFC 3339, UTC).
    pub finished: String,
    /// The exit code of the command.
    pub exit_code: u8,
    /// How many things have to be mended.
    pub problems: usize,
    /// The services.
    pub services: Vec<ServiceReport>,
    /// The checks.
    pub checks: Vec<CheckReport>,
    /// The policy that grants what was denied; absent when nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Value>,
}

/// What was found of a service.
#[derive(Debug, Serialize)]
pub struct ServiceReport {
    /// The service, as declared.
    pub service: String,
    /// What was looked at.
    pub items: Vec<ItemReport>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
pub struct ItemReport {
    /// What.
    pub name: String,
    /// `ok`, `denied`, `failed` or `unknown`.
    pub state: &'static str,
    /// What was seen.
    pub detail: String,
    /// Whether it has to be mended.
    pub problem: bool,
    /// What is lost without it; absent where a watch cannot do without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub optional: Option<String>,
    /// The permission that it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permission: Option<PermissionReport>,
}

/// A permission.
#[derive(Debug, Serialize)]
pub struct PermissionReport {
    /// What it lets do.
    pub action: String,
    /// On what.
    pub resources: Vec<String>,
}

/// What a check answered.
#[derive(Debug, Serialize)]
pub struct CheckReport {
    /// The declared name.
    pub id: String,
    /// The kind.
    pub kind: &'static str,
    /// Whether its target was reached.
    pub reached: bool,
    /// Whether it answered as expected.
    pub passed: bool,
    /// How long it took, in milliseconds.
    pub latency_ms: f64,
    /// Why it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The report as one line of JSON in which secrets are masked.
///
/// # Errors
/// Never with these types; the serializer's error is handed on all the same.
pub fn render(
    examination: &Examination,
    exit_code: u8,
    mask: &Mask,
) -> Result<String, serde_json::Error> {
    let services = examination.services.iter().map(|service| ServiceReport {
        service: mask.apply(&service.name),
        items: service
            .found
            .iter()
            .map(|found| item(found, mask))
            .collect(),
    });
    let checks = examination.checks.iter();
    serde_json::to_string(&DoctorReport {
        schema: "smokejumper.doctor/1",
        started: rfc3339(examination.started.wall),
        finished: rfc3339(examination.finished.wall),
        exit_code,
        problems: examination.problems(),
        services: services.collect(),
        checks: checks.map(|check| answer(check, mask)).collect(),
        missing: policy::missing(examination),
    })
}

fn item(found: &Examined, mask: &Mask) -> ItemReport {
    let permission = |permission: &Permission| PermissionReport {
        action: permission.action.clone(),
        resources: permission.resources.clone(),
    };
    ItemReport {
        name: found.name.clone(),
        state: found.state.name(),
        detail: mask.apply(&found.detail),
        problem: found.is_problem(),
        optional: found.lost.clone(),
        permission: found.permission.as_ref().map(permission),
    }
}

fn answer(check: &CheckExamined, mask: &Mask) -> CheckReport {
    let sample = &check.sample;
    let detail = sample.fault.as_ref().map(|fault| mask.apply(&fault.detail));
    CheckReport {
        id: mask.apply(sample.check.as_str()),
        kind: check.kind,
        reached: check.is_reached(),
        passed: sample.outcome == Outcome::Pass,
        latency_ms: sample.latency.as_secs_f64() * 1e3,
        detail,
    }
}
