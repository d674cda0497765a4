//! When each check is due next, by its interval and by a closer look. A value: it holds no timer
//! and asks for no time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::clock::Moment;

/// The order in which checks are due; each is named by its index.
#[derive(Debug)]
pub struct Schedule {
    due: BinaryHeap<Reverse<(Moment, usize, Turn)>>,
    every: Vec<Duration>,
    /// How many scheduled turns each check still has.
    turns: Vec<u32>,
    /// Until when each check is looked at more closely; absent exactly where no such turn waits.
    closer_until: Vec<Option<Moment>>,
}

/// A check whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// Which check.
    pub index: usize,
    /// Why.
    pub turn: Turn,
    /// Since when.
    pub since: Moment,
    /// How many of its turns after this one have passed already: they are left out.
    pub missed: u32,
}

/// Why a check is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Turn {
    /// Its interval has passed.
    Scheduled,
    /// An earlier run looked bad.
    CloserLook,
}

/// How often a check is run during a closer look: often enough for two or three runs within a
/// block of the judge, seldom enough to be no load.
pub const CLOSER_EVERY: Duration = Duration::from_secs(2);
/// How long a closer look lasts after the last bad run: as long as a burst that is forgiven.
pub const CLOSER_FOR: Duration = Duration::from_secs(30);

/// The first runs of a few checks are spread over at most this long, so that they do not start in
/// one burst, and a short bake still gets its samples.
const LONGEST_SPREAD: Duration = Duration::from_secs(1);
/// Those of many are spread so that about one starts in each such span, until their interval is full.
const ROOM_FOR_ONE: Duration = Duration::from_millis(1);

/// When each check runs first: spread evenly, in the order of declaration. On whole milliseconds, so
/// that what is due within one is served by one wake-up.
#[must_use]
pub fn spread(every: &[Duration], start: Moment) -> Vec<Moment> {
    let count = u32::try_from(every.len()).unwrap_or(u32::MAX).max(1);
    let room = LONGEST_SPREAD.max(ROOM_FOR_ONE.saturating_mul(count));
    let offset = |(interval, place): (&Duration, u32)| {
        let offset = room
            .min(*interval)
            .mul_f64(f64::from(place) / f64::from(count));
        start + Duration::from_millis(u64::try_from(offset.as_millis()).unwrap_or(u64::MAX))
    };
    every.iter().zip(0_u32..).map(offset).collect()
}

impl Schedule {
    /// A schedule from a start and each check's interval.
    #[must_use]
    pub fn new(every: Vec<Duration>, start: Moment) -> Self {
        let first = spread(&every, start);
        Self::beginning(every, first)
    }

    /// A schedule from each check's interval and the moment of its first run.
    #[must_use]
    pub fn beginning(every: Vec<Duration>, first: Vec<Moment>) -> Self {
        let turns = vec![u32::MAX; every.len()];
        Self::of_turns(every, first, turns)
    }

    /// The same for so many runs of each check.
    #[must_use]
    pub fn of_turns(every: Vec<Duration>, first: Vec<Moment>, turns: Vec<u32>) -> Self {
        let first = first.into_iter().enumerate();
        let due = first
            .filter(|(index, _)| turns[*index] > 0)
            .map(|(index, first)| Reverse((first, index, Turn::Scheduled)))
            .collect();
        let closer_until = vec![None; every.len()];
        Self {
            due,
            every,
            turns,
            closer_until,
        }
    }

    /// Looks more closely at a check of which a run that started at `seen` looked bad. What is run
    /// more often anyway stays as it is.
    pub fn look_closer(&mut self, index: usize, seen: Moment, now: Moment) {
        if self.every[index] <= CLOSER_EVERY {
            return;
        }
        let until = seen + CLOSER_FOR;
        match &mut self.closer_until[index] {
            // Its next turn waits already, even if this look is over by now.
            Some(known) => *known = until.max(*known),
            None if until > now => {
                let next = now.max(seen + CLOSER_EVERY);
                self.due.push(Reverse((next, index, Turn::CloserLook)));
                self.closer_until[index] = Some(until);
            }
            None => {}
        }
    }

    /// When the next check is due; `None` when there is none at all.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        self.due.peek().map(|Reverse((due, _, _))| *due)
    }

    /// Takes a check that is due and schedules its next run.
    ///
    /// Turns that were missed altogether (the machine slept) are left out, not made up for: they
    /// are missing samples, and a burst would measure nothing but itself.
    pub fn take_due(&mut self, now: Moment) -> Option<Due> {
        loop {
            let Reverse((since, index, turn)) = self.due.peek().copied()?;
            if since > now {
                return None;
            }
            self.due.pop();
            if turn == Turn::CloserLook && self.closer_until[index].is_none_or(|end| end <= since) {
                self.closer_until[index] = None;
                continue;
            }
            let every = match turn {
                Turn::Scheduled => self.every[index],
                Turn::CloserLook => CLOSER_EVERY,
            };
            let mut missed = turns_between(since, every, now);
            let mut goes_on = true;
            if turn == Turn::Scheduled && self.turns[index] != u32::MAX {
                missed = missed.min(self.turns[index] - 1);
                self.turns[index] -= missed + 1;
                goes_on = self.turns[index] > 0;
            }
            if goes_on {
                let next = since + at_least_one(every).saturating_mul(missed.saturating_add(1));
                self.due.push(Reverse((next, index, turn)));
            }
            return Some(Due {
                index,
                turn,
                since,
                missed,
            });
        }
    }
}

/// How many turns after the one at `since` have come by `now`.
fn turns_between(since: Moment, every: Duration, now: Moment) -> u32 {
    let passed = now.since(since).as_nanos() / at_least_one(every).as_nanos();
    u32::try_from(passed).unwrap_or(u32::MAX)
}

/// No check is run more often than timers can tell.
fn at_least_one(every: Duration) -> Duration {
    every.max(Duration::from_millis(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::at(Duration::from_millis(millis))
    }

    fn taken(schedule: &mut Schedule, now: u64) -> Option<(usize, Turn)> {
        schedule.take_due(at(now)).map(|due| (due.index, due.turn))
    }

    #[test]
    fn the_first_runs_of_very_many_fill_their_interval_and_no_more() {
        let every = Duration::from_secs(10);
        let first = spread(&vec![every; 100_000], at(0));
        let within = |from, to| {
            first
                .iter()
                .filter(move |one| (at(from)..at(to)).contains(one))
        };
        assert_eq!(within(0, 10_000).count(), 100_000);
        for from in (0..10_000).step_by(100) {
            assert_eq!(within(from, from + 100).count(), 1_000, "from {from} ms on");
        }
    }

    #[test]
    fn what_has_no_turn_left_is_not_due() {
        let every = vec![Duration::from_secs(1); 3];
        let mut schedule = Schedule::of_turns(every, vec![at(0); 3], vec![0, 1, 3]);
        let mut seen = Vec::new();
        while let Some(now) = schedule.next_due() {
            seen.extend(schedule.take_due(now).map(|due| (due.index, due.since)));
        }
        let expected = [(1, at(0)), (2, at(0)), (2, at(1_000)), (2, at(2_000))];
        assert_eq!(seen, expected);
    }

    #[test]
    fn first_runs_are_spread_and_later_ones_keep_the_interval() {
        let every = Duration::from_secs(10);
        let mut schedule = Schedule::new(vec![every; 4], at(0));
        let mut seen = Vec::new();
        for now in (0..20_500).step_by(250) {
            while let Some(due) = schedule.take_due(at(now)) {
                seen.push((now, due.index));
            }
        }
        let expected: Vec<_> = [0, 10_000, 20_000]
            .iter()
            .flat_map(|base| (0..4).map(move |index| (base + 250 * index as u64, index)))
            .filter(|(now, _)| *now < 20_500)
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn missed_turns_are_left_out() {
        let mut schedule = Schedule::new(vec![Duration::from_secs(1)], at(0));
        assert_eq!(schedule.take_due(at(0)).unwrap().missed, 0);
        let late = schedule.take_due(at(5_300)).unwrap();
        assert_eq!((late.since, late.missed), (at(1_000), 4));
        assert_eq!(schedule.take_due(at(5_300)), None);
        assert_eq!(schedule.next_due(), Some(at(6_000)));
    }

    #[test]
    fn a_closer_look_runs_beside_the_schedule_and_ends() {
        let mut schedule = Schedule::new(vec![Duration::from_secs(20)], at(0));
        let mut seen = Vec::new();
        for now in (0..60_500).step_by(500) {
            while let Some(Due { turn, .. }) = schedule.take_due(at(now)) {
                seen.push((now, turn));
                if now == 0 {
                    schedule.look_closer(0, at(0), at(500));
                }
            }
        }
        let closer = seen.iter().filter(|(_, turn)| *turn == Turn::CloserLook);
        let closer: Vec<u64> = closer.map(|(now, _)| *now).collect();
        let expected: Vec<u64> = (2_000..30_000).step_by(2_000).collect();
        assert_eq!(closer, expected, "every two seconds for half a minute");
        let scheduled = seen.iter().filter(|(_, turn)| *turn == Turn::Scheduled);
        let scheduled: Vec<u64> = scheduled.map(|(now, _)| *now).collect();
        assert_eq!(scheduled, [0, 20_000, 40_000, 60_000]);
    }

    #[test]
    fn a_closer_look_is_prolonged_by_what_it_sees_and_never_doubled() {
        let mut schedule = Schedule::new(vec![Duration::from_secs(3_600)], at(0));
        assert_eq!(taken(&mut schedule, 0), Some((0, Turn::Scheduled)));
        schedule.look_closer(0, at(0), at(100));
        schedule.look_closer(0, at(0), at(100));
        let mut runs = Vec::new();
        for now in (500..80_000).step_by(500) {
            while let Some(Due { turn, .. }) = schedule.take_due(at(now)) {
                assert_eq!(turn, Turn::CloserLook);
                runs.push(now);
                if now == 20_000 {
                    schedule.look_closer(0, at(now), at(now));
                }
            }
        }
        let expected: Vec<u64> = (2_000..50_000).step_by(2_000).collect();
        assert_eq!(runs, expected);
    }

    #[test]
    fn a_look_that_ends_late_begins_no_second_one_beside_the_first() {
        let mut schedule = Schedule::new(vec![Duration::from_secs(3_600)], at(0));
        assert_eq!(taken(&mut schedule, 0), Some((0, Turn::Scheduled)));
        schedule.look_closer(0, at(0), at(100));
        let mut runs = Vec::new();
        for now in (500..50_000).step_by(500) {
            // A busy machine asks for no turn while the look ends.
            if (30_000..31_500).contains(&now) {
                continue;
            }
            if now == 31_500 {
                schedule.look_closer(0, at(0), at(now));
                schedule.look_closer(0, at(31_000), at(now));
            }
            while schedule.take_due(at(now)).is_some() {
                runs.push(now);
            }
        }
        let late: Vec<u64> = runs.into_iter().filter(|now| *now > 31_500).collect();
        let expected: Vec<u64> = (32_000..50_000).step_by(2_000).collect();
        assert_eq!(late, expected);
    }

    #[test]
    fn what_is_run_often_anyway_is_not_looked_at_more_closely() {
        let mut schedule = Schedule::new(vec![Duration::from_secs(1)], at(0));
        assert_eq!(taken(&mut schedule, 0), Some((0, Turn::Scheduled)));
        schedule.look_closer(0, at(0), at(0));
        assert_eq!(schedule.next_due(), Some(at(1_000)));
        assert_eq!(taken(&mut schedule, 1_000), Some((0, Turn::Scheduled)));
        assert_eq!(schedule.take_due(at(1_000)), None);
    }
}
