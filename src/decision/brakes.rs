//! The brakes: what stops an automatic rollback that the findings ask for and the policy permits.
//!
//! Every one of them is looked at, not only the first: whoever is paged should know all that must
//! be lifted. Asked by `engine` before a rollback is meant, and again by hand with some of them
//! overridden.

use std::time::Duration;

use super::Policy;
use super::interlock::{Ailment, Interlock, Lack};
use super::past::Past;
use crate::clock::WallTime;
use crate::deployment::{Deployment, Software};

/// What the brakes look at, besides the policy.
#[derive(Clone, Debug)]
pub struct Seen<'a> {
    /// The present, by the wall.
    pub now: WallTime,
    /// The past of the service.
    pub past: &'a Past,
    /// The deployment under test.
    pub deployment: &'a Deployment,
    /// What freezes rollbacks, in one line; nothing when nothing does.
    pub frozen: Option<String>,
    /// Whether the journal can be written; otherwise why not.
    pub journal: Result<(), String>,
    /// How well we are ourselves.
    pub verifier: Verifier,
    /// How long the deployment was watched.
    pub watched: Duration,
    /// The number of samples that the decision rests on.
    pub samples: u64,
    /// What the guards of the policy say.
    pub guards: Vec<GuardAnswer>,
}

/// How well the verifier is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Verifier {
    /// The share of samples that say nothing, from 0 to 1.
    pub unknown_share: f64,
    /// By how much probes start too late: all but one in a hundred by less.
    pub lag: Duration,
    /// How far the clock on the wall and the monotonic one have parted since the window opened.
    pub clock_jump: Duration,
}

/// What a guard says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardAnswer {
    /// The guard.
    pub name: String,
    /// Whether its condition holds, so that a rollback may go; otherwise what was seen.
    pub held: Result<(), String>,
    /// Why the guard is there, in the words of whoever wrote it.
    pub because: Option<String>,
}

/// What stops a rollback of this deployment now, the weightiest first; nothing when it may go.
#[must_use]
pub fn brakes(policy: &Policy, seen: &Seen<'_>) -> Vec<Interlock> {
    let mut found = Vec::new();
    if let Err(why) = &seen.journal {
        found.push(Interlock::Journal { why: why.clone() });
    }
    if let Some(by) = &seen.frozen {
        found.push(Interlock::Freeze { by: by.clone() });
    }
    found.extend(earlier_rollbacks(policy, seen));
    found.extend(evidence(policy, seen).map(Interlock::Evidence));
    found.extend(ailments(policy, &seen.verifier).map(Interlock::Verifier));
    found.extend(seen.guards.iter().filter_map(guard));
    let (watched, of) = (seen.past.deployments_seen(), policy.rollback.shadow);
    if watched < of {
        found.push(Interlock::Shadow { seen: watched, of });
    }
    found
}

/// What stops a rollback to this software: it was judged bad here, or may be what was.
#[must_use]
pub fn target_brake(past: &Past, target: &Software) -> Option<Interlock> {
    let is_bad = past.bad().iter().any(|bad| bad.may_be(target));
    is_bad.then(|| Interlock::Ledger {
        revision: target.revision.label.clone(),
    })
}

fn earlier_rollbacks(policy: &Policy, seen: &Seen<'_>) -> Vec<Interlock> {
    let (past, rollback) = (seen.past, &policy.rollback);
    let id = &seen.deployment.id;
    let mut found = Vec::new();
    if past.is_carrier(id) {
        let deployment = id.clone();
        found.push(Interlock::IsRollback { deployment });
    }
    if past.has_rolled_back(id) {
        let deployment = id.clone();
        found.push(Interlock::AlreadyRolledBack { deployment });
    }
    if let Some(last) = past.last_rollback() {
        // When the clock has gone back, the last one lies ahead: then it was just now.
        let ago = seen.now.since(last);
        let cooldown = rollback.cooldown;
        if ago < cooldown {
            found.push(Interlock::Cooldown { ago, cooldown });
        }
    }
    if let Some(budget) = rollback.budget {
        let since = seen.now.unix().saturating_sub(budget.span);
        let used = past.rollbacks_since(WallTime::since_unix_epoch(since));
        if used >= usize::try_from(budget.times).unwrap_or(usize::MAX) {
            found.push(Interlock::Budget { used, budget });
        }
    }
    found
}

fn evidence(policy: &Policy, seen: &Seen<'_>) -> impl Iterator<Item = Lack> {
    let (watched, least) = (seen.watched, policy.rollback.min_time);
    let time = (watched < least).then_some(Lack::Time { watched, least });
    let (samples, least) = (seen.samples, policy.min_samples);
    let samples = (samples < least).then_some(Lack::Samples { samples, least });
    time.into_iter().chain(samples)
}

fn ailments(policy: &Policy, verifier: &Verifier) -> impl Iterator<Item = Ailment> {
    let (share, most) = (verifier.unknown_share, policy.rollback.max_unknown);
    // A share that is no number is not known to be small.
    let trusted = share <= most;
    let unknown = (!trusted).then_some(Ailment::Unknown { share, most });
    let (lag, most) = (verifier.lag, MOST_LAG);
    let lag = (lag > most).then_some(Ailment::Lag { lag, most });
    let (jump, most) = (verifier.clock_jump, MOST_CLOCK_JUMP);
    let jump = (jump > most).then_some(Ailment::ClockJump { jump, most });
    unknown.into_iter().chain(lag).chain(jump)
}

/// A probe that starts this much too late runs on a machine whose own slowness is in its latencies.
const MOST_LAG: Duration = Duration::from_secs(1);
/// Far more than a clock that is being kept right moves in a window, and less than makes the age of
/// a block or of a certificate mean something else.
const MOST_CLOCK_JUMP: Duration = Duration::from_secs(5);

fn guard(answer: &GuardAnswer) -> Option<Interlock> {
    let why = answer.held.as_ref().err()?;
    Some(Interlock::Guard {
        name: answer.name.clone(),
        why: why.clone(),
        because: answer.because.clone(),
    })
}
