//! Has enough been seen to say anything? Without it there is no pass, and no estimate condemns.
//!
//! Samples from which nothing is learnt count as missing.

use std::time::Duration;

use super::FindingReason;
use super::breach::Look;
use super::wording;
use crate::sample::Outcome;
use crate::window::Summary;

/// What a window must hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    pub(super) min_samples: u64,
    pub(super) every: Duration,
    pub(super) coverage: f64,
}

/// A check may be silent this long at the end, however short its interval: a few samples may be
/// lost to a restart of our own.
const LEAST_SILENCE: Duration = Duration::from_secs(30);
/// With a longer interval, this many of them may pass, and a second for the schedule's own lag.
const SILENT_INTERVALS: u32 = 3;
const SCHEDULE_LAG: Duration = Duration::from_secs(1);

/// Everything that is missing, the most telling first; empty when a verdict can be given.
pub(super) fn gaps(demand: Demand, summary: &Summary, look: Look<'_>) -> Vec<FindingReason> {
    let known = summary.samples - summary.unknown;
    if known == 0 {
        return vec![nothing_known(summary, look)];
    }
    let gaps = [
        too_few_samples(demand, known, summary, look),
        too_few_arrived(demand, known, look),
        silent(demand, known, look),
    ];
    gaps.into_iter().flatten().collect()
}

fn nothing_known(summary: &Summary, look: Look<'_>) -> FindingReason {
    let text = match summary.samples {
        0 => "no samples".to_owned(),
        samples => {
            let samples = wording::plural(samples, "sample");
            format!("nothing learnt from {samples}{}", because_unknown(look))
        }
    };
    FindingReason::gap("no_samples", 0, text)
}

fn too_few_samples(
    demand: Demand,
    known: u64,
    summary: &Summary,
    look: Look<'_>,
) -> Option<FindingReason> {
    (known < demand.min_samples).then(|| {
        let mut text = format!("only {known} of at least {} samples", demand.min_samples);
        if summary.unknown > 0 {
            text += &because_unknown(look);
        }
        FindingReason::gap("too_few_samples", known, text)
    })
}

/// The schedule promises a sample for every whole interval since the start. Without a schedule
/// (`every` is zero) nothing is promised.
fn too_few_arrived(demand: Demand, known: u64, look: Look<'_>) -> Option<FindingReason> {
    let elapsed = look.at.since(look.window.bounds().start);
    let promised = elapsed.as_nanos().checked_div(demand.every.as_nanos())?;
    let promised = u64::try_from(promised).unwrap_or(u64::MAX);
    let is_covered = known as f64 >= demand.coverage * promised as f64;
    (!is_covered).then(|| {
        let least = wording::percent(demand.coverage);
        let text = format!("only {known} of {promised} promised samples, at least {least} needed");
        FindingReason::gap("too_few_arrived", known, text)
    })
}

fn silent(demand: Demand, known: u64, look: Look<'_>) -> Option<FindingReason> {
    if demand.every.is_zero() {
        return None;
    }
    let allowed = (demand.every.saturating_mul(SILENT_INTERVALS) + SCHEDULE_LAG).max(LEAST_SILENCE);
    let last = look.window.view().last_known()?;
    let silence = look.at.since(last.ended());
    (silence > allowed).then(|| {
        let has_spoken = look.window.summary_of_last(silence, look.at).unknown > 0;
        let text = match has_spoken {
            true => format!(
                "nothing learnt for {}{}",
                wording::duration(silence),
                because_unknown(look)
            ),
            false => format!("silent for {}", wording::duration(silence)),
        };
        FindingReason::gap("silent", known, text)
    })
}

fn because_unknown(look: Look<'_>) -> String {
    let is_unknown = |outcome| outcome == Outcome::Unknown;
    match look.window.view().commonest_fault(is_unknown) {
        Some(fault) => format!("; {}", wording::common_fault(&fault)),
        None => String::new(),
    }
}
