//! Which revision to return to: the one that ran before, as ECS recorded it; never a number less.

use std::collections::HashMap;

use super::calls::Filter;
use super::facts::{self, Rollout, Service};
use super::reading::{Reading, Subject};
use super::records::{ServiceDeployment, ServiceRevision, Status};
use super::{EcsTarget, Halt};
use crate::deployment::{Actuator, Deployment, Images, NoRollback, Revision};

/// A revision to return to.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) revision: Revision,
    /// What ran exactly, and what the deployment under test made of it, where that is recorded.
    pub(super) recorded: Option<Recorded>,
}

impl Candidate {
    /// The images that it brings, where they are recorded.
    pub(super) fn images(&self) -> Images {
        let recorded = self.recorded.as_ref();
        recorded.map_or_else(Images::new, |recorded| recorded.good.digests.clone())
    }
}

/// The service revisions on both sides of a rollback.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) good: ServiceRevision,
    pub(super) judged: ServiceRevision,
}

/// Finds the revision to return to from the deployment under test: the one that the actuator would
/// bring.
pub(super) async fn find(
    target: &EcsTarget,
    deployment: &Deployment,
    reading: &Reading,
    actuator: Actuator,
) -> Result<Candidate, Halt> {
    let found = match &reading.subject {
        Subject::Recorded {
            deployment: recorded,
            ..
        } => match in_records(target, &reading.service, recorded, actuator).await? {
            Some(recorded) => Some(Candidate {
                revision: facts::revision(&recorded.good.task_definition),
                recorded: Some(recorded),
            }),
            None => in_entries(&reading.service, deployment).map(unrecorded),
        },
        // What was seen running before is older than what still stands in the list.
        Subject::Entry => in_entries(&reading.service, deployment)
            .or_else(|| deployment.previous.clone())
            .map(unrecorded),
    };
    found.ok_or_else(|| {
        Halt::No(NoRollback::NoTarget(format!(
            "nothing ran before {} that ECS still knows: there is no revision to return to",
            deployment.revision
        )))
    })
}

const fn unrecorded(revision: Revision) -> Candidate {
    Candidate {
        revision,
        recorded: None,
    }
}

/// The deployment's one source, unless ECS recorded that its own deployment never ended well; else
/// the newest deployment before it that did.
async fn in_records(
    target: &EcsTarget,
    service: &Service,
    deployment: &ServiceDeployment,
    actuator: Actuator,
) -> Result<Option<Recorded>, Halt> {
    let sources: Vec<&str> = deployment
        .sources
        .iter()
        .map(String::as_str)
        .filter(|source| *source != deployment.target && service.owns(source))
        .collect();
    let mut arns = vec![deployment.target.as_str()];
    arns.extend(&sources);
    let mut revisions = by_arn(target, &arns).await?;
    let Some(judged) = revisions.remove(&deployment.target) else {
        return Ok(None);
    };
    if sources.is_empty() && deployment.sources.contains(&deployment.target) {
        // What ran before is what runs now: the same service revision was deployed again.
        let good = judged.clone();
        return Ok(Some(Recorded { good, judged }));
    }
    if let [only] = sources.as_slice()
        && let Some(good) = revisions.remove(*only)
        && !failed_before(target, deployment, only).await?
    {
        return Ok(Some(Recorded { good, judged }));
    }
    let good = in_history(target, service, deployment, &judged, actuator).await?;
    Ok(good.map(|good| Recorded { good, judged }))
}

/// Whether the deployments that brought a service revision are known, and none of them ended well:
/// it ran without ever being good. What is older than the history is not held against it.
async fn failed_before(
    target: &EcsTarget,
    deployment: &ServiceDeployment,
    revision: &str,
) -> Result<bool, Halt> {
    let filter = Filter {
        before: Some(deployment.created),
        ..Filter::default()
    };
    let listed = target.listed(&filter).await;
    let listed = listed.map_err(|fault| target.told(&fault))?;
    let mut brought = listed
        .iter()
        .filter(|known| known.arn != deployment.arn && known.target.as_deref() == Some(revision))
        .peekable();
    Ok(brought.peek().is_some() && brought.all(|known| known.status != Status::Successful))
}

/// What the newest deployment that ended well before this one began left running. ECS itself
/// returns to just that when it is told to stop; an update can go on to other software.
async fn in_history(
    target: &EcsTarget,
    service: &Service,
    deployment: &ServiceDeployment,
    judged: &ServiceRevision,
    actuator: Actuator,
) -> Result<Option<ServiceRevision>, Halt> {
    let filter = Filter {
        ended_well: true,
        before: Some(deployment.created),
        ..Filter::default()
    };
    let listed = target.listed(&filter).await;
    let listed = listed.map_err(|fault| target.told(&fault))?;
    let earlier: Vec<&str> = listed
        .iter()
        .filter(|known| known.arn != deployment.arn)
        .filter(|known| {
            known
                .finished
                .is_some_and(|time| time <= deployment.created)
        })
        .map(|known| known.arn.as_str())
        .collect();
    for some in earlier.chunks(AT_ONCE) {
        let described = target.service_deployments(some).await;
        let described = described.map_err(|fault| target.told(&fault))?;
        let effective: Vec<&str> = some
            .iter()
            .filter_map(|arn| described.iter().find(|known| known.arn == *arn))
            .filter_map(ServiceDeployment::effective)
            .filter(|arn| service.owns(arn))
            .collect();
        let mut revisions = by_arn(target, &effective).await?;
        let good = effective
            .iter()
            .filter_map(|arn| revisions.remove(*arn))
            .find(|known| {
                actuator == Actuator::StopServiceDeployment || !known.is_same_software(judged)
            });
        if good.is_some() {
            return Ok(good);
        }
    }
    Ok(None)
}

async fn by_arn(
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

/// While rolling, the old deployment still stands in `deployments[]`.
fn in_entries(service: &Service, deployment: &Deployment) -> Option<Revision> {
    service
        .entries
        .iter()
        .filter(|entry| !entry.primary && entry.id != deployment.id)
        .filter(|entry| entry.rollout == Rollout::Completed)
        .max_by_key(|entry| entry.created)
        .map(|entry| facts::revision(&entry.task_definition))
}

/// As many as ECS describes in one call.
const AT_ONCE: usize = 20;
