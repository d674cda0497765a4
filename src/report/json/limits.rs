//! By what a check was judged, as the report keeps it: the limits that were in force, and what the check
//! was compared with. A page that is drawn later needs nothing of the configuration of that day.

use schemars::JsonSchema;
use serde::Serialize;

use super::millis;
use crate::engine::in_force::{InForce, Was};
use crate::event::Level;
use crate::verdict::threshold::Threshold;

/// A limit that was in force.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LimitReport {
    /// What it limits, as it is declared: `error_rate`, `p95`, or the name of a reading.
    pub subject: String,
    /// What its breach means.
    pub level: Level,
    /// The limit: seconds, a share, or the unit of the reading.
    pub limit: f64,
    /// When it is breached, in words: `> 5 %`.
    pub text: String,
    /// How long it had to be breached, in seconds; absent where a moment was enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub for_s: Option<f64>,
    /// In how many samples in a row it had to be breached; absent where that did not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consecutive: Option<u32>,
}

/// How a check was before the deployment, as far as it was compared with that.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BeforeReport {
    /// Over how many samples.
    pub samples: u64,
    /// The median of the latency of those that passed, in milliseconds.
    pub p50_ms: f64,
    /// The 95th percentile of it, in milliseconds.
    pub p95_ms: f64,
}

/// The limits of a check, in the order of declaration.
pub(super) fn limits(in_force: &InForce) -> Vec<LimitReport> {
    in_force.thresholds.iter().flat_map(levels).collect()
}

fn levels(threshold: &Threshold) -> impl Iterator<Item = LimitReport> {
    let levels = [
        (Level::Warning, threshold.warning),
        (Level::Critical, threshold.critical),
    ];
    levels.into_iter().filter_map(|(level, limit)| {
        let limit = limit?;
        Some(LimitReport {
            subject: threshold.subject.name(),
            level,
            limit: limit.value,
            text: limit.to_string(),
            for_s: threshold.lasting.map(|span| span.as_secs_f64()),
            consecutive: threshold.consecutive,
        })
    })
}

pub(super) fn before(was: &Was) -> BeforeReport {
    BeforeReport {
        samples: was.samples,
        p50_ms: millis(was.p50),
        p95_ms: millis(was.p95),
    }
}
