//! Limits that look the wrong way: breached by a service that is well, or by none whatever happens.
//! The first would roll back every release, the second lets every bad one through.

use std::time::Duration;

use super::checks::CheckDraft;
use super::thresholds::ThresholdDraft;
use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Place};
use crate::quantity::human;
use crate::verdict::threshold::{Comparison, Limit, Measure, Subject};

/// Finds such limits of all checks.
pub fn examine(checks: &[CheckDraft<'_>], problems: &mut Vec<Problem>) {
    for check in checks {
        for draft in check.thresholds.iter().flatten() {
            let threshold = &draft.threshold;
            let limits = [
                ("warning", threshold.warning),
                ("critical", threshold.critical),
            ];
            for (level, limit) in limits {
                let problem = limit.and_then(|limit| {
                    let wrong = wrong(&threshold.subject, limit, check.timeout)?;
                    Some(wrong.at(&place(draft, level)))
                });
                problems.extend(problem);
            }
        }
    }
}

fn place(draft: &ThresholdDraft<'_>, level: &str) -> Place {
    let written = draft.entry.value.entry(level);
    written.map_or_else(|| draft.entry.pointer(), Entry::pointer)
}

fn wrong(subject: &Subject, limit: Limit, timeout: Duration) -> Option<Problem> {
    match subject {
        Subject::ErrorRate => of_range(subject, limit, 0.0, 1.0),
        Subject::Availability => of_range(subject, limit, 1.0, 0.0),
        Subject::ConsecutiveFailures => of_range(subject, limit, 0.0, f64::INFINITY),
        Subject::Quantile(..) | Subject::Max(_) | Subject::Mean(_) => {
            of_latency(subject, limit, timeout)
        }
        // What is good for a reading is known to its owner alone.
        Subject::Reading(_) => None,
    }
}

/// A summary that goes from `best` to `worst`.
fn of_range(subject: &Subject, limit: Limit, best: f64, worst: f64) -> Option<Problem> {
    let name = subject.name();
    let sign = if best < worst { ">" } else { "<" };
    let (shown, example) = match limit.measure {
        Measure::Share => (format!("{} %", best * 100.0), "5%"),
        Measure::Seconds | Measure::Number => (best.to_string(), "3"),
    };
    let example = if best < worst { example } else { "99%" };
    if limit.is_breached_by(best) {
        let message =
            format!("`{limit}` condemns a service that is well, whose `{name}` is {shown}");
        let problem = Problem::error(Code::BadThreshold, message);
        return Some(problem.help(format!(
            "a threshold says when it is breached, and a bare value means `>`: \
             write \"{sign} {example}\""
        )));
    }
    let reachable = limit.is_breached_by(worst)
        || matches!(limit.comparison, Comparison::Equal | Comparison::Unequal);
    (!reachable).then(|| {
        let help = format!("write a percentage between 0% and 100%, as \"{sign} {example}\"");
        never(&format!("no `{name}` is {limit}")).help(help)
    })
}

fn of_latency(subject: &Subject, limit: Limit, timeout: Duration) -> Option<Problem> {
    let name = subject.name();
    let (value, longest) = (limit.value, timeout.as_secs_f64());
    let downwards = matches!(limit.comparison, Comparison::Below | Comparison::AtMost);
    let too_long = match limit.comparison {
        Comparison::Above => value >= longest,
        Comparison::AtLeast => value > longest,
        Comparison::Below
        | Comparison::AtMost
        | Comparison::Equal
        | Comparison::Unequal
        | Comparison::Across(_) => false,
    };
    if too_long {
        let limited = human(timeout);
        let message = format!("no `{name}` is {limit}: a run is given up after {limited}");
        // Only a warning: recorded samples may have been taken with another timeout.
        let problem = Problem::warning(Code::NeverBreached, message);
        return Some(problem.help("lower the limit, or lengthen `timeout`"));
    }
    if value > 0.0 {
        return None;
    }
    let help = "write the longest time that is good, as \"> 2s\"";
    Some(match downwards {
        true => never(&format!("no `{name}` is {limit}: every answer takes time")).help(help),
        false => {
            let message =
                format!("`{limit}` condemns a service that is well: every answer takes time");
            Problem::error(Code::BadThreshold, message).help(help)
        }
    })
}

fn never(message: &str) -> Problem {
    Problem::error(Code::NeverBreached, message)
}
