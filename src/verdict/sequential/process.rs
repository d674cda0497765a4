//! The evidence against "the rate is at most p0", block by block: a betting martingale with
//! restarts and forgiveness, and the gate that asks whether it points past the critical limit.
//!
//! A gambler who bets at fair odds against a healthy service gets richer only by luck: starting
//! with 1, the chance of ever holding more than 1/α is at most α, however often one looks (Ville,
//! 1939). Each of a handful of gamblers bets on one worse rate; half of the capital plays from the
//! start, and the rest is paid in evenly over the window, because a fault may begin at any time
//! (Robbins, 1970; Shin, Ramdas, Rinaldo, e-detectors, 2023). Forgiveness takes the least over all
//! ways of not looking for a while, so it can only lower the evidence. The gate is Page's CUSUM
//! (1954) of the log-likelihood with the same forgiveness; it carries no guarantee of its own.
//!
//! It knows no samples, no checks and no limits' units: fractions of bad samples come in. Used by
//! the streams of this folder.

use std::time::Duration;

use crate::clock::Moment;

/// How many worse rates are bet on. Five on a geometric grid lose at most a factor of 5 against
/// knowing the rate: one block more of a total outage.
const ALTERNATIVES: usize = 5;
/// The worst rate that is bet on. Betting on 1 would lose everything at the first good block.
const WORST: f64 = 0.98;
/// The least bad rate that is bet on is never above this, so that the grid keeps its width.
const HIGHEST_LEAST: f64 = 0.9;
/// The least bad rate stands at least this factor above p0: nearer ones need thousands of blocks.
const LEAST_FACTOR: f64 = 1.3;
/// The share of the capital that plays from the start; the rest begins later.
const AT_ONCE: f64 = 0.5;
/// Wealth beyond this is evidence enough; it keeps sums finite.
const MOST_WEALTH: f64 = 1e250;
/// A likelihood of zero, as a logarithm that can still be added to.
const LEAST_LOG: f64 = -27.0;
/// Below this a likelihood is taken as zero.
const LEAST_LIKELIHOOD: f64 = 1e-12;
/// What rounding may add to the capital that is paid in.
const ROUNDING: f64 = 1e-9;

/// So many ways of not looking are kept. One burst needs some thirty of them; several bursts in a
/// service that flaps would need more than there is memory.
const MOST_FORKS: usize = 512;

/// How much of a window is forgiven: so many spans, each beginning at a bad sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgive {
    /// How long each is.
    pub span: Duration,
    /// How many.
    pub times: u32,
}

/// A group of samples that counts as one observation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// When its first sample started.
    pub start: Moment,
    /// When its first bad sample started.
    pub first_bad: Option<Moment>,
    /// The share of bad samples, from 0 to 1.
    pub bad: f64,
}

/// What is tested, and how.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// The rate that a healthy service does not exceed, between 0 and 1, both excluded.
    pub p0: f64,
    /// The least bad rate that is bet on.
    pub least: f64,
    /// Over how many blocks the capital is paid in.
    pub blocks: f64,
    /// What is forgiven.
    pub forgive: Forgive,
    /// The exponent of each factor: 1, or less where the samples depend on each other.
    pub temper: f64,
}

/// How the factors of the blocks are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Law {
    /// Sums over start times: the martingale.
    Mixture,
    /// The best start time, in logarithms: the gate.
    Cusum,
}

/// The evidence so far.
#[derive(Clone, Debug)]
pub struct Process {
    law: Law,
    terms: Terms,
    odds: [f64; ALTERNATIVES],
    /// What a block without a bad sample multiplies by, or adds.
    clean: [f64; ALTERNATIVES],
    instalment: f64,
    paid: f64,
    forks: Vec<Fork>,
    value: f64,
}

/// One way of not looking.
#[derive(Clone, Copy, Debug)]
struct Fork {
    wealth: [f64; ALTERNATIVES],
    /// Until then it does not look.
    blind_until: Moment,
    /// From then on it may look away again: a continuous outage is forgiven once.
    may_fork_from: Moment,
    forgiven: u32,
}

impl Process {
    /// The martingale, before any block.
    #[must_use]
    pub fn martingale(terms: Terms) -> Self {
        Self::new(Law::Mixture, terms, AT_ONCE)
    }

    /// The gate, before any block.
    #[must_use]
    pub fn gate(terms: Terms) -> Self {
        Self::new(Law::Cusum, terms, 0.0)
    }

    fn new(law: Law, terms: Terms, wealth: f64) -> Self {
        let odds = alternatives(terms).map(|q| (q - terms.p0) / (terms.p0 * (1.0 - terms.p0)));
        let first = Fork {
            wealth: [wealth; ALTERNATIVES],
            blind_until: Moment::ORIGIN,
            may_fork_from: Moment::ORIGIN,
            forgiven: 0,
        };
        let blocks = terms.blocks.ceil().max(1.0);
        let mut process = Self {
            law,
            terms,
            odds,
            clean: [0.0; ALTERNATIVES],
            instalment: (1.0 - AT_ONCE) / blocks,
            paid: AT_ONCE,
            forks: vec![first],
            value: if law == Law::Mixture { 1.0 } else { 0.0 },
        };
        process.clean = process.factors(0.0);
        process
    }

    /// The evidence: of the martingale how many times its stake a gambler would hold, of the gate
    /// the logarithm of a likelihood ratio.
    #[must_use]
    pub const fn value(&self) -> f64 {
        self.value
    }

    /// Takes the next block in.
    pub fn push(&mut self, block: Block) {
        if block.bad > self.terms.p0 {
            self.fork(block);
        }
        let factors = match block.bad > 0.0 {
            true => self.factors(block.bad),
            false => self.clean,
        };
        let due = self.paid + self.instalment <= 1.0 + ROUNDING;
        let instalment = if due { self.instalment } else { 0.0 };
        self.paid += instalment;
        let kept_back = (1.0 - self.paid).max(0.0);
        let mut least = f64::MAX;
        for fork in &mut self.forks {
            let is_blind = block.start < fork.blind_until;
            let evidence = match self.law {
                Law::Mixture => fork.bet(factors, instalment, is_blind) + kept_back,
                Law::Cusum => fork.add(factors, is_blind),
            };
            least = least.min(evidence);
        }
        self.value = least;
        self.prune(block.start);
    }

    /// What a block multiplies the wealth by; for the gate, what it adds to the logarithm.
    fn factors(&self, bad: f64) -> [f64; ALTERNATIVES] {
        self.odds.map(|odds| {
            let likelihood = 1.0 + odds * (bad - self.terms.p0);
            match self.law {
                Law::Cusum if likelihood > LEAST_LIKELIHOOD => likelihood.ln(),
                Law::Cusum => LEAST_LOG,
                Law::Mixture if self.terms.temper < 1.0 => {
                    likelihood.max(0.0).powf(self.terms.temper)
                }
                Law::Mixture => likelihood.max(0.0),
            }
        })
    }

    /// From here on it is also tried not to look for a span.
    fn fork(&mut self, block: Block) {
        let Some(first_bad) = block.first_bad else {
            return;
        };
        let Forgive { span, times } = self.terms.forgive;
        if span.is_zero() {
            return;
        }
        for index in 0..self.forks.len() {
            let from = self.forks[index];
            let may = from.forgiven < times
                && block.start >= from.blind_until
                && first_bad >= from.may_fork_from;
            if may {
                self.forks.push(Fork {
                    blind_until: first_bad + span,
                    may_fork_from: first_bad + span * 2,
                    forgiven: from.forgiven + 1,
                    ..from
                });
            }
        }
    }

    /// Drops forks that can never again be the least. Forks that look evolve alike, so that one
    /// which is poorer in everything stays so.
    fn prune(&mut self, now: Moment) {
        if self.forks.len() <= 2 {
            return;
        }
        let poorest = |forgiven: u32| {
            let alike = self.forks.iter().enumerate().skip(1);
            alike
                .filter(|(_, fork)| fork.forgiven == forgiven && now >= fork.blind_until)
                .min_by(|(_, a), (_, b)| self.evidence(a).total_cmp(&self.evidence(b)))
                .map(|(index, _)| index)
        };
        let poorest: Vec<Option<usize>> = (1..=self.terms.forgive.times).map(poorest).collect();
        let is_idle = |index: usize, fork: &Fork| {
            let rivals = poorest.iter().take(fork.forgiven as usize).flatten();
            index > 0
                && now >= fork.blind_until
                && rivals.copied().any(|rival| {
                    rival != index && self.outlives(&self.forks[rival], rival, fork, index)
                })
        };
        let idle: Vec<bool> = self
            .forks
            .iter()
            .enumerate()
            .map(|(index, fork)| is_idle(index, fork))
            .collect();
        let mut idle = idle.into_iter();
        self.forks.retain(|_| !idle.next().unwrap_or(false));
        self.bound();
    }

    /// Gives up the ways of not looking that forgive least, where there are too many. The one that
    /// always looks is kept: the least of them is never above it, and so the guarantee holds.
    fn bound(&mut self) {
        if self.forks.len() <= 2 * MOST_FORKS {
            return;
        }
        let mut forks = std::mem::take(&mut self.forks);
        let by_evidence = |a: &Fork, b: &Fork| self.evidence(a).total_cmp(&self.evidence(b));
        forks[1..].sort_by(by_evidence);
        forks.truncate(MOST_FORKS);
        self.forks = forks;
    }

    /// Whether a fork is never above another from now on.
    fn outlives(&self, rival: &Fork, at: usize, fork: &Fork, index: usize) -> bool {
        let forks_as_early =
            fork.forgiven >= self.terms.forgive.times || rival.may_fork_from <= fork.may_fork_from;
        let pairs = || rival.wealth.iter().zip(&fork.wealth);
        forks_as_early
            && pairs().all(|(rival, fork)| rival <= fork)
            && (index > at || pairs().any(|(rival, fork)| rival < fork))
    }

    fn evidence(&self, fork: &Fork) -> f64 {
        match self.law {
            Law::Mixture => fork.wealth.iter().sum(),
            Law::Cusum => fork.wealth.iter().copied().fold(0.0, f64::max),
        }
    }
}

impl Fork {
    fn bet(&mut self, factors: [f64; ALTERNATIVES], instalment: f64, is_blind: bool) -> f64 {
        let mut total = 0.0;
        for (wealth, factor) in self.wealth.iter_mut().zip(factors) {
            let stake = *wealth + instalment;
            let now = if is_blind { stake } else { stake * factor };
            *wealth = now.min(MOST_WEALTH);
            total += *wealth;
        }
        total / ALTERNATIVES as f64
    }

    fn add(&mut self, factors: [f64; ALTERNATIVES], is_blind: bool) -> f64 {
        let mut best: f64 = 0.0;
        for (wealth, factor) in self.wealth.iter_mut().zip(factors) {
            if !is_blind {
                *wealth = wealth.max(0.0) + factor;
            }
            best = best.max(*wealth);
        }
        best
    }
}

/// The worse rates, on a geometric grid.
fn alternatives(terms: Terms) -> [f64; ALTERNATIVES] {
    let least = terms.least.max(LEAST_FACTOR * terms.p0).min(HIGHEST_LEAST);
    let steps = (ALTERNATIVES - 1) as f64;
    std::array::from_fn(|step| (least * (1.0 / least).powf(step as f64 / steps)).min(WORST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(times: u32) -> Terms {
        Terms {
            p0: 0.01,
            least: 0.05,
            blocks: 400.0,
            forgive: Forgive {
                span: Duration::from_secs(30),
                times,
            },
            temper: 1.0,
        }
    }

    fn flapping(number: u32) -> Block {
        let start = Moment::at(Duration::from_secs(1_000) + Duration::from_secs(5) * number);
        let is_bad = number.is_multiple_of(2);
        Block {
            start,
            first_bad: is_bad.then_some(start),
            bad: if is_bad {
                f64::from(number * 37 % 11 + 1) / 12.0
            } else {
                0.0
            },
        }
    }

    #[test]
    fn what_is_forgiven_several_times_takes_bounded_memory_and_never_adds_evidence() {
        for new in [Process::martingale, Process::gate] {
            let (mut forgiving, mut strict) = (new(terms(4)), new(terms(0)));
            for number in 0..400 {
                forgiving.push(flapping(number));
                strict.push(flapping(number));
                assert!(forgiving.forks.len() <= 2 * MOST_FORKS, "block {number}");
                assert!(forgiving.value() <= strict.value(), "block {number}");
            }
        }
    }
}
