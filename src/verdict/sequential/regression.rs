//! Is it worse than before? The comparison of one stream with its recording, at one tolerance.
//!
//! Errors are tested against the largest usual share, latency against the usual quantiles: four of
//! them, so that a shift of the whole distribution is seen before its tail shows. Each bet is
//! tempered by the dispersion of the recording: samples that depend on each other are worth less.
//! The average of several such wealths is one itself, and so keeps the guarantee.

use std::time::Duration;

use super::before::{Before, UsualErrors};
use super::block::{Glance, Open, block_length};
use super::process::{Process, Terms};
use super::stream::{Allowance, MOST_RATE};
use crate::clock::Moment;

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Subject {
    /// The share of bad samples.
    Errors,
    /// A quantile of the latency, and with it the whole distribution.
    Latency(f64),
}

/// One comparison while samples come.
#[derive(Clone, Debug)]
pub struct Regression {
    parts: Vec<Part>,
    open: Vec<Open>,
    proof: f64,
    weight: f64,
    proven: Option<Moment>,
    chance: f64,
    usual: Usual,
    may_condemn: bool,
}

/// What was seen before.
#[derive(Clone, Debug, Default)]
struct Usual {
    /// The share of errors, or the seconds of the declared quantile.
    declared: f64,
    /// The seconds of the quantiles beside it that are compared as well.
    beside: Vec<(f64, f64)>,
}

#[derive(Clone, Debug)]
struct Part {
    /// A sample beyond it is worse than before; for errors a failed one is.
    limit: Option<Duration>,
    weight: f64,
    process: Process,
}

/// The quantiles beside the declared one, and how much each weighs.
const BESIDE: [f64; 4] = [0.95, 0.5, 0.75, 0.9];
const DECLARED_WEIGHT: f64 = 0.4;
const BESIDE_WEIGHT: f64 = 0.2;
const BESIDE_COUNT: usize = 3;
/// A share of errors worth betting on is half as large again.
const ERRORS_WORTH: f64 = 1.5;
/// So much of what lay within a quantile must lie beyond it to be worth betting on.
const LATENCY_WORTH: f64 = 0.7;
/// In less than ten minutes slow noise cannot be told from a slower service.
const LONG_ENOUGH: Duration = Duration::from_secs(600);
/// A bound below what was usual would call it a regression; it holds this surely.
const CONFIDENCE: f64 = 0.99;
/// Beyond this share of errors nothing is usual any more.
const MOST_USUAL: f64 = 0.5;

/// The largest share of errors that is no worse than before, within a tolerance.
#[must_use]
pub fn usual_share(usual: UsualErrors, tolerance: f64, well: f64) -> f64 {
    (usual.at_most * (1.0 + tolerance))
        .min(MOST_USUAL)
        .max(well)
}

impl Regression {
    /// A comparison with `before` at a tolerance: 0.1 for "10 % worse". Absent where the recording
    /// bounds nothing. `well` is the share of errors that is well in any case.
    #[must_use]
    pub fn new(
        subject: Subject,
        before: &Before,
        tolerance: f64,
        well: f64,
        allowance: Allowance,
    ) -> Option<Self> {
        let (parts, usual) = match subject {
            Subject::Errors => errors(before, tolerance, well, allowance)?,
            Subject::Latency(q) => latency(before, tolerance, q, allowance)?,
        };
        let block = block_length(allowance.length);
        Some(Self {
            open: vec![Open::new(block); parts.len()],
            weight: parts.iter().map(|part| part.weight).sum(),
            parts,
            proof: 1.0 / allowance.alpha,
            proven: None,
            chance: 1.0,
            usual,
            may_condemn: subject == Subject::Errors
                || (before.length() >= LONG_ENOUGH && allowance.length >= LONG_ENOUGH),
        })
    }

    /// Takes a sample in that counts: whether it was bad, and how long it took.
    pub fn push(&mut self, started: Moment, is_bad: bool, latency: Duration) {
        let mut has_closed = false;
        for (part, open) in self.parts.iter_mut().zip(&mut self.open) {
            let is_worse = part.limit.map_or(is_bad, |limit| latency > limit);
            let glance = Glance {
                started,
                over_warning: is_worse,
                over_critical: is_worse,
            };
            if let Some(closed) = open.push(glance) {
                part.process.push(closed.warning);
                has_closed = true;
            }
        }
        if has_closed {
            let wealth = |part: &Part| part.weight * part.process.value();
            let evidence = self.parts.iter().map(wealth).sum::<f64>() / self.weight;
            self.chance = (1.0 / evidence).min(1.0);
            if evidence >= self.proof && self.proven.is_none() {
                self.proven = Some(started);
            }
        }
    }

    /// Whether the recording and the window are long enough to condemn by.
    #[must_use]
    pub const fn may_condemn(&self) -> bool {
        self.may_condemn
    }

    /// When it was proven to be worse than before.
    #[must_use]
    pub const fn proven(&self) -> Option<Moment> {
        self.proven
    }

    /// By chance at most this share of unchanged windows shows as much.
    #[must_use]
    pub const fn chance(&self) -> f64 {
        self.chance
    }

    /// What was usual: the share of errors, or the seconds of the quantile, as seen before.
    #[must_use]
    pub const fn usual(&self) -> f64 {
        self.usual.declared
    }

    /// Quantiles of the latency that are compared beside the declared one, and the seconds of each,
    /// as seen before; none for errors.
    #[must_use]
    pub fn beside(&self) -> &[(f64, f64)] {
        &self.usual.beside
    }
}

fn errors(
    before: &Before,
    tolerance: f64,
    well: f64,
    allowance: Allowance,
) -> Option<(Vec<Part>, Usual)> {
    let usual = before.errors(CONFIDENCE)?;
    let p0 = usual_share(usual, tolerance, well);
    let terms = terms(p0, ERRORS_WORTH * p0, usual.dispersion, allowance);
    let part = Part {
        limit: None,
        weight: 1.0,
        process: Process::martingale(terms),
    };
    let seen = Usual {
        declared: usual.seen,
        beside: Vec::new(),
    };
    (p0 < MOST_RATE).then_some((vec![part], seen))
}

fn latency(
    before: &Before,
    tolerance: f64,
    declared: f64,
    allowance: Allowance,
) -> Option<(Vec<Part>, Usual)> {
    let beside = BESIDE.into_iter().filter(|q| *q != declared);
    let beside = beside.take(BESIDE_COUNT).map(|q| (q, BESIDE_WEIGHT));
    let all = std::iter::once((declared, DECLARED_WEIGHT)).chain(beside);
    // The declared quantile may be too high to be bounded by few samples; the others speak then.
    let mut seen = Usual {
        declared: before.quantile(declared)?.as_secs_f64(),
        beside: Vec::new(),
    };
    let parts: Vec<Part> = all
        .filter_map(|(q, weight)| {
            let usual = before.latency(q)?;
            if q != declared {
                seen.beside.push((q, usual.seen.as_secs_f64()));
            }
            let terms = terms(
                1.0 - q,
                1.0 - LATENCY_WORTH * q,
                usual.dispersion,
                allowance,
            );
            Some(Part {
                limit: Some(stretched(usual.at_most, tolerance)),
                weight,
                process: Process::martingale(terms),
            })
        })
        .collect();
    (!parts.is_empty()).then_some((parts, seen))
}

/// A span and so much more; the longest there is where that is beyond all measure.
fn stretched(span: Duration, tolerance: f64) -> Duration {
    let seconds = span.as_secs_f64() * (1.0 + tolerance);
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
}

fn terms(p0: f64, least: f64, dispersion: f64, allowance: Allowance) -> Terms {
    Terms {
        p0,
        least,
        blocks: allowance.promised_blocks(),
        forgive: allowance.forgive,
        temper: 1.0 / dispersion,
    }
}
