//! How a reading goes on from sample to sample: whether it advances, never decreases, changes little,
//! is what it was before. Judged over the window, from the samples that gave the reading.
//!
//! Samples from which nothing is learnt, and those that did not come to the reading, are passed over.
//! With too few values nothing is told: neither that it holds nor that it does not. What is proven is
//! proven by three samples, as for every reading: one odd value rolls nothing back.

use std::time::Duration;

use super::FindingReason;
use super::breach::{Breach, Look, Opinion, Strength, too_young, unripe};
use super::reading::{IN_A_ROW_UNLESS_DECLARED, in_measure};
use super::threshold::{Course, Limit, Measure, Threshold, Way};
use super::wording::{self, Moved};
use crate::clock::Moment;
use crate::window::Window;

/// So many values at the beginning of a window say where it began: their median is no odd one.
const BEGINNING: usize = 3;

/// One value and when it was observed.
#[derive(Clone, Copy, Debug)]
struct Value {
    at: Moment,
    is: f64,
}

/// Judges one limit on the course of the reading called `name`.
pub(super) fn opinion(
    name: &str,
    course: Course,
    threshold: &Threshold,
    limit: Limit,
    look: Look<'_>,
) -> Opinion {
    let values = values(name, limit, look.window);
    match course {
        Course::Advances => advances(name, limit, &values),
        Course::NeverDecreases => never_decreases(name, limit, &values),
        Course::Changes => match beginning(&values) {
            Some(began) => departs(name, Way::Either, began, threshold, limit, look, &values),
            None => untold(name, values.len(), "to say where it began"),
        },
        Course::Stable(way) => match look.before.and_then(|before| before.usual(name)) {
            Some(_) if values.is_empty() => untold(name, 0, "to compare it with before"),
            Some(usual) => departs(name, way, usual, threshold, limit, look, &values),
            None => Opinion::Untold(FindingReason::gap(
                "insufficient",
                values.len() as u64,
                format!("nothing is known of {name} before the deployment: watch with --baseline"),
            )),
        },
    }
}

/// The values of the reading in the order of time, in what the limit is measured in.
fn values(name: &str, limit: Limit, window: &Window) -> Vec<Value> {
    // A change of a tenth is one whatever is measured; a span of time is one of seconds.
    let measure = match limit.measure {
        Measure::Share => Measure::Number,
        measure => measure,
    };
    let records = window.records();
    let given = records.filter_map(|record| {
        let reading = record.reading(name)?;
        Some(Value {
            at: record.started,
            is: in_measure(measure, reading),
        })
    });
    given.collect()
}

fn untold(name: &str, has: usize, what_for: &str) -> Opinion {
    let count = wording::plural(has as u64, "value");
    let text = format!("{count} of {name}: too few {what_for}");
    Opinion::Untold(FindingReason::gap("insufficient", has as u64, text))
}

/// Whether it rose within a span of time. A fall is a new beginning once it rises twice in a row after
/// it; one rise alone may be two machines that answer in turns, neither of which advances.
fn advances(name: &str, limit: Limit, values: &[Value]) -> Opinion {
    let (Some(first), Some(last)) = (values.first(), values.last()) else {
        return untold(name, values.len(), "to see it advance");
    };
    let (mut peak, mut former) = (*first, *first);
    let (mut rises, mut falls, mut has_advanced) = (0, 0_u64, false);
    for value in &values[1..] {
        if value.is < former.is {
            (rises, falls) = (0, falls + 1);
        } else if value.is > former.is {
            rises += 1;
        }
        let began_anew = falls > 0 && rises > 1 && value.is > former.is;
        if value.is > peak.is || began_anew {
            peak = *value;
            has_advanced = true;
        }
        former = *value;
    }
    let standing = last.at.since(peak.at);
    let watched = last.at.since(first.at);
    let within = Duration::try_from_secs_f64(limit.value).unwrap_or(Duration::MAX);
    if standing > within {
        let since = values.iter().filter(|value| value.at > peak.at);
        let samples = since.count() as u64;
        let text = wording::standing(name, peak.is, standing, falls, limit);
        let measured = standing.as_secs_f64();
        return breached(name, measured, limit, samples, peak.at, text, false);
    }
    if !has_advanced && watched < within {
        let watched = wording::duration(watched);
        let text = format!("{name} has not advanced yet, watched for {watched}");
        let samples = values.len() as u64;
        return Opinion::Untold(FindingReason::gap("insufficient", samples, text));
    }
    Opinion::Holds
}

/// Whether it is below what it was already.
fn never_decreases(name: &str, limit: Limit, values: &[Value]) -> Opinion {
    if values.len() < 2 {
        return untold(name, values.len(), "to see whether it decreases");
    }
    let mut peak = values[0].is;
    let mut lowest: Option<(f64, f64)> = None;
    let (mut below, mut first_below) = (0, None);
    for value in values {
        if value.is >= peak {
            peak = value.is;
            continue;
        }
        below += 1;
        first_below = first_below.or(Some(value.at));
        if lowest.is_none_or(|(from, to)| peak - value.is > from - to) {
            lowest = Some((peak, value.is));
        }
    }
    let (Some((from, to)), Some(at)) = (lowest, first_below) else {
        return Opinion::Holds;
    };
    let text = wording::fallen(name, from, to, below, limit);
    breached(name, from - to, limit, below, at, text, false)
}

/// Where the window began; nothing while there are no values beyond that.
fn beginning(values: &[Value]) -> Option<f64> {
    if values.len() <= BEGINNING {
        return None;
    }
    let mut first: Vec<f64> = values[..BEGINNING].iter().map(|value| value.is).collect();
    first.sort_by(f64::total_cmp);
    first.get(BEGINNING / 2).copied()
}

/// Whether it lies too far from where it was, for as long as is asked.
fn departs(
    name: &str,
    way: Way,
    from: f64,
    threshold: &Threshold,
    limit: Limit,
    look: Look<'_>,
    values: &[Value],
) -> Opinion {
    let is_share = limit.measure == Measure::Share;
    let by = |value: &Value| {
        let change = match way {
            Way::Either => (value.is - from).abs(),
            Way::Down => (from - value.is).max(0.0),
            Way::Up => (value.is - from).max(0.0),
        };
        match is_share && change > 0.0 {
            true => change / from.abs(),
            false => change,
        }
    };
    let Some(last) = values.last() else {
        return Opinion::Holds;
    };
    if !by(last).is_finite() {
        let text = format!("{name} was 0, of which there are no percentages: write a plain number");
        let samples = values.len() as u64;
        return Opinion::Untold(FindingReason::gap("insufficient", samples, text));
    }
    let is_beyond = |value: &&Value| limit.is_breached_by(by(value));
    let beyond = values.iter().rev().take_while(is_beyond);
    let Some((samples, first)) = beyond.zip(1_u64..).map(|(value, n)| (n, value.at)).last() else {
        return Opinion::Holds;
    };
    let lasted = last.at.since(first);
    let moved = Moved {
        from,
        to: last.is,
        by: by(last),
        samples,
        is_of_before: matches!(limit.course(), Some(Course::Stable(_))),
    };
    let text = wording::moved(name, &moved, limit);
    let is_declared = threshold.lasting.is_some() || threshold.consecutive.is_some();
    let opinion = breached(name, moved.by, limit, samples, first, text, is_declared);
    let is_long = threshold.lasting.is_none_or(|span| lasted >= span)
        && threshold
            .consecutive
            .is_none_or(|least| samples >= u64::from(least));
    match (is_long, opinion) {
        (true, opinion) => opinion,
        // Beyond it ever since it was first seen, and not watched for long enough to say.
        (false, Opinion::Breached(breach)) if values.iter().all(|value| is_beyond(&value)) => {
            match too_young(threshold, look) {
                Some(lacking) => Opinion::Untold(unripe(breach.reason, &lacking)),
                None => Opinion::Holds,
            }
        }
        (false, _) => Opinion::Holds,
    }
}

fn breached(
    name: &str,
    measured: f64,
    limit: Limit,
    samples: u64,
    since: Moment,
    text: String,
    is_declared: bool,
) -> Opinion {
    let is_proven = is_declared || samples >= IN_A_ROW_UNLESS_DECLARED;
    Opinion::Breached(Breach {
        reason: FindingReason {
            code: name.to_owned(),
            level: None,
            measured: Some(measured),
            limit: Some(limit.value),
            samples,
            first_bad: Some(since),
            text,
            is_glimpse: false,
            evidence: None,
        },
        bad: None,
        strength: match is_proven {
            true => Strength::Proven,
            false => Strength::Glimpsed,
        },
        fault: None,
    })
}
