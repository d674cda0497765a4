//! What our own machine kept a run from learning, as the machine-readable report has it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::engine::troubles::Trouble;

/// One trouble of our own.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TroubleReport {
    /// The reason of the samples that it cost: `not_started`, `exhausted`, `resolver`, `no_route`,
    /// `panic`, `abandoned`, `starved`, `clock_jumped` or `offline`.
    pub reason: &'static str,
    /// How many samples it cost, of all checks.
    pub samples: u64,
    /// One line for a person, with what to do.
    pub text: String,
}

pub(super) fn trouble(trouble: Trouble) -> TroubleReport {
    TroubleReport {
        reason: trouble.reason.code(),
        samples: trouble.samples,
        text: trouble.text,
    }
}
