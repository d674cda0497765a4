//! How a service moves: deployments begin, roll out over the clock, are rolled back, end.
//!
//! The rolling strategy only. New tasks replace old ones step by step over the span that the
//! settings give; what ECS writes meanwhile into `deployments[]` and into the service deployment is
//! written here and nowhere else.

use std::time::Duration;

use super::arn;
use super::service::{
    BreakerEnd, Deployment, Motion, Rollback, Rollout, Service, ServiceDeployment, Status,
};
use super::settings::Settings;
use super::state::{Ids, Present};

impl Service {
    /// Begins a deployment of a service revision; answers with the new service deployment's ARN.
    pub(super) fn begin(&mut self, revision: &str, ids: &mut Ids, present: Present) -> String {
        self.replace_unfinished(present);
        let sources = self.sources();
        self.make_primary(revision, Rollout::InProgress, ids, present);
        let number = ids.next();
        let arn = ids
            .names
            .service_deployment(&self.cluster, &self.name, number);
        self.history.push(ServiceDeployment {
            arn: arn.clone(),
            status: Status::InProgress,
            reason: None,
            sources,
            target: revision.to_owned(),
            created: present.wall,
            updated: present.wall,
            finished: None,
            stopped: None,
            rollback: None,
            breaker_tripped: false,
        });
        self.motion = Motion::Rolling {
            since: present.moment,
        };
        arn
    }

    /// Brings the service up to the present.
    pub(super) fn advance(&mut self, settings: &Settings, ids: &mut Ids, present: Present) {
        if let Motion::RollbackDue { at, reason } = self.motion
            && at <= present.moment
        {
            self.begin_rollback(reason, ids, present);
            if let Motion::RollingBack { since } = &mut self.motion {
                *since = at;
            }
        }
        match self.motion {
            Motion::Rolling { since } => {
                let elapsed = present.moment.since(since);
                self.shift(elapsed, settings.rollout, ids, present);
                if self.is_over(elapsed, settings.rollout) && !self.held {
                    self.finish(Status::Successful, present);
                }
            }
            Motion::RollingBack { since } => {
                let elapsed = present.moment.since(since);
                self.shift(elapsed, settings.rollback, ids, present);
                if self.is_over(elapsed, settings.rollback) {
                    self.finish(Status::RollbackSuccessful, present);
                }
            }
            Motion::Still if self.is_whole() => {
                self.shift(Duration::MAX, Duration::ZERO, ids, present);
            }
            Motion::Still | Motion::RollbackDue { .. } => {}
        }
        self.publish();
    }

    /// Ends what is going on as if its span were over.
    pub(super) fn complete(&mut self, ids: &mut Ids, present: Present) {
        if let Motion::RollbackDue { reason, .. } = self.motion {
            self.begin_rollback(reason, ids, present);
        }
        let status = match self.motion {
            Motion::Rolling { .. } => Status::Successful,
            Motion::RollingBack { .. } => Status::RollbackSuccessful,
            Motion::Still | Motion::RollbackDue { .. } => return,
        };
        self.shift(Duration::MAX, Duration::ZERO, ids, present);
        self.finish(status, present);
        self.publish();
    }

    /// Notes that the latest service deployment is to be rolled back.
    pub(super) fn request_rollback(&mut self, settings: &Settings, present: Present) {
        if let Some(latest) = self.history.last_mut() {
            latest.status = Status::RollbackRequested;
            latest.updated = present.wall;
        }
        self.motion = Motion::RollbackDue {
            at: present.moment + settings.rollback_lag,
            reason: "Service deployment rolled back because of a stop request.",
        };
    }

    /// ECS's own circuit breaker trips on the latest service deployment.
    pub(super) fn trip_breaker(&mut self, end: BreakerEnd, ids: &mut Ids, present: Present) {
        let reason =
            "Service deployment rolled back because the circuit breaker threshold was exceeded.";
        if let Some(latest) = self.history.last_mut() {
            latest.breaker_tripped = true;
            latest.reason = Some(reason);
        }
        match end {
            BreakerEnd::RollBack => self.begin_rollback(reason, ids, present),
            BreakerEnd::Stop => self.stop(Status::Stopped, present),
        }
        self.publish();
    }

    /// The rollback that is going on fails and leaves things as they are.
    pub(super) fn fail_rollback(&mut self, present: Present) {
        self.stop(Status::RollbackFailed, present);
        self.publish();
    }

    /// The last completed deployment becomes the primary one again, under a new id.
    fn begin_rollback(&mut self, reason: &'static str, ids: &mut Ids, present: Present) {
        let Some(target) = self.last_completed() else {
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
        self.make_primary(&target, Rollout::InProgress, ids, present);
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
            since: present.moment,
        };
    }

    /// The latest deployment ends without the service being whole.
    fn stop(&mut self, status: Status, present: Present) {
        if let Some(primary) = self.deployments.first_mut() {
            primary.rollout = Rollout::Failed;
            primary.updated = present.wall;
        }
        if let Some(latest) = self.history.last_mut() {
            latest.status = status;
            latest.updated = present.wall;
            latest.finished = Some(present.wall);
            latest.stopped = Some(present.wall);
        }
        self.motion = Motion::Still;
    }

    /// The primary deployment is whole: the others disappear.
    fn finish(&mut self, status: Status, present: Present) {
        self.deployments.truncate(1);
        if let Some(primary) = self.deployments.first_mut() {
            primary.rollout = Rollout::Completed;
            primary.updated = present.wall;
        }
        if let Some(latest) = self.history.last_mut() {
            latest.status = status;
            latest.updated = present.wall;
            latest.finished = Some(present.wall);
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
        }
    }

    /// Puts a new entry at the head of `deployments[]`.
    fn make_primary(&mut self, revision: &str, rollout: Rollout, ids: &mut Ids, present: Present) {
        for deployment in &mut self.deployments {
            deployment.primary = false;
        }
        self.deployments.insert(
            0,
            Deployment {
                id: arn::deployment_id(ids.next()),
                primary: true,
                rollout,
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
            sources.extend(self.last_completed());
        }
        sources
    }

    fn last_completed(&self) -> Option<String> {
        self.deployments
            .iter()
            .find(|deployment| deployment.rollout == Rollout::Completed)
            .map(|deployment| deployment.revision.clone())
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
