//! The beginning of a watch: finds the deployment under test, looks at what runs before it where
//! that is asked for, hears how it stands, and says what a rollback would do. A platform that cannot
//! be asked for a moment is asked again.

use std::sync::Arc;
use std::time::Duration;

use super::acting::Scene;
use super::asking;
use super::before::{self, Source};
use super::sampling::{Manner, Sampling};
use super::watch::Watch;
use crate::decision::{Interlock, Permission};
use crate::deploy::DeployError;
use crate::deployment::{Deployment, NoRollback, RollbackPlan, Selector, Standing};
use crate::event::What;
use crate::verdict::Before;

/// A platform that cannot be asked at the start is asked again this long.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How long `--deployment next` waits for a deployment to appear.
const NEXT_PATIENCE: Duration = Duration::from_secs(3_600);

/// What started so shortly before a new deployment was seen may have been answered by it.
const TOO_LATE: Duration = Duration::from_secs(15);

impl Watch<'_> {
    /// Says what is known of before, where it was asked for.
    pub(super) fn tell_what_was_before(&self, before: &[Before]) -> Vec<String> {
        if matches!(self.options.before, Source::None) {
            return Vec::new();
        }
        let notes = before::notes(self.checks, before);
        notes.iter().for_each(|note| self.warn(note.clone()));
        notes
    }

    /// Pins the deployment under test, and says how each check was before it.
    pub(super) async fn pin_and_look_before(
        &self,
        selector: &Selector,
    ) -> Result<(Deployment, Vec<Before>), DeployError> {
        match &self.options.before {
            Source::None => Ok((self.pin(selector).await?, Vec::new())),
            Source::Recorded(before) => Ok((self.pin(selector).await?, before.clone())),
            Source::Live => {
                let mut before = vec![Before::default(); self.checks.len()];
                // What runs now is of another version than the one that will be under test.
                let manner = Manner {
                    in_window: true,
                    any_version: true,
                    ..Manner::default()
                };
                let mut sampling = Sampling::start(self.context, self.checks, manner);
                let pinned = self.pin(selector);
                tokio::pin!(pinned);
                let deployment = loop {
                    tokio::select! {
                        deployment = &mut pinned => break deployment?,
                        Some(sample) = sampling.next() => {
                            let mut checks = self.checks.iter();
                            if let Some(place) = checks.position(|check| check.facts.id == sample.check) {
                                before[place].push(&sample);
                            }
                        }
                    }
                };
                let seen = self.context.clock.now() - TOO_LATE;
                before.iter_mut().for_each(|before| before.until(seen));
                Ok((deployment, before))
            }
        }
    }

    /// Finds the deployment under test and pins it.
    pub(super) async fn pin(&self, selector: &Selector) -> Result<Deployment, DeployError> {
        let patience = match selector {
            Selector::Next => NEXT_PATIENCE,
            Selector::Current | Selector::Id(_) | Selector::Own(_) => PATIENCE,
        };
        if *selector == Selector::Next {
            self.emit(What::Waiting {
                service: Arc::clone(&self.service.name),
                at_most: patience,
            });
        }
        let what = "cannot pin the deployment yet";
        let pinned = self.ask_until_stopped(patience, what, || self.target.pin(selector));
        match pinned.await {
            Err(DeployError::Passing(why)) => Err(DeployError::Passing(format!(
                "no deployment of {} could be pinned: {why}",
                self.service.name
            ))),
            other => other,
        }
    }

    /// What the platform says of the deployment right after it was pinned.
    pub(super) async fn first_standing(
        &self,
        deployment: &Deployment,
    ) -> Result<Standing, DeployError> {
        let what = "cannot ask how the deployment stands yet";
        self.ask_until_stopped(PATIENCE, what, || self.target.standing(deployment))
            .await
    }

    /// Says before the bake what a rollback would do, what would stop it as things are now, and what
    /// else a person should know.
    pub(super) async fn announce(&self, scene: &Scene<'_>, standing: Standing) {
        let (deployment, wanted) = (scene.deployment, &scene.wanted);
        let deadline = self.context.clock.now() + PATIENCE;
        let asked = async {
            let bake = self.service.policy.bake;
            tokio::join!(
                asking::once(self.context, deadline, self.target.plan(deployment, wanted)),
                asking::once(
                    self.context,
                    deadline,
                    self.target.concerns(deployment, bake, wanted)
                ),
            )
        };
        let (planned, concerns) = tokio::select! {
            asked = asked => asked,
            () = self.context.stop.cancelled() => return,
        };
        match concerns {
            Ok(concerns) => concerns.into_iter().for_each(|one| self.warn(one)),
            Err(error) => self.warn(format!("what weakens a rollback cannot be told: {error}")),
        }
        let rollback = match planned {
            Ok(Ok(plan)) => {
                for caveat in &plan.caveats {
                    self.warn(caveat.clone());
                }
                self.tell_what_holds(scene, &plan).await;
                Ok(Box::new(plan))
            }
            Ok(Err(NoRollback::NotYet(why))) => Err(format!("no rollback possible yet: {why}")),
            Ok(Err(none)) => Err(format!("no rollback possible: {none}")),
            // It is asked again when it is needed.
            Err(error) => Err(format!(
                "what a rollback would do cannot be told yet: {error}"
            )),
        };
        self.emit(What::Pinned {
            deployment: deployment.clone(),
            standing,
            rollback,
        });
    }

    /// Says which interlocks would stop a rollback as things are now; that there is no journal was
    /// said before.
    async fn tell_what_holds(&self, scene: &Scene<'_>, plan: &RollbackPlan) {
        if self.options.permission != Permission::Armed {
            return;
        }
        for interlock in self.brakes(scene, None).holding(plan).await {
            if !matches!(
                interlock,
                Interlock::Journal { .. } | Interlock::Lease { .. }
            ) {
                self.warn(format!("a rollback would be refused now: {interlock}"));
            }
        }
    }

    pub(super) async fn ask_until_stopped<T, F>(
        &self,
        patience: Duration,
        what: &str,
        call: impl Fn() -> F,
    ) -> Result<T, DeployError>
    where
        F: Future<Output = Result<T, DeployError>>,
    {
        let deadline = self.context.clock.now() + patience;
        let told = |error: &DeployError| self.warn(format!("{what}: {error}"));
        tokio::select! {
            answer = asking::ask(self.context, deadline, told, call) => answer,
            () = self.context.stop.cancelled() => Err(asking::stopped()),
        }
    }
}
