//! Whether the wall clock was set while we looked: what it says, held against the monotonic clock.
//!
//! A clock that is slewed drags the monotonic one with it (clock_gettime(2): CLOCK_MONOTONIC "is
//! affected by frequency adjustments"), so that the two part only where the wall clock is set, or
//! where the machine slept, which the monotonic clock of Linux does not count. Pure; asked by the
//! clocks of `engine` and of the tests.

use std::fmt;
use std::time::Duration;

use super::{Moment, WallTime};
use crate::quantity::human;

/// A jump of the wall clock against the monotonic one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jump {
    /// When it was seen.
    pub at: Moment,
    /// How far, at least.
    pub by: Duration,
    /// Whether the wall clock went ahead, and not back.
    pub ahead: bool,
}

impl fmt::Display for Jump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not told in parts of a second: it is no measurement.
        let by = human(Duration::from_secs(self.by.as_secs()));
        match self.ahead {
            true => write!(f, "our own clock jumped {by} ahead"),
            false => write!(f, "our own clock jumped {by} back"),
        }
    }
}

/// Remembers how far apart the two clocks are.
#[derive(Clone, Copy, Debug, Default)]
pub struct Steadiness {
    apart: Option<Apart>,
    last: Option<Jump>,
}

/// The bounds of the distance from the monotonic clock to the wall clock, in nanoseconds. They are
/// no single number: between the looks at the two clocks the process may have been put to sleep.
#[derive(Clone, Copy, Debug)]
struct Apart {
    least: i128,
    most: i128,
}

impl Steadiness {
    /// Takes in what the wall clock said at some moment from `before` to `after`.
    pub fn see(&mut self, before: Moment, wall: WallTime, after: Moment) {
        let seen = Apart::of(before, wall, after);
        let Some(known) = self.apart else {
            self.apart = Some(seen);
            return;
        };
        let ahead = seen.least.saturating_sub(known.most);
        let back = known.least.saturating_sub(seen.most);
        let by = ahead.max(back);
        if by > JUMP {
            self.last = Some(Jump {
                at: after,
                by: Duration::from_nanos(u64::try_from(by).unwrap_or(u64::MAX)),
                ahead: ahead > back,
            });
            self.apart = Some(seen);
        } else if by <= 0 && seen.width() < known.width() {
            // The same distance, seen more sharply. One that has changed a little is not taken over:
            // many small steps are a jump in the end.
            self.apart = Some(seen);
        }
    }

    /// The last jump.
    #[must_use]
    pub const fn jump(&self) -> Option<Jump> {
        self.last
    }
}

impl Apart {
    fn of(before: Moment, wall: WallTime, after: Moment) -> Self {
        let wall = nanoseconds(wall.unix());
        Self {
            least: wall - nanoseconds(after.since_origin()),
            most: wall - nanoseconds(before.since_origin()),
        }
    }

    const fn width(self) -> i128 {
        self.most - self.least
    }
}

fn nanoseconds(span: Duration) -> i128 {
    i128::try_from(span.as_nanos()).unwrap_or(i128::MAX)
}

/// More than a leap second, which is one step of a second, and far more than the 128 ms from which
/// on ntpd steps a clock instead of slewing it (ntpd(8), "step threshold"); less than makes the age
/// of a block mean something else.
const JUMP: i128 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is seen of the wall clock, in milliseconds: before, wall, after.
    fn seen(looks: &[(u64, u64, u64)]) -> Option<Jump> {
        let span = Duration::from_millis;
        let mut steadiness = Steadiness::default();
        for (before, wall, after) in looks {
            let wall = WallTime::since_unix_epoch(span(*wall));
            steadiness.see(Moment::at(span(*before)), wall, Moment::at(span(*after)));
        }
        steadiness.jump()
    }

    #[test]
    fn a_clock_that_is_set_has_jumped() {
        let hour = 3_600_000;
        for (looks, expected, why) in [
            (vec![(0, 50_000, 0)], None, "one look"),
            (
                vec![(0, 50_000, 0), (hour, 50_000 + hour, hour)],
                None,
                "an hour later",
            ),
            (
                vec![(0, 50_000, 0), (10, 51_010, 10)],
                None,
                "a leap second",
            ),
            (
                vec![(0, 50_000, 0), (10, 170_010, 10)],
                Some((120, true)),
                "set ahead, or woken from sleep",
            ),
            (
                vec![(0, 50_000, 0), (10, 20_010, 10)],
                Some((30, false)),
                "set back",
            ),
            (
                vec![(0, 50_000, 0), (10, 57_000, 7_010)],
                None,
                "put to sleep between the looks at the two clocks",
            ),
            (
                vec![(0, 50_000, 0), (10, 50_610, 10), (20, 51_220, 20)],
                Some((1, true)),
                "two small steps that add up",
            ),
            (
                vec![
                    (0, 50_000, 7_000),
                    (7_000, 50_000, 7_000),
                    (7_010, 48_000, 7_010),
                ],
                Some((2, false)),
                "the first look was blurred, the second is sharp",
            ),
        ] {
            let told = seen(&looks).map(|jump| (jump.by.as_secs(), jump.ahead));
            assert_eq!(told, expected, "{why}");
        }
    }

    #[test]
    fn the_last_jump_is_told_with_its_moment() {
        let jump = seen(&[(0, 50_000, 0), (10, 170_010, 10), (5_000, 55_000, 5_000)]);
        let jump = jump.expect("it jumped");
        assert_eq!(jump.at, Moment::at(Duration::from_secs(5)));
        assert_eq!(jump.to_string(), "our own clock jumped 2m back");
    }
}
