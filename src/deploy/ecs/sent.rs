//! What was told to ECS and may have been done: remembered, so that a rollback that was begun is
//! found again as our own, and neither sent twice nor taken for somebody else's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::deployment::RollbackPlan;

/// The plan whose decisive call was sent last; clones remember the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent(Arc<Mutex<Option<RollbackPlan>>>);

impl Sent {
    /// Notes a call that was taken, or may have been.
    pub(super) fn note(&self, plan: &RollbackPlan) {
        *self.known() = Some(plan.clone());
    }

    /// The plan that was sent for this deployment, if one was.
    pub(super) fn of(&self, deployment: &str) -> Option<RollbackPlan> {
        let known = self.known();
        known
            .as_ref()
            .filter(|plan| plan.deployment.id == deployment)
            .cloned()
    }

    /// A note is written whole or not at all, even by a thread that panics.
    fn known(&self) -> MutexGuard<'_, Option<RollbackPlan>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
