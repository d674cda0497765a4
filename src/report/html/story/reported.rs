//! A report of `smokejumper.report/1`, read back for its page. What this version does not know is
//! passed over, because windows of an older daemon are shown as well.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::lines::{Reported, breached};
use super::{Behind, Diagnosis, Named, Rollback, Story, Told, Why};
use crate::clock::WallTime;
use crate::engine::record::Command;
use crate::event::Verdict;
use crate::report::html::plot::band::Usual;
use crate::report::html::words::verdict_of;
use crate::report::text::counted;

/// A check of a report.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct CheckReport {
    /// Its name.
    pub id: String,
    kind: String,
    /// The verdict on it, by its name.
    pub verdict: String,
    samples: u64,
    failed: u64,
    errored: u64,
    unknown: u64,
    retries: u64,
    error_rate: Option<f64>,
    latency_ms: LatencyReport,
    reasons: Vec<Why>,
    assurance: Option<Behind>,
    limits: Option<Vec<Reported>>,
    before: Option<BeforeReport>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct BeforeReport {
    p50_ms: f64,
    p95_ms: f64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct LatencyReport {
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    max: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Report {
    command: String,
    window: String,
    service: Option<String>,
    started: Option<jiff::Timestamp>,
    finished: Option<jiff::Timestamp>,
    verdict: String,
    checks: Vec<CheckReport>,
    deployment: Option<Deployed>,
    decision: Option<Decision>,
    rollback: Option<Rollback>,
    diagnosis: Option<Diagnosis>,
    troubles: Vec<Named>,
    warnings: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Deployed {
    arn: String,
    from: Option<String>,
    to: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Decision {
    action: String,
    because: Vec<String>,
}

impl Story {
    /// Reads a report of `smokejumper.report/1`, whose secrets are masked already.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_report(report: &serde_json::Value) -> Result<Self, serde_json::Error> {
        let told = Report::deserialize(report)?;
        let remarks = told.troubles.into_iter().map(|trouble| trouble.text);
        let deployed = told.deployment.unwrap_or_default();
        let started = wall(told.started);
        Ok(Self {
            id: Arc::from(told.window),
            service: told.service,
            opened: started,
            until: wall(told.finished).max(started),
            open: None,
            verdict: verdict(&told.verdict),
            is_by_hand: told.command == Command::Rollback.name(),
            revision: Some(deployed.to).filter(|label| !label.is_empty()),
            previous: deployed.from,
            deployment: Some(deployed.arn).filter(|arn| !arn.is_empty()),
            decision: told
                .decision
                .map(|decision| (decision.action, decision.because)),
            rollback: told.rollback,
            detected_after: None,
            checks: told.checks.into_iter().map(Told::from).collect(),
            moments: Vec::new(),
            diagnosis: told.diagnosis,
            remarks: remarks.chain(told.warnings).collect(),
        })
    }
}

impl From<CheckReport> for Told {
    fn from(report: CheckReport) -> Self {
        let latency = report.latency_ms;
        Self {
            lines: match &report.limits {
                Some(limits) => limits.iter().filter_map(Reported::line).collect(),
                None => breached(&report.reasons),
            },
            limits: report
                .limits
                .map(|limits| limits.iter().map(Reported::words).collect()),
            id: report.id,
            kind: report.kind,
            verdict: verdict(&report.verdict),
            runs: (
                report.samples,
                report.failed,
                report.errored,
                report.unknown,
            ),
            error_rate: report.error_rate,
            latency: [latency.p50, latency.p95, latency.p99, latency.max],
            reasons: report
                .reasons
                .into_iter()
                .chain(after_retries(report.retries))
                .collect(),
            assurance: report.assurance.map(|it| it.text),
            course: None,
            before: report.before.and_then(|before| {
                Some(Usual {
                    p50: millis(before.p50_ms)?,
                    p95: millis(before.p95_ms)?,
                })
            }),
        }
    }
}

/// That an answer came only after others that were not counted (`gate --wait`).
fn after_retries(retries: u64) -> Option<Why> {
    (retries > 0).then(|| Why {
        code: "retries".to_owned(),
        text: format!("after {}", counted(retries, "retry", "retries")),
        ..Why::default()
    })
}

/// So many milliseconds; nothing of what is no span.
fn millis(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value / 1e3).ok()
}

/// A verdict of a report; of one that this version does not know, nothing can be said.
fn verdict(name: &str) -> Verdict {
    verdict_of(name).unwrap_or(Verdict::Inconclusive)
}

fn wall(time: Option<jiff::Timestamp>) -> WallTime {
    let since = time.and_then(|time| Duration::try_from(time.as_duration()).ok());
    WallTime::since_unix_epoch(since.unwrap_or_default())
}
