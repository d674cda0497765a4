//! Is a limit on a reading breached, and for how long? `for` and `consecutive` exactly as written.
//!
//! Only samples that gave the reading have a say: one that failed before it came to the reading,
//! or from which nothing is learnt, neither ends a streak nor lengthens it.

use std::time::Duration;

use super::FindingReason;
use super::breach::{Breach, Look, Opinion, Strength, too_young, unripe};
use super::course;
use super::threshold::{Limit, Measure, Threshold};
use super::wording;
use crate::clock::Moment;
use crate::sample::{Reading, Unit};
use crate::window::Window;

/// Without `for` and `consecutive` this many samples in a row prove a breach: one odd value in the
/// middle of a bake rolls nothing back.
pub(super) const IN_A_ROW_UNLESS_DECLARED: u64 = 3;

/// Judges one limit of a threshold on the reading called `name`.
pub(super) fn opinion(name: &str, threshold: &Threshold, limit: Limit, look: Look<'_>) -> Opinion {
    if let Some(course) = limit.course() {
        return course::opinion(name, course, threshold, limit, look);
    }
    let Some((_, last)) = given(look.window, name).next() else {
        let samples = look.window.view().counts().known;
        let text = format!("no sample gave {name}");
        return Opinion::Untold(FindingReason::gap("insufficient", samples, text));
    };
    let Some(streak) = Streak::of(name, limit, look.window) else {
        return Opinion::Holds;
    };
    let reason = reason(
        name,
        in_measure(limit.measure, last),
        threshold,
        limit,
        &streak,
    );
    if !streak.is_as_long_as(threshold) {
        // Breached ever since it was first seen, and not watched for long enough to say.
        let lacking = too_young(threshold, look).filter(|_| streak.reaches_back);
        return lacking.map_or(Opinion::Holds, |lacking| {
            Opinion::Untold(unripe(reason, &lacking))
        });
    }
    let is_declared = threshold.lasting.is_some() || threshold.consecutive.is_some();
    let is_proven = is_declared || streak.samples >= IN_A_ROW_UNLESS_DECLARED;
    Opinion::Breached(Breach {
        reason,
        bad: None,
        strength: if is_proven {
            Strength::Proven
        } else {
            Strength::Glimpsed
        },
        fault: None,
    })
}

/// A reading in what its limit is measured in.
pub(super) fn in_measure(measure: Measure, reading: &Reading) -> f64 {
    match (measure, reading.unit) {
        (Measure::Seconds, Unit::Days) => reading.value * SECONDS_A_DAY,
        _ => reading.value,
    }
}

const SECONDS_A_DAY: f64 = 86_400.0;

/// The samples beyond a limit in a row, up to the last.
struct Streak {
    samples: u64,
    since: Moment,
    lasted: Duration,
    /// Whether there was never a value within the limit.
    reaches_back: bool,
}

impl Streak {
    fn of(name: &str, limit: Limit, window: &Window) -> Option<Self> {
        let is_beyond =
            |reading: &Reading| limit.is_breached_by(in_measure(limit.measure, reading));
        let (last, _) = given(window, name).next()?;
        let beyond = given(window, name).take_while(|(_, reading)| is_beyond(reading));
        let (samples, since) = beyond.zip(1..).map(|((at, _), n)| (n, at)).last()?;
        Some(Self {
            samples,
            since,
            lasted: last.since(since),
            reaches_back: given(window, name).all(|(_, reading)| is_beyond(reading)),
        })
    }

    fn is_as_long_as(&self, threshold: &Threshold) -> bool {
        threshold.lasting.is_none_or(|span| self.lasted >= span)
            && threshold
                .consecutive
                .is_none_or(|least| self.samples >= u64::from(least))
    }
}

/// The values of a reading and when they were observed, the last first.
fn given<'a>(window: &'a Window, name: &'a str) -> impl Iterator<Item = (Moment, &'a Reading)> {
    let records = window.records().rev();
    records.filter_map(move |record| Some((record.started, record.reading(name)?)))
}

fn reason(
    name: &str,
    value: f64,
    threshold: &Threshold,
    limit: Limit,
    streak: &Streak,
) -> FindingReason {
    let lasted = match (threshold.lasting, streak.samples) {
        (Some(_), _) => format!(" for {}", wording::duration(streak.lasted)),
        (None, 0 | 1) => String::new(),
        (None, samples) => format!(" in {samples} samples in a row"),
    };
    FindingReason {
        code: name.to_owned(),
        level: None,
        measured: Some(value),
        limit: Some(limit.value),
        samples: streak.samples,
        first_bad: Some(streak.since),
        text: wording::reading_breach(name, value, &lasted, limit),
        is_glimpse: false,
        evidence: None,
    }
}
