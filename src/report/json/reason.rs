//! Why a verdict is what it is, and what it is worth, in the machine-readable report.

use schemars::JsonSchema;
use serde::Serialize;

use super::rounded;
use crate::engine::record::Record;
use crate::event::Level;
use crate::report::wall::rfc3339;
use crate::verdict::{Assurance, Evidence, FindingReason};

/// One reason of a verdict.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReasonReport {
    /// The subject of the threshold, or why nothing can be said.
    pub code: String,
    /// The level of the breached limit.
    pub level: Option<Level>,
    /// What was measured: a share, seconds, or the reading's own unit.
    pub measured: Option<f64>,
    /// The limit, in the same unit.
    pub limit: Option<f64>,
    /// Over how many samples.
    pub samples: u64,
    /// When the first bad sample started (RFC 3339, UTC).
    pub first_bad: Option<String>,
    /// One line for a person.
    pub text: String,
    /// The numbers behind it; absent where the limit was judged as written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EvidenceReport>,
}

/// The numbers behind a reason.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EvidenceReport {
    /// Where the true value lies with a confidence of 95 %, in the unit of the limit.
    pub interval: [Option<f64>; 2],
    /// Chance alone gives as much in at most this share of healthy windows.
    pub chance: f64,
    /// Over how many checks it was measured.
    pub checks: usize,
    /// How it was proven: `sequence`, while samples came, or `ending`, when no more could come.
    pub rule: &'static str,
    /// The same in words.
    pub text: String,
}

/// What a verdict that condemns nothing is worth.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AssuranceReport {
    /// Over how many samples of the schedule.
    pub samples: u64,
    /// Error rates above this one are excluded with a confidence of 95 %.
    pub excluded: f64,
    /// The critical limit on the error rate.
    pub limit: f64,
    /// How surely a fault at just the critical limit would have got a warning, from 0 to 1.
    pub noticed: f64,
    /// How surely it would have got one if all checks that share the limit had failed alike.
    pub noticed_together: Option<f64>,
    /// The same in words.
    pub text: String,
}

pub(super) fn reason(record: &Record, reason: &FindingReason) -> ReasonReport {
    ReasonReport {
        code: reason.code.clone(),
        level: reason.level,
        measured: reason.measured.map(|value| rounded(value, 4)),
        limit: reason.limit,
        samples: reason.samples,
        first_bad: reason.first_bad.map(|moment| rfc3339(record.wall(moment))),
        text: reason.text.clone(),
        evidence: reason.evidence.as_ref().map(evidence),
    }
}

fn evidence(evidence: &Evidence) -> EvidenceReport {
    EvidenceReport {
        interval: evidence.interval.map(|end| end.map(|end| rounded(end, 4))),
        chance: rounded(evidence.chance, 4),
        checks: evidence.checks,
        rule: evidence.rule,
        text: evidence.text.clone(),
    }
}

pub(super) fn assurance(assurance: &Assurance) -> AssuranceReport {
    AssuranceReport {
        samples: assurance.samples,
        excluded: rounded(assurance.excluded, 4),
        limit: assurance.limit,
        noticed: rounded(assurance.noticed, 4),
        noticed_together: assurance.noticed_together.map(|share| rounded(share, 4)),
        text: assurance.text.clone(),
    }
}
