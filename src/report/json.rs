//! `--report json`: the machine-readable report, `smokejumper.report/1`.
//!
//! The types are the contract: the JSON Schema under `config/` is generated from them.

mod diagnosis;
mod limits;
mod own;
mod reason;
mod rollback;
mod session;
mod trouble;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub use self::diagnosis::DiagnosisReport;
pub use self::limits::{BeforeReport, LimitReport};
pub use self::own::{LatenessReport, SelfReport};
pub use self::reason::{AssuranceReport, EvidenceReport, ReasonReport};
use self::reason::{assurance, reason};
use self::rollback::rollback_report;
pub use self::rollback::{InterlockReport, RollbackReport};
pub use self::session::{SessionReport, TlsReport};
pub use self::trouble::TroubleReport;
use self::trouble::trouble;
use super::wall::rfc3339;
use crate::engine::record::Record;
use crate::event::{Action, Verdict};
use crate::sample::Phase;
use crate::secret::Mask;
use crate::verdict::Finding;
use crate::window::Latency;

/// The report of one `gate`, `watch`, `replay` or `rollback`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report {
    /// Always `smokejumper.report/1`.
    #[schemars(extend("const" = "smokejumper.report/1"))]
    pub schema: &'static str,
    /// The command that ran: `gate`, `watch`, `replay` or `rollback`.
    pub command: &'static str,
    /// The identifier of the window (a ULID).
    pub window: String,
    /// The service, when all checks belong to one.
    pub service: Option<String>,
    /// When the run started (RFC 3339, UTC).
    pub started: String,
    /// When the run finished (RFC 3339, UTC).
    pub finished: String,
    /// Who judged: `sequential`, right after every sample, or `plain`, each limit as written.
    pub judge: &'static str,
    /// The worst verdict of all checks.
    pub verdict: Verdict,
    /// The exit code of the command.
    pub exit_code: u8,
    /// The checks, in the order of declaration.
    pub checks: Vec<CheckReport>,
    /// The deployment under test; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentReport>,
    /// What was decided.
    pub decision: DecisionReport,
    /// What became of the rollback; absent where none was ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback: Option<RollbackReport>,
    /// What the platform knows of a deployment that failed; absent where none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<DiagnosisReport>,
    /// What our own machine kept the run from learning, the most frequent trouble first; absent where
    /// nothing did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<TroubleReport>,
    /// What a person should know besides.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// How well the prober kept its own schedule; absent where nothing was probed by one.
    #[serde(rename = "self", skip_serializing_if = "Option::is_none")]
    pub own: Option<SelfReport>,
}

/// One check of a report.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CheckReport {
    /// The declared name.
    pub id: String,
    /// The kind of the check.
    pub kind: &'static str,
    /// The service it belongs to.
    pub service: String,
    /// The verdict on it.
    pub verdict: Verdict,
    /// Samples taken, the unknown ones included.
    pub samples: u64,
    /// Samples that answered wrongly.
    pub failed: u64,
    /// Samples that could not reach the target.
    pub errored: u64,
    /// Samples from which nothing was learnt.
    pub unknown: u64,
    /// The share of failed and errored samples among the known ones, from 0 to 1.
    pub error_rate: Option<f64>,
    /// Latency of the samples that passed, in milliseconds.
    pub latency_ms: LatencyReport,
    /// The phases of those samples, in milliseconds.
    pub phases_ms: BTreeMap<&'static str, LatencyReport>,
    /// The last value of each reading.
    pub readings: BTreeMap<String, f64>,
    /// What the last sample talked over; absent where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionReport>,
    /// Why the verdict is what it is; empty for a pass.
    pub reasons: Vec<ReasonReport>,
    /// The limits that were in force, those by default included; absent where they are not known, as of
    /// a window that an earlier run had judged, and of the proof after a rollback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limits: Option<Vec<LimitReport>>,
    /// What it was compared with; absent where it was compared with nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<BeforeReport>,
    /// What a verdict that condemns nothing is worth, at the end of a bake.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assurance: Option<AssuranceReport>,
    /// Runs of an open loop that were due and could not be sent, because as many as allowed were in
    /// flight already; absent where the check has no rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsent: Option<u64>,
    /// The rate that an open loop reached, a second; absent where the check has no rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent_per_second: Option<f64>,
    /// The most runs of an open loop in flight at once; absent where the check has no rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_flight_peak: Option<u32>,
    /// How many tries came before samples, with `gate --wait`.
    #[serde(skip_serializing_if = "is_zero")]
    pub retries: u64,
}

/// A distribution of latencies in milliseconds; a percentile below its least count is `null`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LatencyReport {
    /// The median.
    pub p50: Option<f64>,
    /// The 90th percentile.
    pub p90: Option<f64>,
    /// The 95th percentile.
    pub p95: Option<f64>,
    /// The 99th percentile.
    pub p99: Option<f64>,
    /// The largest.
    pub max: Option<f64>,
}

/// The deployment under test.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeploymentReport {
    /// The platform's identifier.
    pub arn: String,
    /// The revision before, where the platform says so.
    pub from: Option<String>,
    /// The revision under test.
    pub to: String,
    /// The platform's record of just what was deployed, where it keeps one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_revision: Option<String>,
    /// The digests of the images under test, by container, where they are known.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, String>,
}

/// What was decided.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DecisionReport {
    /// The action.
    pub action: Action,
    /// Why, the most important reason first.
    pub because: Vec<String>,
}

/// Makes the report of a record that ended with an exit code.
#[must_use]
pub fn report(record: &Record, exit_code: u8) -> Report {
    Report {
        schema: "smokejumper.report/1",
        command: record.command.name(),
        window: record.window.clone(),
        service: record.service.as_deref().map(str::to_owned),
        started: rfc3339(record.started.wall),
        finished: rfc3339(record.wall(record.finished.moment)),
        judge: record.judge.name(),
        verdict: record.assessment.verdict,
        exit_code,
        checks: record
            .assessment
            .findings
            .iter()
            .map(|found| judged(record, found))
            .collect(),
        deployment: record
            .deployment
            .as_ref()
            .map(|deployment| DeploymentReport {
                arn: deployment.id.clone(),
                from: deployment
                    .previous
                    .as_ref()
                    .map(|revision| revision.label.clone()),
                to: deployment.revision.label.clone(),
                service_revision: deployment.service_revision.clone(),
                images: deployment.images.clone(),
            }),
        decision: DecisionReport {
            action: record.decision.action,
            because: record.decision.because.clone(),
        },
        rollback: record
            .rollback
            .as_ref()
            .map(|rollback| rollback_report(record, rollback)),
        diagnosis: record.diagnosis.as_ref().map(diagnosis::diagnosis),
        troubles: record.troubles.told().into_iter().map(trouble).collect(),
        warnings: record.warnings.clone(),
        own: record.punctuality.as_ref().map(own::own),
    }
}

/// The report as one line of JSON in which secrets are masked. The names and numbers of the contract
/// are not looked at: a password that happens to be `postgres` or `2026` must not break the form.
///
/// # Errors
/// Never with these types; the serializer's error is handed on all the same.
pub fn render(record: &Record, exit_code: u8, mask: &Mask) -> Result<String, serde_json::Error> {
    let mut report = report(record, exit_code);
    report.hide(mask);
    serde_json::to_string(&report)
}

/// The same as a value, for the forms that are made from it.
///
/// # Errors
/// Never with these types; the serializer's error is handed on all the same.
pub fn value(record: &Record, exit_code: u8, mask: &Mask) -> Result<Value, serde_json::Error> {
    let mut report = report(record, exit_code);
    report.hide(mask);
    serde_json::to_value(&report)
}

impl Report {
    /// Masks whatever was declared, answered or said by a platform.
    fn hide(&mut self, mask: &Mask) {
        let hide = |text: &mut String| *text = mask.apply(text);
        self.service.iter_mut().for_each(hide);
        self.checks.iter_mut().for_each(|check| check.hide(mask));
        if let Some(deployment) = &mut self.deployment {
            hide(&mut deployment.arn);
            deployment.from.iter_mut().for_each(hide);
            hide(&mut deployment.to);
        }
        self.decision.because.iter_mut().for_each(hide);
        self.rollback
            .iter_mut()
            .for_each(|rollback| rollback.hide(mask));
        self.diagnosis.iter_mut().for_each(|found| found.hide(mask));
        let troubles = self.troubles.iter_mut();
        troubles.for_each(|trouble| hide(&mut trouble.text));
        self.warnings.iter_mut().for_each(hide);
    }
}

impl CheckReport {
    fn hide(&mut self, mask: &Mask) {
        self.id = mask.apply(&self.id);
        self.service = mask.apply(&self.service);
        let readings = std::mem::take(&mut self.readings).into_iter();
        self.readings = readings
            .map(|(name, value)| (mask.apply(&name), value))
            .collect();
        for limit in self.limits.iter_mut().flatten() {
            limit.subject = mask.apply(&limit.subject);
        }
        for reason in &mut self.reasons {
            reason.code = mask.apply(&reason.code);
            reason.text = mask.apply(&reason.text);
            let evidence = reason.evidence.iter_mut();
            evidence.for_each(|behind| behind.text = mask.apply(&behind.text));
        }
    }
}

/// A check with what it was judged by.
fn judged(record: &Record, finding: &Finding) -> CheckReport {
    let mut in_force = record.in_force.iter();
    let in_force = in_force.find(|one| one.facts.id == finding.facts.id);
    CheckReport {
        limits: in_force.map(limits::limits),
        before: in_force.and_then(|one| one.before.as_ref().map(limits::before)),
        ..check(record, finding)
    }
}

fn check(record: &Record, finding: &Finding) -> CheckReport {
    let summary = &finding.summary;
    CheckReport {
        id: finding.facts.id.to_string(),
        kind: finding.facts.kind,
        service: finding.facts.service.to_string(),
        verdict: finding.verdict,
        samples: summary.samples,
        failed: summary.failed,
        errored: summary.errored,
        unknown: summary.unknown,
        error_rate: summary.error_rate().map(|rate| rounded(rate, 4)),
        latency_ms: latency(&summary.latency),
        phases_ms: summary
            .phases
            .iter()
            .map(|(phase, spans)| phase_entry(*phase, spans))
            .collect(),
        readings: summary
            .readings
            .iter()
            .map(|(name, reading)| (name.to_string(), reading.last))
            .collect(),
        session: summary.session.as_deref().map(SessionReport::of),
        reasons: finding
            .reasons
            .iter()
            .map(|found| reason(record, found))
            .collect(),
        limits: None,
        before: None,
        assurance: finding.assurance.as_ref().map(assurance),
        unsent: summary.sent.map(|sent| sent.unsent),
        sent_per_second: summary
            .sent
            .and_then(|sent| sent.per_second())
            .map(|rate| rounded(rate, 3)),
        in_flight_peak: summary.sent.map(|sent| sent.in_flight),
        retries: summary.retries,
    }
}

fn phase_entry(phase: Phase, spans: &Latency) -> (&'static str, LatencyReport) {
    (phase.name(), latency(spans))
}

fn latency(spans: &Latency) -> LatencyReport {
    LatencyReport {
        p50: spans.p50.map(millis),
        p90: spans.p90.map(millis),
        p95: spans.p95.map(millis),
        p99: spans.p99.map(millis),
        max: spans.max.map(millis),
    }
}

/// Milliseconds, to the microsecond.
fn millis(span: Duration) -> f64 {
    rounded(span.as_secs_f64() * 1e3, 3)
}

/// Rounds to so many decimals, and a small value to as many digits: one failure of a hundred
/// thousand is not none.
fn rounded(value: f64, decimals: i32) -> f64 {
    let leading_zeros = -value.abs().log10().floor();
    let decimals = if value != 0.0 && leading_zeros.is_finite() {
        decimals.max((leading_zeros as i32).saturating_add(decimals - 1))
    } else {
        decimals
    };
    let scale = 10_f64.powi(decimals);
    let rounded = (value * scale).round() / scale;
    if rounded.is_finite() { rounded } else { value }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_never_makes_something_of_nothing_or_nothing_of_something() {
        let cases = [
            (7.0 / 58.0, 4, 0.1207),
            (0.0, 4, 0.0),
            (0.000_012_345_6, 4, 0.000_012_35),
            (1e-30, 4, 1e-30),
            (93.456_789, 4, 93.456_8),
            (-0.000_02, 4, -0.000_02),
            (1e300, 4, 1e300),
            (21.432_1, 3, 21.432),
        ];
        for (value, decimals, expected) in cases {
            let difference = (rounded(value, decimals) - expected).abs();
            assert!(difference <= expected.abs() * 1e-9, "{value}");
        }
    }
}
