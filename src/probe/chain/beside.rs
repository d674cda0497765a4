//! A node's head judged beside the references: how far it is behind, whether it is on their branch,
//! and whether it is the node that stands still or the whole chain. Pure; called by the follower.

use super::expectation::{Bounds, whole};
use super::head::Head;
use super::pace::Pace;
use super::quorum::{Branch, Council};
use crate::clock::WallTime;
use crate::sample::{Fault, Reason};

/// How many blocks the node lacks that the references have.
#[must_use]
pub const fn lag(head: &Head, tip: &Head) -> u64 {
    tip.height.saturating_sub(head.height)
}

/// Judges how far behind a node is: by what is expected, else by the pace of its chain.
///
/// # Errors
/// [`Reason::Behind`].
pub fn judge_lag(
    head: &Head,
    tip: &Head,
    expected: Option<Bounds<u64>>,
    pace: Option<Pace>,
) -> Result<(), Fault> {
    let lag = lag(head, tip);
    let usual = pace.map_or(USUAL_LAG, Pace::lag_limit);
    let limit = match expected {
        Some(bounds) => bounds.broken_by(lag),
        None => (lag > usual).then(|| format!("at most {usual}")),
    };
    let Some(limit) = limit else { return Ok(()) };
    let detail = format!(
        "the head is block {}, {lag} behind the references, which agree on {}; expected {limit}",
        head.height, tip.height
    );
    Err(Fault::new(Reason::Behind, detail))
}

/// Judges whether the node's blocks are those of the references; gives what a person should know.
///
/// # Errors
/// [`Reason::Forked`].
pub fn judge_branch(council: &Council) -> Result<Option<String>, Fault> {
    match council.branch() {
        Branch::Shared => Ok(None),
        Branch::Other { height, against } => {
            let detail = format!(
                "the node's block {height} is another one than that of the references: \
                 {against} differ from it and none has it"
            );
            Err(Fault::new(Reason::Forked, detail))
        }
        Branch::Disputed { by } => Ok(Some(format!(
            "not all have the same block just below the head: {} differs from the node",
            by.join(", ")
        ))),
    }
}

/// What a stale head means: where the references have no newer block, or one that breaks the same
/// limit, it is the chain that stands still, and nothing is learnt about the node.
#[must_use]
pub fn excused(
    stale: Fault,
    head: &Head,
    tip: Option<&Head>,
    now: WallTime,
    breaks: impl Fn(&Head) -> bool,
) -> Fault {
    let Some(tip) = tip.filter(|tip| tip.height <= head.height || breaks(tip)) else {
        return stale;
    };
    let age = tip.age(now);
    let age = age.map_or_else(String::new, |age| format!(", {} old", whole(age)));
    let detail = format!(
        "the chain stands still: {}; the references agree on block {}{age}",
        stale.detail, tip.height
    );
    let halted = Fault::new(Reason::ChainHalted, detail);
    if stale.dated { halted.dated() } else { halted }
}

/// How many blocks behind a node may be where nothing is known of its chain's pace.
const USUAL_LAG: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn head(height: u64) -> Head {
        Head::dated(height, 1_000).unwrap()
    }

    #[test]
    fn the_limit_is_the_declared_one_or_follows_from_the_pace() {
        let at_most = |limit| Bounds {
            le: Some(limit),
            lt: None,
            gt: None,
            ge: None,
        };
        let fast = Some(Pace::scheduled(Duration::from_millis(400)));
        // the node's head, the references', expected, pace, whether it is behind
        let cases = [
            (100, 108, None, None, false),
            (100, 109, None, None, true),
            (100, 175, None, fast, false),
            (100, 176, None, fast, true),
            (100, 105, Some(at_most(4)), fast, true),
            (100, 104, Some(at_most(4)), None, false),
            (500, 100, Some(at_most(0)), None, false),
        ];
        for (own, tip, expected, pace, behind) in cases {
            let judged = judge_lag(&head(own), &head(tip), expected, pace);
            let reason = judged.err().map(|fault| fault.reason);
            assert_eq!(reason, behind.then_some(Reason::Behind), "{own} {tip}");
        }
    }

    #[test]
    fn only_a_chain_that_moves_without_the_node_is_its_fault() {
        let now = WallTime::since_unix_epoch(Duration::from_secs(5_000));
        let stale = || Fault::new(Reason::Stale, "old").dated();
        let fresh = |height| Head::dated(height, 4_990).unwrap();
        let breaks = |head: &Head| head.age(now) > Some(Duration::from_secs(60));
        // the references' head, what it is
        let cases = [
            (None, Reason::Stale),
            (Some(head(100)), Reason::ChainHalted),
            (Some(head(99)), Reason::ChainHalted),
            (Some(head(101)), Reason::ChainHalted),
            (Some(fresh(101)), Reason::Stale),
            (Some(Head::undated(101)), Reason::Stale),
        ];
        for (tip, reason) in cases {
            let fault = excused(stale(), &head(100), tip.as_ref(), now, breaks);
            assert_eq!(fault.reason, reason, "{tip:?}");
            assert!(fault.dated);
        }
    }
}
