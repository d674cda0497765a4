//! How many runs may be in flight: overall, as descriptors allow, and against one target, so that a
//! target that hangs holds its own share and not that of the others.
//!
//! Waiting is first come, first served, first for the target's slot and then for one of all: in the
//! queue for those of all, no target has more places than its share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::probe::Target;

/// The slots of a process.
#[derive(Debug)]
pub struct Slots {
    overall: Arc<Semaphore>,
    share: usize,
    targets: Mutex<HashMap<Arc<str>, Arc<Semaphore>>>,
}

/// A place in flight; dropping it frees it.
#[derive(Debug)]
pub struct Slot {
    _target: Option<OwnedSemaphorePermit>,
    _overall: OwnedSemaphorePermit,
}

impl Slots {
    /// So many slots overall, of which one target may hold a quarter.
    #[must_use]
    pub fn new(overall: usize) -> Self {
        Self {
            overall: Arc::new(Semaphore::new(overall)),
            share: (overall / TARGETS_SERVED).max(1),
            targets: Mutex::default(),
        }
    }

    /// The slots of one target. Of several limits declared for it, the first one counts.
    pub fn of_target(&self, target: &Target) -> Arc<Semaphore> {
        let mut targets = self.targets.lock().unwrap_or_else(PoisonError::into_inner);
        let of_target = targets.entry(Arc::clone(&target.name)).or_insert_with(|| {
            let most = target.at_once.unwrap_or(self.share).clamp(1, self.share);
            Arc::new(Semaphore::new(most))
        });
        Arc::clone(of_target)
    }

    /// A slot where one is free at once.
    #[must_use]
    pub fn try_take(&self, of_target: Option<&Arc<Semaphore>>) -> Option<Slot> {
        let try_one = |slots: &Arc<Semaphore>| Arc::clone(slots).try_acquire_owned().ok();
        let target = match of_target {
            Some(of_target) => Some(try_one(of_target)?),
            None => None,
        };
        Some(Slot {
            _target: target,
            _overall: try_one(&self.overall)?,
        })
    }

    /// Waits for a slot, first of the target and then of all; none once the process ends.
    pub async fn take(&self, of_target: Option<&Arc<Semaphore>>) -> Option<Slot> {
        let target = match of_target {
            Some(of_target) => Some(take_one(of_target).await?),
            None => None,
        };
        Some(Slot {
            _target: target,
            _overall: take_one(&self.overall).await?,
        })
    }

    /// How many runs of one load may be in flight. It has a limit of its own and no part in those of
    /// its target: a wait for a slot of ours would hide the target's stalls. Half of all is left to
    /// the other checks.
    #[must_use]
    pub fn most_of_a_load(&self) -> u32 {
        u32::try_from(self.share.saturating_mul(TARGETS_SERVED) / 2)
            .unwrap_or(u32::MAX)
            .max(1)
    }

    /// How many are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.overall.available_permits()
    }
}

/// So many targets that hang are needed to hold all slots.
const TARGETS_SERVED: usize = 4;

async fn take_one(slots: &Arc<Semaphore>) -> Option<OwnedSemaphorePermit> {
    Arc::clone(slots).acquire_owned().await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    fn target(name: &str, at_once: Option<usize>) -> Target {
        Target {
            name: Arc::from(name),
            at_once,
        }
    }

    #[tokio::test]
    async fn a_target_that_hangs_holds_its_share_only() {
        let slots = Slots::new(8);
        let hanging = slots.of_target(&target("hanging", None));
        let mut held = Vec::new();
        while let Some(slot) = slots.try_take(Some(&hanging)) {
            held.push(slot);
        }
        assert_eq!((held.len(), slots.free()), (2, 6));
        let other = slots.of_target(&target("other", None));
        assert!(slots.try_take(Some(&other)).is_some());
        let mut waiting = Box::pin(slots.take(Some(&hanging)));
        assert!(waiting.as_mut().now_or_never().is_none());
        held.pop();
        assert!(waiting.await.is_some());
    }

    #[tokio::test]
    async fn a_target_may_ask_for_fewer_and_gets_no_more_than_its_share() {
        let slots = Slots::new(8);
        for (at_once, most) in [(Some(1), 1), (Some(100), 2)] {
            let name = format!("{at_once:?}");
            let of_target = slots.of_target(&target(&name, at_once));
            assert_eq!(of_target.available_permits(), most);
            let again = slots.of_target(&target(&name, None));
            assert!(Arc::ptr_eq(&of_target, &again), "the same for all checks");
        }
    }
}
