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
    /// How the reading goes on from sample to sample: the limit is on what that measures.
    Across(Course),
}

/// How a reading goes on from sample to sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// `advances`: it rises; measured is how long it has not, in seconds.
    Advances,
    /// `never_decreases`: measured is by how much it is below what it was already.
    NeverDecreases,
    /// `changes_less_than`: measured is how far it is from where the window began.
    Changes,
    /// `stable`: measured is how far it is from what was usual before the deployment.
    Stable(Way),
}

/// In which direction a change counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Both.
    Either,
    /// Downwards alone.
    Down,
    /// Upwards alone.
    Up,
}

impl Limit {
    /// The course that it limits, where it looks at more than one sample.
    #[must_use]
    pub const fn course(&self) -> Option<Course> {
        match self.comparison {
            Comparison::Across(course) => Some(course),
            _ => None,
        }
    }

    /// Whether it compares with before the deployment.
    #[must_use]
    pub const fn is_of_before(&self) -> bool {
        matches!(self.course(), Some(Course::Stable(_)))
    }
}

impl Threshold {
    /// Whether a limit of it compares with before the deployment.
    #[must_use]
    pub fn is_of_before(&self) -> bool {
        let mut limits = [self.warning, self.critical].into_iter().flatten();
        limits.any(|limit| limit.is_of_before())
    }
}
