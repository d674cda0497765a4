//! What a run that died, or was told to stop, left undone: found in the journal at the start of the
//! next one, and gone on with. The platform is read anew; nothing is repeated blindly.

use std::sync::Arc;

use super::acting::Scene;
use super::guard::Guard;
use super::judged;
use super::logbook::Logbook;
use super::record::{Command, Decided, Record, Stamp};
use super::watch::Watch;
use crate::decision::{Past, Permission, Unfinished};
use crate::deploy::DeployError;
use crate::deployment::{Call, RollbackOutcome, Selector, Standing};
use crate::event::{Action, Verdict, What};
use crate::journal::{Entry, Judged};

/// What is there to go on with.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// A rollback that was decided and not seen to its end.
    pub(super) rollback: Option<Unfinished>,
    /// The deployment of a bake that was not over.
    pub(super) bake: Option<Selector>,
}

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
        if !guard.is_ours() {
            return left;
        }
        let past = log.past().await.unwrap_or_default();
        for unfinished in past.all_unfinished() {
            let is_rollback = unfinished.plan.is_some()
                || matches!(&unfinished.decided, Some((Action::RollBack, ..)));
            if is_rollback && left.rollback.is_none() {
                left.rollback = Some(unfinished.clone());
                continue;
            }
            let age = self.context.clock.wall().since(unfinished.opened);
            if !is_rollback && left.bake.is_none() && age < self.service.policy.bake {
                left.bake = self.bake_to_repeat(unfinished).await;
            }
            // Its bake is repeated, or it is of no interest any more.
            let closed = Entry::Closed {
                verdict: Verdict::Inconclusive,
            };
            self.keep(&log.in_window(&unfinished.window), &closed).await;
        }
        left
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

    /// Goes on with a rollback that was decided and not seen to its end.
    pub(super) async fn go_on(&self, log: &Logbook, guard: &Guard, left: &Unfinished) -> Record {
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
            .unwrap_or_else(|| (Action::RollBack, Vec::new(), Judged::default()));
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
            deployment: Some(left.deployment.clone()),
            decision: Decided { action, because },
            rollback: None,
            diagnosis: None,
            interrupted: false,
            warnings: vec![note],
        };
        let (rollback, diagnosis) = tokio::join!(
            order.resume(&assessment, left),
            self.target.diagnose(&left.deployment)
        );
        record.rollback = Some(rollback);
        record.diagnosis = Some(diagnosis);
        record.finished = Stamp::now(&*self.context.clock);
        self.conclude(&scene, &record).await;
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

/// Whether what was left had been overtaken before anything was changed: then there is a deployment
/// to watch still.
pub(super) fn is_over_without_us(record: &Record) -> bool {
    let rollback = record.rollback.as_ref();
    rollback.is_some_and(|rollback| {
        rollback.outcome == RollbackOutcome::Superseded && rollback.actuator.is_none()
    })
}
