//! How a service moves: deployments begin, go through the steps of their script over the clock, are
//! rolled back, end. What ECS writes meanwhile into `deployments[]` and into the service deployment
//! is written here and nowhere else.

use std::time::Duration;

use super::arn;
use super::hooks::{HOOK_TIMED_OUT, Pause};
use super::monitors::Monitors;
use super::service::{Deployment, Motion, Rollback, Rollout, Service, ServiceDeployment, Status};
use super::settings::{RollbackEntry, Settings};
use super::stages::{self, Movement};
use super::state::{Ids, Present};
use crate::clock::Moment;

impl Service {
    /// Begins a deployment of a service revision; answers with the new service deployment's ARN.
    pub(super) fn begin(
        &mut self,
        revision: &str,
        settings: &Settings,
        ids: &mut Ids,
        present: Present,
    ) -> String {
        self.replace_unfinished(present);
        let sources = self.sources();
        self.make_primary(revision, ids, present);
        let number = ids.next();
        let arn = ids
            .names
            .service_deployment(&self.cluster, &self.name, number);
        let monitors = Monitors::of(&self.conduct, &self.firing);
        let watches = monitors.alarms != super::monitors::Monitor::Disabled;
        self.script = stages::script(&self.conduct, settings, sources.len() > 1, watches);
        self.weights = self
            .conduct
            .strategy
            .has_two_sides()
            .then(|| (revision.to_owned(), 0))
            .filter(|_| !sources.is_empty());
        self.history.push(ServiceDeployment {
            arn: arn.clone(),
            status: Status::Pending,
            reason: None,
            sources,
            target: revision.to_owned(),
            created: present.wall,
            updated: present.wall,
            finished: None,
            stopped: None,
            rollback: None,
            conduct: self.conduct.clone(),
            stage: None,
            hooks: Vec::new(),
            monitors,
        });
        self.enter(0, present.moment, ids, present);
        arn
    }

    /// Brings the service up to the present.
    pub(super) fn advance(&mut self, settings: &Settings, ids: &mut Ids, present: Present) {
        while self.moves_on(settings, ids, present) {}
        self.publish();
    }

    /// One change at most; whether there was one.
    fn moves_on(&mut self, settings: &Settings, ids: &mut Ids, present: Present) -> bool {
        let now = present.moment;
        match self.motion {
            Motion::Rolling { step, since } => {
                return self.step_on(step, since, settings, ids, present);
            }
            Motion::RollingBack {
                since,
                span,
                flipped,
            } => {
                let elapsed = now.since(since);
                let movement = if flipped {
                    Movement::Retire
                } else {
                    Movement::Replace
                };
                self.carry(movement, elapsed, span, ids, present);
                if self.is_over(elapsed, span) {
                    self.finish(Status::RollbackSuccessful, present);
                    return true;
                }
            }
            Motion::StopDue { at } if at <= now => {
                self.stop(Status::Stopped, present);
                return true;
            }
            Motion::RollbackDue { at, reason } if at <= now => {
                self.begin_rollback(reason, settings, ids, at, present);
                return true;
            }
            Motion::Still if self.is_whole() => {
                self.carry(
                    Movement::Replace,
                    Duration::MAX,
                    Duration::ZERO,
                    ids,
                    present,
                );
            }
            Motion::Still | Motion::StopDue { .. } | Motion::RollbackDue { .. } => {}
        }
        false
    }

    /// Goes on with a step of the script; whether the step is over.
    fn step_on(
        &mut self,
        step: usize,
        since: Moment,
        settings: &Settings,
        ids: &mut Ids,
        present: Present,
    ) -> bool {
        let since = match self.pause(step, since, present.moment) {
            Pause::Open => return false,
            Pause::RollBack(at) => {
                self.request_rollback(HOOK_TIMED_OUT, settings, at, present);
                return true;
            }
            Pause::Over(last) => last,
        };
        let Some((movement, span)) = self.script.get(step).map(|step| (step.movement, step.span))
        else {
            return false;
        };
        let elapsed = present.moment.since(since);
        self.carry(movement, elapsed, span, ids, present);
        if !self.is_over(elapsed, span) {
            return false;
        }
        if step + 1 < self.script.len() {
            let began = since + span.min(elapsed);
            self.enter(step + 1, began, ids, present);
            return true;
        }
        if !self.held {
            self.finish(Status::Successful, present);
        }
        false
    }

    /// Enters a step of the script.
    fn enter(&mut self, step: usize, since: Moment, ids: &mut Ids, present: Present) {
        self.motion = Motion::Rolling { step, since };
        let Some(entered) = self.script.get(step).cloned() else {
            return;
        };
        if let Some(latest) = self.history.last_mut() {
            let shows_stages = latest.conduct.strategy.has_two_sides();
            let pends = entered.movement == Movement::Pend;
            latest.stage = (shows_stages && !pends).then_some(entered.stage);
            latest.status = if pends {
                Status::Pending
            } else {
                Status::InProgress
            };
            latest.updated = present.wall;
            if entered.movement == Movement::Bake && !shows_stages {
                // The old deployment is gone from the list, and the new one not completed yet.
                self.deployments.truncate(1);
            }
        }
        self.open_hooks(step, &entered.pauses, since, ids, present);
    }

    /// Ends what is going on as if its span were over, whatever hooks wait.
    pub(super) fn complete(&mut self, settings: &Settings, ids: &mut Ids, present: Present) {
        if let Motion::RollbackDue { reason, .. } = self.motion {
            self.begin_rollback(reason, settings, ids, present.moment, present);
        }
        let status = match self.motion {
            Motion::Rolling { .. } => Status::Successful,
            Motion::RollingBack { .. } => Status::RollbackSuccessful,
            Motion::Still | Motion::StopDue { .. } | Motion::RollbackDue { .. } => return,
        };
        self.carry(
            Movement::Replace,
            Duration::MAX,
            Duration::ZERO,
            ids,
            present,
        );
        self.finish(status, present);
        self.publish();
    }

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

    /// The latest deployment ends without the service being whole.
    pub(super) fn stop(&mut self, status: Status, present: Present) {
        if let Some(primary) = self.deployments.first_mut() {
            primary.rollout = Rollout::Failed;
            primary.updated = present.wall;
        }
        self.end(status, present);
        if let Some(latest) = self.history.last_mut() {
            latest.stopped = Some(present.wall);
        }
    }

    /// The primary deployment is whole: the others disappear.
    fn finish(&mut self, status: Status, present: Present) {
        self.deployments.truncate(1);
        if let Some(primary) = self.deployments.first_mut() {
            primary.rollout = Rollout::Completed;
            primary.updated = present.wall;
            self.completed = Some(primary.revision.clone());
        }
        self.weights = None;
        self.end(status, present);
    }

    fn end(&mut self, status: Status, present: Present) {
        if let Some(latest) = self.history.last_mut() {
            latest.status = status;
            latest.updated = present.wall;
            latest.finished = Some(present.wall);
            latest.monitors.end();
        }
        self.motion = Motion::Still;
    }

    /// A deployment that is still going on ends because another one begins.
    fn replace_unfinished(&mut self, present: Present) {
        if self.motion == Motion::Still {
            return;
        }
        if let Some(latest) = self.history.last_mut() {
            latest.status = if latest.status.is_rolling_back() {
                Status::RollbackFailed
            } else {
                Status::Stopped
            };
            latest.updated = present.wall;
            latest.finished = Some(present.wall);
            latest.stopped = Some(present.wall);
            latest.monitors.end();
        }
    }

    /// Puts a new entry at the head of `deployments[]`.
    fn make_primary(&mut self, revision: &str, ids: &mut Ids, present: Present) {
        for deployment in &mut self.deployments {
            deployment.primary = false;
        }
        self.deployments.insert(
            0,
            Deployment {
                id: arn::deployment_id(ids.next()),
                primary: true,
                rollout: Rollout::InProgress,
                revision: revision.to_owned(),
                created: present.wall,
                updated: present.wall,
            },
        );
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

    /// The service revisions that run now; without tasks, the one completed last.
    fn sources(&self) -> Vec<String> {
        let mut sources = Vec::new();
        for deployment in &self.deployments {
            if self.running(&deployment.id) > 0 && !sources.contains(&deployment.revision) {
                sources.push(deployment.revision.clone());
            }
        }
        if sources.is_empty() {
            sources.extend(self.completed.clone());
        }
        sources
    }

    /// Whether the primary deployment completed; then it follows the desired count.
    fn is_whole(&self) -> bool {
        self.primary()
            .is_some_and(|primary| primary.rollout == Rollout::Completed)
    }

    /// With nothing to start or stop there is nothing to wait for.
    fn is_over(&self, elapsed: Duration, span: Duration) -> bool {
        self.desired == 0 || elapsed >= span
    }
}
