//! What happens to a service in the course of one window: blips, stalls, bursts, waves and the fault
//! have their times, and a question at a moment gets its answer.
//!
//! Questions must come in the order of time. Asked by `generate` alone.

use std::f64::consts::TAU;

use super::dice::Dice;
use super::layout::CheckLayout;
use super::scenario::{Breakage, Disturbance, Fault, Form, Habit, Onset, Stall, Variant, Waves};

/// An answer of the simulated service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Whether it is right.
    pub right: bool,
    /// How long it takes, in seconds.
    pub latency: f64,
}

/// The course of one window.
#[derive(Debug)]
pub struct Course<'a> {
    variant: &'a Variant,
    bake: f64,
    onset: f64,
    blip: (f64, f64),
    pause: (f64, f64),
    cold: Cold,
    tide_phase: f64,
    flap_phase: f64,
    bursts: Bursts,
    wave: f64,
    wave_at: f64,
}

/// A cold start: how long, and how many times as slow at first.
#[derive(Clone, Copy, Debug)]
struct Cold {
    lasts: f64,
    times: f64,
}

/// Failures that come in bursts: a burst goes on until `until`, the next one begins at `next`.
#[derive(Clone, Copy, Debug)]
struct Bursts {
    until: f64,
    next: f64,
}

/// In a burst of failures so many of all answers fail.
const BURST_SHARE: f64 = 0.3;
/// The mean length of a burst, in seconds.
const BURST_LENGTH: f64 = 5.0;
/// The tide's period, in seconds: part of one is seen in a window, as of a day in an hour.
const TIDE_PERIOD: f64 = 1_200.0;
/// The least share of failures while a service is cold.
const COLD_ERRORS: f64 = 0.02;
/// The longest pause of a service, in seconds.
const LONGEST_PAUSE: f64 = 8.0;
/// How long a refused or broken answer takes, in seconds.
const QUICK_FAILURE: f64 = 0.005;
/// Where the middle of a log-normal latency lies below its 95th percentile, in standard deviations.
const P95: f64 = 1.644_853_626_951_472_2;

impl<'a> Course<'a> {
    /// Draws the times at which things happen in a window of so many seconds.
    pub fn draw(variant: &'a Variant, bake: f64, dice: &mut Dice) -> Self {
        // Everything is drawn in every variant, in one order, so that the same window of two
        // layouts has the same course.
        let onset_at = dice.between(MIDDLE.0, MIDDLE.1);
        let (blip_length, blip_at) = (dice.share(), dice.share());
        let (pause_length, pause_at) = (dice.between(3.0, LONGEST_PAUSE), dice.share());
        let cold = Cold {
            lasts: dice.between(30.0, 60.0),
            times: dice.between(4.0, 8.0),
        };
        let habit = &variant.habit;
        let blip = match habit.disturbance {
            Disturbance::Calm => NEVER,
            Disturbance::Blip {
                shortest, longest, ..
            } => {
                let length = shortest + (longest - shortest) * blip_length;
                let start = (bake - length).max(0.0) * blip_at;
                (start, start + length)
            }
        };
        let pause_start = (bake - LONGEST_PAUSE).max(0.0) * pause_at;
        Self {
            variant,
            bake,
            onset: onset(variant, bake, onset_at),
            blip,
            pause: match habit.stall {
                Stall::Pause => (pause_start, pause_start + pause_length),
                Stall::Quick | Stall::ColdStart => NEVER,
            },
            cold: match habit.stall {
                Stall::ColdStart => cold,
                Stall::Quick | Stall::Pause => Cold {
                    lasts: 0.0,
                    times: 1.0,
                },
            },
            tide_phase: dice.share() * TAU,
            flap_phase: dice.share(),
            bursts: Bursts {
                until: f64::NEG_INFINITY,
                next: if habit.bursts {
                    dice.waiting(between_bursts(habit))
                } else {
                    f64::INFINITY
                },
            },
            wave: habit.latency.waves.map_or(0.0, |waves| waves.height) * dice.normal(),
            wave_at: 0.0,
        }
    }

    /// When the fault begins, in seconds; nothing in a healthy window.
    #[must_use]
    pub fn onset(&self) -> Option<f64> {
        self.variant.fault.map(|_| self.onset)
    }

    /// What the service answers to a check at a moment.
    pub fn ask(&mut self, check: usize, layout: &CheckLayout, at: f64, dice: &mut Dice) -> Answer {
        let rate = self.error_rate(check, at, dice);
        let right = !dice.falls(rate);
        let latency = self.latency(layout.reference, at, dice);
        Answer {
            right,
            latency: if right { latency } else { QUICK_FAILURE },
        }
    }

    fn error_rate(&mut self, check: usize, at: f64, dice: &mut Dice) -> f64 {
        let habit = &self.variant.habit;
        let usual = if habit.bursts {
            self.bursts.rate(habit, at, dice)
        } else {
            habit.errors
        };
        let mut rate = self.broken(check, at).unwrap_or(usual);
        if let Disturbance::Blip { share, .. } = habit.disturbance
            && is_within(self.blip, at)
        {
            rate = share;
        }
        if at < self.cold.lasts {
            rate = rate.max(COLD_ERRORS);
        }
        rate
    }

    /// The share of failures that the fault makes, where it makes any.
    fn broken(&self, check: usize, at: f64) -> Option<f64> {
        let fault = self.fault_at(at)?;
        match fault.what {
            Breakage::Errors(share) => Some(share),
            Breakage::OneCheck(share) => (check == 0).then_some(share),
            Breakage::Flapping(period) => {
                let place = (at / period + self.flap_phase).fract();
                (place < 0.5).then_some(1.0)
            }
            Breakage::Slow(_) | Breakage::Ramp(_) => None,
        }
    }

    fn fault_at(&self, at: f64) -> Option<&Fault> {
        self.variant.fault.as_ref().filter(|_| at >= self.onset)
    }

    fn latency(&mut self, reference: f64, at: f64, dice: &mut Dice) -> f64 {
        let habit = self.variant.habit.latency;
        let level = reference * habit.level;
        let mut latency = match habit.form {
            Form::Bimodal if dice.falls(0.88) => level * 0.22 * (0.25 * dice.normal()).exp(),
            Form::Bimodal => level * 0.985 * (0.08 * dice.normal()).exp(),
            Form::LogNormal(spread) => {
                let wave = habit.waves.map(|waves| self.wave(waves, at, dice));
                let height = habit.waves.map_or(0.0, |waves| waves.height);
                let rest = (spread * spread - height * height).max(0.0).sqrt();
                level * (wave.unwrap_or(0.0) + rest * dice.normal() - P95 * spread).exp()
            }
        };
        if habit.tide > 0.0 {
            latency *= (habit.tide * (TAU * at / TIDE_PERIOD + self.tide_phase).sin()).exp();
        }
        match self.variant.fault.map(|fault| fault.what) {
            Some(Breakage::Slow(times)) if at >= self.onset => latency *= times,
            Some(Breakage::Ramp(times)) => latency *= 1.0 + (times - 1.0) * at / self.bake,
            _ => {}
        }
        if is_within(self.pause, at) {
            latency += dice.between(3.0, LONGEST_PAUSE);
        }
        if at < self.cold.lasts {
            latency *= self.cold.times + (1.0 - self.cold.times) * at / self.cold.lasts;
        }
        latency
    }

    /// An AR(1) process in continuous time: what is left of the old wave, and a new part such that
    /// its height stays the same.
    fn wave(&mut self, waves: Waves, at: f64, dice: &mut Dice) -> f64 {
        let left = (-(at - self.wave_at).max(0.0) / waves.memory).exp();
        let fresh = (1.0 - left * left).max(0.0).sqrt();
        self.wave = left * self.wave + waves.height * fresh * dice.normal();
        self.wave_at = at;
        self.wave
    }
}

impl Bursts {
    fn rate(&mut self, habit: &Habit, at: f64, dice: &mut Dice) -> f64 {
        while at >= self.next {
            self.until = self.next + dice.waiting(BURST_LENGTH);
            self.next = self.until + dice.waiting(between_bursts(habit));
        }
        if at < self.until { BURST_SHARE } else { 0.0 }
    }
}

/// A span that no moment is in.
const NEVER: (f64, f64) = (-1.0, -1.0);
/// Where the onset of a fault in the middle lies, as shares of the bake.
const MIDDLE: (f64, f64) = (0.3, 0.7);

/// The mean time between two bursts that gives the rate of errors on the whole.
fn between_bursts(habit: &Habit) -> f64 {
    let share = (habit.errors / BURST_SHARE).clamp(f64::EPSILON, 0.999);
    BURST_LENGTH * (1.0 - share) / share
}

fn onset(variant: &Variant, bake: f64, middle: f64) -> f64 {
    match variant.fault {
        None => 0.0,
        // A ramp is a fault from where the limited quantile meets the limit.
        Some(Fault {
            what: Breakage::Ramp(times),
            ..
        }) => bake * ((1.0 / variant.habit.latency.level - 1.0) / (times - 1.0)).clamp(0.0, 1.0),
        Some(Fault {
            onset: Onset::Start,
            ..
        }) => 0.0,
        Some(Fault {
            onset: Onset::Middle,
            ..
        }) => bake * middle,
    }
}

fn is_within(span: (f64, f64), at: f64) -> bool {
    span.0 <= at && at < span.1
}
