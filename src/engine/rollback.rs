//! A rollback from the order to the proof: intent, the one decisive call, the wait, the same
//! checks again on fresh connections. The only place that changes anything.

use std::time::Duration;

use super::context::Context;
use super::panel::Panel;
use super::record::{RollbackRecord, Stamp};
use super::sampling::Sampling;
use super::watch::{LEAST_BAD, why_none};
use crate::clock::Moment;
use crate::decision::{Interlock, Proof, prove};
use crate::deploy::{DeployError, DeploymentTarget};
use crate::deployment::{
    Actuator, Deployment, NoRollback, Progress, Revision, RollbackOutcome, RollbackPlan,
};
use crate::event::What;
use crate::plan::{CheckPlan, ServicePlan};
use crate::verdict::threshold::{Subject, Threshold};
use crate::verdict::{Assessment, Sufficiency};

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

/// Each check gives at least this many samples against the previous revision.
const VERIFY_SAMPLES: u64 = 10;
/// After a passing fault of the platform, the first pause; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// How long the platform is asked at the end whether the rollback still stands.
const LAST_LOOK: Duration = Duration::from_secs(30);
/// The longest such pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

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
}

/// What is known of a rollback while it goes on.
struct Trail {
    started: Stamp,
    plan: Option<RollbackPlan>,
}

impl Order<'_> {
    /// Carries the rollback out and proves it.
    pub async fn carry_out(&self, judged: &Assessment) -> RollbackRecord {
        let mut trail = self.trail();
        let deadline = trail.started.moment + self.service.policy.rollback.timeout;
        let planned = tokio::select! {
            planned = self.insist(deadline, || self.target.plan(self.deployment)) => planned,
            () = self.context.sleep_until(deadline) => {
                Err(DeployError::Passing("the platform did not answer in time".to_owned()))
            }
        };
        let plan = match planned {
            Ok(Ok(plan)) => plan,
            Ok(Err(NoRollback::ByPlatform)) => return self.follow_own().await,
            Ok(Err(none)) => return self.none(trail, &none),
            Err(error) => return self.end(trail, RollbackOutcome::Failed, error.to_string(), None),
        };
        trail.plan = Some(plan.clone());
        // Recorded before the attempt, whatever becomes of it.
        self.emit(What::RollbackIntended(plan.clone()));
        let started = match self.insist(deadline, || self.target.roll_back(&plan)).await {
            Ok(Ok(started)) => started,
            Ok(Err(NoRollback::ByPlatform)) => return self.follow_own().await,
            Ok(Err(none)) => return self.none(trail, &none),
            Err(error) => return self.end(trail, RollbackOutcome::Failed, error.to_string(), None),
        };
        trail.plan = Some(started.plan.clone());
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
        if let Ok(Ok(plan)) = self.target.plan(self.deployment).await {
            trail.plan = Some(plan);
        }
        let outcome = match interlock {
            Interlock::DryRun => RollbackOutcome::DryRun,
            _ => RollbackOutcome::Refused,
        };
        let mut record = self.end(trail, outcome, interlock.to_string(), None);
        record.actuator = None;
        record
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
            let answer = tokio::select! {
                answer = ask() => answer,
                () = self.context.sleep_until(deadline) => {
                    Err(DeployError::Passing("no answer in time".to_owned()))
                }
            };
            let heard = match answer {
                Ok(Progress::Complete) => return Ok(()),
                Ok(Progress::Failed(why)) => return Err((RollbackOutcome::Failed, why)),
                Ok(Progress::Superseded(why)) => {
                    return Err((RollbackOutcome::Superseded, begun(&why)));
                }
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
                let why = format!("told to stop while waiting ({told}); the platform goes on");
                return Err((RollbackOutcome::Timeout, why));
            }
        }
    }

    /// Repeats a call through passing faults of the platform, until the deadline. The adapter
    /// re-reads the state at each call, so that nothing is ever done twice.
    async fn insist<T, F>(&self, deadline: Moment, call: impl Fn() -> F) -> Result<T, DeployError>
    where
        F: Future<Output = Result<T, DeployError>>,
    {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match call().await {
                Err(DeployError::Passing(why)) => DeployError::Passing(why),
                other => return other,
            };
            if self.context.clock.now() + pause >= deadline {
                return Err(error);
            }
            self.emit(What::Warned(format!("trying again: {error}")));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
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
        let found = self.sample_again().await;
        if let Some(why) = self.overtaken(ask).await {
            return self.end(trail, RollbackOutcome::Superseded, begun(&why), Some(found));
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
                self.end(trail, RollbackOutcome::Timeout, because, Some(found))
            }
        };
        record.verified = Some(record.outcome == done);
        record
    }

    /// Whether another deployment has taken over from a rollback that was complete. A platform that
    /// cannot say so now has said before that it is.
    async fn overtaken<F>(&self, ask: impl Fn() -> F) -> Option<String>
    where
        F: Future<Output = Result<Progress, DeployError>>,
    {
        let until = self.context.clock.now() + LAST_LOOK;
        tokio::select! {
            answer = ask() => match answer {
                Ok(Progress::Superseded(why)) => Some(why),
                Ok(Progress::Complete | Progress::Running(_) | Progress::Failed(_)) => None,
                Err(error) => {
                    self.emit(What::Warned(format!("cannot ask the platform: {error}")));
                    None
                }
            },
            () = self.context.sleep_until(until) => None,
        }
    }

    async fn sample_again(&self) -> Assessment {
        self.emit(What::VerificationStarted {
            checks: self.checks.len(),
        });
        let checks: Vec<CheckPlan> = self
            .checks
            .iter()
            .map(|check| CheckPlan {
                every: check.every.min(self.pace.verify_every),
                ..check.clone()
            })
            .collect();
        let wanted = |check: &CheckPlan| {
            check
                .thresholds
                .iter()
                .map(least_samples)
                .max()
                .unwrap_or(0)
                .max(VERIFY_SAMPLES)
        };
        let lasts = checks
            .iter()
            .map(|check| {
                let samples = u32::try_from(wanted(check)).unwrap_or(u32::MAX);
                check.every.saturating_mul(samples) + check.timeout
            })
            .max()
            .unwrap_or_default();
        let start = self.context.clock.now();
        let mut panel = Panel::new(&checks, start, Duration::ZERO, |check| {
            Sufficiency::Window {
                min_samples: wanted(check),
                every: check.every,
                coverage: 0.0,
                least_bad: LEAST_BAD,
            }
        });
        self.feed(&mut panel, &checks, start + lasts).await;
        panel.close(self.context.clock.now()).0
    }

    async fn feed(&self, panel: &mut Panel, checks: &[CheckPlan], end: Moment) {
        let mut sampling = Sampling::start(self.context, checks, true);
        loop {
            tokio::select! {
                sample = sampling.samples.recv() => {
                    let Some(sample) = sample else { return };
                    self.emit(What::Sampled(sample.clone()));
                    panel.push(&sample, self.context.clock.now());
                }
                () = self.context.sleep_until(end) => return,
            }
        }
    }

    /// Nothing was sent.
    fn none(&self, trail: Trail, none: &NoRollback) -> RollbackRecord {
        let because = match none {
            NoRollback::Superseded(why) => format!("{why}; nothing was changed"),
            none => why_none(none),
        };
        self.end(trail, outcome_of(none), because, None)
    }

    fn trail(&self) -> Trail {
        Trail {
            started: Stamp::now(&*self.context.clock),
            plan: None,
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
        let actuator: Option<Actuator> = trail.plan.as_ref().map(|plan| plan.actuator);
        self.emit(What::RollbackEnded {
            outcome,
            because: because.clone(),
        });
        RollbackRecord {
            outcome,
            actuator,
            from: self.deployment.revision.clone(),
            to,
            started: trail.started,
            finished: Stamp::now(&*self.context.clock),
            because,
            verified: None,
            verification,
        }
    }

    fn emit(&self, what: What) {
        self.context.events.of(&self.service.name).emit(what);
    }
}

/// A takeover after something was changed must not read as if nothing was.
fn begun(why: &str) -> String {
    format!("{why}, after the rollback had begun")
}

const fn outcome_of(none: &NoRollback) -> RollbackOutcome {
    match none {
        NoRollback::NoTarget(_) => RollbackOutcome::NoTarget,
        NoRollback::NotRollbackable(_) => RollbackOutcome::NotRollbackable,
        NoRollback::Superseded(_) => RollbackOutcome::Superseded,
        NoRollback::ByPlatform => RollbackOutcome::RolledBackByEcs,
    }
}

/// How many samples a threshold needs to mean anything.
fn least_samples(threshold: &Threshold) -> u64 {
    match threshold.subject {
        Subject::Quantile(_, quantile) => crate::window::least_count(quantile),
        _ => 0,
    }
}
