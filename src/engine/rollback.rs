//! A rollback from the order to the proof: intent, the one decisive call, the wait, the same
//! checks again on fresh connections. The only place that changes anything.

use std::time::Duration;

use super::context::Context;
use super::record::{RollbackRecord, Stamp};
use super::{asking, verification};
use crate::clock::Moment;
use crate::decision::{Interlock, Proof, prove};
use crate::deploy::{DeployError, DeploymentTarget, Witness};
use crate::deployment::{
    Actuator, Deployment, NoRollback, Progress, Revision, RollbackOutcome, RollbackPlan, Wanted,
};
use crate::event::What;
use crate::plan::{CheckPlan, ServicePlan};
use crate::verdict::Assessment;

/// How often the platform is asked, and how the rollback is verified.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The time between two questions to the platform.
    pub poll: Duration,
    /// The longest time between two samples of a check while verifying.
    pub verify_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        // Five seconds keeps well within the token buckets of the ECS API (20 reads a second an
        // account); a second between samples proves a small service within half a minute.
        Self {
            poll: Duration::from_secs(5),
            verify_every: Duration::from_secs(1),
        }
    }
}

/// How long a platform is waited for that is asked for nothing but a name.
const NAMING: Duration = Duration::from_secs(30);
/// How long the platform is asked at the end whether the rollback still stands.
const LAST_LOOK: Duration = Duration::from_secs(30);

/// An order to return a service to its previous revision.
pub struct Order<'a> {
    /// What every run shares.
    pub context: &'a Context,
    /// The service, with its policy.
    pub service: &'a ServicePlan,
    /// The checks that judged it, and that will prove the rollback.
    pub checks: &'a [CheckPlan],
    /// Where it is deployed.
    pub target: &'a dyn DeploymentTarget,
    /// How often the platform is asked.
    pub pace: Pace,
    /// The deployment that was judged.
    pub deployment: &'a Deployment,
    /// What the target is chosen by.
    pub wanted: Wanted,
    /// Who writes down each call.
    pub hand: &'a dyn Witness,
}

/// What is known of a rollback while it goes on.
struct Trail {
    started: Stamp,
    plan: Option<RollbackPlan>,
    /// How it was carried out; absent as long as certainly nothing was changed.
    actuator: Option<Actuator>,
}

impl Order<'_> {
    /// Carries the rollback out and proves it.
    pub async fn carry_out(&self, judged: &Assessment) -> RollbackRecord {
        let mut trail = self.trail();
        let deadline = trail.started.moment + self.service.policy.rollback.timeout;
        let planned = self.insist(deadline, || self.target.plan(self.deployment, &self.wanted));
        let plan = match planned.await {
            Ok(Ok(plan)) => plan,
            Ok(Err(NoRollback::ByPlatform)) => return self.follow_own().await,
            Ok(Err(none)) => return self.end(trail, outcome_of(&none), none.to_string(), None),
            Err(error) => return self.end(trail, RollbackOutcome::Failed, error.to_string(), None),
        };
        trail.plan = Some(plan.clone());
        // Recorded before the attempt, whatever becomes of it.
        self.emit(What::RollbackIntended(plan.clone()));
        let started = match self
            .insist(deadline, || self.target.roll_back(&plan, self.hand))
            .await
        {
            Ok(Ok(started)) => started,
            Ok(Err(NoRollback::ByPlatform)) => return self.follow_own().await,
            Ok(Err(none)) => return self.end(trail, outcome_of(&none), none.to_string(), None),
            Err(error) => {
                // A call that was refused changed nothing; one without a clear answer may have.
                let refused = matches!(error, DeployError::Declared(_));
                trail.actuator = (!refused).then_some(plan.actuator);
                return self.end(trail, RollbackOutcome::Failed, error.to_string(), None);
            }
        };
        trail.plan = Some(started.plan.clone());
        trail.actuator = Some(started.plan.actuator);
        self.emit(What::RollbackStarted {
            carrier: started.carrier.clone(),
        });
        let ask = || self.target.progress(&started);
        match self.complete(deadline, ask).await {
            Ok(()) => self.verify(trail, judged, ask).await,
            Err((outcome, why)) => self.end(trail, outcome, why, None),
        }
    }

    /// Says what would have been done, and why it was not.
    pub async fn not_carried_out(&self, interlock: &Interlock) -> RollbackRecord {
        let mut trail = self.trail();
        // Only to name the target: that it cannot be known changes nothing about the refusal.
        let deadline = trail.started.moment + NAMING;
        let planned = asking::once(
            self.context,
            deadline,
            self.target.plan(self.deployment, &self.wanted),
        );
        if let Ok(Ok(plan)) = planned.await {
            trail.plan = Some(plan);
        }
        let outcome = match interlock {
            Interlock::DryRun => RollbackOutcome::DryRun,
            _ => RollbackOutcome::Refused,
        };
        self.end(trail, outcome, interlock.to_string(), None)
    }

    /// A rollback that was over before it began.
    pub fn ended(&self, outcome: RollbackOutcome, because: &str) -> RollbackRecord {
        self.end(self.trail(), outcome, because.to_owned(), None)
    }

    /// Follows the platform's own rollback to its end and verifies it.
    pub async fn follow_own(&self) -> RollbackRecord {
        let trail = self.trail();
        let deadline = trail.started.moment + self.service.policy.rollback.timeout;
        let ask = || self.target.own_rollback(self.deployment);
        match self.complete(deadline, ask).await {
            Ok(()) => {
                let nothing = Assessment {
                    verdict: crate::verdict::Verdict::Pass,
                    findings: vec![],
                };
                self.verify(trail, &nothing, ask).await
            }
            Err((outcome, why)) => self.end(trail, outcome, why, None),
        }
    }

    /// Waits until the rollback is complete.
    async fn complete<F>(
        &self,
        deadline: Moment,
        ask: impl Fn() -> F,
    ) -> Result<(), (RollbackOutcome, String)>
    where
        F: Future<Output = Result<Progress, DeployError>>,
    {
        let mut told = String::new();
        loop {
            let heard = match asking::once(self.context, deadline, ask()).await {
                Ok(Progress::Complete) => return Ok(()),
                Ok(Progress::Failed(why)) => return Err((RollbackOutcome::Failed, why)),
                Ok(Progress::Superseded(why)) => return Err((RollbackOutcome::Superseded, why)),
                Ok(Progress::Running(what)) => what,
                Err(DeployError::Declared(why)) => return Err((RollbackOutcome::Failed, why)),
                Err(error) => format!("cannot ask the platform: {error}"),
            };
            if self.context.clock.now() >= deadline {
                return Err((RollbackOutcome::Timeout, heard));
            }
            if heard != told {
                self.emit(What::RollbackProgress(heard.clone()));
                told = heard;
            }
            if !self.context.pause(self.pace.poll).await {
                let why = format!(
                    "told to stop while it went on; the platform goes on by itself: {told}"
                );
                return Err((RollbackOutcome::Timeout, why));
            }
        }
    }

    /// Repeats a call through passing faults of the platform, until the deadline.
    async fn insist<T, F>(&self, deadline: Moment, call: impl Fn() -> F) -> Result<T, DeployError>
    where
        F: Future<Output = Result<T, DeployError>>,
    {
        let told = |error: &DeployError| self.emit(What::Warned(format!("trying again: {error}")));
        asking::ask(self.context, deadline, told, call).await
    }

    /// Runs the same checks against the previous revision and ends with what they prove; they prove
    /// nothing when it does not run any more at their end, as `ask` would say.
    async fn verify<F>(
        &self,
        trail: Trail,
        judged: &Assessment,
        ask: impl Fn() -> F,
    ) -> RollbackRecord
    where
        F: Future<Output = Result<Progress, DeployError>>,
    {
        // Without a plan of ours it was the platform's own.
        let done = match trail.plan {
            Some(_) => RollbackOutcome::RolledBackVerified,
            None => RollbackOutcome::RolledBackByEcs,
        };
        if !self.service.policy.rollback.verify {
            let because = "the platform runs it; the checks were not run again (verify: false)";
            return self.end(trail, done, because.to_owned(), None);
        }
        let found = verification::sample_again(self).await;
        if let Some((outcome, why)) = self.undone(ask).await {
            return self.end(trail, outcome, why, Some(found));
        }
        let proof = prove(&self.service.policy, judged, &found);
        let mut record = match proof {
            Proof::Healthy(because) => self.end(trail, done, because, Some(found)),
            Proof::Unhealthy(because) => self.end(
                trail,
                RollbackOutcome::RolledBackUnhealthy,
                because,
                Some(found),
            ),
            Proof::Unproven(because) => {
                let because = match self.context.stop.is_cancelled() {
                    true => format!("told to stop before it was proven healthy; {because}"),
                    false => because,
                };
                self.end(trail, RollbackOutcome::Timeout, because, Some(found))
            }
        };
        record.verified = Some(record.outcome == done);
        record
    }

    /// What has undone a rollback that was complete, if anything has. A platform that cannot say so
    /// now has said before that it is.
    async fn undone<F>(&self, ask: impl Fn() -> F) -> Option<(RollbackOutcome, String)>
    where
        F: Future<Output = Result<Progress, DeployError>>,
    {
        let until = self.context.clock.now() + LAST_LOOK;
        match asking::once(self.context, until, ask()).await {
            Ok(Progress::Superseded(why)) => Some((RollbackOutcome::Superseded, why)),
            Ok(Progress::Failed(why)) => Some((RollbackOutcome::Failed, why)),
            Ok(Progress::Complete | Progress::Running(_)) => None,
            Err(error) => {
                self.emit(What::Warned(format!("cannot ask the platform: {error}")));
                None
            }
        }
    }

    fn trail(&self) -> Trail {
        Trail {
            started: Stamp::now(&*self.context.clock),
            plan: None,
            actuator: None,
        }
    }

    fn end(
        &self,
        trail: Trail,
        outcome: RollbackOutcome,
        because: String,
        verification: Option<Assessment>,
    ) -> RollbackRecord {
        let to: Option<Revision> = trail
            .plan
            .as_ref()
            .map(|plan| plan.target.clone())
            .or_else(|| self.deployment.previous.clone());
        self.emit(What::RollbackEnded {
            outcome,
            because: because.clone(),
        });
        RollbackRecord {
            outcome,
            actuator: trail.actuator,
            from: self.deployment.revision.clone(),
            to,
            started: trail.started,
            finished: Stamp::now(&*self.context.clock),
            because,
            verified: None,
            verification,
        }
    }

    pub(super) fn emit(&self, what: What) {
        self.context.events.of(&self.service.name).emit(what);
    }
}

const fn outcome_of(none: &NoRollback) -> RollbackOutcome {
    match none {
        NoRollback::NoTarget(_) => RollbackOutcome::NoTarget,
        NoRollback::NotRollbackable(_) => RollbackOutcome::NotRollbackable,
        NoRollback::Superseded(_) => RollbackOutcome::Superseded,
        NoRollback::ByPlatform => RollbackOutcome::RolledBackByEcs,
    }
}
