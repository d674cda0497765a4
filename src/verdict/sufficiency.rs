//! Has enough been seen to say anything? Without it there is no pass, and no estimate condemns.
//!
//! Samples from which nothing is learnt count as missing.

use std::time::Duration;

use super::FindingReason;
use super::breach::Look;
use super::wording;
use crate::sample::Outcome;
use crate::window::{Record, Sent, Summary};

/// What a window must hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Demand {
    pub(super) min_samples: u64,
    pub(super) every: Duration,
    /// Samples of the schedule from which something was learnt.
    pub(super) known: u64,
    pub(super) coverage: Coverage,
}

/// How much of what the schedule promised must have arrived.
#[derive(Clone, Copy, Debug)]
pub(super) enum Coverage {
    /// Exactly this share of each check's samples.
    Exact(f64),
    /// This share of all samples of the window, within the play of chance.
    Window {
        /// The share.
        share: f64,
        /// What all checks together learnt.
        known: u64,
        /// What the schedule promised of all.
        promised: f64,
    },
}

/// Where samples are lost at random, a window that loses just what it may would fall short half of
/// the time; within 7 % it does not.
const PLAY: f64 = 0.93;
/// A check alone falls short where so few of its samples would arrive by chance once in two
/// thousand times: so many standard deviations below its share.
const DEVIATIONS: f64 = 3.3;

impl Coverage {
    /// The share that is asked for.
    const fn share(self) -> f64 {
        match self {
            Self::Exact(share) | Self::Window { share, .. } => share,
        }
    }

    /// Whether a check with so many samples after so long falls short.
    pub(super) fn is_short(self, own: u64, elapsed: Duration, every: Duration) -> bool {
        if every.is_zero() {
            return false;
        }
        let own = own as f64;
        match self {
            Self::Exact(share) => own < share * (elapsed.as_nanos() / every.as_nanos()) as f64,
            Self::Window {
                share,
                known,
                promised,
            } => {
                let mine = elapsed.as_secs_f64() / every.as_secs_f64();
                let chance = DEVIATIONS * (mine * share * (1.0 - share)).sqrt();
                let all_are_short = (known as f64) < PLAY * share * promised;
                own < share * mine - chance || (all_are_short && own < share * mine)
            }
        }
    }
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
    let unsent = unsent(summary, look);
    // What was not sent did not arrive either, and why is the better reason.
    let has_reason = unsent.is_some();
    let gaps = [
        unsent,
        too_few_samples(demand, summary, look).filter(|_| !has_reason),
        too_few_arrived(demand, known, look).filter(|_| !has_reason),
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

/// A load of which more than one send in twenty did not leave us was not the declared one: what
/// holds under it says nothing of that.
const MOST_UNSENT: f64 = 0.05;

/// Whether so much of a load could not be sent that nothing passes under it.
pub(super) fn is_load_missed(sent: Option<Sent>) -> bool {
    sent.is_some_and(|sent| sent.unsent as f64 > MOST_UNSENT * sent.due() as f64)
}

/// Whose limit that is the user alone can tell: a slower target needs more places for the same rate.
fn unsent(summary: &Summary, look: Look<'_>) -> Option<FindingReason> {
    let sent = summary.sent.filter(|sent| is_load_missed(Some(*sent)))?;
    let text = format!(
        "{} of {} requests were not sent, with {} in flight at once: the target is slower, or \
         max_in_flight smaller, than this rate allows{}",
        sent.unsent,
        sent.due(),
        sent.in_flight,
        because_unknown(look),
    );
    let reason = FindingReason::gap("unsent", summary.samples - summary.unknown, text);
    Some(reason)
}

/// Samples of a closer look are beside the schedule, and more of the same moment.
fn too_few_samples(demand: Demand, summary: &Summary, look: Look<'_>) -> Option<FindingReason> {
    let known = demand.known;
    (known < demand.min_samples).then(|| {
        let mut text = format!("only {known} of at least {} samples", demand.min_samples);
        let beside = summary.samples - summary.unknown - known;
        if beside > 0 {
            text += &format!(", besides {beside} of a closer look");
        }
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
    demand
        .coverage
        .is_short(demand.known, elapsed, demand.every)
        .then(|| {
            let promised = elapsed.as_nanos() / demand.every.as_nanos().max(1);
            let least = wording::percent(demand.coverage.share());
            let known = demand.known;
            match demand.coverage {
                Coverage::Exact(_) => {
                    format!("only {known} of {promised} promised samples, at least {least} needed")
                }
                Coverage::Window { .. } => format!(
                    "only {known} of {promised} promised samples, well below the {least} needed"
                ),
            }
        })
        .map(|text| FindingReason::gap("too_few_arrived", known, text))
}

fn silent(demand: Demand, known: u64, look: Look<'_>) -> Option<FindingReason> {
    if demand.every.is_zero() {
        return None;
    }
    let allowed = (demand.every.saturating_mul(SILENT_INTERVALS) + SCHEDULE_LAG).max(LEAST_SILENCE);
    // Where nothing that is held in full was learnt, it is silent since the oldest of that.
    let view = look.window.view();
    let last = view.last_known().map(Record::ended);
    let last = last.or_else(|| view.records().next().map(|oldest| oldest.started))?;
    let silence = look.at.since(last);
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
