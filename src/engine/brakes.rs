//! What the interlocks need to know, gathered right before a rollback would be begun. The decision
//! about it is `decision::brakes`, which is pure; here is only the looking.

use std::path::PathBuf;
use std::time::Duration;

use super::context::Context;
use super::freeze::{self, Freeze};
use super::guard::Guard;
use super::guards;
use super::logbook::Logbook;
use super::panel::Heard;
use super::record::Stamp;
use crate::decision::{self, Interlock, Past, Seen, Verifier};
use crate::deploy::DeploymentTarget;
use crate::deployment::{Deployment, RollbackPlan};
use crate::journal::Observation;
use crate::plan::ServicePlan;

/// How much a window has seen, and how well.
#[derive(Clone, Copy, Debug)]
pub struct Watched {
    /// When it began.
    pub since: Stamp,
    /// What the judge was given.
    pub heard: Heard,
}

impl Watched {
    /// The share of samples that say nothing because of ourselves, from 0 to 1.
    fn unknown_share(&self) -> f64 {
        match self.heard.samples {
            0 => 0.0,
            samples => self.heard.unknown as f64 / samples as f64,
        }
    }
}

/// Everything that may stop one rollback.
#[derive(Clone)]
pub struct Brakes<'a> {
    /// What every run shares.
    pub context: &'a Context,
    /// The service, with its policy.
    pub service: &'a ServicePlan,
    /// Where it is deployed.
    pub target: &'a dyn DeploymentTarget,
    /// What was judged.
    pub deployment: &'a Deployment,
    /// The journal.
    pub log: &'a Logbook,
    /// The right to act.
    pub guard: &'a Guard,
    /// What was seen in the window; absent for a rollback by hand, which needs no evidence.
    pub watched: Option<Watched>,
    /// What the guards answered when the window was opened.
    pub observed: &'a [Observation],
    /// The file whose presence stops every rollback on this machine; those of single services lie
    /// beside it.
    pub kill_switch: Option<PathBuf>,
    /// The interlocks that a person has overridden, by name.
    pub overridden: &'a [String],
}

impl Brakes<'_> {
    /// The interlocks that hold now, for a rollback as planned.
    pub async fn holding(&self, plan: &RollbackPlan) -> Vec<Interlock> {
        // Before the past is read: who had the right until now may have acted to the last.
        let lease = self.lease(plan).await.err();
        let past = self.log.past().await;
        let none = Past::default();
        let (journal, past) = match &past {
            Ok(past) => (Ok(()), past),
            Err(why) => (Err(why.clone()), &none),
        };
        let now = Stamp::now(&*self.context.clock);
        let verifier = self
            .watched
            .map_or_else(Verifier::default, |watched| Verifier {
                unknown_share: watched.unknown_share(),
                lag: self.context.instruments.lateness().punctuality().p99,
                clock_jump: jump(watched.since, now),
            });
        let asked = guards::ask(self.context, &self.service.guards).await;
        let seen = Seen {
            now: now.wall,
            past,
            deployment: self.deployment,
            frozen: self.freeze().holds().await,
            journal,
            verifier,
            watched: self.watched.map_or(Duration::MAX, |watched| {
                now.moment.since(watched.since.moment)
            }),
            samples: self
                .watched
                .map_or(u64::MAX, |watched| watched.heard.samples),
            guards: guards::answers(
                &self.service.guards,
                past.guards_of(&plan.software()),
                self.observed,
                &asked,
            ),
        };
        let mut holding = decision::brakes(&self.service.policy, &seen);
        holding.extend(decision::target_brake(past, &plan.software()));
        if seen.journal.is_ok() {
            holding.extend(lease);
        }
        holding.retain(|one| !self.overrides(one));
        holding
    }

    /// Where the brake is looked for.
    #[must_use]
    pub fn freeze(&self) -> Freeze<'_> {
        let declared = &self.service.policy.rollback.freeze;
        let all = self.kill_switch.clone();
        let own = all.as_deref();
        let own = own.map(|all| freeze::of_service(all, &self.service.name));
        Freeze {
            files: declared
                .file
                .clone()
                .into_iter()
                .chain(all)
                .chain(own)
                .collect(),
            parameter: declared.parameter.clone(),
            target: self.target,
        }
    }

    /// Whether a person has overridden an interlock, and may.
    #[must_use]
    pub fn overrides(&self, interlock: &Interlock) -> bool {
        let is_named = self.overridden.iter().any(|name| name == interlock.name());
        is_named && interlock.can_be_overridden()
    }

    /// Why this instance may not act: one that is keyed to the deployment needs no such right.
    async fn lease(&self, plan: &RollbackPlan) -> Result<(), Interlock> {
        match plan.actuator.is_keyed() {
            true => Ok(()),
            false => self.guard.again().await,
        }
    }
}

/// How far the wall clock has moved away from the monotonic one.
fn jump(then: Stamp, now: Stamp) -> Duration {
    let passed = now.moment.since(then.moment);
    let expected = then.wall.unix() + passed;
    expected.abs_diff(now.wall.unix())
}
