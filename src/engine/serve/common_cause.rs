//! When several services with open windows fail on the same dependency at the same time, no deployment of
//! theirs is the cause alone: nobody is rolled back for it, and that is said.
//!
//! Heard before each rollback that nobody ordered. A service of which a check fails that shares its
//! target with no other failing one is rolled back as ever. What only asks a third party about its target
//! (a store of metrics, the cloud) shares no dependency by asking the same one.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::board::ServiceBoard;
use super::pulse::Pulse;
use crate::clock::{Clock, Moment};
use crate::engine::desk::Counsel;
use crate::sample::{CheckId, Outcome};

/// A service that was held for a common cause counts as long as others may be about to find the same.
const REMEMBERED: Duration = Duration::from_secs(600);
/// A check fails at this moment when of its last runs most were bad: it need not be proven yet.
const LOOKED_AT: usize = 3;
const BAD: usize = 2;

/// Everyone who may fail together.
#[derive(Debug)]
pub(super) struct CommonCause {
    clock: Arc<dyn Clock>,
    members: Mutex<Members>,
}

#[derive(Debug, Default)]
struct Members {
    boards: Vec<(Arc<str>, Arc<ServiceBoard>)>,
    held: Vec<(Arc<str>, Moment)>,
}

impl CommonCause {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            members: Mutex::default(),
        }
    }

    /// Takes over who there is.
    pub(super) fn among(&self, boards: Vec<(Arc<str>, Arc<ServiceBoard>)>) {
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.boards = boards;
    }
}

#[async_trait]
impl Counsel for CommonCause {
    async fn objects(&self, service: &str, failed: &[CheckId]) -> Option<String> {
        let now = self.clock.now();
        let mut members = self.members.lock().unwrap_or_else(PoisonError::into_inner);
        members.held.retain(|(_, at)| now.since(*at) < REMEMBERED);
        let shared = members.shared(service, failed)?;
        let own = members.boards.iter().find(|(name, _)| **name == *service);
        let own = own.map(|(name, _)| Arc::clone(name))?;
        members.held.push((own, now));
        Some(shared)
    }
}

impl Members {
    /// What a service shares with others that fail as well, in one line; nothing where one of its
    /// failures is its own.
    fn shared(&self, service: &str, failed: &[CheckId]) -> Option<String> {
        let (_, own) = self.boards.iter().find(|(name, _)| **name == *service)?;
        let mut targets = BTreeSet::new();
        let mut others = BTreeSet::new();
        for check in failed {
            let target = own.target_of(check)?;
            let failing: Vec<Arc<str>> = self
                .others(service)
                .filter(|(_, board)| board.fails_on(&target))
                .map(|(name, _)| Arc::clone(name))
                .collect();
            if failing.is_empty() {
                return None;
            }
            targets.insert(target);
            others.extend(failing);
        }
        if targets.is_empty() {
            return None;
        }
        let list = |names: BTreeSet<Arc<str>>| names.into_iter().collect::<Vec<_>>().join(", ");
        Some(format!(
            "common cause: {} fails on {} at the same time, so this deployment alone is not to blame",
            list(others),
            list(targets)
        ))
    }

    /// The others whose deployments are being judged, or were held for a common cause just now.
    fn others<'a>(
        &'a self,
        service: &'a str,
    ) -> impl Iterator<Item = &'a (Arc<str>, Arc<ServiceBoard>)> {
        let others = self
            .boards
            .iter()
            .filter(move |(name, _)| **name != *service);
        others.filter(|(name, board)| {
            board.is_open() || self.held.iter().any(|(held, _)| held == name)
        })
    }
}

impl ServiceBoard {
    /// What a check of this name depends on; nothing where it asks a third party, or nobody.
    fn target_of(&self, check: &CheckId) -> Option<Arc<str>> {
        let pulses = (0..self.checks.len()).map(|place| self.pulse(place));
        let mut named = pulses.filter(|pulse| pulse.plan().facts.id == *check);
        named.next().and_then(|pulse| target(&pulse))
    }

    /// Whether a check fails now that depends on this.
    fn fails_on(&self, wanted: &str) -> bool {
        let mut pulses = (0..self.checks.len()).map(|place| self.pulse(place));
        pulses.any(|pulse| target(&pulse).is_some_and(|own| *own == *wanted) && fails(&pulse))
    }
}

fn target(pulse: &Pulse) -> Option<Arc<str>> {
    let probe = &pulse.plan().probe;
    let is_first_hand = probe.source().is_none();
    probe
        .target()
        .filter(|_| is_first_hand)
        .map(|target| target.name)
}

fn fails(pulse: &Pulse) -> bool {
    let known = pulse.outcomes().filter(|one| *one != Outcome::Unknown);
    let bad = known.take(LOOKED_AT).filter(|one| *one != Outcome::Pass);
    bad.count() >= BAD
}
