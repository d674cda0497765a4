//! When each check is due next. A value: it holds no timer and asks for no time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::clock::Moment;

/// The order in which checks are due; each is named by its index.
#[derive(Debug)]
pub struct Schedule {
    due: BinaryHeap<Reverse<(Moment, usize)>>,
    every: Vec<Duration>,
}

/// The first runs of all checks are spread over at most this long, so that they do not start in
/// one burst, and a short bake still gets its samples.
const LONGEST_SPREAD: Duration = Duration::from_secs(1);

impl Schedule {
    /// A schedule from a start and each check's interval.
    #[must_use]
    pub fn new(every: Vec<Duration>, start: Moment) -> Self {
        let count = u32::try_from(every.len()).unwrap_or(u32::MAX).max(1);
        let due = every
            .iter()
            .zip(0_u32..)
            .enumerate()
            .map(|(index, (interval, place))| {
                let spread = LONGEST_SPREAD.min(*interval);
                Reverse((
                    start + spread.mul_f64(f64::from(place) / f64::from(count)),
                    index,
                ))
            })
            .collect();
        Self { due, every }
    }

    /// When the next check is due; `None` when there is none at all.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }

    /// Takes a check that is due and schedules its next run.
    ///
    /// Turns that were missed altogether (the machine slept) are left out, not made up for: they
    /// are missing samples, and a burst would measure nothing but itself.
    pub fn take_due(&mut self, now: Moment) -> Option<usize> {
        let Reverse((due, index)) = self.due.peek().copied()?;
        if due > now {
            return None;
        }
        self.due.pop();
        let every = self.every[index].max(Duration::from_millis(1));
        let mut next = due + every;
        if next <= now {
            let missed = now.since(due).as_nanos() / every.as_nanos();
            next = due + every.saturating_mul(u32::try_from(missed + 1).unwrap_or(u32::MAX));
        }
        self.due.push(Reverse((next, index)));
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::at(Duration::from_millis(millis))
    }

    #[test]
    fn first_runs_are_spread_and_later_ones_keep_the_interval() {
        let every = Duration::from_secs(10);
        let mut schedule = Schedule::new(vec![every; 4], at(0));
        let mut seen = Vec::new();
        for now in (0..20_500).step_by(250) {
            while let Some(index) = schedule.take_due(at(now)) {
                seen.push((now, index));
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
        assert_eq!(schedule.take_due(at(0)), Some(0));
        assert_eq!(schedule.take_due(at(5_300)), Some(0));
        assert_eq!(schedule.take_due(at(5_300)), None);
        assert_eq!(schedule.next_due(), Some(at(6_000)));
    }
}
