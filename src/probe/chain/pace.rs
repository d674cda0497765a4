//! How old a head may be when nothing is declared: what follows from the chain's block time. Pure.

use std::time::Duration;

use super::expectation::whole;
use super::head::Head;
use crate::clock::WallTime;
use crate::quantity::human;
use crate::sample::{Fault, Reason};

/// What a chain's block time makes of a head's age when nothing is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(pub Duration);

impl Pace {
    /// Judges an age: beyond `TOO_OLD` block times it is a fault, beyond `OLD` ones a note.
    ///
    /// # Errors
    /// When the head is too old for a chain of this pace.
    pub fn judge(self, head: &Head, now: WallTime) -> Result<Option<String>, Fault> {
        let age = head.age(now);
        let words = |limit: Duration, times: u32| {
            let why = if limit == FLOOR {
                String::new()
            } else {
                format!(" ({times} times the block time of {})", human(self.0))
            };
            format!(
                "the head (block {}) is {} old, more than {}{why}",
                head.height,
                whole(age),
                human(limit)
            )
        };
        let limit = |times: u32| self.0.saturating_mul(times).max(FLOOR);
        if age > limit(TOO_OLD) {
            let detail = words(limit(TOO_OLD), TOO_OLD);
            return Err(Fault::new(Reason::Stale, detail).dated());
        }
        Ok((age > limit(OLD)).then(|| words(limit(OLD), OLD)))
    }
}

/// So many block times old, a head is too old.
const TOO_OLD: u32 = 10;

/// So many block times old, a head is worth a note.
const OLD: u32 = 4;

/// However fast a chain is, a head younger than this is no matter: clocks and networks jitter.
const FLOOR: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn wall(seconds: u64) -> WallTime {
        WallTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn the_pace_of_the_chain_gives_the_limits() {
        // block time, age, judged
        let cases = [
            (12, 48, "fresh"),
            (12, 49, "old"),
            (12, 120, "old"),
            (12, 121, "too old"),
            (1, 30, "fresh"),
            (1, 31, "too old"),
            (5, 31, "old"),
            (5, 51, "too old"),
        ];
        for (block_time, age, judged) in cases {
            let head = Head::dated(54, 1_000).unwrap();
            let pace = Pace(Duration::from_secs(block_time));
            let told = match pace.judge(&head, wall(1_000 + age)) {
                Ok(None) => "fresh",
                Ok(Some(_)) => "old",
                Err(fault) => {
                    assert_eq!(fault.reason, Reason::Stale);
                    "too old"
                }
            };
            assert_eq!(told, judged, "{block_time} {age}");
        }
    }
}
