//! Why a check is found worse than before, in words and numbers: what was measured then and now.

use super::{Bad, latencies, quantile_interval};
use crate::clock::Moment;
use crate::verdict::sequential::comparison::Compared;
use crate::verdict::sequential::eye::Eye;
use crate::verdict::statistics::Interval;
use crate::verdict::threshold::{Measure, Subject};
use crate::verdict::wording::{self, one_line};
use crate::verdict::{Comparable, Evidence, FindingReason, Level};
use crate::window::{Window, type_seven};

/// A comparison with before that is proven.
pub(in crate::verdict) struct Worse<'a> {
    pub(in crate::verdict) compared: &'a Compared,
    pub(in crate::verdict) level: Level,
    pub(in crate::verdict) start: Moment,
    pub(in crate::verdict) warm: Moment,
    pub(in crate::verdict) windows: Vec<&'a Window>,
}

/// A regression of which only the verdict is needed.
pub(in crate::verdict) fn worse_untold(compared: &Compared, level: Level) -> FindingReason {
    FindingReason::untold(subject(compared.subject).name(), level)
}

fn subject(compared: Comparable) -> Subject {
    match compared {
        Comparable::Errors => Subject::ErrorRate,
        Comparable::Latency(q) => Subject::Quantile(None, q),
    }
}

/// The reason of a regression: `p95 480 ms, was 265 ms before, at most +10 % allowed`.
pub(in crate::verdict) fn worse(worse: &Worse<'_>) -> FindingReason {
    let compared = worse.compared;
    let shown = shown(worse);
    let Shown {
        subject: shown_as,
        usual,
        measured,
        samples,
    } = shown;
    let measure = match compared.subject {
        Comparable::Errors => Measure::Share,
        Comparable::Latency(_) => Measure::Seconds,
    };
    let told = |value| wording::amount(value, measure);
    let allowed = wording::percent(compared.tolerance);
    let name = shown_as.name().replace('_', " ");
    let text = format!(
        "{name} {} over {}, was {} before, at most +{allowed} allowed",
        told(measured),
        wording::plural(samples, "sample"),
        told(usual),
    );
    let chance = compared.regression.chance();
    FindingReason {
        code: subject(compared.subject).name(),
        level: Some(worse.level),
        measured: Some(measured),
        limit: Some(usual * (1.0 + compared.tolerance)),
        samples,
        first_bad: None,
        text: one_line(&text),
        is_glimpse: false,
        evidence: Some(Evidence {
            interval: interval(worse, &shown_as),
            chance,
            checks: worse.windows.len(),
            rule: "comparison",
            text: format!(
                "chance alone gives as much in at most 1 of {} windows that are as before",
                wording::thousands(1.0 / chance)
            ),
        }),
    }
}

/// Where the true value of now lies.
fn interval(worse: &Worse<'_>, shown: &Subject) -> [Option<f64>; 2] {
    match shown {
        Subject::Quantile(_, q) => {
            quantile_interval(&latencies(&worse.windows, None, worse.warm), *q)
        }
        _ => {
            let bad = Bad::of(
                &worse.windows,
                Eye::Errors,
                worse.level,
                worse.start.max(worse.warm),
                worse.warm,
            );
            let Interval { low, high } = bad.interval();
            [Some(low), Some(high)]
        }
    }
}

/// What is shown of a regression: now and before.
struct Shown {
    subject: Subject,
    usual: f64,
    measured: f64,
    samples: u64,
}

/// Of latency the declared quantile, or, where that is not beyond what is allowed, the one beside it
/// that has grown most: the whole distribution is compared, and its body may move before its tail.
fn shown(worse: &Worse<'_>) -> Shown {
    let Compared {
        regression,
        subject: compared,
        tolerance,
        ..
    } = worse.compared;
    let Comparable::Latency(declared) = *compared else {
        let bad = Bad::of(
            &worse.windows,
            Eye::Errors,
            worse.level,
            worse.start,
            worse.warm,
        );
        return Shown {
            subject: subject(*compared),
            usual: regression.usual(),
            measured: bad.share(),
            samples: bad.of,
        };
    };
    let all = latencies(&worse.windows, None, worse.warm);
    let at = |q: f64, usual: f64| Shown {
        subject: Subject::Quantile(None, q),
        usual,
        measured: type_seven(&all, q).unwrap_or_default().as_secs_f64(),
        samples: all.len() as u64,
    };
    let growth = |shown: &Shown| shown.measured / shown.usual;
    let first = at(declared, regression.usual());
    let beside = regression.beside().iter().map(|(q, usual)| at(*q, *usual));
    let most = beside.max_by(|a, b| growth(a).total_cmp(&growth(b)));
    match most.filter(|most| growth(&first) <= 1.0 + tolerance && growth(most) > growth(&first)) {
        Some(most) => most,
        None => first,
    }
}
