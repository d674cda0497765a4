//! Thresholds: a subject, limits at two levels, and how long a breach must last.

mod text;

pub use text::{LimitError, NotASummary, SUMMARIES};

use std::sync::Arc;
use std::time::Duration;

use crate::sample::Phase;
use crate::window::least_count;

/// A limit on a summary or a reading, as declared under `thresholds`.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    /// What is limited.
    pub subject: Subject,
    /// The limit whose breach warns.
    pub warning: Option<Limit>,
    /// The limit whose breach fails.
    pub critical: Option<Limit>,
    /// How long it must be breached (`for`).
    pub lasting: Option<Duration>,
    /// In how many samples in a row it must be breached.
    pub consecutive: Option<u32>,
}

/// What a threshold limits.
#[derive(Clone, Debug, PartialEq)]
pub enum Subject {
    /// The share of samples that failed or errored.
    ErrorRate,
    /// The share of samples that passed.
    Availability,
    /// A quantile of the latency, or of one phase of it, of the samples that passed; 0.95 for p95.
    Quantile(Option<Phase>, f64),
    /// The largest latency of the samples that passed.
    Max(Option<Phase>),
    /// The mean latency of the samples that passed.
    Mean(Option<Phase>),
    /// How many samples failed or errored in a row, up to now.
    ConsecutiveFailures,
    /// A reading, by its name.
    Reading(Arc<str>),
}

impl Subject {
    /// Whether it is about how long runs took.
    #[must_use]
    pub const fn is_about_time(&self) -> bool {
        match self {
            Self::Quantile(..) | Self::Max(_) | Self::Mean(_) => true,
            Self::ErrorRate | Self::Availability | Self::ConsecutiveFailures | Self::Reading(_) => {
                false
            }
        }
    }

    /// How many samples it takes to tell it at all.
    #[must_use]
    pub fn least_samples(&self) -> u64 {
        match self {
            Self::Quantile(_, quantile) => least_count(*quantile),
            Self::ErrorRate
            | Self::Availability
            | Self::Max(_)
            | Self::Mean(_)
            | Self::ConsecutiveFailures
            | Self::Reading(_) => 1,
        }
    }
}

/// What a subject is measured in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// A share between 0 and 1, written as a percentage.
    Share,
    /// Seconds, written as a duration.
    Seconds,
    /// A plain number.
    Number,
}

/// A comparison that says when it is breached: `> 5%`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    /// How the measured value is compared with the limit.
    pub comparison: Comparison,
    /// The limit: seconds, a share between 0 and 1, or a plain number.
    pub value: f64,
    /// What it is measured in, for messages.
    pub measure: Measure,
}

/// How a measured value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `>`: the default.
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `==`
    Equal,
    /// `!=`
    Unequal,
}
