//! One stream: the samples of one check, or of all checks with the same limits, seen by one
//! threshold. It says when they prove the limit broken, and what there is to say at the end.

use std::time::Duration;

use super::block::{Glance, Open, block_length};
use super::ending::Ending;
use super::process::{Block, Forgive, Process, Terms};
use crate::clock::Moment;
use crate::verdict::evidence::TOO_FEW_TO_CONDEMN;
use crate::verdict::statistics::at_least;

/// The evidence that a deployment is over its critical limit must be five to one, besides being
/// proof that it is over its warning limit: without it the zone between the limits, which is to
/// warn, would be rolled back up to always.
const GATE: f64 = 5.0;
/// The gate looks for rates from this factor above the critical one: nearer ones cannot be told
/// from it within a window.
const GATE_FACTOR: f64 = 1.5;
/// A limit of nothing allows one in a thousand: odds against zero are infinite, and no service is
/// without one lost packet.
const LEAST_RATE: f64 = 0.001;
/// From this rate on "too many" cannot be told from "usual" by counting.
pub const MOST_RATE: f64 = 0.75;
/// At the end a block stands for the samples that are promised within this part of it.
const COUNTED_PART: f64 = 0.5;
/// From so many samples of the whole window a block on, the part is the whole.
const DENSE: f64 = 50.0;

/// What a stream tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Question {
    /// The share of bad samples that is still well, by the warning limit; by the critical limit
    /// where there is no other.
    pub well: f64,
    /// The share above which the deployment is bad, counted by the critical limit; absent where
    /// there is none, and then nothing is condemned.
    pub bad: Option<f64>,
    /// The least bad share worth betting on.
    pub worth: f64,
    /// Whether both limits are one: the proof that it is broken needs no gate then.
    pub is_single: bool,
}

/// How a stream is sampled and what it may spend.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowance {
    /// Samples a second that the schedule promises.
    pub rate: f64,
    /// Samples a second of all streams together, which decides whether the window is dense.
    pub window_rate: f64,
    /// How long the window is.
    pub length: Duration,
    /// The chance of condemning a healthy window that this stream may take.
    pub alpha: f64,
    /// The chance of a closing warning that it may take.
    pub warning: f64,
    /// What is forgiven.
    pub forgive: Forgive,
}

/// The state of one stream.
#[derive(Clone, Debug)]
pub struct Stream {
    question: Question,
    allowance: Allowance,
    samples_per_block: f64,
    open: Open,
    evidence: Process,
    gate: Option<Process>,
    ending: Ending,
    onset: Onset,
    has_warned: bool,
    condemned: Option<Proof>,
    /// Samples of the schedule and of closer looks.
    seen: u64,
    counted: Counted,
}

/// When and by what a stream was proven bad.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Proof {
    /// When.
    pub at: Moment,
    /// Since when it has probably been bad: the first bad sample after the most telling restart.
    pub since: Option<Moment>,
    /// By chance at most this share of healthy windows shows as much.
    pub chance: f64,
    /// How it was proven.
    pub by: ProvenBy,
}

/// How a stream was proven bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProvenBy {
    /// By the sequential test, whenever it was.
    Sequence,
    /// By the share and its tail when no more samples could come.
    Ending,
}

/// Samples that count at the end: those of the schedule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Bad by the warning limit.
    pub bad: u64,
    /// Bad by the critical limit.
    pub worse: u64,
    /// All.
    pub of: u64,
}

impl Counted {
    /// The share that is bad by the critical limit; 0 without samples.
    #[must_use]
    pub fn share(self) -> f64 {
        match self.of {
            0 => 0.0,
            of => self.worse as f64 / of as f64,
        }
    }
}

impl Allowance {
    /// For how many samples a block stands at the end of the bake.
    #[must_use]
    pub fn samples_per_block(&self) -> f64 {
        let seconds = block_length(self.length).as_secs_f64();
        let part = match self.window_rate * seconds >= DENSE {
            true => 1.0,
            false => COUNTED_PART,
        };
        (self.rate * seconds * part).round_ties_even().max(1.0)
    }

    /// Over how many blocks the capital of a bet is paid in.
    #[must_use]
    pub fn promised_blocks(&self) -> f64 {
        self.length.as_secs_f64() * self.rate / self.samples_per_block()
    }
}

impl Question {
    /// Whether samples can be counted against these limits at all.
    #[must_use]
    pub fn is_countable(&self) -> bool {
        self.well < MOST_RATE && self.bad.is_none_or(|bad| bad < MOST_RATE)
    }
}

impl Stream {
    /// A stream before its first sample.
    #[must_use]
    pub fn new(question: Question, allowance: Allowance) -> Self {
        let question = Question {
            well: question.well.max(LEAST_RATE),
            bad: question.bad.map(|bad| bad.max(LEAST_RATE)),
            ..question
        };
        let terms = |p0, least| Terms {
            p0,
            least,
            blocks: allowance.promised_blocks(),
            forgive: allowance.forgive,
            temper: 1.0,
        };
        let gated = question.bad.filter(|_| !question.is_single);
        Self {
            question,
            allowance,
            samples_per_block: allowance.samples_per_block(),
            open: Open::new(block_length(allowance.length)),
            evidence: Process::martingale(terms(question.well, question.worth)),
            gate: gated.map(|bad| Process::gate(terms(bad, GATE_FACTOR * bad))),
            ending: Ending::new(allowance.forgive),
            onset: Onset::new(question.well, question.worth),
            has_warned: false,
            condemned: None,
            seen: 0,
            counted: Counted::default(),
        }
    }

    /// Takes a sample in.
    ///
    /// Those of a closer look belong to the blocks, which they rather dilute than spoil: left out of
    /// the end's share and tail, they cost a third of the windows between the limits a rollback,
    /// and gain half a point of what is caught.
    pub fn push(&mut self, glance: Glance, is_scheduled: bool) {
        self.seen += 1;
        if is_scheduled {
            self.counted.of += 1;
            self.counted.bad += u64::from(glance.over_warning);
            self.counted.worse += u64::from(glance.over_critical);
        }
        if let Some(closed) = self.open.push(glance) {
            self.weigh(closed.warning, closed.critical, glance.started);
        }
    }

    fn weigh(&mut self, warning: Block, critical: Block, now: Moment) {
        self.ending.push(warning, critical);
        self.onset.push(warning);
        self.evidence.push(warning);
        if let Some(gate) = &mut self.gate {
            gate.push(critical);
        }
        if !self.is_proof() {
            return;
        }
        self.has_warned = true;
        let points_past = self
            .gate
            .as_ref()
            .is_none_or(|gate| gate.value() >= GATE.ln());
        let is_enough = self.seen > TOO_FEW_TO_CONDEMN;
        let may_condemn = self.question.bad.is_some() && self.condemned.is_none();
        if may_condemn && points_past && is_enough {
            self.condemned = Some(self.proof(now, 1.0 / self.evidence.value(), ProvenBy::Sequence));
        }
    }

    fn is_proof(&self) -> bool {
        self.evidence.value() >= 1.0 / self.allowance.alpha
    }

    fn proof(&self, at: Moment, chance: f64, by: ProvenBy) -> Proof {
        Proof {
            at,
            since: self.onset.since(),
            chance,
            by,
        }
    }

    /// The proof that it is bad, once there is one.
    #[must_use]
    pub const fn condemned(&self) -> Option<Proof> {
        self.condemned
    }

    /// Whether it was ever proven over the warning limit.
    #[must_use]
    pub const fn has_warned(&self) -> bool {
        self.has_warned
    }

    /// What a warning rests on: by chance at most this share of healthy windows shows as much. At
    /// the end the plain tail of the scheduled samples may say more than the sequence does.
    #[must_use]
    pub fn suspicion(&self, is_closed: bool) -> (f64, ProvenBy) {
        let chance = (1.0 / self.evidence.value()).min(1.0);
        let Counted { bad, of, .. } = self.counted;
        let tail = at_least(bad, of, self.question.well);
        match is_closed && tail < chance {
            true => (tail, ProvenBy::Ending),
            false => (chance, ProvenBy::Sequence),
        }
    }

    /// What a stream comes to when no more samples can come.
    #[must_use]
    pub fn close(&self, at: Moment) -> Option<Proof> {
        if self.condemned.is_some() {
            return self.condemned;
        }
        let bad = self.question.bad?;
        // The share of the blocks leaves out the one that is still open: samples that are within the
        // limit as anybody counts them never condemn.
        let share = self.ending.critical_share().min(self.counted.share());
        if share <= bad || self.seen <= TOO_FEW_TO_CONDEMN {
            return None;
        }
        if self.has_warned && self.is_proof() {
            return Some(self.proof(at, 1.0 / self.evidence.value(), ProvenBy::Ending));
        }
        let tail = self.tail();
        (tail <= self.allowance.alpha).then(|| self.proof(at, tail, ProvenBy::Ending))
    }

    /// How likely so many bad samples are at the rate that is still well, the worst bursts deleted.
    fn tail(&self) -> f64 {
        let left = self.ending.left(self.samples_per_block);
        at_least(left.bad, left.of, self.question.well)
    }

    /// Whether the scheduled samples alone, taken at their face, are worth a warning.
    #[must_use]
    pub fn warns_at_the_end(&self) -> bool {
        let Counted { bad, of, .. } = self.counted;
        self.has_warned
            || (bad as f64 > self.question.well * of as f64
                && at_least(bad, of, self.question.well) <= self.allowance.warning)
    }

    /// What it tests.
    #[must_use]
    pub const fn question(&self) -> Question {
        self.question
    }

    /// The samples of the schedule.
    #[must_use]
    pub const fn counted(&self) -> Counted {
        self.counted
    }

    /// The chance of a closing warning that it may take.
    #[must_use]
    pub const fn warning(&self) -> f64 {
        self.allowance.warning
    }

    /// The chance of condemning a healthy window that it may take.
    #[must_use]
    pub const fn alpha(&self) -> f64 {
        self.allowance.alpha
    }
}

/// Since when it has probably been bad: the restart that carries most of the evidence, found as a
/// CUSUM of one bet, and the first bad sample after it.
#[derive(Clone, Copy, Debug)]
struct Onset {
    well: f64,
    odds: f64,
    wealth: f64,
    since: Option<Moment>,
    /// The most telling restart so far.
    best: (f64, Option<Moment>),
}

impl Onset {
    fn new(well: f64, worth: f64) -> Self {
        Self {
            well,
            odds: (worth.min(MOST_RATE + (1.0 - MOST_RATE) / 2.0) - well) / (well * (1.0 - well)),
            wealth: 1.0,
            since: None,
            best: (1.0, None),
        }
    }

    fn push(&mut self, block: Block) {
        if self.wealth <= 1.0 {
            self.wealth = 1.0;
            self.since = block.first_bad;
        }
        self.since = self.since.or(block.first_bad);
        self.wealth *= (1.0 + self.odds * (block.bad - self.well)).max(0.0);
        self.wealth = self.wealth.min(1e250);
        if self.wealth > self.best.0 {
            self.best = (self.wealth, self.since);
        }
    }

    /// The current restart, or the most telling one where the current one is over.
    fn since(&self) -> Option<Moment> {
        if self.wealth > 1.0 {
            self.since
        } else {
            self.best.1
        }
    }
}
