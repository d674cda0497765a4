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
        let is_warm = seconds(turn.at) >= layout.warm_up;
        let is_too_slow = is_warm && latency > check.too_slow;
        agenda.after(turn, shot.is_bad() || is_too_slow, latency);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rehearsal::drill::families::{self, Ladder};
    use crate::rehearsal::drill::rules::stage::trial;
    use crate::rehearsal::drill::scenario::{Breakage, Habit};

    /// Four checks every 10 s for 10 minutes, as on the bench.
    fn layout(closer_look: bool) -> Layout {
        Layout {
            closer_look,
            ..trial(4).layout(Spacing::Even)
        }
    }

    fn windows(layout: &Layout, variant: &Variant, count: u64) -> Vec<SimulatedWindow> {
        let numbers = 0..count;
        numbers
            .map(|number| generate(layout, variant, 1, number))
            .collect()
    }

    fn shots(windows: &[SimulatedWindow]) -> impl Iterator<Item = &Shot> {
        windows.iter().flat_map(|window| &window.shots)
    }

    /// Whether a count lies within five standard deviations of what its chance promises.
    fn is_likely(count: usize, of: usize, chance: f64) -> bool {
        let of = of as f64;
        let deviation = (of * chance * (1.0 - chance)).sqrt();
        (count as f64 - of * chance).abs() <= 5.0 * deviation + 1.0
    }

    fn variant(name: &str) -> Variant {
        let mut all = families::healthy();
        all.extend(families::bad(4));
        let found = all.into_iter().find(|variant| variant.name == name);
        found.expect(name)
    }

    #[test]
    fn as_many_answers_fail_as_the_variant_says() {
        let fixed = layout(false);
        let cases = [
            ("clean", 0.0),
            ("err1", 0.01),
            ("err10", 0.1),
            ("err25", 0.25),
            ("outage", 1.0),
            ("one-check", 0.25 + 0.75 * 0.001),
            ("flap20", 0.5 + 0.5 * 0.001),
        ];
        for (name, chance) in cases {
            let windows = windows(&fixed, &variant(name), 100);
            let bad = shots(&windows).filter(|shot| shot.is_bad()).count();
            let all = shots(&windows).count();
            assert_eq!(all, 100 * 240, "{name}");
            // Flapping follows the clock: its samples are not independent, but as many.
            assert!(is_likely(bad, all, chance), "{name}: {bad} of {all}");
        }
    }

    #[test]
    fn the_limited_quantile_stands_where_the_variant_says() {
        let fixed = layout(false);
        // The 95th percentile as a share of the warning limit of one second.
        let cases = [
            ("clean", 0.4),
            ("near", 0.95),
            ("heavy", 0.9),
            ("waves", 0.8),
            ("slow3", 2.4),
        ];
        for (name, level) in cases {
            let windows = windows(&fixed, &variant(name), 200);
            let limit = Duration::from_secs_f64(level);
            let right = || shots(&windows).filter(|shot| !shot.is_bad());
            let over = right().filter(|shot| shot.latency > limit).count();
            let share = over as f64 / right().count() as f64;
            assert!((share - 0.05).abs() < 0.01, "{name}: {share}");
        }
    }

    #[test]
    fn a_blip_is_one_span_of_ten_to_twenty_seconds() {
        let fixed = layout(false);
        let quiet = Habit::clean().with_blip(1.0);
        for window in windows(&fixed, &Variant::healthy("blip", "", quiet), 50) {
            let bad: Vec<Duration> = window
                .shots
                .iter()
                .filter(|shot| shot.is_bad())
                .map(|shot| shot.started)
                .collect();
            // With a sample every 2.5 s, a span of 10 to 20 s holds 4 to 8 of them.
            assert!((4..=8).contains(&bad.len()), "{bad:?}");
            let first = bad.iter().min().copied().unwrap_or_default();
            let last = bad.iter().max().copied().unwrap_or_default();
            assert!(last - first < Duration::from_secs(20));
        }
    }

    #[test]
    fn faults_in_the_middle_begin_there() {
        let fixed = layout(false);
        let fault = Breakage::Errors(1.0).in_the_middle();
        let variant = Variant::bad("mid", "", Habit::clean(), fault);
        for window in windows(&fixed, &variant, 50) {
            let onset = window.onset.expect("a fault begins");
            let middle = Duration::from_secs(180)..=Duration::from_secs(420);
            assert!(middle.contains(&onset), "{onset:?}");
            for shot in &window.shots {
                assert_eq!(shot.is_bad(), shot.started >= onset);
            }
        }
    }

    #[test]
    fn missing_samples_are_missing() {
        let windows = windows(&layout(false), &variant("missing30"), 50);
        let all = 50 * 240;
        assert!(is_likely(all - shots(&windows).count(), all, 0.3));
    }

    #[test]
    fn a_check_that_looks_bad_is_looked_at_every_two_seconds_for_thirty() {
        let mut layout = layout(true);
        layout.checks.truncate(1);
        layout.checks[0].every = 300.0;
        let cases = [
            (
                Ladder::Errors.variant(1.0),
                "an outage goes on being looked at",
            ),
            (variant("clean"), "nothing looks bad"),
        ];
        for (variant, why) in cases {
            let window = generate(&layout, &variant, 1, 0);
            let (closer, scheduled): (Vec<&Shot>, Vec<&Shot>) =
                window.shots.iter().partition(|shot| shot.closer_look);
            assert_eq!(scheduled.len(), 2, "{why}");
            if variant.is_healthy() {
                assert!(closer.is_empty(), "{why}");
                continue;
            }
            assert!(closer.len() > 100, "{why}: {}", closer.len());
            let gaps = closer
                .windows(2)
                .map(|pair| pair[1].started - pair[0].started);
            assert!(
                gaps.into_iter().all(|gap| gap == Duration::from_secs(2)),
                "{why}"
            );
        }
    }

    #[test]
    fn a_look_ends_thirty_seconds_after_the_last_bad_sample() {
        let mut layout = layout(true);
        layout.checks.truncate(1);
        let quiet = Habit::clean().with_blip(1.0);
        for window in windows(&layout, &Variant::healthy("blip", "", quiet), 30) {
            let bad = window.shots.iter().filter(|shot| shot.is_bad());
            let Some(last_bad) = bad.map(|shot| shot.started).max() else {
                continue;
            };
            let looks = window.shots.iter().filter(|shot| shot.closer_look);
            let last_look = looks.map(|shot| shot.started).max().unwrap_or_default();
            let after = last_look.saturating_sub(last_bad);
            let is_cut_off = last_bad + Duration::from_secs(30) > window.bake;
            // The last look but one may end just before the thirty seconds are over.
            assert!(
                is_cut_off || (28..=30).contains(&after.as_secs()),
                "{after:?}"
            );
        }
    }

    #[test]
    fn an_answer_after_the_timeout_is_none() {
        let layout = trial(1).layout(Spacing::AsScheduled);
        let windows = windows(&layout, &Ladder::Slowdown.variant(20.0), 20);
        let late: Vec<&Shot> = shots(&windows)
            .filter(|shot| shot.seen == Seen::Nothing)
            .collect();
        let timeout = Duration::from_secs_f64(layout.checks[0].timeout);
        assert!(!late.is_empty());
        assert!(late.iter().all(|shot| shot.latency == timeout));
    }

    #[test]
    fn a_change_of_the_schedule_moves_no_fault() {
        let sparse = layout(false);
        let mut dense = sparse.clone();
        dense.checks.iter_mut().for_each(|check| check.every = 1.0);
        let variant = variant("outage-mid");
        for number in 0..20 {
            let onset = |layout| generate(layout, &variant, 1, number).onset;
            assert_eq!(onset(&sparse), onset(&dense));
        }
    }
}
