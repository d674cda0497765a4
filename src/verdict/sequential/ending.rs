//! What is left to say when no more samples come: the plain share of bad samples, and how likely so
//! many would be by chance once the worst burst is deleted.
//!
//! The worst burst is found while the blocks pass, in one sweep: a burst begins at a bad sample and
//! deletes every block that starts within its span. At most so many bursts are deleted as are
//! forgiven, none within another. Only the blocks of the schedule belong here: those of a closer
//! look were chosen because something had failed.

use super::process::{Block, Forgive};
use crate::clock::Moment;

/// What the blocks of a window add up to.
#[derive(Clone, Debug)]
pub struct Ending {
    forgive: Forgive,
    blocks: u64,
    /// The sum of the blocks' bad shares, by the warning limit.
    warning: f64,
    /// The same by the critical limit.
    critical: f64,
    /// The most that so many finished bursts delete; the index is their number.
    finished: Vec<f64>,
    /// Bursts that may still grow.
    growing: Vec<Burst>,
}

#[derive(Clone, Copy, Debug)]
struct Burst {
    /// Its number, counted from 1.
    number: usize,
    until: Moment,
    deleted: f64,
}

/// Bad samples of so many, after the worst bursts were deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// Bad samples.
    pub bad: u64,
    /// Of how many.
    pub of: u64,
}

impl Ending {
    /// Nothing yet.
    #[must_use]
    pub fn new(forgive: Forgive) -> Self {
        let bursts = if forgive.span.is_zero() {
            0
        } else {
            forgive.times
        };
        Self {
            forgive,
            blocks: 0,
            warning: 0.0,
            critical: 0.0,
            finished: vec![0.0; bursts as usize + 1],
            growing: Vec::new(),
        }
    }

    /// Takes a block in, as seen by both limits.
    pub fn push(&mut self, warning: Block, critical: Block) {
        self.blocks += 1;
        self.warning += warning.bad;
        self.critical += critical.bad;
        self.finish_before(warning.start);
        for burst in &mut self.growing {
            burst.deleted += warning.bad;
        }
        if let Some(first_bad) = warning.first_bad {
            let until = first_bad + self.forgive.span;
            let begun = (1..self.finished.len()).map(|number| Burst {
                number,
                until,
                deleted: self.finished[number - 1] + warning.bad,
            });
            self.growing.extend(begun);
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

    /// Bad samples by the warning limit when each block stands for so many independent ones, after
    /// the worst bursts were deleted.
    #[must_use]
    pub fn left(&self, samples_per_block: f64) -> Left {
        let growing = self.growing.iter().map(|burst| burst.deleted);
        let deleted = growing
            .chain(self.finished.iter().copied())
            .fold(0.0, f64::max);
        let bad = ((self.warning - deleted) * samples_per_block).round_ties_even();
        let of = self.blocks as f64 * samples_per_block
            - (deleted * samples_per_block).round_ties_even();
        Left {
            bad: bad.max(0.0) as u64,
            of: of.max(0.0) as u64,
        }
    }

    fn finish_before(&mut self, start: Moment) {
        let finished = &mut self.finished;
        self.growing.retain(|burst| {
            let grows = start < burst.until;
            if !grows {
                let best = &mut finished[burst.number];
                *best = best.max(burst.deleted);
            }
            grows
        });
        // A burst may be left out: more of them never delete less.
        for number in 1..finished.len() {
            finished[number] = finished[number].max(finished[number - 1]);
        }
    }
}
