//! What ECS recorded of the time before the deployment under test: the service revision that ran,
//! and the deployments before it.

use super::facts::{self, Rollout, Service};
use super::history::{self, History};
use super::records::{ServiceDeployment, ServiceRevision};
use super::{EcsTarget, Halt};
use crate::deployment::{Deployment, Revision};

/// The records of a service deployment and of what was before it.
pub(super) struct Records<'a> {
    pub(super) deployment: &'a ServiceDeployment,
    pub(super) judged: ServiceRevision,
    /// The one service revision that ran before, unless its own deployment never ended well.
    pub(super) source: Option<ServiceRevision>,
    pub(super) history: History,
}

impl<'a> Records<'a> {
    /// None when ECS does not show the service revision that was judged.
    pub(super) async fn read(
        target: &EcsTarget,
        service: &Service,
        deployment: &'a ServiceDeployment,
    ) -> Result<Option<Self>, Halt> {
        let sources: Vec<&str> = deployment
            .sources
            .iter()
            .map(String::as_str)
            .filter(|source| *source != deployment.target && service.owns(source))
            .collect();
        let mut arns = vec![deployment.target.as_str()];
        arns.extend(&sources);
        let mut revisions = history::by_arn(target, &arns).await?;
        let Some(judged) = revisions.remove(&deployment.target) else {
            return Ok(None);
        };
        let history = History::before(target, deployment).await?;
        let source = match sources.as_slice() {
            // What ran before is what runs now: the same service revision was deployed again.
            [] if deployment.sources.contains(&deployment.target) => Some(judged.clone()),
            [only] if !history.never_ended_well(only) => revisions.remove(*only),
            _ => None,
        };
        Ok(Some(Self {
            deployment,
            judged,
            source,
            history,
        }))
    }

    /// The source; else what the newest deployment that ended well before this one left running.
    pub(super) async fn newest(
        &self,
        target: &EcsTarget,
        service: &Service,
        is_accepted: impl Fn(&ServiceRevision) -> bool + Send,
    ) -> Result<Option<ServiceRevision>, Halt> {
        match self.source.as_ref().filter(|source| is_accepted(source)) {
            Some(source) => Ok(Some(source.clone())),
            None => {
                let history = &self.history;
                history
                    .newest(target, service, self.deployment, is_accepted)
                    .await
            }
        }
    }
}

/// While rolling, the old deployment still stands in `deployments[]`.
pub(super) fn in_entries(service: &Service, deployment: &Deployment) -> Option<Revision> {
    service
        .entries
        .iter()
        .filter(|entry| !entry.primary && entry.id != deployment.id)
        .filter(|entry| entry.rollout == Rollout::Completed)
        .max_by_key(|entry| entry.created)
        .map(|entry| facts::revision(&entry.task_definition))
}
