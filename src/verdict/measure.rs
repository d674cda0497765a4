//! What a threshold on a summary measures over a part of a window, and how sure that is.

use std::time::Duration;

use super::evidence::Odds;
use super::threshold::{Comparison, Course, Limit, Subject};
use crate::clock::Moment;
use crate::sample::Phase;
use crate::window::{Counts, View};

/// A summary's value over a part of a window.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) value: f64,
    pub(super) samples: u64,
    pub(super) first_bad: Option<Moment>,
    pub(super) certainty: Certainty,
}

/// How sure a breach is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Certainty {
    /// It is a count, and breached exactly as written.
    Counted,
    /// It is an estimate, and so many single samples are beyond the limit.
    Estimated(Odds),
    /// It is an estimate of which nothing more is known.
    Plain,
}

impl Certainty {
    /// How many single samples are beyond the limit, where that is known.
    pub(super) fn bad(self) -> Option<u64> {
        match self {
            Self::Estimated(odds) => Some(odds.bad),
            Self::Counted | Self::Plain => None,
        }
    }
}

/// Why a summary has no value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lack {
    pub(super) needs: u64,
    pub(super) has: u64,
}

impl Limit {
    /// Whether a measured value breaches the limit.
    #[must_use]
    pub fn is_breached_by(self, value: f64) -> bool {
        match self.comparison {
            Comparison::Above => value > self.value,
            Comparison::AtLeast => value >= self.value,
            Comparison::Below => value < self.value,
            Comparison::AtMost => value <= self.value,
            Comparison::Equal => value == self.value,
            Comparison::Unequal => value != self.value,
            // A change of just the limit is not less than it; standing for just so long is.
            Comparison::Across(Course::Changes | Course::Stable(_)) => value >= self.value,
            Comparison::Across(Course::Advances | Course::NeverDecreases) => value > self.value,
        }
    }
}

/// Measures a summary. A reading is no summary and has no value here.
pub(super) fn measure(subject: &Subject, limit: Limit, view: View<'_>) -> Result<Measured, Lack> {
    match subject {
        Subject::ErrorRate | Subject::Availability => share(subject, limit, view),
        Subject::Quantile(phase, q) => {
            let value = view
                .quantile(*phase, *q)
                .map_err(|(needs, has)| Lack { needs, has })?;
            // The quantile is over the limit when more than 1 − q of the samples are.
            Ok(latency(value, *phase, limit, view, [1.0 - q, *q]))
        }
        Subject::Max(phase) => {
            let value = view.latency(*phase).max.ok_or(NONE)?;
            // Not one sample may be over the limit.
            Ok(latency(value, *phase, limit, view, [0.0, 1.0]))
        }
        Subject::Mean(phase) => {
            let value = view.latency(*phase).mean.ok_or(NONE)?;
            // One outlier moves a mean: it is proven when it is also the greater part of the
            // samples that is over the limit.
            Ok(latency(value, *phase, limit, view, [0.5, 0.5]))
        }
        Subject::ConsecutiveFailures => failures_in_a_row(view),
        Subject::Reading(_) => Err(NONE),
    }
}

const NONE: Lack = Lack { needs: 1, has: 0 };

fn share(subject: &Subject, limit: Limit, view: View<'_>) -> Result<Measured, Lack> {
    let Counts {
        known,
        bad,
        first_bad,
    } = view.counts();
    if known == 0 {
        return Err(NONE);
    }
    let is_upper = matches!(limit.comparison, Comparison::Above | Comparison::AtLeast);
    let is_lower = matches!(limit.comparison, Comparison::Below | Comparison::AtMost);
    let (counted, allowed) = match subject {
        Subject::Availability => (known - bad, is_lower.then_some(1.0 - limit.value)),
        _ => (bad, is_upper.then_some(limit.value)),
    };
    let odds = allowed.map(|allowed| Odds {
        bad,
        of: known,
        allowed,
    });
    Ok(Measured {
        value: counted as f64 / known as f64,
        samples: known,
        first_bad,
        certainty: odds.map_or(Certainty::Plain, Certainty::Estimated),
    })
}

/// `allowed` is the share of samples that may be above the limit, and the share that may be below.
fn latency(
    value: Duration,
    phase: Option<Phase>,
    limit: Limit,
    view: View<'_>,
    allowed: [f64; 2],
) -> Measured {
    let beyond = view.exceedances(phase, |span| limit.is_breached_by(span.as_secs_f64()));
    let [above, below] = allowed;
    let allowed = match limit.comparison {
        Comparison::Above | Comparison::AtLeast => Some(above),
        Comparison::Below | Comparison::AtMost => Some(below),
        Comparison::Equal | Comparison::Unequal | Comparison::Across(_) => None,
    };
    let odds = allowed.map(|allowed| Odds {
        bad: beyond.beyond,
        of: beyond.of,
        allowed,
    });
    Measured {
        value: value.as_secs_f64(),
        samples: beyond.of,
        first_bad: beyond.first,
        certainty: odds.map_or(Certainty::Plain, Certainty::Estimated),
    }
}

fn failures_in_a_row(view: View<'_>) -> Result<Measured, Lack> {
    let samples = view.counts().known;
    if samples == 0 {
        return Err(NONE);
    }
    let known = view.records().rev().filter(|record| record.is_known());
    let run = known.take_while(|record| record.is_bad());
    let (length, first) = run.fold((0_u32, None), |(n, _), record| {
        (n + 1, Some(record.started))
    });
    Ok(Measured {
        value: f64::from(length),
        samples,
        first_bad: first,
        certainty: Certainty::Counted,
    })
}
