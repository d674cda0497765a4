//! The beginning of a watch: finds the deployment under test, hears how it stands, and says what a
//! rollback would do. A platform that cannot be asked for a moment is asked again.

use std::sync::Arc;
use std::time::Duration;

use super::asking;
use super::watch::{Watch, stopped, why_none};
use crate::deploy::DeployError;
use crate::deployment::{Deployment, Selector, Standing};
use crate::event::What;

/// A platform that cannot be asked at the start is asked again this long.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long `--deployment next` waits for a deployment to appear.
const NEXT_PATIENCE: Duration = Duration::from_secs(3_600);

impl Watch<'_> {
    /// Finds the deployment under test and pins it.
    pub(super) async fn pin(&self) -> Result<Deployment, DeployError> {
        let patience = match self.options.selector {
            Selector::Next => NEXT_PATIENCE,
            Selector::Current | Selector::Id(_) => PATIENCE,
        };
        if self.options.selector == Selector::Next {
            self.emit(What::Waiting {
                service: Arc::clone(&self.service.name),
                at_most: patience,
            });
        }
        let what = "cannot pin the deployment yet";
        let pinned =
            self.ask_until_stopped(patience, what, || self.target.pin(&self.options.selector));
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

    /// Says before the bake what a rollback would do.
    pub(super) async fn announce(&self, deployment: &Deployment, standing: Standing) {
        let deadline = self.context.clock.now() + PATIENCE;
        let planned = tokio::select! {
            planned = asking::once(self.context, deadline, self.target.plan(deployment)) => planned,
            () = self.context.stop.cancelled() => return,
        };
        let rollback = match planned {
            Ok(Ok(plan)) => {
                for caveat in &plan.caveats {
                    self.warn(caveat.clone());
                }
                Ok(plan)
            }
            Ok(Err(none)) => Err(format!("no rollback possible: {}", why_none(&none))),
            // It is asked again when it is needed.
            Err(error) => Err(format!(
                "what a rollback would do cannot be told yet: {error}"
            )),
        };
        let deployment = deployment.clone();
        self.emit(What::Pinned {
            deployment,
            standing,
            rollback,
        });
    }

    async fn ask_until_stopped<T, F>(
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
            () = self.context.stop.cancelled() => Err(stopped()),
        }
    }
}
