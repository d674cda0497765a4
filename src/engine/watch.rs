//! `watch`: pins the deployment under test, bakes it (`baking`), decides, acts when armed (`acting`),
//! and verifies; what an earlier run left undone comes first (`resuming`).

use std::path::PathBuf;
use std::sync::Arc;

use super::acting::Scene;
use super::baking::Baked;
use super::before;
use super::context::Context;
use super::desk::Desk;
use super::guard::Guard;
use super::guards;
use super::in_force;
use super::logbook::{Journaling, Logbook};
use super::record::{Command, Decided, Record, Stamp};
use super::resuming;
use super::rollback::Pace;
use crate::decision::Permission;
use crate::deploy::{DeployError, DeploymentTarget};
use crate::deployment::{Deployment, RollbackOutcome, Selector};
use crate::event::What;
use crate::journal::Entry;
use crate::plan::{CheckPlan, ServicePlan};
use crate::verdict::Verdict;

/// How a watch is carried out.
#[derive(Clone)]
pub struct WatchOptions {
    /// Which deployment is judged.
    pub selector: Selector,
    /// Where it is known from how the service was before.
    pub before: before::Source,
    /// Whether a rollback may be carried out.
    pub permission: Permission,
    /// How often the platform is asked, and how the rollback is verified.
    pub pace: Pace,
    /// The journal, or why there is none.
    pub journaling: Journaling,
    /// The file whose presence stops every rollback on this machine.
    pub kill_switch: Option<PathBuf>,
    /// The name of its window (a ULID); a new one where absent.
    pub window: Option<String>,
    /// Who sits by it; absent where nobody does.
    pub desk: Option<Desk>,
}

/// One watch over one service.
#[derive(Clone)]
pub struct Watch<'a> {
    /// What every run shares.
    pub context: &'a Context,
    /// The service, with its policy.
    pub service: &'a ServicePlan,
    /// The checks that judge it.
    pub checks: &'a [CheckPlan],
    /// Where it is deployed.
    pub target: Arc<dyn DeploymentTarget>,
    /// How the watch is carried out.
    pub options: WatchOptions,
}

impl Watch<'_> {
    /// Watches one deployment from its pinning to the proof. What an earlier run left undone is done
    /// first.
    ///
    /// # Errors
    /// When the deployment under test cannot be found or the platform cannot be asked at all:
    /// nothing has been judged then, and nothing changed.
    pub async fn run(&self) -> Result<Record, DeployError> {
        let identity = self.identity().await?;
        let clock = Arc::clone(&self.context.clock);
        let mut log = Logbook::open(self.options.journaling.clone(), &identity, clock);
        if let Some(window) = &self.options.window {
            log = log.in_window(window);
        }
        let guard = self.guard(&log).await;
        let watched = self.watch(&log, &guard).await;
        guard.give_back().await;
        watched
    }

    async fn watch(&self, log: &Logbook, guard: &Guard) -> Result<Record, DeployError> {
        let started = Stamp::now(&*self.context.clock);
        let left = self.left_undone(log, guard).await;
        let mut notes = Vec::new();
        let mut selector = self.options.selector.clone();
        if let Some(rollback) = left.rollback {
            match self.go_on(log, guard, &rollback).await {
                Ok(record) => return Ok(record),
                Err(overtaken) => {
                    notes.push(overtaken.note);
                    selector = overtaken.selector;
                }
            }
        }
        let Some(repeated) = left.bake else {
            return self.judge(log, guard, &selector, notes, started).await;
        };
        let record = self.judge(log, guard, &repeated, notes, started).await?;
        if selector != Selector::Next || !is_superseded(&record) {
            return Ok(record);
        }
        // What took over is the next deployment: nobody else is going to judge it.
        let note = self.note(format!(
            "window {} was left over a deployment that the next one has taken over from",
            record.window
        ));
        let log = log.in_new_window();
        self.judge(&log, guard, &Selector::Current, vec![note], started)
            .await
    }

    /// Judges one deployment, and does what is decided about it.
    async fn judge(
        &self,
        log: &Logbook,
        guard: &Guard,
        selector: &Selector,
        mut notes: Vec<String>,
        started: Stamp,
    ) -> Result<Record, DeployError> {
        let (deployment, before) = self.pin_and_look_before(selector).await?;
        let standing = self.first_standing(&deployment).await?;
        let past = log.past().await.unwrap_or_default();
        notes.extend(self.tell_what_was_before(&before));
        let asked = guards::ask(self.context, &self.service.guards).await;
        let observed = guards::observations(&asked);
        self.keep(
            log,
            &Entry::Opened {
                service: Arc::clone(&self.service.name),
                deployment: deployment.clone(),
                guards: observed.clone(),
            },
        )
        .await;
        let scene = Scene {
            deployment: &deployment,
            log,
            guard,
            wanted: self.wanted(&past),
            observed,
            since: Stamp::now(&*self.context.clock),
            sent: resuming::sent_by_others(&past, &deployment.id),
        };
        self.announce(&scene, standing).await;
        let at_start = self.tasks_now(&deployment).await;
        notes.extend(self.look_at_start(&deployment, standing, at_start.as_deref()));
        let in_force = in_force::of(self.checks, &before);
        let mut baked = self.bake(&deployment, standing, before).await;
        notes.extend(
            self.confirm(&deployment, at_start.as_deref(), &mut baked)
                .await,
        );
        self.hear_objections(&mut baked).await;
        notes.extend(self.context.control.notes().await);
        let mut record = self.record(started, &deployment, &baked, log);
        record.in_force = in_force;
        record.warnings = notes;
        self.see_to(&scene, &baked, &mut record).await;
        Ok(record)
    }

    fn record(
        &self,
        started: Stamp,
        deployment: &Deployment,
        baked: &Baked,
        log: &Logbook,
    ) -> Record {
        let mut assessment = baked.assessment.clone();
        if baked.interrupted {
            // Half a bake that was well proves nothing.
            assessment.verdict = assessment.verdict.max(Verdict::Inconclusive);
        }
        Record {
            command: Command::Watch,
            window: log.window().to_owned(),
            service: Some(Arc::clone(&self.service.name)),
            started,
            finished: started,
            judge: self.service.policy.judging.judge,
            assessment,
            in_force: Vec::new(),
            deployment: Some(deployment.clone()),
            decision: Decided::from(&baked.decision),
            rollback: None,
            diagnosis: None,
            troubles: baked.troubles.clone(),
            interrupted: baked.interrupted,
            warnings: Vec::new(),
            punctuality: self.context.instruments.lateness().told(),
        }
    }

    pub(super) fn warn(&self, text: String) {
        self.emit(What::Warned(text));
    }

    pub(super) fn emit(&self, what: What) {
        self.context.events.of(&self.service.name).emit(what);
    }
}

/// Whether another deployment took over while we went on watching.
fn is_superseded(record: &Record) -> bool {
    let rollback = record.rollback.as_ref();
    !record.interrupted
        && rollback
            .is_some_and(|one| one.outcome == RollbackOutcome::Superseded && one.actuator.is_none())
}
