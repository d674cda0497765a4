//! What a stream looks at: which samples count, and when one of them is bad by either limit.

use std::time::Duration;

use super::block::Glance;
use super::stream::Question;
use crate::clock::Moment;
use crate::sample::{Outcome, Phase, Sample};
use crate::verdict::threshold::{Comparison, Limit, Subject, Threshold};
use crate::window::Record;

/// Which samples count, and when one is bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Eye {
    /// Every sample from which something is learnt; bad when it failed or errored.
    Errors,
    /// The latency, or one phase of it, of samples that passed after the warm-up; bad beyond a
    /// limit.
    Latency {
        /// The phase; the whole without one.
        phase: Option<Phase>,
        /// The limit at which a person should know.
        warning: Limit,
        /// The limit beyond which the deployment is bad.
        critical: Limit,
    },
}

/// What is needed of a sample, held in full or not.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    started: Moment,
    outcome: Outcome,
    latency: Duration,
    phases: &'a crate::sample::Phases,
}

impl<'a> From<&'a Sample> for Seen<'a> {
    fn from(sample: &'a Sample) -> Self {
        Self {
            started: sample.started,
            outcome: sample.outcome,
            latency: sample.latency,
            phases: &sample.phases,
        }
    }
}

impl<'a> From<&'a Record> for Seen<'a> {
    fn from(record: &'a Record) -> Self {
        Self {
            started: record.started,
            outcome: record.outcome,
            latency: record.latency,
            phases: &record.phases,
        }
    }
}

impl Eye {
    /// The eye and the question of a threshold; absent where it is judged as written: readings,
    /// single values, limits from below, and whatever asks for `for` or `consecutive`.
    #[must_use]
    pub fn of(threshold: &Threshold) -> Option<(Self, Question)> {
        if threshold.lasting.is_some() || threshold.consecutive.is_some() {
            return None;
        }
        let found = match &threshold.subject {
            Subject::ErrorRate => errors(threshold, allowed_errors),
            Subject::Availability => errors(threshold, allowed_unavailability),
            Subject::Quantile(phase, quantile) => latency(threshold, *phase, *quantile),
            Subject::Max(_)
            | Subject::Mean(_)
            | Subject::ConsecutiveFailures
            | Subject::Reading(_) => None,
        };
        found.filter(|(_, question)| question.is_countable())
    }

    /// What a sample shows; absent when it does not count. `warm` is when latency begins to count.
    #[must_use]
    pub fn glance(self, seen: Seen<'_>, warm: Moment) -> Option<Glance> {
        let started = seen.started;
        match self {
            Self::Errors => {
                let is_bad = matches!(seen.outcome, Outcome::Fail | Outcome::Error);
                (seen.outcome != Outcome::Unknown).then_some(Glance {
                    started,
                    over_warning: is_bad,
                    over_critical: is_bad,
                })
            }
            Self::Latency {
                phase,
                warning,
                critical,
            } => {
                if seen.outcome != Outcome::Pass || started < warm {
                    return None;
                }
                let span = match phase {
                    None => seen.latency,
                    Some(phase) => seen.phases.get(phase)?,
                };
                let seconds = span.as_secs_f64();
                Some(Glance {
                    started,
                    over_warning: warning.is_breached_by(seconds),
                    over_critical: critical.is_breached_by(seconds),
                })
            }
        }
    }
}

/// Whether a sample is worth a closer look: it failed, or it is beyond the critical limit of a
/// quantile, of latency that counts from `warm` on.
#[must_use]
pub fn looks_bad(thresholds: &[Threshold], sample: &Sample, warm: Moment) -> bool {
    let seen = Seen::from(sample);
    let is_over = |threshold: &Threshold| {
        let eye = Eye::of(threshold).filter(|_| threshold.critical.is_some());
        eye.and_then(|(eye, _)| eye.glance(seen, warm))
            .is_some_and(|glance| glance.over_critical)
    };
    matches!(sample.outcome, Outcome::Fail | Outcome::Error) || thresholds.iter().any(is_over)
}

fn errors(threshold: &Threshold, allowed: fn(Limit) -> Option<f64>) -> Option<(Eye, Question)> {
    let rate = |limit: Option<Limit>| match limit {
        Some(limit) => allowed(limit).map(Some),
        None => Some(None),
    };
    let (warning, critical) = (rate(threshold.warning)?, rate(threshold.critical)?);
    let well = warning.or(critical)?;
    let question = Question {
        well,
        bad: critical,
        worth: critical.unwrap_or(well),
        is_single: warning.is_none(),
    };
    Some((Eye::Errors, question))
}

fn allowed_errors(limit: Limit) -> Option<f64> {
    matches!(limit.comparison, Comparison::Above | Comparison::AtLeast).then_some(limit.value)
}

fn allowed_unavailability(limit: Limit) -> Option<f64> {
    matches!(limit.comparison, Comparison::Below | Comparison::AtMost).then_some(1.0 - limit.value)
}

/// A limit on a quantile says that at most 1 − q of the samples may exceed it.
fn latency(threshold: &Threshold, phase: Option<Phase>, quantile: f64) -> Option<(Eye, Question)> {
    let is_upper =
        |limit: &Limit| matches!(limit.comparison, Comparison::Above | Comparison::AtLeast);
    let warning = threshold.warning.or(threshold.critical)?;
    let critical = threshold.critical.unwrap_or(warning);
    if !is_upper(&warning) || !is_upper(&critical) {
        return None;
    }
    let share = 1.0 - quantile;
    let eye = Eye::Latency {
        phase,
        warning,
        critical,
    };
    let question = Question {
        well: share,
        bad: threshold.critical.map(|_| share),
        worth: LATENCY_WORTH * share,
        is_single: threshold.warning.is_none(),
    };
    Some((eye, question))
}

/// A slowdown worth betting on at least doubles the share of samples beyond the limit.
const LATENCY_WORTH: f64 = 2.0;
