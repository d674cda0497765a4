//! `rollback`: the guarded rollback that a person orders. First it only looks: which deployment is
//! current, what a rollback of it would do, what holds it back. Then, when it was agreed to, it is
//! carried out and proven by the same order as a rollback after a watch.
//!
//! It needs no evidence and no `arm: true`: a person has judged. Every other interlock holds until
//! it is overridden by its name.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::asking;
use super::brakes::Brakes;
use super::context::Context;
use super::guard::Guard;
use super::hand::Hand;
use super::logbook::{Journaling, Logbook};
use super::record::{Command, Decided, Record, RollbackRecord, Stamp};
use super::resuming;
use super::rollback::{Order, Pace};
use super::troubles::Troubles;
use super::unkept::Unkept;
use crate::decision::{Interlock, Past};
use crate::deploy::{DeployError, DeploymentTarget};
use crate::deployment::{
    Deployment, NoRollback, RollbackOutcome, RollbackPlan, Selector, Standing, Wanted,
};
use crate::event::{Action, Verdict, What};
use crate::journal::Entry;
use crate::plan::{CheckPlan, ServicePlan};
use crate::verdict::Assessment;

/// What a person asks for.
#[derive(Clone)]
pub struct Wish {
    /// The revision to return to, where one was named.
    pub to: Option<String>,
    /// Why, in the words of whoever orders it.
    pub reason: Option<String>,
    /// The interlocks to override, by name.
    pub overridden: Vec<String>,
    /// How often the platform is asked.
    pub pace: Pace,
    /// The journal, or why there is none.
    pub journaling: Journaling,
    /// The file whose presence stops every rollback on this machine.
    pub kill_switch: Option<PathBuf>,
}

/// A rollback by hand of one service.
pub struct ByHand<'a> {
    /// What every run shares.
    pub context: &'a Context,
    /// The service, with its policy.
    pub service: &'a ServicePlan,
    /// The checks that will prove the rollback.
    pub checks: &'a [CheckPlan],
    /// Where it is deployed.
    pub target: Arc<dyn DeploymentTarget>,
    /// What is asked for.
    pub wish: Wish,
}

/// What a rollback would be, as far as can be said before it is ordered.
#[derive(Clone, Debug)]
pub struct Prospect {
    /// When it was looked.
    pub looked: Stamp,
    /// The deployment that would be undone: the current one.
    pub deployment: Deployment,
    /// What the platform says of it.
    pub standing: Standing,
    /// What would be done, or why nothing can be.
    pub plan: Result<RollbackPlan, NoRollback>,
    /// What holds it back and was not overridden.
    pub holding: Vec<Interlock>,
    /// What would hold it back and was overridden.
    pub overridden: Vec<Interlock>,
    log: Logbook,
    wanted: Wanted,
    past: Past,
}

/// A platform that cannot be asked is asked again this long, while a person waits.
const PATIENCE: Duration = Duration::from_secs(30);

impl ByHand<'_> {
    /// Looks what a rollback would do. Changes nothing, and gives the right to act back, however
    /// long a person then thinks.
    ///
    /// # Errors
    /// When the platform cannot be asked.
    pub async fn look(&self) -> Result<Prospect, DeployError> {
        let looked = Stamp::now(&*self.context.clock);
        let identity = self.ask(|| self.target.identity()).await?;
        let journaling = self.journaling();
        let log = Logbook::open(journaling, &identity, Arc::clone(&self.context.clock));
        // That there is no journal is an interlock, and is told as that.
        let past = log.past().await.unwrap_or_default();
        let wanted = self.wanted(&past);
        let deployment = self.ask(|| self.target.pin(&Selector::Current)).await?;
        let standing = self.ask(|| self.target.standing(&deployment)).await?;
        let plan = self.ask(|| self.target.plan(&deployment, &wanted)).await?;
        let mut prospect = Prospect {
            looked,
            deployment,
            standing,
            plan,
            holding: Vec::new(),
            overridden: Vec::new(),
            log,
            wanted,
            past,
        };
        if let Ok(plan) = prospect.plan.clone() {
            self.ask_brakes(&mut prospect, &plan).await;
        }
        Ok(prospect)
    }

    /// Finds what holds the rollback back, whether overridden or not.
    async fn ask_brakes(&self, prospect: &mut Prospect, plan: &RollbackPlan) {
        let guard = Guard::none(self.context, &prospect.log);
        let holding = self.brakes(prospect, &guard, &[]).holding(plan).await;
        guard.give_back().await;
        for interlock in holding {
            let is_overridden = self.overrides(interlock.name()) && interlock.can_be_overridden();
            let known = match is_overridden {
                true => &mut prospect.overridden,
                false => &mut prospect.holding,
            };
            // Two brakes may find that there is no journal.
            if !known.contains(&interlock) {
                known.push(interlock);
            }
        }
        if let Err(why) = &self.wish.journaling
            && self.overrides("journal")
        {
            let why = why.clone();
            prospect.overridden.push(Interlock::Journal { why });
        }
    }

    /// Carries out what was looked at and agreed to. Everything is looked at again right before:
    /// what holds by then stops it all the same.
    pub async fn carry_out(&self, prospect: &Prospect) -> Record {
        let ordered = Entry::Ordered {
            service: Arc::clone(&self.service.name),
            deployment: prospect.deployment.clone(),
            reason: self.wish.reason.clone(),
            overridden: names(&prospect.overridden),
        };
        self.keep(prospect, &ordered).await;
        let guard = match self.overrides("lease") {
            true => Guard::insisted(self.context, &prospect.log),
            false => Guard::ask(self.context, &prospect.log).await.0,
        };
        let rollback = self.order(prospect, &guard).await;
        guard.give_back().await;
        let record = self.record(prospect, rollback);
        self.conclude(prospect, &record).await;
        record
    }

    /// The record of a rollback that was not ordered in the end.
    #[must_use]
    pub fn leave(&self, prospect: &Prospect, outcome: RollbackOutcome, because: &str) -> Record {
        let target = prospect.plan.as_ref().ok().map(|plan| plan.target.clone());
        let rollback = RollbackRecord {
            outcome,
            actuator: None,
            interlocks: prospect.holding.clone(),
            from: prospect.deployment.revision.clone(),
            to: target.or_else(|| prospect.deployment.previous.clone()),
            restored: None,
            is_same: false,
            left: false,
            started: prospect.looked,
            finished: Stamp::now(&*self.context.clock),
            because: because.to_owned(),
            verified: None,
            verification: None,
        };
        self.record(prospect, rollback)
    }

    async fn order(&self, prospect: &Prospect, guard: &Guard) -> RollbackRecord {
        let brakes = self.brakes(prospect, guard, &self.wish.overridden);
        let freeze = (!self.overrides("freeze")).then(|| brakes.freeze());
        let sent = resuming::sent_by_others(&prospect.past, &prospect.deployment.id);
        let events = self.context.events.of(&self.service.name);
        let hand = Hand::new(&prospect.log, guard, freeze, events, sent);
        let order = Order {
            context: self.context,
            service: self.service,
            checks: self.checks,
            target: &*self.target,
            pace: self.wish.pace,
            deployment: &prospect.deployment,
            wanted: prospect.wanted.clone(),
            log: &prospect.log,
            hand: &hand,
            brakes: &brakes,
        };
        order.carry_out(&nothing_judged()).await
    }

    fn brakes<'b>(
        &'b self,
        prospect: &'b Prospect,
        guard: &'b Guard,
        overridden: &'b [String],
    ) -> Brakes<'b> {
        Brakes {
            context: self.context,
            service: self.service,
            target: &*self.target,
            deployment: &prospect.deployment,
            log: &prospect.log,
            guard,
            watched: None,
            observed: &[],
            kill_switch: self.wish.kill_switch.clone(),
            overridden,
        }
    }

    fn wanted(&self, past: &Past) -> Wanted {
        Wanted {
            to: self.wish.to.clone(),
            pin_digest: self.service.policy.rollback.pin_digest,
            avoid: match self.overrides("ledger") {
                true => Vec::new(),
                false => past.bad(),
            },
            good: past.good(),
        }
    }

    /// Where a person goes on without a journal, nothing need be remembered, and that is known.
    fn journaling(&self) -> Journaling {
        match self.overrides("journal") {
            true => Ok(Arc::new(Unkept(self.wish.journaling.clone().ok()))),
            false => self.wish.journaling.clone(),
        }
    }

    fn overrides(&self, name: &str) -> bool {
        self.wish.overridden.iter().any(|named| named == name)
    }

    fn record(&self, prospect: &Prospect, rollback: RollbackRecord) -> Record {
        let reason = self.wish.reason.as_ref();
        let because = reason.map_or_else(
            || "ordered by hand".to_owned(),
            |reason| format!("ordered by hand: {reason}"),
        );
        let assessment = Assessment {
            verdict: match &rollback.verification {
                Some(found) => found.verdict,
                None => Verdict::Inconclusive,
            },
            findings: Vec::new(),
        };
        Record {
            command: Command::Rollback,
            window: prospect.log.window().to_owned(),
            service: Some(Arc::clone(&self.service.name)),
            started: prospect.looked,
            finished: Stamp::now(&*self.context.clock),
            judge: self.service.policy.judging.judge,
            assessment,
            in_force: Vec::new(),
            deployment: Some(prospect.deployment.clone()),
            decision: Decided {
                action: Action::RollBack,
                because: vec![because],
            },
            rollback: Some(rollback),
            diagnosis: None,
            troubles: Troubles::default(),
            interrupted: self.context.stop.is_cancelled(),
            warnings: Vec::new(),
            punctuality: None,
        }
    }

    /// Writes down how it ended. One that was left while it went on stays open: the next watch goes
    /// on with it.
    async fn conclude(&self, prospect: &Prospect, record: &Record) {
        let Some(rollback) = &record.rollback else {
            return;
        };
        // One that was not begun is over: whoever ordered it has stopped it.
        if rollback.left && rollback.actuator.is_some() {
            self.keep(prospect, &Entry::Left).await;
            return;
        }
        let ended = Entry::Ended {
            outcome: rollback.outcome,
            because: rollback.because.clone(),
        };
        self.keep(prospect, &ended).await;
        learn(&prospect.log, &prospect.deployment, record).await;
        let verdict = record.assessment.verdict;
        self.keep(prospect, &Entry::Closed { verdict }).await;
    }

    /// Writes an entry that permits nothing: without one that does, the order itself stops.
    async fn keep(&self, prospect: &Prospect, entry: &Entry) {
        if let Err(why) = prospect.log.write(entry).await {
            let events = self.context.events.of(&self.service.name);
            events.emit(What::Warned(format!("not in the journal: {why}")));
        }
    }

    async fn ask<T, F>(&self, call: impl Fn() -> F) -> Result<T, DeployError>
    where
        F: Future<Output = Result<T, DeployError>>,
    {
        let deadline = self.context.clock.now() + PATIENCE;
        let told = |error: &DeployError| {
            let events = self.context.events.of(&self.service.name);
            events.emit(What::Warned(format!("trying again: {error}")));
        };
        tokio::select! {
            answer = asking::ask(self.context, deadline, told, call) => answer,
            () = self.context.stop.cancelled() => Err(asking::stopped()),
        }
    }
}

/// What a rollback by hand teaches about software. A person has judged what was undone: where the
/// revision before is well, automatic rollbacks do not return to it.
pub(super) async fn learn(log: &Logbook, undone: &Deployment, record: &Record) {
    let rollback = record.rollback.as_ref();
    let Some(rollback) = rollback.filter(|one| one.outcome == RollbackOutcome::RolledBackVerified)
    else {
        return;
    };
    let restored = rollback.restored.clone();
    let restored = restored.filter(|_| rollback.verified == Some(true));
    let bad = (undone.software(), false);
    let good = restored.map(|software| (software, true));
    for (software, good) in [Some(bad), good].into_iter().flatten() {
        let learnt = Entry::Ledger {
            software,
            good,
            guards: Vec::new(),
        };
        if let Err(why) = log.write(&learnt).await {
            tracing::debug!(why, "not in the journal");
        }
    }
}

/// Names, in their order.
fn names(interlocks: &[Interlock]) -> Vec<String> {
    let names = interlocks.iter().map(Interlock::name);
    names.map(str::to_owned).collect()
}

/// What was judged before a rollback by hand.
const fn nothing_judged() -> Assessment {
    Assessment {
        verdict: Verdict::Pass,
        findings: Vec::new(),
    }
}
