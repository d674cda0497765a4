//! The head of a chain: its height, and how old it is by this machine's clock. Pure.

use std::time::Duration;

use crate::clock::WallTime;
use crate::quantity::human;

/// The newest block that a node knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number, level or slot.
    pub height: u64,
    /// When its producer says that it was made; absent where the node cannot tell.
    pub made: Option<WallTime>,
}

impl Head {
    /// Makes a head from its height and its seconds since 1970; `None` when no chain is that late,
    /// so that milliseconds are not read as seconds.
    #[must_use]
    pub fn dated(height: u64, unix_seconds: u64) -> Option<Self> {
        let made = WallTime::since_unix_epoch(Duration::from_secs(unix_seconds));
        (unix_seconds < LATEST_UNIX_SECONDS).then_some(Self {
            height,
            made: Some(made),
        })
    }

    /// Makes a head of which nobody says when it was made.
    #[must_use]
    pub const fn undated(height: u64) -> Self {
        Self { height, made: None }
    }

    /// How old it is, where that is known; zero when it is dated in the future.
    #[must_use]
    pub fn age(&self, now: WallTime) -> Option<Duration> {
        self.made.map(|made| now.since(made))
    }

    /// What a person should know of the two clocks, when they are further apart than producers of
    /// this chain may date a block ahead.
    #[must_use]
    pub fn clock_note(&self, now: WallTime, tolerated: Duration) -> Option<String> {
        let ahead = self.made?.since(now);
        (ahead > tolerated).then(|| {
            format!(
                "the head is dated {} ahead of this machine's clock: one of the two clocks is wrong, \
                 and the head's age says nothing",
                human(Duration::from_secs(ahead.as_secs()))
            )
        })
    }
}

/// The year 5138: what is later is no number of seconds.
const LATEST_UNIX_SECONDS: u64 = 100_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(seconds: u64) -> WallTime {
        WallTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn the_age_is_never_negative_and_skew_is_told() {
        let head = Head::dated(54, 1_000).unwrap();
        // now, age, told
        let cases = [
            (1_000, 0, false),
            (1_090, 90, false),
            (985, 0, false),
            (984, 0, true),
            (0, 0, true),
        ];
        let tolerated = Duration::from_secs(15);
        for (now, age, told) in cases {
            assert_eq!(head.age(wall(now)), Some(Duration::from_secs(age)), "{now}");
            assert_eq!(
                head.clock_note(wall(now), tolerated).is_some(),
                told,
                "{now}"
            );
        }
        let undated = Head::undated(54);
        assert_eq!(undated.age(wall(1)), None);
        assert_eq!(undated.clock_note(wall(1), Duration::ZERO), None);
    }

    #[test]
    fn milliseconds_are_not_read_as_seconds() {
        assert!(Head::dated(1, 1_795_261_930).is_some());
        assert_eq!(Head::dated(1, 1_795_261_930_000), None);
        assert_eq!(Head::dated(1, u64::MAX), None);
    }
}
