//! What is expected of a head and of the node that has it: age, height, that it advances, peers.
//! Pure; declared below `expect` of the chain kinds.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::head::Head;
use super::progress::Advance;
use crate::clock::WallTime;
use crate::probe::Misfit;
use crate::quantity::{Span, human};
use crate::sample::{Fault, Reason};

/// Limits on a value; all that are given must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bounds<T> {
    /// It must be less than this.
    pub lt: Option<T>,
    /// It must be at most this.
    pub le: Option<T>,
    /// It must be more than this.
    pub gt: Option<T>,
    /// It must be at least this.
    pub ge: Option<T>,
}

impl<T: Copy + PartialOrd + fmt::Display> Bounds<T> {
    /// The limit that the value breaks, in words.
    #[must_use]
    pub fn broken_by(&self, value: T) -> Option<String> {
        let broken = |limit: Option<T>, holds: fn(&T, &T) -> bool, words: &str| {
            let limit = limit.filter(|limit| !holds(&value, limit))?;
            Some(format!("{words} {limit}"))
        };
        broken(self.lt, T::lt, "less than")
            .or_else(|| broken(self.le, T::le, "at most"))
            .or_else(|| broken(self.gt, T::gt, "more than"))
            .or_else(|| broken(self.ge, T::ge, "at least"))
    }

    #[cfg(test)]
    const fn none() -> Self {
        Self {
            lt: None,
            le: None,
            gt: None,
            ge: None,
        }
    }

    /// Whether it bounds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.lt.is_none() && self.le.is_none() && self.gt.is_none() && self.ge.is_none()
    }
}

/// What is expected of a head and of the node that has it. Each kind declares those that it can hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// How old the newest block may be.
    pub head_age: Option<Bounds<Span>>,
    /// The height of the newest block.
    pub head: Option<Bounds<u64>>,
    /// For how long the head may stand at one height, over the samples of a check.
    pub since_advance: Option<Bounds<Span>>,
    /// How many blocks the node may lack that the references agree on.
    pub lag: Option<Bounds<u64>>,
    /// How many blocks the final one may lie below the head.
    pub finality_lag: Option<Bounds<u64>>,
    /// How many peers the node has.
    pub peers: Option<Bounds<u64>>,
}

impl Expected {
    /// What cannot work in it.
    #[must_use]
    pub fn misfits(&self) -> Vec<Misfit> {
        let empty = [
            ("head_age", self.head_age.is_some_and(|b| b.is_empty())),
            ("head", self.head.is_some_and(|b| b.is_empty())),
            (
                "since_advance",
                self.since_advance.is_some_and(|b| b.is_empty()),
            ),
            ("lag", self.lag.is_some_and(|b| b.is_empty())),
            (
                "finality_lag",
                self.finality_lag.is_some_and(|b| b.is_empty()),
            ),
            ("peers", self.peers.is_some_and(|b| b.is_empty())),
        ];
        let told = empty.iter().filter(|(_, empty)| *empty);
        told.map(|(name, _)| no_limit(name)).collect()
    }

    /// The complaint about an `expect` that expects nothing.
    #[must_use]
    pub fn emptiness() -> Misfit {
        let hint = "leave `expect` out, or write `head_age: { lt: 90s }`";
        Misfit::at(&["expect"], "nothing is expected").hint(hint)
    }

    /// Judges a head.
    ///
    /// # Errors
    /// The fault of the first expectation that does not hold.
    pub fn hold(&self, head: &Head, advance: &Advance, now: WallTime) -> Result<(), Fault> {
        self.hold_age(head, now)?;
        let height = head.height;
        let standing = advance.since_advance;
        if let Some(limit) = self.since_advance.and_then(|b| b.broken_by(Span(standing))) {
            let standing = whole(standing);
            let detail = format!(
                "the head stands at block {height} and has not advanced for {standing}, expected {limit}"
            );
            return Err(Fault::new(Reason::Stale, detail));
        }
        if let Some(limit) = self.head.and_then(|b| b.broken_by(height)) {
            let detail = format!("the head is block {height}, expected {limit}");
            return Err(Fault::new(Reason::Expectation, detail));
        }
        Ok(())
    }

    /// Judges how old a head is.
    ///
    /// # Errors
    /// [`Reason::Stale`]; [`Reason::MissingData`] where an age is expected and the node has none.
    pub fn hold_age(&self, head: &Head, now: WallTime) -> Result<(), Fault> {
        let Some(bounds) = self.head_age else {
            return Ok(());
        };
        let height = head.height;
        let Some(age) = head.age(now) else {
            let detail = format!(
                "the node does not tell when its newest block ({height}) was made, and an age is \
                 expected"
            );
            return Err(Fault::new(Reason::MissingData, detail));
        };
        let Some(limit) = bounds.broken_by(Span(age)) else {
            return Ok(());
        };
        let age = whole(age);
        let detail = format!("the head (block {height}) is {age} old, expected {limit}");
        Err(Fault::new(Reason::Stale, detail).dated())
    }

    /// Judges how many peers a node has.
    ///
    /// # Errors
    /// [`Reason::FewPeers`].
    pub fn hold_peers(&self, peers: u64) -> Result<(), Fault> {
        let broken = self.peers.and_then(|bounds| bounds.broken_by(peers));
        broken.map_or(Ok(()), |limit| {
            let detail = format!("the node has {peers} peers, expected {limit}");
            Err(Fault::new(Reason::FewPeers, detail))
        })
    }
}

/// The complaint about bounds below `expect` that bound nothing.
#[must_use]
pub fn no_limit(name: &str) -> Misfit {
    Misfit::at(&["expect", name], "no limit is given").hint("write `lt`, `le`, `gt` or `ge`")
}

/// A span in whole seconds, as a person reads an age.
pub(super) fn whole(span: Duration) -> String {
    human(Duration::from_secs(span.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::probe::chain::progress::Progress;

    fn wall(seconds: u64) -> WallTime {
        WallTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn seconds(seconds: u64) -> Option<Span> {
        Some(Span(Duration::from_secs(seconds)))
    }

    fn standing(height: u64, since: u64) -> Advance {
        let mut progress = Progress::default();
        progress.keep(progress.weigh(height, Moment::ORIGIN));
        progress.weigh(height, Moment::at(Duration::from_secs(since)))
    }

    #[test]
    fn every_bound_that_is_given_must_hold() {
        let bounds = Bounds {
            lt: Some(10),
            ge: Some(3),
            ..Bounds::none()
        };
        let cases = [
            (2, Some("at least 3")),
            (3, None),
            (9, None),
            (10, Some("less than 10")),
        ];
        for (value, broken) in cases {
            assert_eq!(bounds.broken_by(value).as_deref(), broken, "{value}");
        }
    }

    #[test]
    fn a_stale_a_standing_and_a_low_head_are_told_apart() {
        let expected = Expected {
            head_age: Some(Bounds {
                lt: seconds(90),
                ..Bounds::none()
            }),
            head: Some(Bounds {
                ge: Some(50),
                ..Bounds::none()
            }),
            since_advance: Some(Bounds {
                le: seconds(60),
                ..Bounds::none()
            }),
            ..Expected::default()
        };
        // height, age, standing for, the reason, a part of its text
        let cases = [
            (54, 89, 60, None, ""),
            (
                54,
                90,
                0,
                Some(Reason::Stale),
                "is 1m30s old, expected less than 1m30s",
            ),
            (
                54,
                0,
                61,
                Some(Reason::Stale),
                "not advanced for 1m1s, expected at most 1m",
            ),
            (
                49,
                0,
                0,
                Some(Reason::Expectation),
                "block 49, expected at least 50",
            ),
        ];
        for (height, age, since, reason, text) in cases {
            let head = Head::dated(height, 1_000).unwrap();
            let held = expected.hold(&head, &standing(height, since), wall(1_000 + age));
            assert_eq!(
                held.as_ref().err().map(|fault| fault.reason),
                reason,
                "{height} {age}"
            );
            let detail = held.err().map_or_else(String::new, |fault| fault.detail);
            assert!(detail.contains(text), "{detail}");
        }
    }

    #[test]
    fn an_expectation_without_a_limit_is_a_misfit() {
        let expected = Expected {
            head: Some(Bounds::none()),
            ..Expected::default()
        };
        assert_eq!(expected.misfits()[0].path, ["expect", "head"]);
        assert!(Expected::default().misfits().is_empty());
    }
}
