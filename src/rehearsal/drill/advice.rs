//! What other settings would give: the same policy with closer intervals and with a longer bake, each
//! simulated as the policy itself is.

use std::time::Duration;

use super::Setting;
use super::curve::CERTAIN;
use super::families::Ladder;
use super::layout::{Layout, Spacing, Trial};
use super::rules::{Contestant, Rule};
use super::simulate::{Cell, simulate};
use super::tally::Tally;

/// A policy with other settings, and the smallest share of errors that it sees.
#[derive(Clone, Debug, PartialEq)]
pub struct Alternative {
    /// What differs from the policy as it is.
    pub change: Change,
    /// How many samples the schedule then gives in a window.
    pub samples: u64,
    /// The smallest share of errors that is caught in nine of ten windows, and how fast; nothing
    /// where not even an outage is.
    pub smallest_errors: Option<(f64, Tally)>,
}

/// What differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: the policy as it is.
    AsItIs,
    /// No check is further apart than this.
    Every(Duration),
    /// The bake.
    Bake(Duration),
}

/// Intervals that people write, in seconds, descending.
const NICE_INTERVALS: [u64; 10] = [300, 120, 60, 30, 20, 15, 10, 5, 2, 1];
/// Nothing is advised that takes more samples a window than this.
const MOST_SAMPLES: u64 = 5_000;
/// Half as long, and a sixth as long: a step, and a leap.
const INTERVAL_DIVISORS: [u32; 2] = [2, 6];
/// Twice as long.
const BAKE_FACTOR: u32 = 2;

/// The policy as it is, and what could be changed about it.
#[must_use]
pub fn alternatives(trial: &Trial, windows: u64, setting: &Setting) -> Vec<Alternative> {
    let candidates: Vec<Candidate> = changes(trial)
        .into_iter()
        .map(|change| Candidate::new(trial, change))
        .filter(|one| one.change == Change::AsItIs || one.samples <= MOST_SAMPLES)
        .collect();
    let sizes = Ladder::Errors.sizes();
    let mut searches: Vec<Search> = candidates
        .iter()
        .map(|_| Search::over(sizes.len()))
        .collect();
    let windows = windows.div_ceil(super::CURVE_PART);
    // All candidates take their next step of the search together, so that all processors have work.
    while searches.iter().any(|search| search.middle().is_some()) {
        step(&candidates, &mut searches, windows, setting);
    }
    let found = candidates.into_iter().zip(searches);
    found
        .map(|(candidate, search)| Alternative {
            change: candidate.change,
            samples: candidate.samples,
            smallest_errors: search.found.map(|(at, tally)| (sizes[at], tally)),
        })
        .collect()
}

fn changes(trial: &Trial) -> Vec<Change> {
    let every = trial.shortest_interval();
    let mut intervals: Vec<Duration> = INTERVAL_DIVISORS
        .iter()
        .filter_map(|divisor| nice_interval(every / *divisor))
        .collect();
    intervals.dedup();
    std::iter::once(Change::AsItIs)
        .chain(intervals.into_iter().map(Change::Every))
        .chain([Change::Bake(trial.policy.bake * BAKE_FACTOR)])
        .collect()
}

/// The longest interval that people write and that is no longer than this.
fn nice_interval(at_most: Duration) -> Option<Duration> {
    let nice = NICE_INTERVALS
        .iter()
        .map(|seconds| Duration::from_secs(*seconds));
    nice.into_iter().find(|interval| *interval <= at_most)
}

struct Candidate {
    change: Change,
    samples: u64,
    layout: Layout,
    rules: Vec<Box<dyn Rule>>,
}

impl Candidate {
    fn new(trial: &Trial, change: Change) -> Self {
        let changed = match change {
            Change::AsItIs => trial.clone(),
            Change::Every(every) => trial.probed_every(every),
            Change::Bake(bake) => trial.baked_for(bake),
        };
        Self {
            change,
            samples: changed.samples(),
            layout: changed.layout(Spacing::AsScheduled),
            rules: vec![Contestant::Ours.rule(&changed)],
        }
    }
}

/// Halves the sizes until the smallest that is seen is left.
struct Search {
    /// All smaller ones are not seen.
    low: usize,
    /// This one and all larger ones are seen; the number of sizes when none is known to be.
    high: usize,
    found: Option<(usize, Tally)>,
}

impl Search {
    const fn over(sizes: usize) -> Self {
        Self {
            low: 0,
            high: sizes,
            found: None,
        }
    }

    /// Which size is to be tried next; nothing when the search is over.
    fn middle(&self) -> Option<usize> {
        (self.low < self.high).then(|| usize::midpoint(self.low, self.high))
    }

    fn take(&mut self, tried: usize, tally: Tally) {
        if tally.share().seen >= CERTAIN {
            self.high = tried;
            self.found = Some((tried, tally));
        } else {
            self.low = tried + 1;
        }
    }
}

fn step(candidates: &[Candidate], searches: &mut [Search], windows: u64, setting: &Setting) {
    let ladder = Ladder::Errors;
    let tried: Vec<(usize, usize)> = searches
        .iter()
        .enumerate()
        .filter_map(|(place, search)| Some((place, search.middle()?)))
        .collect();
    let variants: Vec<_> = tried
        .iter()
        .map(|(_, size)| ladder.variant(ladder.sizes()[*size]))
        .collect();
    let cells: Vec<Cell<'_>> = tried
        .iter()
        .zip(&variants)
        .map(|((place, _), variant)| Cell {
            layout: &candidates[*place].layout,
            variant,
            rules: &candidates[*place].rules,
            windows,
        })
        .collect();
    let tallies = simulate(&cells, setting.seed, setting.threads);
    for ((place, size), tally) in tried.into_iter().zip(tallies.into_iter().flatten()) {
        searches[place].take(size, tally);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_the_smallest_size_that_is_seen() {
        let tally = |condemned| Tally {
            windows: 10,
            condemned,
            early: 0,
            inconclusive: 0,
            warned: 0,
            median: None,
            most: None,
            exposure: 0.0,
        };
        for smallest in 0..=12 {
            let mut search = Search::over(12);
            while let Some(size) = search.middle() {
                search.take(size, tally(if size >= smallest { 10 } else { 5 }));
            }
            let expected = (smallest < 12).then_some(smallest);
            assert_eq!(search.found.map(|(size, _)| size), expected);
        }
    }

    #[test]
    fn intervals_are_those_that_people_write() {
        let seconds = Duration::from_secs;
        assert_eq!(nice_interval(seconds(30) / 2), Some(seconds(15)));
        assert_eq!(nice_interval(seconds(30) / 6), Some(seconds(5)));
        assert_eq!(nice_interval(seconds(7)), Some(seconds(5)));
        assert_eq!(nice_interval(Duration::from_millis(500)), None);
    }
}
