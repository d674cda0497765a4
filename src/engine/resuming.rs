//! What a run that died, or was told to stop, left undone: found in the journal at the start of the
//! next one, and gone on with. The platform is read anew; nothing is repeated blindly.

use std::sync::Arc;
use std::time::Duration;

use super::acting::Scene;
use super::by_hand;
use super::guard::{self, Guard};
use super::judged;
use super::logbook::Logbook;
use super::record::{Command, Decided, Record, Stamp};
use super::troubles::Troubles;
use super::watch::Watch;
use crate::clock::WallTime;
use crate::decision::{Interlock, Past, Permission, Unfinished};
use crate::deploy::DeployError;
use crate::deployment::{Call, Deployment, RollbackOutcome, Selector, Standing};
use crate::event::{Action, Verdict, What};
use crate::journal::{Entry, Judged};
use crate::quantity::human;

/// What is there to go on with.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// A rollback that was decided and not seen to its end.
    pub(super) rollback: Option<Unfinished>,
    /// The deployment of a bake that was not over.
    pub(super) bake: Option<Selector>,
}

/// A rollback that was left and then overtaken: there is a deployment to watch still.
#[derive(Debug)]
pub(super) struct Overtaken {
    /// Which.
    pub(super) selector: Selector,
    /// What a person should know.
    pub(super) note: String,
}

/// After its end a right may still be taken for held, by clocks that part a little.
const GRACE: Duration = Duration::from_secs(1);

impl Watch<'_> {
    /// What the platform calls the service.
    pub(super) async fn identity(&self) -> Result<String, DeployError> {
        let what = "cannot ask what the service is called yet";
        self.ask_until_stopped(super::pinning::PATIENCE, what, || self.target.identity())
            .await
    }

    /// Asks for the right to act, where this watch may act at all, and says what is missing.
    pub(super) async fn guard(&self, log: &Logbook) -> Guard {
        if self.options.permission != Permission::Armed {
            return Guard::none(self.context, log);
        }
        if let Err(why) = log.past().await {
            self.warn(format!("no journal, so no automatic rollback: {why}"));
            return Guard::none(self.context, log);
        }
        let (guard, given) = Guard::ask(self.context, log).await;
        if let Err(why) = given {
            self.warn(format!(
                "{why}; here only a deployment that is still being rolled out can be stopped"
            ));
        }
        guard
    }

    /// What earlier runs left undone. Another instance that still runs goes on with its own.
    pub(super) async fn left_undone(&self, log: &Logbook, guard: &Guard) -> Left {
        let mut left = Left::default();
        if !guard.is_ours() && !self.has_come_free(log, guard).await {
            return left;
        }
        let past = log.past().await.unwrap_or_default();
        let now = self.context.clock.wall();
        for unfinished in past.all_unfinished() {
            let is_rollback = self.is_rollback(unfinished, now);
            if is_rollback && left.rollback.is_none() {
                left.rollback = Some(unfinished.clone());
                continue;
            }
            // What was only decided is judged anew: the brakes ask for evidence, and it has died.
            let is_bake = !is_rollback && !unfinished.by_hand;
            let age = now.since(unfinished.opened);
            if is_bake && left.bake.is_none() && age < self.service.policy.bake {
                left.bake = self.bake_to_repeat(unfinished).await;
            }
            // Its bake is repeated, or it is of no interest any more.
            self.close(log, &unfinished.window).await;
            self.close_earlier(log, unfinished).await;
        }
        left
    }

    fn is_rollback(&self, unfinished: &Unfinished, now: WallTime) -> bool {
        unfinished.has_rollback(now, self.service.policy.rollback.timeout)
    }

    /// Waits for the right to act, where a rollback was left: one that died a moment ago holds it
    /// still, where nobody can tell that it is gone. One that lives renews it.
    async fn has_come_free(&self, log: &Logbook, guard: &Guard) -> bool {
        let past = log.past().await.unwrap_or_default();
        let now = self.context.clock.wall();
        let mut unfinished = past.all_unfinished().iter();
        let Some(rollback) = unfinished.find(|one| self.is_rollback(one, now)) else {
            return false;
        };
        if self.options.permission != Permission::Armed {
            self.warn(format!(
                "window {} was left while {} was being rolled back; only an armed watch goes on with it",
                rollback.window, rollback.deployment.revision
            ));
            return false;
        }
        let Err(Interlock::Lease { by, left }) = guard.again().await else {
            return guard.is_ours();
        };
        let left = left.min(guard::SPAN) + GRACE;
        self.warn(format!(
            "{by} was rolling back and lives, or died; waiting {} to know",
            human(left)
        ));
        self.context.pause(left).await && guard.again().await.is_ok()
    }

    async fn close(&self, log: &Logbook, window: &str) {
        let closed = Entry::Closed {
            verdict: Verdict::Inconclusive,
        };
        self.keep(&log.in_window(window), &closed).await;
    }

    async fn close_earlier(&self, log: &Logbook, left: &Unfinished) {
        for window in &left.earlier {
            self.close(log, window).await;
        }
    }

    /// The deployment of a bake that was left, if it is the one that is meant now.
    async fn bake_to_repeat(&self, left: &Unfinished) -> Option<Selector> {
        let is_meant = match &self.options.selector {
            Selector::Id(id) => *id == left.deployment.id,
            Selector::Current | Selector::Next | Selector::Own(_) => true,
        };
        if !is_meant {
            return None;
        }
        let standing = self.first_standing(&left.deployment).await.ok()?;
        if standing == Standing::Superseded {
            return None;
        }
        self.warn(format!(
            "window {} over {} was left before its end; its bake begins anew",
            left.window, left.deployment.revision
        ));
        Some(Selector::Id(left.deployment.id.clone()))
    }

    /// Goes on with a rollback that was left, and says how it ended; or, where another deployment
    /// has taken over, what there is to watch instead.
    pub(super) async fn go_on(
        &self,
        log: &Logbook,
        guard: &Guard,
        left: &Unfinished,
    ) -> Result<Record, Overtaken> {
        let known = match self.options.selector {
            Selector::Next => self.pin(&Selector::Current).await.ok(),
            Selector::Current | Selector::Id(_) | Selector::Own(_) => None,
        };
        let record = self.resume(log, guard, left).await;
        let is_asked_for = self.options.selector == Selector::Id(left.deployment.id.clone());
        let rollback = record.rollback.as_ref();
        let overtaken = rollback.filter(|one| one.outcome == RollbackOutcome::Superseded);
        let Some(overtaken) = overtaken.filter(|_| !is_asked_for) else {
            return Ok(record);
        };
        let window = &left.window;
        let from = &left.deployment.revision;
        let note = self.note(match overtaken.actuator {
            None => format!(
                "the rollback of {from} that window {window} had left undone was overtaken; nothing \
                 was changed"
            ),
            Some(_) => format!(
                "the rollback of {from} that window {window} had begun was overtaken: {}",
                overtaken.because
            ),
        });
        let selector = self.after(known).await;
        Err(Overtaken { selector, note })
    }

    /// What is watched once a rollback was overtaken. The next deployment may be the one that
    /// overtook it: then it is not to be waited for any more.
    async fn after(&self, known: Option<Deployment>) -> Selector {
        let asked = self.options.selector.clone();
        let Some(known) = known else {
            return asked;
        };
        match self.pin(&Selector::Current).await {
            Ok(current) if current.id != known.id => Selector::Id(current.id),
            Ok(_) | Err(_) => asked,
        }
    }

    /// Sees a rollback to its end that an earlier run had begun, or had been about to.
    async fn resume(&self, log: &Logbook, guard: &Guard, left: &Unfinished) -> Record {
        let started = Stamp::now(&*self.context.clock);
        let note = self.note(format!(
            "window {} was left while {} was being rolled back; going on with it",
            left.window, left.deployment.revision
        ));
        let log = log.in_window(&left.window);
        let past = log.past().await.unwrap_or_default();
        let (action, because, found) = left
            .decided
            .clone()
            .unwrap_or_else(|| (Action::RollBack, ordered(left), Judged::default()));
        let assessment = judged::assessment(&found, self.checks);
        let scene = Scene {
            deployment: &left.deployment,
            log: &log,
            guard,
            wanted: self.wanted(&past),
            observed: left.guards.clone(),
            since: started,
            sent: left.sent.clone(),
        };
        let brakes = self.brakes(&scene, None);
        let hand = self.hand(&scene, &brakes);
        let order = self.order(&scene, &brakes, &hand);
        let mut record = Record {
            command: Command::Watch,
            window: left.window.clone(),
            service: Some(Arc::clone(&self.service.name)),
            started,
            finished: started,
            judge: self.service.policy.judging.judge,
            assessment: assessment.clone(),
            // By what the run that died had judged is not in the journal.
            in_force: Vec::new(),
            deployment: Some(left.deployment.clone()),
            decision: Decided { action, because },
            rollback: None,
            diagnosis: None,
            troubles: Troubles::default(),
            interrupted: false,
            warnings: vec![note],
            punctuality: None,
        };
        let (rollback, diagnosis) = tokio::join!(
            order.resume(&assessment, left),
            self.target.diagnose(&left.deployment)
        );
        record.rollback = Some(rollback);
        record.diagnosis = Some(diagnosis);
        record.finished = Stamp::now(&*self.context.clock);
        self.conclude(&scene, &record).await;
        if !record.rollback.as_ref().is_some_and(|one| one.left) {
            if left.by_hand {
                by_hand::learn(&log, &left.deployment, &record).await;
            }
            self.close_earlier(&log, left).await;
        }
        record
    }

    /// Tells a person something, now and in the report.
    pub(super) fn note(&self, text: String) -> String {
        self.emit(What::Warned(text.clone()));
        text
    }
}

/// What other runs may have sent for this deployment.
pub(super) fn sent_by_others(past: &Past, deployment: &str) -> Vec<Call> {
    let mut unfinished = past.all_unfinished().iter();
    let left = unfinished.find(|one| one.deployment.id == deployment);
    left.map(|one| one.sent.clone()).unwrap_or_default()
}

/// Why a rollback was ordered of which no decision is known.
fn ordered(left: &Unfinished) -> Vec<String> {
    let by_hand = left.by_hand.then(|| "ordered by hand".to_owned());
    by_hand.into_iter().collect()
}
