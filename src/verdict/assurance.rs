//! What a pass is worth: which error rates it excludes, and how surely a fault at the critical limit
//! would have been noticed. A pass that does not say so promises too much.

use super::sequential::stream::Stream;
use super::statistics::{at_least, upper_bound};
use super::wording;

/// What a pass excludes.
#[derive(Clone, Debug, PartialEq)]
pub struct Assurance {
    /// Over how many samples of the schedule.
    pub samples: u64,
    /// Error rates above this one are excluded with a confidence of 95 %.
    pub excluded: f64,
    /// The critical limit.
    pub limit: f64,
    /// How surely a service that fails at just the critical limit would have got at least a
    /// warning, from 0 to 1.
    pub noticed: f64,
    /// The lowest error rate that would have been condemned nine times in ten; absent where not
    /// even an outage would.
    pub condemned: Option<f64>,
    /// The same in words.
    pub text: String,
}

/// How sure the words "excluded" and "condemned" are.
const CONFIDENCE: f64 = 0.95;
const SURELY: f64 = 0.9;
/// Halvings of the search for a rate; more than a double can tell.
const HALVINGS: usize = 60;

/// What the failures of a stream exclude; absent where no critical limit was declared.
pub(super) fn assurance(stream: &Stream) -> Option<Assurance> {
    let question = stream.question();
    let counted = stream.counted();
    let limit = question.bad?;
    let samples = counted.of;
    if samples == 0 {
        return None;
    }
    let excluded = upper_bound(counted.bad as f64, samples as f64, CONFIDENCE);
    let noticed = at_least(
        fewest(samples, question.well, stream.warning(), question.well)?,
        samples,
        limit,
    );
    let condemned = fewest(samples, question.well, stream.alpha(), limit)
        .and_then(|bad| rate_that_gives(bad, samples));
    Some(Assurance {
        text: told(samples, excluded, limit, noticed, condemned),
        samples,
        excluded,
        limit,
        noticed,
        condemned,
    })
}

/// The fewest bad samples whose tail at `well` is at most `chance` and whose share is over `limit`.
fn fewest(samples: u64, well: f64, chance: f64, limit: f64) -> Option<u64> {
    let is_enough =
        |bad: u64| at_least(bad, samples, well) <= chance && bad as f64 > limit * samples as f64;
    // The tail falls as the count rises, so the first that is enough can be bisected.
    let (mut low, mut high) = (0, samples);
    if !is_enough(high) {
        return None;
    }
    while low < high {
        let middle = low.midpoint(high);
        match is_enough(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    Some(high)
}

/// The lowest rate at which so many bad samples come nine times in ten.
fn rate_that_gives(bad: u64, samples: u64) -> Option<f64> {
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        match at_least(bad, samples, middle) >= SURELY {
            true => high = middle,
            false => low = middle,
        }
    }
    (high < 1.0).then_some(high)
}

fn told(samples: u64, excluded: f64, limit: f64, noticed: f64, condemned: Option<f64>) -> String {
    let from = condemned.map_or_else(
        || "not even an outage would be condemned surely".to_owned(),
        |rate| {
            let rate = wording::percent(rate);
            format!("from {rate} on it would be condemned nine times in ten")
        },
    );
    format!(
        "{} rule out error rates above {}; a fault at the limit of {} would be noticed {} times in \
         100, {from}",
        wording::plural(samples, "sample"),
        wording::percent(excluded),
        wording::percent(limit),
        (noticed * 100.0).floor(),
    )
}
