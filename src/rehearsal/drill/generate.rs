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
use super::layout::{Layout, Spacing};
use super::scenario::Variant;
use super::window::{Seen, Shot, SimulatedWindow};
use crate::clock::Moment;
use crate::engine::schedule::{Schedule, Turn};

/// Simulates the window of this number.
#[must_use]
pub fn generate(layout: &Layout, variant: &Variant, seed: u64, window: u64) -> SimulatedWindow {
    let mut dice = Dice::of_window(seed, &variant.name, window);
    let mut course = Course::draw(variant, layout.bake, &mut dice);
    let phase = dice.share();
    let mut agenda = Agenda::new(layout, phase);
    let mut shots = Vec::new();
    while let Some((check, turn, at)) = agenda.next() {
        if dice.falls(variant.habit.missing) {
            continue;
        }
        let of_check = &layout.checks[check];
        let answer = course.ask(check, of_check, at.as_secs_f64(), &mut dice);
        let (seen, latency) = if answer.latency > of_check.timeout {
            (Seen::Nothing, of_check.timeout)
        } else if answer.right {
            (Seen::Right, answer.latency)
        } else {
            (Seen::Wrong, answer.latency)
        };
        let shot = Shot {
            check,
            started: at,
            latency: span(latency),
            seen,
            closer_look: turn == Turn::CloserLook,
        };
        let is_warm = at.as_secs_f64() >= layout.warm_up;
        if shot.is_bad() || (is_warm && latency > of_check.too_slow) {
            agenda.saw_bad(&shot);
        }
        shots.push(shot);
    }
    shots.sort_by_key(Shot::arrived);
    SimulatedWindow {
        shots,
        bake: span(layout.bake),
        onset: course.onset().map(span),
    }
}

/// What is due when: the engine's own schedule, which is told of a bad sample when it has arrived.
#[derive(Debug)]
struct Agenda {
    schedule: Schedule,
    end: Moment,
    closer_look: bool,
    /// Bad samples under way: when each arrives, its check, and when it started.
    arriving: BinaryHeap<Reverse<(Moment, usize, Moment)>>,
}

impl Agenda {
    fn new(layout: &Layout, phase: f64) -> Self {
        let every: Vec<Duration> = layout
            .checks
            .iter()
            .map(|check| span(check.every))
            .collect();
        let count = layout.checks.len().max(1) as f64;
        let schedule = match layout.spacing {
            Spacing::AsScheduled => Schedule::new(every, Moment::ORIGIN),
            Spacing::Even => {
                let places = layout.checks.iter().enumerate();
                let first = places.map(|(place, check)| {
                    let share = (phase + place as f64 / count).fract();
                    Moment::at(span(check.every * share))
                });
                let first = first.collect();
                Schedule::beginning(every, first)
            }
        };
        Self {
            schedule,
            end: Moment::at(span(layout.bake)),
            closer_look: layout.closer_look,
            arriving: BinaryHeap::new(),
        }
    }

    /// The next run in the window: which check, why, and when.
    fn next(&mut self) -> Option<(usize, Turn, Duration)> {
        loop {
            let due = self.schedule.next_due()?;
            if let Some(Reverse((known, check, started))) = self.arriving.peek().copied()
                && known <= due
            {
                self.arriving.pop();
                self.schedule.look_closer(check, started, known);
                continue;
            }
            if due >= self.end {
                return None;
            }
            // Nothing is taken where a closer look has just ended.
            if let Some(taken) = self.schedule.take_due(due) {
                return Some((taken.index, taken.turn, due.since_origin()));
            }
        }
    }

    fn saw_bad(&mut self, shot: &Shot) {
        if self.closer_look {
            let known = Moment::at(shot.arrived());
            let started = Moment::at(shot.started);
            self.arriving.push(Reverse((known, shot.check, started)));
        }
    }
}

/// Seconds as a span, to the nanosecond.
fn span(seconds: f64) -> Duration {
    Duration::from_nanos((seconds * 1e9).round() as u64)
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
