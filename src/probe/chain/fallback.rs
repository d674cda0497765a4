//! Several endpoints in one attempt: the first that serves is used, in the declared order.
//!
//! No endpoint is asked twice. Each may use its share of the time that is left, so that one that
//! hangs leaves time for those behind it. When none serves, the first one's fault is the sample's,
//! unless another could not be looked at: one endpoint that serves is enough, so that nobody knows
//! that none does while one of them limits our rate or is another chain's.

use std::time::Duration;

use async_trait::async_trait;

use super::endpoint::Endpoint;
use super::sighting::Sighting;
use crate::probe::Attempt;
use crate::quantity::human;
use crate::sample::{Fault, Outcome, Reason, Unit};

/// How one kind of node is looked at.
#[async_trait]
pub trait Look: Sync {
    /// Looks at one endpoint once, and ends with the fault, if any.
    async fn look(&self, visit: &mut Visit<'_>) -> Result<(), Fault>;
}

/// One look at one endpoint: what it has to work with, and what it sees.
#[derive(Debug)]
pub struct Visit<'a> {
    /// The attempt that this look is a part of.
    pub attempt: &'a mut Attempt,
    /// Where to look.
    pub endpoint: &'a Endpoint,
    /// What was seen so far; kept when a fault or the deadline ends the look.
    pub seen: Sighting,
    /// How much of the attempt's time belongs to the endpoints behind this one.
    reserved: Duration,
}

impl<'a> Visit<'a> {
    /// A look at somebody else, in an attempt beside the check's own.
    #[must_use]
    pub fn beside(attempt: &'a mut Attempt, endpoint: &'a Endpoint) -> Self {
        Self {
            attempt,
            endpoint,
            seen: Sighting::default(),
            reserved: Duration::ZERO,
        }
    }

    /// How much time this look has left.
    #[must_use]
    pub fn left(&self) -> Duration {
        self.attempt.remaining().saturating_sub(self.reserved)
    }
}

/// Looks at the endpoints until one serves. Gives what was seen there or, when none serves, at the
/// one whose fault is told, with that fault.
///
/// Records the readings `endpoint` (1 is the first) and `throttled` and, when another endpoint was
/// used, a note.
pub async fn first_that_serves(
    looking: &dyn Look,
    attempt: &mut Attempt,
    endpoints: &[Endpoint],
) -> (Sighting, Result<(), Fault>) {
    let mut failed: Vec<(Sighting, Fault)> = Vec::new();
    let mut throttled = 0_u32;
    for (index, endpoint) in endpoints.iter().enumerate() {
        let reserved = reserved(attempt, endpoints.len() - index - 1, endpoints.len());
        let mut visit = Visit {
            attempt: &mut *attempt,
            endpoint,
            seen: Sighting::default(),
            reserved,
        };
        let result = within_share(looking, &mut visit).await;
        let mut seen = visit.seen;
        seen.mask(|note| endpoint.masked(note));
        let refused = |fault: &Fault| fault.reason == Reason::Throttled;
        throttled += u32::from(seen.limited || result.as_ref().err().is_some_and(refused));
        match result {
            Ok(()) => {
                // A position in a list that a person wrote: exact in a float.
                seen.reading("endpoint", (index + 1) as f64, Unit::Number);
                seen.reading("throttled", throttled.into(), Unit::Number);
                if let Some(note) = fallback_note(index, endpoint, &failed) {
                    seen.note(note);
                }
                return (seen, Ok(()));
            }
            Err(fault) => failed.push((seen, endpoint.blame(fault))),
        }
    }
    let (mut seen, result) = none_serves(failed);
    seen.reading("throttled", throttled.into(), Unit::Number);
    (seen, result)
}

async fn within_share(looking: &dyn Look, visit: &mut Visit<'_>) -> Result<(), Fault> {
    if visit.reserved.is_zero() {
        return looking.look(visit).await;
    }
    let share = visit.left();
    let ended = tokio::time::timeout(share, looking.look(visit)).await;
    ended.unwrap_or_else(|_| Err(too_slow(share)))
}

/// The time that the endpoint with so many `behind` it must leave: nothing when it is the only one,
/// which has the attempt's whole deadline; equal shares otherwise.
///
/// The last of several leaves [`SETTLING`] of the whole, so that the attempt ends with our account
/// of all endpoints and not at the runner's deadline.
fn reserved(attempt: &Attempt, behind: usize, count: usize) -> Duration {
    if count <= 1 {
        return Duration::ZERO;
    }
    let settling = attempt.timeout() / SETTLING;
    let sharing = u32::try_from(behind + 1).unwrap_or(u32::MAX);
    let usable = attempt.remaining().saturating_sub(settling);
    settling + (usable - usable / sharing)
}

/// One part in so many of the whole timeout.
const SETTLING: u32 = 20;

fn too_slow(share: Duration) -> Fault {
    let milliseconds = u64::try_from(share.as_millis()).unwrap_or(u64::MAX);
    let share = human(Duration::from_millis(milliseconds));
    let detail = format!("no whole answer within {share}, its share of the timeout");
    Fault::new(Reason::Timeout, detail)
}

fn fallback_note(
    index: usize,
    endpoint: &Endpoint,
    failed: &[(Sighting, Fault)],
) -> Option<String> {
    let (_, first) = failed.first()?;
    let others = match failed.len() - 1 {
        0 => String::new(),
        1 => ", as did 1 other".to_owned(),
        n => format!(", as did {n} others"),
    };
    Some(format!(
        "fallback used: endpoint {} ({}) answered; the first failed{others}: {}",
        index + 1,
        endpoint.place(),
        first.detail
    ))
}

fn none_serves(mut failed: Vec<(Sighting, Fault)>) -> (Sighting, Result<(), Fault>) {
    if failed.is_empty() {
        // `endpoint::lower` refuses an empty list.
        let bug = Fault::new(Reason::Panic, "a bug of ours: the check has no endpoint");
        return (Sighting::default(), Err(bug));
    }
    let may_pass_by_itself = failed.iter().any(|(_, fault)| fault.transient);
    let teaches_nothing =
        |(_, fault): &(Sighting, Fault)| fault.reason.outcome() == Outcome::Unknown;
    let told = failed.iter().position(teaches_nothing).unwrap_or(0);
    let (seen, mut fault) = failed.remove(told);
    let others: Vec<&str> = failed.iter().map(|(_, it)| it.reason.code()).collect();
    let count = match others.len() {
        0 => String::new(),
        1 => format!("; the other endpoint failed too ({})", others[0]),
        n => format!(
            "; the other {n} endpoints failed too ({})",
            others.join(", ")
        ),
    };
    fault.detail.push_str(&count);
    fault.transient = may_pass_by_itself;
    (seen, Err(fault))
}
