//! How old a head may be, and how far behind, when nothing is declared: what follows from how often
//! the chain makes a block, and how regularly. Pure.

use std::time::Duration;

use super::expectation::whole;
use super::head::Head;
use crate::clock::WallTime;
use crate::quantity::human;
use crate::sample::{Fault, Reason};

/// How often a chain makes a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The time from one block to the next.
    pub block_time: Duration,
    /// How regular that is.
    pub rhythm: Rhythm,
}

/// How regularly a chain makes its blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rhythm {
    /// By a schedule: most gaps are one block time long.
    #[default]
    Scheduled,
    /// At random, as work is proved: gaps of six block times are seen every other day.
    Random,
}

impl Rhythm {
    /// So many block times old, a head is worth a note.
    const fn old(self) -> u32 {
        match self {
            Self::Scheduled => 4,
            Self::Random => 6,
        }
    }

    /// So many block times old, a head is too old. Random gaps of eighteen block times come once in
    /// sixty-five million blocks.
    const fn too_old(self) -> u32 {
        match self {
            Self::Scheduled => 10,
            Self::Random => 18,
        }
    }

    /// How many blocks behind others a node may be, however slow the chain.
    const fn blocks_behind(self) -> u64 {
        match self {
            Self::Scheduled => 8,
            Self::Random => 3,
        }
    }

    /// How far producers may date a block ahead of us before anybody is told: two hours where no
    /// schedule binds them, by the rules of Bitcoin.
    #[must_use]
    pub const fn tolerated_skew(self) -> Duration {
        match self {
            Self::Scheduled => Duration::from_secs(15),
            Self::Random => Duration::from_secs(2 * 60 * 60),
        }
    }
}

impl Pace {
    /// A chain that makes its blocks by a schedule.
    #[must_use]
    pub const fn scheduled(block_time: Duration) -> Self {
        Self {
            block_time,
            rhythm: Rhythm::Scheduled,
        }
    }

    /// A chain that makes its blocks at random.
    #[must_use]
    pub const fn random(block_time: Duration) -> Self {
        Self {
            block_time,
            rhythm: Rhythm::Random,
        }
    }

    /// Judges an age: far too many block times are a fault, many a note.
    ///
    /// # Errors
    /// When the head is too old for a chain of this pace.
    pub fn judge(self, head: &Head, now: WallTime) -> Result<Option<String>, Fault> {
        let Some(age) = head.age(now) else {
            return Ok(None);
        };
        let words = |limit: Duration, times: u32| {
            let why = if limit == FLOOR {
                String::new()
            } else {
                let block_time = human(self.block_time);
                format!(" ({times} times the block time of {block_time})")
            };
            format!(
                "the head (block {}) is {} old, more than {}{why}",
                head.height,
                whole(age),
                human(limit)
            )
        };
        let limit = |times: u32| self.block_time.saturating_mul(times).max(FLOOR);
        let (old, too_old) = (self.rhythm.old(), self.rhythm.too_old());
        if age > limit(too_old) {
            let detail = words(limit(too_old), too_old);
            return Err(Fault::new(Reason::Stale, detail).dated());
        }
        Ok((age > limit(old)).then(|| words(limit(old), old)))
    }

    /// How many blocks a node may be behind others: a few, or what the chain makes in half a minute.
    #[must_use]
    pub fn lag_limit(self) -> u64 {
        self.blocks_in(FLOOR).max(self.rhythm.blocks_behind())
    }

    /// How far the heads of references that agree may lie apart: what the chain makes while they
    /// are asked.
    #[must_use]
    pub fn agreement(self) -> u64 {
        self.blocks_in(ASKING).clamp(NARROWEST, WIDEST)
    }

    fn blocks_in(self, span: Duration) -> u64 {
        let blocks = span.as_nanos().div_ceil(self.block_time.as_nanos().max(1));
        u64::try_from(blocks).unwrap_or(u64::MAX)
    }
}

/// However fast a chain is, a head younger than this is no matter: clocks and networks jitter.
const FLOOR: Duration = Duration::from_secs(30);

/// How far apart in time the answers of several references may be.
const ASKING: Duration = Duration::from_secs(2);
/// Heads so close agree, however slow the chain is.
const NARROWEST: u64 = 2;
/// Heads further apart do not agree, however fast the chain is.
const WIDEST: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(seconds: u64) -> WallTime {
        WallTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn the_pace_of_the_chain_gives_the_limits() {
        let steady = |seconds| Pace::scheduled(Duration::from_secs(seconds));
        let bitcoin = Pace::random(Duration::from_secs(600));
        let cases = [
            (steady(12), 48, "fresh"),
            (steady(12), 49, "old"),
            (steady(12), 120, "old"),
            (steady(12), 121, "too old"),
            (steady(1), 30, "fresh"),
            (steady(1), 31, "too old"),
            (steady(5), 31, "old"),
            (steady(5), 51, "too old"),
            (bitcoin, 3_600, "fresh"),
            (bitcoin, 3_601, "old"),
            (bitcoin, 10_800, "old"),
            (bitcoin, 10_801, "too old"),
        ];
        for (pace, age, judged) in cases {
            let head = Head::dated(54, 1_000).unwrap();
            let told = match pace.judge(&head, wall(1_000 + age)) {
                Ok(None) => "fresh",
                Ok(Some(_)) => "old",
                Err(fault) => {
                    assert_eq!(fault.reason, Reason::Stale);
                    "too old"
                }
            };
            assert_eq!(told, judged, "{pace:?} {age}");
        }
        assert_eq!(steady(1).judge(&Head::undated(1), wall(9)), Ok(None));
    }

    #[test]
    fn a_fast_chain_may_be_more_blocks_behind() {
        // block time in milliseconds, how many blocks behind, how far apart references may be
        let cases = [
            (12_000, 8, 2),
            (2_000, 15, 2),
            (1_000, 30, 2),
            (400, 75, 5),
            (250, 120, 8),
            (100, 300, 10),
        ];
        for (milliseconds, behind, apart) in cases {
            let pace = Pace::scheduled(Duration::from_millis(milliseconds));
            assert_eq!(pace.lag_limit(), behind, "{milliseconds}");
            assert_eq!(pace.agreement(), apart, "{milliseconds}");
        }
        let bitcoin = Pace::random(Duration::from_secs(600));
        assert_eq!((bitcoin.lag_limit(), bitcoin.agreement()), (3, 2));
    }
}
