//! The memory of a chain check: the highest head it ever saw, and since when it stands there.
//!
//! It outlives the single attempt, because one look cannot tell a chain that stands still from one
//! that moves. It measures on the monotonic line, so a jump of the wall clock moves nothing. Pure;
//! the probe keeps it behind a lock.

use std::time::Duration;

use crate::clock::Moment;

/// The highest head seen, and when it was first seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress(Option<Mark>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    highest: u64,
    since: Moment,
}

/// What a head means beside those seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    mark: Mark,
    /// Since when the highest head stands; zero when this head is higher, or the first.
    pub since_advance: Duration,
    /// How many blocks this head is above the highest before; negative when it is below.
    pub blocks: i64,
    /// The head is so far below that this is the chain begun anew, or another one.
    pub began_anew: bool,
}

impl Progress {
    /// Compares a head with those seen before, and changes nothing.
    #[must_use]
    pub fn weigh(&self, height: u64, now: Moment) -> Advance {
        let fresh = Mark {
            highest: height,
            since: now,
        };
        let Some(before) = self.0 else {
            return Advance {
                mark: fresh,
                since_advance: Duration::ZERO,
                blocks: 0,
                began_anew: false,
            };
        };
        let began_anew = height < before.highest.saturating_sub(DEEPEST_REORGANISATION);
        let mark = if began_anew || height > before.highest {
            fresh
        } else {
            before
        };
        Advance {
            mark,
            since_advance: now.since(mark.since),
            blocks: difference(height, before.highest),
            began_anew,
        }
    }

    /// Remembers what was weighed.
    pub fn keep(&mut self, advance: Advance) {
        self.0 = Some(advance.mark);
    }
}

fn difference(height: u64, highest: u64) -> i64 {
    let blocks = i128::from(height) - i128::from(highest);
    i64::try_from(blocks).unwrap_or(if blocks < 0 { i64::MIN } else { i64::MAX })
}

/// A head further back than this is no reorganisation and no lagging peer: the chain began anew.
const DEEPEST_REORGANISATION: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::at(Duration::from_secs(seconds))
    }

    #[test]
    fn a_chain_is_followed_through_growth_rest_and_return() {
        let mut progress = Progress::default();
        // second, height, since_advance, blocks, began anew
        let cases = [
            (0, 5_000, 0, 0, false),
            (10, 5_001, 0, 1, false),
            (20, 5_001, 10, 0, false),
            (30, 5_000, 20, -1, false),
            (40, 5_003, 0, 2, false),
            (50, 3_979, 10, -1_024, false),
            (60, 3_978, 0, -1_025, true),
            (70, 3_979, 0, 1, false),
            (75, 3_979, 5, 0, false),
            (80, 0, 0, -3_979, true),
        ];
        for (second, height, since, blocks, began_anew) in cases {
            let advance = progress.weigh(height, at(second));
            assert_eq!(
                advance.since_advance,
                Duration::from_secs(since),
                "{second}"
            );
            assert_eq!(advance.blocks, blocks, "{second}");
            assert_eq!(advance.began_anew, began_anew, "{second}");
            progress.keep(advance);
        }
    }

    #[test]
    fn what_was_weighed_and_not_kept_leaves_no_trace() {
        let mut progress = Progress::default();
        progress.keep(progress.weigh(10, at(0)));
        assert_eq!(progress.weigh(99, at(5)).blocks, 89);
        assert_eq!(
            progress.weigh(10, at(6)).since_advance,
            Duration::from_secs(6)
        );
    }

    #[test]
    fn the_largest_heads_do_not_overflow() {
        let mut progress = Progress::default();
        progress.keep(progress.weigh(u64::MAX, at(0)));
        assert_eq!(progress.weigh(0, at(1)).blocks, i64::MIN);
    }
}
