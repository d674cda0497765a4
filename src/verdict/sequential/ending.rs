//! What is left to say when no more samples come: the plain share of bad samples, and how likely so
//! many would be by chance once the worst burst is deleted.
//!
//! The worst burst is found while the blocks pass, in one sweep: a burst begins at a bad sample and
//! deletes every block that starts within its span. At most so many bursts are deleted as are
//! forgiven, none within another.
//!
//! A binomial tail takes samples for independent, and a block of hundreds is not. So the blocks that
//! are kept say how much more they vary than independent ones would, and the counts are divided by
//! that: a block that stands for one sample gives exactly 1, and sparse streams are judged as they
//! stand. A block of which half is bad is an outage and no noise; it counts, and does not vote.

use super::process::{Block, Forgive};
use crate::clock::Moment;

/// What the blocks of a window add up to.
#[derive(Clone, Debug)]
pub struct Ending {
    forgive: Forgive,
    blocks: u64,
    /// By the warning limit.
    warning: Sum,
    /// The sum of the blocks' bad shares by the critical limit.
    critical: f64,
    /// The worst that so many finished bursts delete; the index is their number.
    finished: Vec<Sum>,
    /// Bursts that may still grow.
    growing: Vec<Burst>,
}

#[derive(Clone, Copy, Debug)]
struct Burst {
    /// Its number, counted from 1.
    number: usize,
    until: Moment,
    deleted: Sum,
}

/// What some blocks add up to.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    /// The bad shares of all of them.
    bad: f64,
    /// How many vote on the dispersion, and the sums of their shares and of the squares.
    votes: f64,
    shares: f64,
    squares: f64,
}

/// Bad samples of so many, after the worst bursts were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Bad samples.
    pub bad: u64,
    /// Of how many.
    pub of: u64,
}

/// A block at least this bad is an outage and no noise.
const OUTAGE: f64 = 0.5;
/// What rounding may leave of a dispersion of 1, and of a whole count.
const ROUNDING: f64 = 1e-6;
const COUNT_ROUNDING: f64 = 1e-9;

impl Ending {
    /// Nothing yet.
    #[must_use]
    pub fn new(forgive: Forgive) -> Self {
        let bursts = match forgive.span.is_zero() {
            true => 0,
            false => forgive.times,
        };
        Self {
            forgive,
            blocks: 0,
            warning: Sum::default(),
            critical: 0.0,
            finished: vec![Sum::default(); bursts as usize + 1],
            growing: Vec::new(),
        }
    }

    /// Takes a block in, as seen by both limits.
    pub fn push(&mut self, warning: Block, critical: Block) {
        self.blocks += 1;
        self.warning.add(warning.bad);
        self.critical += critical.bad;
        self.finish_before(warning.start);
        for burst in &mut self.growing {
            burst.deleted.add(warning.bad);
        }
        if let Some(first_bad) = warning.first_bad {
            let until = first_bad + self.forgive.span;
            for number in 1..self.finished.len() {
                let mut deleted = self.finished[number - 1];
                deleted.add(warning.bad);
                self.growing.push(Burst {
                    number,
                    until,
                    deleted,
                });
            }
        }
    }

    /// The mean share of bad samples of a block, by the critical limit; 0 without blocks.
    #[must_use]
    pub fn critical_share(&self) -> f64 {
        match self.blocks {
            0 => 0.0,
            blocks => self.critical / blocks as f64,
        }
    }

    /// Bad samples by the warning limit when each block stands for so many, after the worst bursts
    /// were deleted and the counts divided by the dispersion of what is left.
    #[must_use]
    pub fn left(&self, samples_per_block: f64) -> Left {
        let growing = self.growing.iter().map(|burst| burst.deleted);
        // Of bursts that are equally bad the earliest is deleted.
        let all = self.finished.iter().copied().chain(growing);
        let worst = all.fold(Sum::default(), Sum::worse);
        let deleted = (worst.bad * samples_per_block).round_ties_even();
        let bad = ((self.warning.bad - worst.bad) * samples_per_block).round_ties_even();
        let of = self.blocks as f64 * samples_per_block - deleted;
        let dispersion = self.warning.without(worst).dispersion(samples_per_block);
        if dispersion <= 1.0 + ROUNDING {
            return Left {
                bad: bad as u64,
                of: of as u64,
            };
        }
        Left {
            bad: (bad / dispersion + COUNT_ROUNDING) as u64,
            of: (of / dispersion - COUNT_ROUNDING).ceil() as u64,
        }
    }

    fn finish_before(&mut self, start: Moment) {
        let finished = &mut self.finished;
        self.growing.retain(|burst| {
            let grows = start < burst.until;
            if !grows {
                finished[burst.number] = finished[burst.number].worse(burst.deleted);
            }
            grows
        });
        // A burst may be left out: more of them never delete less.
        for number in 1..finished.len() {
            finished[number] = finished[number].worse(finished[number - 1]);
        }
    }
}

impl Sum {
    fn add(&mut self, bad: f64) {
        self.bad += bad;
        if bad < OUTAGE {
            self.votes += 1.0;
            self.shares += bad;
            self.squares += bad * bad;
        }
    }

    /// The one with more bad samples; the first of two alike.
    fn worse(self, other: Self) -> Self {
        if other.bad > self.bad { other } else { self }
    }

    fn without(self, other: Self) -> Self {
        Self {
            bad: self.bad - other.bad,
            votes: self.votes - other.votes,
            shares: self.shares - other.shares,
            squares: self.squares - other.squares,
        }
    }

    /// How much more the blocks vary than if each held so many independent samples: the mean square
    /// deviation over the binomial's, never below 1.
    fn dispersion(self, samples_per_block: f64) -> f64 {
        let mean = self.shares / self.votes;
        let expected = mean * (1.0 - mean) / samples_per_block;
        let found = self.squares / self.votes - mean * mean;
        let ratio = found / expected;
        if ratio.is_finite() {
            ratio.max(1.0)
        } else {
            1.0
        }
    }
}
