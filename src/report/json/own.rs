//! The prober's own part of a report: how well it kept its schedule.

use schemars::JsonSchema;
use serde::Serialize;

use super::millis;
use crate::engine::instruments::Punctuality;

/// How well the prober kept its schedule. Where it did not, what else the report says of latency
/// deserves less belief.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SelfReport {
    /// Runs that were started by the schedule.
    pub starts: u64,
    /// How late they started, in milliseconds.
    pub lateness_ms: LatenessReport,
    /// Turns of the schedule that were left out because they came too late.
    pub missed: u64,
    /// Samples that were taken and did not reach the judge, because it did not keep up.
    pub lost: u64,
}

/// How late runs started, in milliseconds; percentiles within 1 %.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LatenessReport {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The latest.
    pub max: f64,
}

pub(super) fn own(found: &Punctuality) -> SelfReport {
    SelfReport {
        starts: found.starts,
        lateness_ms: LatenessReport {
            p50: millis(found.p50),
            p99: millis(found.p99),
            max: millis(found.max),
        },
        missed: found.missed,
        lost: found.lost,
    }
}
