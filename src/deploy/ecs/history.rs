//! What was deployed before the deployment under test, as far as ECS remembers: ninety days of
//! service deployments, and none from before 2024-10-25.

use std::collections::HashMap;
use std::time::Duration;

use super::calls::Filter;
use super::facts::Service;
use super::records::{Listed, ServiceDeployment, ServiceRevision, Status};
use super::{EcsTarget, Halt};

/// The deployments up to the one under test, the newest first.
#[derive(Debug)]
pub(super) struct History {
    own: Option<Listed>,
    earlier: Vec<Listed>,
}

impl History {
    pub(super) async fn before(
        target: &EcsTarget,
        deployment: &ServiceDeployment,
    ) -> Result<Self, Halt> {
        let filter = Filter {
            before: Some(deployment.created),
            ..Filter::default()
        };
        let listed = target.listed(&filter).await;
        let mut listed = listed.map_err(|fault| target.told(&fault))?;
        let own = listed.iter().position(|known| known.arn == deployment.arn);
        let own = own.map(|place| listed.remove(place));
        listed.retain(|known| known.created <= deployment.created);
        Ok(Self {
            own,
            earlier: listed,
        })
    }

    /// Whether the deployments that brought a service revision are known, and none of them ended
    /// well: it ran without ever being good. What is older than the history is not held against it.
    pub(super) fn never_ended_well(&self, revision: &str) -> bool {
        let mut brought = self
            .earlier
            .iter()
            .filter(|known| known.target.as_deref() == Some(revision))
            .peekable();
        brought.peek().is_some() && brought.all(|known| known.status != Status::Successful)
    }

    /// How long the deployment under test took to roll out; else the one before it that did.
    pub(super) fn rollout(&self) -> Option<Duration> {
        let known = self.own.iter().chain(&self.earlier);
        known
            .filter(|known| known.status == Status::Successful)
            .find_map(|known| {
                let (from, to) = (known.started?, known.finished?);
                let span = to.unix().checked_sub(from.unix())?;
                // One that began and ended in the same moment says nothing of how long it takes.
                (!span.is_zero()).then_some(span)
            })
    }

    /// What the newest of them that ended well left running and is accepted: after a rollback not
    /// what it brought, but what it was rolled back to.
    pub(super) async fn newest(
        &self,
        target: &EcsTarget,
        service: &Service,
        before: &ServiceDeployment,
        is_accepted: impl Fn(&ServiceRevision) -> bool + Send,
    ) -> Result<Option<ServiceRevision>, Halt> {
        let ended_well: Vec<&str> = self
            .earlier
            .iter()
            .filter(|known| {
                matches!(
                    known.status,
                    Status::Successful | Status::RollbackSuccessful
                )
            })
            .filter(|known| known.finished.is_some_and(|time| time <= before.created))
            .map(|known| known.arn.as_str())
            .collect();
        for some in ended_well.chunks(AT_ONCE) {
            let described = target.service_deployments(some).await;
            let described = described.map_err(|fault| target.told(&fault))?;
            let effective: Vec<&str> = some
                .iter()
                .filter_map(|arn| described.iter().find(|known| known.arn == *arn))
                .filter_map(ServiceDeployment::effective)
                .filter(|arn| service.owns(arn))
                .collect();
            let mut revisions = by_arn(target, &effective).await?;
            let mut left_running = effective.iter().filter_map(|arn| revisions.remove(*arn));
            if let Some(found) = left_running.find(&is_accepted) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Service revisions by their ARNs; those that ECS does not show are absent.
pub(super) async fn by_arn(
    target: &EcsTarget,
    arns: &[&str],
) -> Result<HashMap<String, ServiceRevision>, Halt> {
    let found = target.revisions(arns).await;
    let found = found.map_err(|fault| target.told(&fault))?;
    Ok(found
        .into_iter()
        .map(|revision| (revision.arn.clone(), revision))
        .collect())
}

/// As many as ECS describes in one call.
const AT_ONCE: usize = 20;
