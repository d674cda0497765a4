//! The judge: windows and rules in, findings with reasons out. Pure: no clock, no I/O, no effects.
//!
//! One judge serves every command: what `watch` acts upon is what a back-test shows.

mod assurance;
mod bench;
mod breach;
mod course;
mod defaults;
mod evidence;
mod explain;
mod judge;
mod measure;
mod one_sample;
mod reading;
pub mod sequential;
pub mod statistics;
mod sufficiency;
#[cfg(test)]
mod tests;
pub mod threshold;
mod wording;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
pub use crate::event::{Level, Verdict};
use crate::sample::CheckId;
use crate::window::Summary;
pub use assurance::Assurance;
pub use bench::{Bench, Regressed, Telling, Terms};
pub use defaults::{
    CRITICAL_ERROR_RATE, WARNING_ERROR_RATE, default_thresholds, usual_forgiveness, usual_warm_up,
    with_error_limit,
};
pub use judge::{Closing, assess, judge};
pub use sequential::before::Before;
pub use sequential::comparison::Tolerance;
pub use sequential::docket::raised_limits;
pub use sequential::eye::looks_bad;
pub use sequential::process::Forgive;
pub use sequential::regression::Subject as Comparable;
use threshold::Threshold;

/// Who judges a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JudgeKind {
    /// The sequential test of [`sequential`]: right after every sample.
    Sequential,
    /// Each limit as written, over the window or its last span, as other tools do.
    Plain,
}

impl JudgeKind {
    /// The name, as declared and as reported.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sequential => "sequential",
            Self::Plain => "plain",
        }
    }
}

/// What the judge and the decision need to know of a check besides its samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckFacts {
    /// Its name.
    pub id: CheckId,
    /// Its kind: `http`.
    pub kind: &'static str,
    /// The service it belongs to.
    pub service: Arc<str>,
    /// Its tags.
    pub tags: Vec<Arc<str>>,
}

/// By what a check is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Which check.
    pub facts: CheckFacts,
    /// The limits, as declared or by default.
    pub thresholds: Vec<Threshold>,
    /// How much worse than before it may be, where something is known of before.
    pub tolerances: Vec<Tolerance>,
    /// Which samples a verdict needs.
    pub sufficiency: Sufficiency,
}

/// How much must have been seen before a verdict other than inconclusive is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sufficiency {
    /// One sample a check: its expectation alone decides (`gate`).
    OneSample,
    /// A window of samples.
    Window {
        /// The least number of samples that are not `Unknown`.
        min_samples: u64,
        /// The interval at which the schedule promises samples; zero when it promises none
        /// (a gate that takes its samples by count), and then `min_samples` alone counts.
        every: Duration,
        /// The least share of the promised samples that must have taught us something, from 0
        /// to 1.
        coverage: f64,
        /// Fewer bad samples than this never condemn: where a verdict rolls a service back, one
        /// lost sample must not. A gate changes nothing and takes 1.
        least_bad: u64,
    },
}

/// The verdict on one check, with its reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Which check.
    pub facts: CheckFacts,
    /// The verdict.
    pub verdict: Verdict,
    /// What was measured.
    pub summary: Summary,
    /// Why, the most serious first; empty only for a pass.
    pub reasons: Vec<FindingReason>,
    /// What a verdict that condemns nothing is worth, at the end of a window.
    pub assurance: Option<Assurance>,
}

/// One reason of a finding.
#[derive(Clone, Debug, PartialEq)]
pub struct FindingReason {
    /// The subject, as declared (`error_rate`, `p95`, `used_pct`), or why nothing can be said
    /// (`no_samples`, `too_few_samples`, `too_few_arrived`, `unsent`, `silent`, `insufficient`),
    /// or, with
    /// one sample, the code of its fault.
    pub code: String,
    /// The level at which it counts: that of the limit that is breached, or `Warning` for a
    /// critical one that is not proven yet; absent when nothing can be said.
    pub level: Option<Level>,
    /// What was measured, in the unit of the limit: seconds, a share, or the reading's own.
    pub measured: Option<f64>,
    /// The limit.
    pub limit: Option<f64>,
    /// Over how many samples.
    pub samples: u64,
    /// When the first bad sample started.
    pub first_bad: Option<Moment>,
    /// One line for a person, numbers included: `error rate 12.1 % over 58 samples, limit 5 %`.
    pub text: String,
    /// Whether so few samples made it that it would condemn nothing, whatever its limit.
    pub is_glimpse: bool,
    /// What stands behind it; absent where the limit was judged as written.
    pub evidence: Option<Evidence>,
}

/// The numbers behind a reason.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Where the true value lies with a confidence of 95 %, in the unit of the limit; absent where
    /// too few samples bound it.
    pub interval: [Option<f64>; 2],
    /// Chance alone gives as much in at most this share of healthy windows.
    pub chance: f64,
    /// How many checks it was measured over.
    pub checks: usize,
    /// How it was proven: `sequence`, while samples came, or `ending`, when no more could come.
    pub rule: &'static str,
    /// The same in words.
    pub text: String,
}

impl FindingReason {
    /// A reason of which only the verdict is needed: what it is about, and how grave it is.
    fn untold(code: String, level: Level) -> Self {
        Self {
            code,
            level: Some(level),
            measured: None,
            limit: None,
            samples: 0,
            first_bad: None,
            text: String::new(),
            is_glimpse: false,
            evidence: None,
        }
    }

    /// A reason why nothing can be said.
    fn gap(code: &str, samples: u64, text: String) -> Self {
        Self {
            code: code.to_owned(),
            level: None,
            measured: None,
            limit: None,
            samples,
            first_bad: None,
            text: wording::one_line(&text),
            is_glimpse: false,
            evidence: None,
        }
    }
}

/// All findings of a service and the worst of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// The worst verdict; `Inconclusive` when there is no finding.
    pub verdict: Verdict,
    /// The findings, in the order of declaration.
    pub findings: Vec<Finding>,
}
