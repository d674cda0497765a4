//! What was measured before the deployment, as a yardstick: how often samples were bad, and how slow
//! they were, each as badly as it may well have been.
//!
//! A recording is a sample itself: its rate is known within an interval, and clustered errors and
//! slow waves make it worth less than its size. So every number here is an upper bound, widened by
//! the dispersion of the recording. No dispersion estimate knows a cycle longer than the recording:
//! this is why a comparison warns unless a policy asks for more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Moment;
use crate::sample::{Outcome, Sample};
use crate::verdict::statistics::{
    BlockCount, dispersion, lower_bound, upper_bound, upper_quantile_rank,
};
use crate::window::type_seven;

/// One sample of before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Earlier {
    /// When it started.
    pub started: Moment,
    /// Whether it failed or errored.
    pub is_bad: bool,
    /// How long it took.
    pub latency: Duration,
}

/// The samples of one check, or of several, from before the deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Before {
    samples: Vec<Earlier>,
    /// The values of each reading, and when their samples started.
    readings: BTreeMap<Arc<str>, Vec<(Moment, f64)>>,
}

/// How many errors were usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsualErrors {
    /// The share that was seen.
    pub seen: f64,
    /// The largest share that may well stand behind it.
    pub at_most: f64,
    /// How much more the errors of neighbouring samples vary than independent ones would.
    pub dispersion: f64,
}

/// How slow was usual, at one quantile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct UsualLatency {
    /// The quantile that was seen.
    pub seen: Duration,
    /// The largest that may well stand behind it.
    pub at_most: Duration,
    /// As for errors.
    pub dispersion: f64,
}

/// Recordings of different times are put so far apart.
const BETWEEN: Duration = Duration::from_secs(120);
/// Fewer samples are no yardstick.
const FEWEST: usize = 10;
/// Errors of one cause come within seconds.
const ERROR_BLOCK: Duration = Duration::from_secs(10);
/// Slow waves last for minutes.
const LATENCY_BLOCK: Duration = Duration::from_secs(60);
/// The bound on a quantile lies so many standard errors above it: one in a hundred.
const DEVIATIONS: f64 = 2.326;
/// Ten blocks cannot measure how far noise reaches: what is seen of it counts three times.
const EXCESS: f64 = 3.0;
/// A correlation beyond this cannot be told from a trend.
const LONGEST_MEMORY: f64 = 0.8;

impl Before {
    /// Adds a sample; one from which nothing is learnt, or of a closer look, is left out.
    pub fn push(&mut self, sample: &Sample) {
        if sample.outcome == Outcome::Unknown || sample.closer_look {
            return;
        }
        self.samples.push(Earlier {
            started: sample.started,
            is_bad: sample.outcome != Outcome::Pass,
            latency: sample.latency,
        });
        for reading in sample.readings.iter().filter(|one| one.value.is_finite()) {
            let value = (sample.started, reading.value);
            match self.readings.get_mut(&reading.name) {
                Some(values) => values.push(value),
                None => {
                    let name = Arc::clone(&reading.name);
                    self.readings.insert(name, vec![value]);
                }
            }
        }
    }

    /// What was usual of a reading: the median; absent with too few values to say that anything was.
    #[must_use]
    pub fn usual(&self, reading: &str) -> Option<f64> {
        let values = self.readings.get(reading)?;
        let mut values: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
        if values.len() < FEWEST {
            return None;
        }
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied()
    }

    /// The readings without what else the samples were.
    #[must_use]
    pub fn readings_alone(&self) -> Self {
        Self {
            samples: Vec::new(),
            readings: self.readings.clone(),
        }
    }

    /// Adds a recording of another time, a while after what is there: blocks never mix the two.
    pub fn append(&mut self, later: &Self) {
        let end = self.samples.iter().map(|sample| sample.started).max();
        let begin = later.samples.iter().map(|sample| sample.started).min();
        let shift = end.map_or(Duration::ZERO, |end| end.since_origin() + BETWEEN);
        let begin = begin.unwrap_or_default();
        self.samples
            .extend(later.samples.iter().map(|sample| Earlier {
                started: Moment::at(shift) + sample.started.since(begin),
                ..*sample
            }));
        for (name, values) in &later.readings {
            let moved = values
                .iter()
                .map(|(at, value)| (Moment::at(shift) + at.since(begin), *value));
            self.readings
                .entry(Arc::clone(name))
                .or_default()
                .extend(moved);
        }
    }

    /// Leaves out what started before a moment.
    pub fn from(&mut self, moment: Moment) {
        self.samples.retain(|sample| sample.started >= moment);
        for values in self.readings.values_mut() {
            values.retain(|(at, _)| *at >= moment);
        }
    }

    /// Leaves out what started after a moment.
    pub fn until(&mut self, moment: Moment) {
        self.samples.retain(|sample| sample.started <= moment);
        for values in self.readings.values_mut() {
            values.retain(|(at, _)| *at <= moment);
        }
    }

    /// The samples of several checks as one.
    #[must_use]
    pub fn pooled<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let parts = parts.into_iter();
        Self {
            samples: parts
                .flat_map(|part| part.samples.iter().copied())
                .collect(),
            // Readings of two checks are not the same.
            readings: BTreeMap::new(),
        }
    }

    /// How many samples there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// From the first sample to the last.
    #[must_use]
    pub fn length(&self) -> Duration {
        let starts = || self.samples.iter().map(|sample| sample.started);
        match (starts().min(), starts().max()) {
            (Some(first), Some(last)) => last.since(first),
            _ => Duration::ZERO,
        }
    }

    /// How many samples failed.
    #[must_use]
    pub fn bad(&self) -> usize {
        self.samples.iter().filter(|sample| sample.is_bad).count()
    }

    /// The share of errors that at least stood behind those that were seen, so surely; absent with
    /// too few samples to say that anything was usual.
    #[must_use]
    pub fn errors_at_least(&self, confidence: f64) -> Option<f64> {
        let dispersion = self.errors(confidence)?.dispersion;
        let bad = (self.bad() as f64 / dispersion).floor();
        let of = (self.len() as f64 / dispersion).ceil();
        Some(lower_bound(bad, of, confidence))
    }

    /// Whether there are enough to compare with.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.len() >= FEWEST
    }

    /// How many errors were usual, with an upper bound of a confidence; absent with too few samples.
    #[must_use]
    pub fn errors(&self, confidence: f64) -> Option<UsualErrors> {
        if !self.is_enough() {
            return None;
        }
        let (bad, of) = (self.bad() as f64, self.len() as f64);
        let seen = bad / of;
        let blocks = self.blocks(ERROR_BLOCK, |_| true, |sample| sample.is_bad);
        let dispersion = match bad > 0.0 {
            true => dispersion(&blocks, seen),
            false => 1.0,
        };
        let at_most = upper_bound(
            (bad / dispersion).ceil(),
            (of / dispersion).floor().max(1.0),
            confidence,
        );
        Some(UsualErrors {
            seen,
            at_most,
            dispersion,
        })
    }

    /// How slow was usual at a quantile; absent with too few samples to bound it.
    #[must_use]
    pub fn latency(&self, q: f64) -> Option<UsualLatency> {
        let passed = || self.samples.iter().filter(|sample| !sample.is_bad);
        let mut all: Vec<Duration> = passed().map(|sample| sample.latency).collect();
        if all.len() < FEWEST {
            return None;
        }
        all.sort_unstable();
        let rank = (q * all.len() as f64) as usize;
        let seen = all[rank.min(all.len() - 1)];
        let blocks = self.blocks(
            LATENCY_BLOCK,
            |sample| !sample.is_bad,
            |sample| sample.latency > seen,
        );
        // Equal latencies leave fewer beyond the quantile than it says; that is no dispersion.
        let beyond: u64 = blocks.iter().map(|block| block.bad).sum();
        let dispersion = far_reaching(&blocks, beyond as f64 / all.len() as f64);
        let rank = upper_quantile_rank(all.len() as u64, q, DEVIATIONS, dispersion)?;
        Some(UsualLatency {
            seen,
            at_most: *all.get(usize::try_from(rank).ok()?)?,
            dispersion,
        })
    }

    /// The quantile of the latency as it was seen; absent where nothing passed.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        let passed = self.samples.iter().filter(|sample| !sample.is_bad);
        let mut all: Vec<Duration> = passed.map(|sample| sample.latency).collect();
        all.sort_unstable();
        type_seven(&all, q)
    }

    fn blocks(
        &self,
        length: Duration,
        counts: impl Fn(&Earlier) -> bool,
        is_bad: impl Fn(&Earlier) -> bool,
    ) -> Vec<BlockCount> {
        let first = self.samples.iter().map(|sample| sample.started).min();
        let first = first.unwrap_or_default();
        let mut blocks: Vec<BlockCount> = Vec::new();
        for sample in self.samples.iter().filter(|sample| counts(sample)) {
            let place = sample.started.since(first).as_nanos() / length.as_nanos();
            let place = usize::try_from(place)
                .unwrap_or(usize::MAX)
                .min(MOST_BLOCKS);
            if place >= blocks.len() {
                blocks.resize(place + 1, BlockCount { bad: 0, of: 0 });
            }
            blocks[place].of += 1;
            blocks[place].bad += u64::from(is_bad(sample));
        }
        blocks
    }
}

/// A recording of weeks is cut into no more blocks than this; the last takes the rest.
const MOST_BLOCKS: usize = 100_000;

/// The dispersion of noise that outlasts its blocks: extrapolated as if each block remembered the one
/// before (an autoregression of order one), with the correlation corrected for its bias in short
/// series (Marriott and Pope, Biometrika 41, 1954), and the excess over 1 trebled.
fn far_reaching(blocks: &[BlockCount], rate: f64) -> f64 {
    let shares: Vec<f64> = blocks
        .iter()
        .filter(|block| block.of > 0)
        .map(|block| block.bad as f64 / block.of as f64)
        .collect();
    let count = shares.len() as f64;
    if shares.len() < 3 {
        return dispersion(blocks, rate);
    }
    let mean = shares.iter().sum::<f64>() / count;
    let off: Vec<f64> = shares.iter().map(|share| share - mean).collect();
    let variance: f64 = off.iter().map(|off| off * off).sum();
    let neighbours: f64 = off.windows(2).map(|pair| pair[0] * pair[1]).sum();
    let memory = if variance > 0.0 {
        neighbours / variance
    } else {
        0.0
    };
    let memory = (memory + (1.0 + 3.0 * memory) / count).clamp(0.0, LONGEST_MEMORY);
    let reach = dispersion(blocks, rate) * (1.0 + memory) / (1.0 - memory);
    1.0 + EXCESS * (reach.max(1.0) - 1.0)
}
