//! How a deployment is given up: stopped as it stands, or rolled back to what completed last. The
//! rollback is recorded inside the service deployment that is rolled back.

use super::service::{Motion, Rollback, Rollout, Service, Status};
use super::settings::{RollbackEntry, Settings};
use super::state::{Ids, Present};
use crate::clock::Moment;

impl Service {
    /// Notes that the latest service deployment is to be rolled back, from a moment on.
    pub(super) fn request_rollback(
        &mut self,
        reason: &'static str,
        settings: &Settings,
        at: Moment,
        present: Present,
    ) {
        if let Some(latest) = self.history.last_mut() {
            latest.status = Status::RollbackRequested;
            latest.updated = present.wall;
        }
        self.motion = Motion::RollbackDue {
            at: at + settings.rollback_lag,
            reason,
        };
    }

    /// Notes that the latest service deployment is to be stopped without a rollback.
    pub(super) fn request_stop(&mut self, settings: &Settings, present: Present) {
        let Some(latest) = self.history.last_mut() else {
            return;
        };
        if latest.status.is_going_on() {
            latest.status = Status::StopRequested;
            latest.updated = present.wall;
            self.motion = Motion::StopDue {
                at: present.moment + settings.stop_lag,
            };
        }
    }

    /// The rollback that is going on fails and leaves things as they are.
    pub(super) fn fail_rollback(&mut self, present: Present) {
        self.stop(Status::RollbackFailed, present);
        self.publish();
    }

    /// The last completed deployment becomes the primary one again.
    pub(super) fn begin_rollback(
        &mut self,
        reason: &'static str,
        settings: &Settings,
        ids: &mut Ids,
        at: Moment,
        present: Present,
    ) {
        // What a rollback returns to is no target of another one until it has completed again.
        let Some(target) = self.completed.take() else {
            self.stop(Status::RollbackFailed, present);
            if let Some(latest) = self.history.last_mut() {
                latest.reason = Some("No rollback candidate was found to run the rollback.");
            }
            return;
        };
        if let Some(primary) = self.deployments.first_mut() {
            primary.rollout = Rollout::Failed;
            primary.updated = present.wall;
        }
        let flipped = self.weights.is_some() && self.running_revision(&target) >= self.desired;
        if flipped || settings.rollback_entry == RollbackEntry::Former {
            self.restore_primary(&target, ids, present);
        } else {
            self.make_primary(&target, ids, present);
        }
        self.weights = None;
        if flipped && let Some(latest) = self.history.last() {
            // The traffic returns at once; the tasks of the new side stop after it.
            self.weights = Some((latest.target.clone(), 0));
        }
        if let Some(latest) = self.history.last_mut() {
            latest.status = Status::RollbackInProgress;
            latest.updated = present.wall;
            latest.rollback = Some(Rollback {
                revision: target,
                started: present.wall,
                reason,
            });
        }
        self.motion = Motion::RollingBack {
            since: at,
            span: if flipped {
                settings.flip
            } else {
                settings.rollback
            },
            flipped,
        };
    }

    /// Puts the entry that brought a revision back at the head of `deployments[]`.
    fn restore_primary(&mut self, revision: &str, ids: &mut Ids, present: Present) {
        let mut entries = self.deployments.iter();
        let Some(place) = entries.position(|known| known.revision == revision) else {
            self.make_primary(revision, ids, present);
            return;
        };
        let mut entry = self.deployments.remove(place);
        for deployment in &mut self.deployments {
            deployment.primary = false;
        }
        entry.primary = true;
        entry.rollout = Rollout::InProgress;
        entry.updated = present.wall;
        self.deployments.insert(0, entry);
    }
}
