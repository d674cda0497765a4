//! A rollback from the order to the proof: intent, the one decisive call, the wait, the same
//! checks again on fresh connections (`completion`). The only place that changes anything.

use std::time::Duration;

use super::asking;
use super::brakes::Brakes;
use super::completion::Incomplete;
use super::context::Context;
use super::hand::Hand;
use super::logbook::Logbook;
use super::record::{RollbackRecord, Stamp};
use crate::clock::Moment;
use crate::decision::{Interlock, Unfinished};
use crate::deploy::{DeployError, DeploymentTarget};
use crate::deployment::{
    Actuator, Deployment, NoRollback, Revision, RollbackOutcome, RollbackPlan, StartedRollback,
    Wanted,
};
use crate::event::What;
use crate::journal::Entry;
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
    /// Where everything is written down.
    pub log: &'a Logbook,
    /// Who writes down each call.
    pub hand: &'a Hand<'a>,
    /// What may stop it.
    pub brakes: &'a Brakes<'a>,
}

/// What is known of a rollback while it goes on.
pub(super) struct Trail {
    started: Stamp,
    pub(super) plan: Option<RollbackPlan>,
    /// How it was carried out; absent as long as certainly nothing was changed.
    actuator: Option<Actuator>,
    /// What stopped it.
    interlocks: Vec<Interlock>,
    /// Whether we were told to stop while it went on.
    pub(super) left: bool,
    /// Whether the same software ran before.
    is_same: bool,
}

impl Order<'_> {
    /// Carries the rollback out and proves it, unless an interlock holds.
    pub async fn carry_out(&self, judged: &Assessment) -> RollbackRecord {
        let mut trail = self.trail();
        let plan = match self.planned(&mut trail).await {
            Ok(Ok(plan)) => plan,
            Ok(Err(NoRollback::ByPlatform)) => return self.follow_own().await,
            Ok(Err(none)) => {
                trail.is_same = is_same(&none);
                return self.end(trail, outcome_of(&none), none.to_string(), None);
            }
            Err(error) => {
                trail.left = self.context.stop.is_cancelled();
                return self.end(trail, RollbackOutcome::Failed, error.to_string(), None);
            }
        };
        trail.plan = Some(plan.clone());
        let holding = self.brakes.holding(&plan).await;
        if !holding.is_empty() {
            return self.stopped_by(trail, holding).await;
        }
        // Recorded before the attempt, whatever becomes of it: what cannot be recorded is not done.
        if let Err(why) = self
            .log
            .write(&Entry::Intended { plan: plan.clone() })
            .await
        {
            return self
                .stopped_by(trail, vec![Interlock::Journal { why }])
                .await;
        }
        self.emit(What::RollbackIntended(Box::new(plan.clone())));
        self.act(trail, judged, &plan).await
    }

    /// What is to be done, as soon as it can be: a deployment in flight that can only be undone once
    /// it has ended is waited for, as long as a rollback may take. What follows has that long again.
    async fn planned(
        &self,
        trail: &mut Trail,
    ) -> Result<Result<RollbackPlan, NoRollback>, DeployError> {
        let deadline = self.deadline(trail);
        let mut is_told = false;
        loop {
            let planned = self
                .insist(deadline, || self.target.plan(self.deployment, &self.wanted))
                .await?;
            let Err(NoRollback::NotYet(why)) = &planned else {
                return Ok(planned);
            };
            if self.context.clock.now() + self.pace.poll >= deadline {
                return Ok(planned);
            }
            if !is_told {
                self.emit(What::Warned(format!("waiting: {why}")));
                is_told = true;
            }
            if !self.context.pause(self.pace.poll).await {
                return Err(asking::stopped());
            }
            trail.started = Stamp::now(&*self.context.clock);
        }
    }

    /// Goes on with a rollback that an earlier run intended and did not see to its end.
    pub async fn resume(&self, judged: &Assessment, left: &Unfinished) -> RollbackRecord {
        let mut trail = self.trail();
        if let Some(started) = &left.carried {
            trail.plan = Some(started.plan.clone());
            trail.actuator = Some(started.plan.actuator);
            return self.see_through(trail, judged, started).await;
        }
        match &left.plan {
            Some(plan) => {
                trail.plan = Some(plan.clone());
                self.emit(What::RollbackIntended(Box::new(plan.clone())));
                self.act(trail, judged, plan).await
            }
            None => self.carry_out(judged).await,
        }
    }

    /// Sends what is to be sent, and sees it through.
    async fn act(
        &self,
        mut trail: Trail,
        judged: &Assessment,
        plan: &RollbackPlan,
    ) -> RollbackRecord {
        let deadline = self.deadline(&trail);
        let acted = self.insist(deadline, || self.target.roll_back(plan, self.hand));
        let started = match acted.await {
            Ok(Ok(started)) => started,
            Ok(Err(NoRollback::ByPlatform)) => return self.follow(self.sent_by(plan)).await,
            Ok(Err(none)) => {
                trail.is_same = is_same(&none);
                trail.actuator = self.sent_by(plan);
                return self.end(trail, outcome_of(&none), none.to_string(), None);
            }
            Err(DeployError::Forbidden(_))
                if !self.hand.has_acted()
                    && let Some(interlock) = self.hand.forbade() =>
            {
                return self.stopped_by(trail, vec![interlock]).await;
            }
            Err(error) => {
                trail.actuator = self.sent_by(plan);
                trail.left = self.context.stop.is_cancelled();
                return self.end(trail, RollbackOutcome::Failed, error.to_string(), None);
            }
        };
        trail.plan = Some(started.plan.clone());
        trail.actuator = Some(started.plan.actuator);
        self.note(&Entry::Carried {
            started: started.clone(),
        })
        .await;
        self.emit(What::RollbackStarted {
            carrier: started.carrier.clone(),
        });
        self.see_through(trail, judged, &started).await
    }

    /// How something may have been changed.
    fn sent_by(&self, plan: &RollbackPlan) -> Option<Actuator> {
        self.hand.has_acted().then_some(plan.actuator)
    }

    /// Waits until a started rollback is complete, and proves it.
    async fn see_through(
        &self,
        trail: Trail,
        judged: &Assessment,
        started: &StartedRollback,
    ) -> RollbackRecord {
        let ask = || self.target.progress(started);
        match self.complete(self.deadline(&trail), ask).await {
            Ok(()) => {
                self.note(&Entry::Restored).await;
                self.verify(trail, judged, ask).await
            }
            Err(ended) => self.end_incomplete(trail, ended),
        }
    }

    /// Ends a rollback that did not complete under our eyes.
    pub(super) fn end_incomplete(&self, mut trail: Trail, ended: Incomplete) -> RollbackRecord {
        trail.left = ended.left;
        self.end(trail, ended.outcome, ended.why, None)
    }

    fn deadline(&self, trail: &Trail) -> Moment {
        trail.started.moment + self.service.policy.rollback.timeout
    }

    /// Ends a rollback that interlocks stopped before anything was sent.
    async fn stopped_by(&self, mut trail: Trail, holding: Vec<Interlock>) -> RollbackRecord {
        let named = |one: &Interlock| (one.name().to_owned(), one.to_string());
        self.note(&Entry::Stopped {
            interlocks: holding.iter().map(named).collect(),
        })
        .await;
        let is_rehearsed = holding.iter().all(only_rehearses);
        let outcome = match is_rehearsed {
            true => RollbackOutcome::DryRun,
            false => RollbackOutcome::Refused,
        };
        let lines: Vec<String> = holding.iter().map(ToString::to_string).collect();
        trail.interlocks = holding;
        self.end(trail, outcome, lines.join("; "), None)
    }

    /// Writes down what has happened; that this cannot be written changes nothing any more.
    async fn note(&self, entry: &Entry) {
        if let Err(why) = self.log.write(entry).await {
            self.emit(What::Warned(format!("not in the journal: {why}")));
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
        match planned.await {
            Ok(Ok(plan)) => trail.plan = Some(plan),
            Ok(Err(none)) => trail.is_same = is_same(&none),
            Err(_) => {}
        }
        self.stopped_by(trail, vec![interlock.clone()]).await
    }

    /// A rollback that was over before it began.
    pub fn ended(&self, outcome: RollbackOutcome, because: &str) -> RollbackRecord {
        self.end(self.trail(), outcome, because.to_owned(), None)
    }

    /// Follows the platform's own rollback to its end and verifies it.
    pub async fn follow_own(&self) -> RollbackRecord {
        self.follow(None).await
    }

    /// The same, where we may have changed something before it was seen.
    async fn follow(&self, sent: Option<Actuator>) -> RollbackRecord {
        let mut trail = self.trail();
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
            Err(ended) => {
                trail.actuator = sent;
                self.end_incomplete(trail, ended)
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

    fn trail(&self) -> Trail {
        Trail {
            started: Stamp::now(&*self.context.clock),
            plan: None,
            actuator: None,
            interlocks: Vec::new(),
            left: false,
            is_same: false,
        }
    }

    pub(super) fn end(
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
            interlocks: trail.interlocks,
            restored: trail.plan.as_ref().map(RollbackPlan::software),
            left: trail.left,
            is_same: trail.is_same,
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

/// Whether an interlock lets everything happen but the rollback itself.
const fn only_rehearses(interlock: &Interlock) -> bool {
    matches!(interlock, Interlock::DryRun | Interlock::Shadow { .. })
}

/// Whether there is no rollback because it would change nothing.
const fn is_same(none: &NoRollback) -> bool {
    matches!(none, NoRollback::SameSoftware(_))
}

const fn outcome_of(none: &NoRollback) -> RollbackOutcome {
    match none {
        NoRollback::NoTarget(_) => RollbackOutcome::NoTarget,
        NoRollback::NotRollbackable(_) | NoRollback::SameSoftware(_) | NoRollback::NotYet(_) => {
            RollbackOutcome::NotRollbackable
        }
        NoRollback::Superseded(_) => RollbackOutcome::Superseded,
        NoRollback::ByPlatform => RollbackOutcome::RolledBackByEcs,
    }
}
