//! Simulates one window: asks a service at the times at which the policy would, closer looks
//! included, and puts the answers in the order in which they arrive.
//!
//! A closer look depends on the answers before it, as in a real window. The same seed, variant and
//! number of a window give the same answers, whoever judges them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::course::Course;
use super::dice::Dice;
use super::layout::{CLOSER_EVERY, CLOSER_FOR, CheckLayout, Layout, Spacing};
use super::scenario::Variant;
use super::window::{Seen, Shot, SimulatedWindow};

/// Simulates the window of this number.
#[must_use]
pub fn generate(layout: &Layout, variant: &Variant, seed: u64, window: u64) -> SimulatedWindow {
    let mut dice = Dice::of_window(seed, &variant.name, window);
    let mut course = Course::draw(variant, layout.bake, &mut dice);
    let phase = dice.share();
    let mut agenda = Agenda::new(layout, phase);
    let mut shots = Vec::new();
    while let Some(turn) = agenda.next() {
        if dice.falls(variant.habit.missing) {
            agenda.after_nothing(turn);
            continue;
        }
        let check = &layout.checks[turn.check];
        let answer = course.ask(turn.check, check, seconds(turn.at), &mut dice);
        let (seen, latency) = if answer.latency > check.timeout {
            (Seen::Nothing, check.timeout)
        } else if answer.right {
            (Seen::Right, answer.latency)
        } else {
            (Seen::Wrong, answer.latency)
        };
        let shot = Shot {
            check: turn.check,
            started: Duration::from_nanos(turn.at),
            latency: Duration::from_nanos(nanoseconds(latency)),
            seen,
            closer_look: turn.closer_look,
        };
        agenda.after(turn, shot.is_bad() || latency > check.too_slow, latency);
        shots.push(shot);
    }
    shots.sort_by_key(Shot::arrived);
    SimulatedWindow {
        shots,
        bake: Duration::from_nanos(nanoseconds(layout.bake)),
        onset: course
            .onset()
            .map(|at| Duration::from_nanos(nanoseconds(at))),
    }
}

/// A sample that is due. Ordered by time, then by check, a scheduled one before a closer look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    /// When, in nanoseconds from the start.
    at: u64,
    check: usize,
    closer_look: bool,
}

/// What is due when.
#[derive(Debug)]
struct Agenda<'a> {
    layout: &'a Layout,
    end: u64,
    due: BinaryHeap<Reverse<Turn>>,
    /// Until when each check is looked at closely, in nanoseconds; nothing when it is not.
    closely_until: Vec<Option<u64>>,
}

impl<'a> Agenda<'a> {
    fn new(layout: &'a Layout, phase: f64) -> Self {
        let count = layout.checks.len().max(1) as f64;
        let first = |place: usize, check: &CheckLayout| {
            let share = place as f64 / count;
            match layout.spacing {
                Spacing::AsScheduled => check.every.min(LONGEST_SPREAD) * share,
                Spacing::Even => check.every * (phase + share).fract(),
            }
        };
        let turns = layout.checks.iter().enumerate();
        Self {
            layout,
            end: nanoseconds(layout.bake),
            due: turns
                .map(|(place, check)| {
                    Reverse(Turn {
                        at: nanoseconds(first(place, check)),
                        check: place,
                        closer_look: false,
                    })
                })
                .collect(),
            closely_until: vec![None; layout.checks.len()],
        }
    }

    /// The next sample in the window, with its successor on the schedule put down.
    fn next(&mut self) -> Option<Turn> {
        let Reverse(turn) = self.due.pop()?;
        if turn.at >= self.end {
            return None;
        }
        if !turn.closer_look {
            let every = nanoseconds(self.layout.checks[turn.check].every).max(1);
            self.due.push(Reverse(Turn {
                at: turn.at + every,
                ..turn
            }));
        }
        Some(turn)
    }

    /// Puts down a closer look where one follows from a sample.
    fn after(&mut self, turn: Turn, looked_bad: bool, latency: f64) {
        let every = self.layout.checks[turn.check].every;
        if !self.layout.closer_look || every <= CLOSER_EVERY {
            return;
        }
        let known = turn.at + nanoseconds(latency);
        let until = &mut self.closely_until[turn.check];
        let was_looking = until.is_some();
        if looked_bad {
            *until = Some(known + nanoseconds(CLOSER_FOR));
        }
        // A run of looks goes on by itself; a sample of the schedule begins one.
        if turn.closer_look || (looked_bad && !was_looking) {
            let next = known.max(turn.at + nanoseconds(CLOSER_EVERY));
            self.look_at(turn.check, next);
        }
    }

    /// A sample that never came says nothing, and a run of looks goes on.
    fn after_nothing(&mut self, turn: Turn) {
        if turn.closer_look {
            self.look_at(turn.check, turn.at + nanoseconds(CLOSER_EVERY));
        }
    }

    fn look_at(&mut self, check: usize, at: u64) {
        let until = &mut self.closely_until[check];
        if until.is_some_and(|until| at < until) {
            self.due.push(Reverse(Turn {
                at,
                check,
                closer_look: true,
            }));
        } else {
            *until = None;
        }
    }
}

/// The first runs of all checks are spread over at most so many seconds, as by the engine.
const LONGEST_SPREAD: f64 = 1.0;

fn nanoseconds(seconds: f64) -> u64 {
    (seconds * 1e9).round() as u64
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}
