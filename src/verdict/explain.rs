//! Why a stream was proven bad, in words and numbers: first what an operator reads at three in the
//! morning, then what stands behind it.

mod comparison;

use super::sequential::eye::{Eye, Seen};
use super::sequential::process::Forgive;
use super::sequential::stream::{Proof, ProvenBy, Question};
use super::statistics::{Interval, clopper_pearson, quantile_bounds};
use super::threshold::{Limit, Measure, Subject, Threshold};
use super::wording::{self, one_line};
use super::{Evidence, FindingReason, Level};
use crate::clock::Moment;
use crate::sample::{Outcome, Phase};
use crate::window::{Window, type_seven};
pub(super) use comparison::{Worse, worse, worse_untold};
use std::time::Duration;

/// The confidence of the intervals in reports.
const CONFIDENCE: f64 = 0.95;

/// What begins this soon began with the window.
const AT_ONCE: Duration = Duration::from_secs(1);

/// What a check is charged with.
pub(super) struct Charge<'a> {
    pub(super) eye: Eye,
    pub(super) threshold: &'a Threshold,
    /// What the stream asks, which a recording of before may have raised.
    pub(super) question: Question,
    pub(super) level: Level,
    pub(super) start: Moment,
    pub(super) warm: Moment,
    /// The check's own window.
    pub(super) window: &'a Window,
    /// What is forgiven.
    pub(super) forgive: Forgive,
    /// The windows of all checks of the stream.
    pub(super) pooled: Vec<&'a Window>,
}

/// The reason of a failure.
pub(super) fn proven(charge: &Charge<'_>, proof: Proof) -> FindingReason {
    reason(charge, proof.since, proof.chance, rule(proof.by))
}

const fn rule(by: ProvenBy) -> &'static str {
    match by {
        ProvenBy::Sequence => "sequence",
        ProvenBy::Ending => "ending",
    }
}

/// The reason of a warning.
pub(super) fn suspected(charge: &Charge<'_>, chance: f64, by: ProvenBy) -> FindingReason {
    reason(charge, None, chance, rule(by))
}

/// How many of a window's samples from a moment on are bad by a limit, and their share; 0 without
/// samples.
pub(super) fn share(
    window: &Window,
    eye: Eye,
    level: Level,
    from: Moment,
    warm: Moment,
) -> (u64, f64) {
    let found = Bad::of(&[window], eye, level, from, warm);
    (found.bad, found.share())
}

fn reason(
    charge: &Charge<'_>,
    since: Option<Moment>,
    chance: f64,
    by: &'static str,
) -> FindingReason {
    let bad_since = |from| Bad::of(&charge.pooled, charge.eye, charge.level, from, charge.warm);
    let whole = bad_since(charge.start);
    let first_bad = since.or(whole.first);
    let limit = charge.limit();
    let (measure, scope) = match charge.measure(&whole) {
        Some(measured) => (measured, Scope::Window),
        // The trouble began late: over the whole window it does not show yet.
        None => {
            let late = bad_since(first_bad.unwrap_or(charge.start));
            let share = Measured::Share(late);
            (charge.measure(&late).unwrap_or(share), Scope::Last)
        }
    };
    let checks = charge.pooled.len();
    // How many are too slow is no number of seconds.
    let is_about_latency = matches!(charge.eye, Eye::Latency { .. });
    let is_in_unit = !(is_about_latency && matches!(measure, Measured::Share(_)));
    let text = sentence(charge, &measure, scope, limit);
    let evidence = Evidence {
        interval: match is_in_unit {
            true => measure.interval(),
            false => [None, None],
        },
        chance,
        checks,
        rule: by,
        text: behind(charge, &measure, first_bad, chance),
    };
    FindingReason {
        code: charge.threshold.subject.name(),
        level: Some(charge.level),
        measured: is_in_unit.then(|| measure.value()),
        limit: Some(limit.value),
        samples: measure.samples(),
        first_bad,
        text: one_line(&text),
        is_glimpse: false,
        evidence: Some(evidence),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    Window,
    Last,
}

/// Bad samples of so many.
#[derive(Clone, Copy, Debug, Default)]
struct Bad {
    bad: u64,
    of: u64,
    first: Option<Moment>,
    from: Moment,
}

impl Bad {
    fn of(windows: &[&Window], eye: Eye, level: Level, from: Moment, warm: Moment) -> Self {
        let mut sum = Self {
            from,
            ..Self::default()
        };
        for window in windows {
            let late = window
                .records()
                .rev()
                .take_while(|record| record.started >= from);
            for record in late {
                let Some(glance) = eye.glance(Seen::from(record), warm) else {
                    continue;
                };
                let is_bad = match level {
                    Level::Critical => glance.over_critical,
                    Level::Warning => glance.over_warning,
                };
                sum.of += 1;
                sum.bad += u64::from(is_bad);
                if is_bad && sum.first.is_none_or(|first| record.started < first) {
                    sum.first = Some(record.started);
                }
            }
        }
        sum
    }

    fn interval(&self) -> Interval {
        clopper_pearson(self.bad as f64, self.of as f64, CONFIDENCE)
    }

    fn share(&self) -> f64 {
        match self.of {
            0 => 0.0,
            of => self.bad as f64 / of as f64,
        }
    }
}

/// What was measured, in the terms of the limit where it can be.
enum Measured {
    /// The share of bad samples.
    Share(Bad),
    /// The share of passed samples.
    Passed(Bad),
    /// The quantile, and the latencies in ascending order.
    Quantile(f64, Duration, Vec<Duration>),
}

impl Measured {
    fn value(&self) -> f64 {
        match self {
            Self::Share(bad) => bad.share(),
            Self::Passed(bad) => 1.0 - bad.share(),
            Self::Quantile(_, value, _) => value.as_secs_f64(),
        }
    }

    fn samples(&self) -> u64 {
        match self {
            Self::Share(bad) | Self::Passed(bad) => bad.of,
            Self::Quantile(_, _, all) => all.len() as u64,
        }
    }

    /// Where the true value lies; an end that the samples do not bound is absent.
    fn interval(&self) -> [Option<f64>; 2] {
        match self {
            Self::Share(bad) => {
                let Interval { low, high } = bad.interval();
                [Some(low), Some(high)]
            }
            Self::Passed(bad) => {
                let Interval { low, high } = bad.interval();
                [Some(1.0 - high), Some(1.0 - low)]
            }
            Self::Quantile(q, _, all) => quantile_interval(all, *q),
        }
    }
}

impl Charge<'_> {
    fn limit(&self) -> Limit {
        let limit = match self.level {
            Level::Critical => self.threshold.critical,
            Level::Warning => self.threshold.warning,
        };
        let limit = limit
            .or(self.threshold.warning)
            .or(self.threshold.critical)
            .expect("a stream is made from a threshold with a limit; see `Eye::of`");
        let well = match self.level {
            Level::Critical => self.question.bad.unwrap_or(self.question.well),
            Level::Warning => self.question.well,
        };
        // It may have been raised to what was usual before.
        let value = match self.threshold.subject {
            Subject::ErrorRate => limit.value.max(well),
            Subject::Availability => limit.value.min(1.0 - well),
            _ => limit.value,
        };
        Limit { value, ..limit }
    }

    /// What the limit is about, over the samples counted; absent where that is not beyond it.
    fn measure(&self, bad: &Bad) -> Option<Measured> {
        let measured = match self.threshold.subject {
            Subject::Availability => Measured::Passed(*bad),
            Subject::Quantile(phase, q) => {
                let all = latencies(&self.pooled, phase, bad.from.max(self.warm));
                if (all.len() as u64) < self.threshold.subject.least_samples() {
                    return None;
                }
                Measured::Quantile(q, type_seven(&all, q)?, all)
            }
            _ => Measured::Share(*bad),
        };
        self.limit()
            .is_breached_by(measured.value())
            .then_some(measured)
    }
}

/// The latencies of samples that passed, from a moment on, in ascending order.
fn latencies(windows: &[&Window], phase: Option<Phase>, from: Moment) -> Vec<Duration> {
    let records = windows.iter().flat_map(|window| window.records());
    let mut all: Vec<Duration> = records
        .filter(|record| record.started >= from && record.outcome == Outcome::Pass)
        .filter_map(|record| match phase {
            None => Some(record.latency),
            Some(phase) => record.phases.get(phase),
        })
        .collect();
    all.sort_unstable();
    all
}

/// `error rate 12.1 % over 58 samples, limit 5 %; 7 × status: expected 200, got 500`.
fn sentence(charge: &Charge<'_>, measured: &Measured, scope: Scope, limit: Limit) -> String {
    let samples = measured.samples();
    let over = match (scope, charge.pooled.len()) {
        (Scope::Window, 1) => format!("over {}", wording::plural(samples, "sample")),
        (Scope::Last, 1) => format!("over the last {}", wording::plural(samples, "sample")),
        (Scope::Window, checks) => format!("over {samples} samples of {checks} checks"),
        (Scope::Last, checks) => format!("over the last {samples} samples of {checks} checks"),
    };
    let subject = &charge.threshold.subject;
    match (subject, measured) {
        (Subject::Quantile(_, q), Measured::Share(bad)) => format!(
            "{} slower than {} {over}, at most {} may be",
            wording::percent(bad.share()),
            wording::duration(Duration::try_from_secs_f64(limit.value).unwrap_or_default()),
            wording::percent(1.0 - q),
        ),
        _ => {
            let text = wording::breach_over(subject, measured.value(), &over, limit);
            let fault = match charge.eye {
                Eye::Errors => charge
                    .window
                    .view()
                    .commonest_fault(|outcome| matches!(outcome, Outcome::Fail | Outcome::Error)),
                Eye::Latency { .. } => None,
            };
            match fault {
                Some(fault) => format!("{text}; {}", wording::common_fault(&fault)),
                None => text,
            }
        }
    }
}

/// Where a quantile lies by the order statistics around it.
fn quantile_interval(ascending: &[Duration], q: f64) -> [Option<f64>; 2] {
    let bounds = quantile_bounds(ascending, q, CONFIDENCE);
    [bounds.low, bounds.high].map(|end| end.map(|span| span.as_secs_f64()))
}

/// `the true value lies between 4.1 % and 22.1 % (95 % confidence)`.
fn true_value(interval: [Option<f64>; 2], measure: Measure) -> Option<String> {
    let told = |value| wording::amount(value, measure);
    let ends = match interval {
        [Some(low), Some(high)] => format!("lies between {} and {}", told(low), told(high)),
        [Some(low), None] => format!("is at least {}", told(low)),
        [None, Some(high)] => format!("is at most {}", told(high)),
        [None, None] => return None,
    };
    Some(format!("the true value {ends} (95 % confidence)"))
}

/// The numbers behind the sentence.
fn behind(charge: &Charge<'_>, measured: &Measured, since: Option<Moment>, chance: f64) -> String {
    let mut parts = Vec::new();
    if let Some(since) = since {
        let into = since.since(charge.start);
        parts.push(match into < AT_ONCE {
            true => "bad from the start of the window".to_owned(),
            false => format!("bad since {} into the window", wording::duration(into)),
        });
    }
    let measure = match measured {
        Measured::Share(_) => Measure::Share,
        Measured::Passed(_) | Measured::Quantile(..) => charge.limit().measure,
    };
    parts.extend(true_value(measured.interval(), measure));
    if chance < 1.0 {
        let windows = wording::thousands(1.0 / chance);
        let beyond = match charge.forgive.times {
            _ if charge.forgive.span.is_zero() => String::new(),
            0 => String::new(),
            1 => format!(
                ", {} of trouble forgiven",
                wording::duration(charge.forgive.span)
            ),
            times => format!(
                ", {times} times {} of trouble forgiven",
                wording::duration(charge.forgive.span)
            ),
        };
        parts.push(format!(
            "chance alone gives as much in at most 1 of {windows} healthy windows{beyond}"
        ));
    }
    parts.join("; ")
}
