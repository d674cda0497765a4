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
    /// How surely it would have got one if all checks that share the limit had failed alike; absent
    /// where it has the limit for itself.
    pub noticed_together: Option<f64>,
    /// The same in words.
    pub text: String,
}

/// How sure the word "excluded" is.
const CONFIDENCE: f64 = 0.95;

/// What the failures of a check exclude, by its own stream and by that of the pool it is in; absent
/// where no critical limit was declared.
pub(super) fn assurance(own: &Stream, pool: Option<&Stream>) -> Option<Assurance> {
    let limit = own.question().bad?;
    let counted = own.counted();
    let samples = counted.of;
    if samples == 0 {
        return None;
    }
    let excluded = upper_bound(counted.bad as f64, samples as f64, CONFIDENCE);
    let noticed = noticed(own, limit)?;
    let noticed_together = pool.and_then(|pool| self::noticed(pool, limit));
    Some(Assurance {
        text: told(samples, excluded, limit, noticed, noticed_together),
        samples,
        excluded,
        limit,
        noticed,
        noticed_together,
    })
}

/// How surely a service that fails at a rate would have got a warning at the end of the bake.
fn noticed(stream: &Stream, rate: f64) -> Option<f64> {
    let samples = stream.counted().of;
    let well = stream.question().well;
    let enough = fewest(samples, well, stream.warning())?;
    Some(at_least(enough, samples, rate))
}

/// The fewest bad samples whose tail at `well` is at most `chance`, and whose share is over it.
fn fewest(samples: u64, well: f64, chance: f64) -> Option<u64> {
    let is_enough =
        |bad: u64| at_least(bad, samples, well) <= chance && bad as f64 > well * samples as f64;
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

fn told(samples: u64, excluded: f64, limit: f64, noticed: f64, together: Option<f64>) -> String {
    let times = |share: f64| format!("{} times in 100", (share * 100.0).floor());
    let together = together.map_or_else(String::new, |together| {
        format!(", {} if all checks had it", times(together))
    });
    format!(
        "{} rule out error rates above {}; a fault at the limit of {} would have been noticed \
         {}{together}",
        wording::plural(samples, "sample"),
        wording::percent(excluded),
        wording::percent(limit),
        times(noticed),
    )
}
