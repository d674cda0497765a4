//! How a service moves: deployments begin, go through the steps of their script over the clock, and
//! end. What ECS writes meanwhile into `deployments[]` and into the service deployment is written
//! here and in `giving_up`.

use std::time::Duration;

use super::arn;
use super::hooks::{HOOK_TIMED_OUT, Pause};
use super::monitors::Monitors;
use super::service::{Deployment, Motion, Rollout, Service, ServiceDeployment, Status};
use super::settings::Settings;
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
    pub(super) fn make_primary(&mut self, revision: &str, ids: &mut Ids, present: Present) {
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
