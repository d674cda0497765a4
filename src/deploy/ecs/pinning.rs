//! Finds the deployment under test and pins it by what ECS can be held to: its ARN where service
//! deployments exist, else its id in `deployments[]`.

use super::calls::Filter;
use super::codedeploy;
use super::facts::{self, Rollout, Service};
use super::fault::CallFault;
use super::pace::jittered;
use super::records::ServiceDeployment;
use super::{EcsTarget, own};
use crate::deploy::DeployError;
use crate::deployment::{Deployment, Images, Revision, Selector};

/// Pins the deployment that the selector means.
pub(super) async fn pin(
    target: &EcsTarget,
    selector: &Selector,
) -> Result<Deployment, DeployError> {
    if let Selector::Own(url) = selector {
        return own::pin(target, url).await;
    }
    let service = target.service().await?;
    if service.controller == codedeploy::CONTROLLER {
        return codedeploy::pin(target, selector).await;
    }
    match selector {
        Selector::Next => next(target, service).await,
        Selector::Id(id) => by_id(target, &service, id).await,
        // Where the own task leads to was followed above.
        Selector::Current | Selector::Own(_) => current(target, &service, None).await,
    }
}

/// Waits for a deployment that is not there yet; the caller bounds the wait.
async fn next(target: &EcsTarget, before: Service) -> Result<Deployment, DeployError> {
    // What ran whole before the new deployment came: where ECS keeps no history, we saw it ourselves.
    let former = before
        .primary()
        .filter(|primary| primary.rollout == Rollout::Completed)
        .map(|primary| facts::revision(&primary.task_definition));
    loop {
        tokio::time::sleep(jittered(target.pace.poll)).await;
        let pinned = match target.service().await {
            Ok(service) if is_another(&before, &service) => {
                current(target, &service, former.as_ref()).await
            }
            Ok(_) => continue,
            Err(error) => Err(error),
        };
        match pinned {
            Err(DeployError::Passing(reason)) => {
                tracing::debug!(reason, "still waiting for the next deployment");
            }
            other => return other,
        }
    }
}

/// A rollback inside a service deployment makes a new primary entry, and no other deployment.
fn is_another(before: &Service, now: &Service) -> bool {
    match (&before.current, &now.current) {
        (Some(before), Some(now)) => before != now,
        _ => before.primary().map(|entry| &entry.id) != now.primary().map(|entry| &entry.id),
    }
}

/// Pins the current deployment of a service; `former` is what was seen running before it.
pub(super) async fn current(
    target: &EcsTarget,
    service: &Service,
    former: Option<&Revision>,
) -> Result<Deployment, DeployError> {
    if service.controller == codedeploy::CONTROLLER {
        return codedeploy::pin(target, &Selector::Current).await;
    }
    if service.is_moved_by_ecs()
        && let Some(deployment) = recorded(target, service).await?
    {
        return Ok(deployment);
    }
    let primary = service.primary().ok_or_else(|| {
        DeployError::Declared(format!(
            "service {} has no deployment to judge",
            target.declared.service
        ))
    })?;
    from_entry(target, service, &primary.id, former)
}

/// The current service deployment; none where the server does not offer or keep them.
async fn recorded(
    target: &EcsTarget,
    service: &Service,
) -> Result<Option<Deployment>, DeployError> {
    let rolling = |service: &Service| {
        let primary = service.primary();
        primary.is_some_and(|primary| primary.rollout == Rollout::InProgress)
    };
    match find_recorded(target, service).await {
        Ok(None) if service.current.is_some() && rolling(service) => {
            // It has just begun: pinned by its entry it could not be stopped.
            Err(DeployError::Passing(format!(
                "ECS does not show the deployment in flight of service {} yet",
                target.declared.service
            )))
        }
        Ok(found) => Ok(found),
        Err(fault) if fault.means_absent(service.current.is_some()) => {
            tracing::debug!(%fault, "no service deployments here");
            Ok(None)
        }
        Err(fault) => Err(target.told(&fault)),
    }
}

async fn find_recorded(
    target: &EcsTarget,
    service: &Service,
) -> Result<Option<Deployment>, CallFault> {
    let arn = match &service.current {
        Some(arn) => Some(arn.clone()),
        None => {
            let listed = target.listed(&Filter::default()).await?;
            listed.into_iter().next().map(|newest| newest.arn)
        }
    };
    let Some(arn) = arn else {
        return Ok(None);
    };
    // One whose service revision is older than the history is not shown.
    match target.service_deployments(&[&arn]).await?.pop() {
        Some(deployment) => pinned(target, &deployment).await,
        None => Ok(None),
    }
}

/// The pinned form of a service deployment; none when its revision is not shown.
async fn pinned(
    target: &EcsTarget,
    deployment: &ServiceDeployment,
) -> Result<Option<Deployment>, CallFault> {
    let mut arns = vec![deployment.target.as_str()];
    let sources = deployment.sources.iter().map(String::as_str);
    arns.extend(sources.filter(|source| *source != deployment.target));
    let revisions = target.revisions(&arns).await?;
    let find = |arn: &str| {
        let known = revisions.iter().find(|known| known.arn == arn)?;
        Some(facts::revision(&known.task_definition))
    };
    let brought = revisions
        .iter()
        .find(|known| known.arn == deployment.target);
    let Some(brought) = brought else {
        return Ok(None);
    };
    let previous = match &arns[1..] {
        [only] => find(only),
        _ => None,
    };
    Ok(Some(Deployment {
        id: deployment.arn.clone(),
        service: name(target).to_owned(),
        revision: facts::revision(&brought.task_definition),
        previous,
        created: Some(deployment.created),
        images: brought.digests.clone(),
        service_revision: Some(brought.arn.clone()),
    }))
}

async fn by_id(target: &EcsTarget, service: &Service, id: &str) -> Result<Deployment, DeployError> {
    if facts::is_entry(id) {
        return match service.entry(id) {
            // By its ARN it can be stopped, and nothing else can be hit.
            Some(entry) if entry.primary => current(target, service, None).await,
            Some(_) => from_entry(target, service, id, None),
            None => Err(DeployError::Declared(format!(
                "service {} has no deployment {id}",
                target.declared.service
            ))),
        };
    }
    if !service.owns(id) {
        return Err(DeployError::Declared(format!(
            "{id} is no deployment of service {} in cluster {}",
            target.declared.service, target.declared.cluster
        )));
    }
    let deployment = target.service_deployment(id).await?;
    let found = pinned(target, &deployment).await;
    found.map_err(|fault| target.told(&fault))?.ok_or_else(|| {
        DeployError::Strange(format!("ECS does not show the service revision of {id}"))
    })
}

/// Pins an entry of `deployments[]`.
pub(super) fn from_entry(
    target: &EcsTarget,
    service: &Service,
    id: &str,
    former: Option<&Revision>,
) -> Result<Deployment, DeployError> {
    let entry = service.entry(id);
    let definition = entry.map_or("", |entry| &entry.task_definition);
    if id.is_empty() || definition.is_empty() {
        return Err(DeployError::Strange(format!(
            "ECS does not say which task definition the deployment {id} of service {} brings",
            target.declared.service
        )));
    }
    let completed = service
        .entries
        .iter()
        .filter(|other| other.id != id && other.rollout == Rollout::Completed)
        .max_by_key(|other| other.created)
        .map(|other| facts::revision(&other.task_definition));
    Ok(Deployment {
        id: id.to_owned(),
        service: name(target).to_owned(),
        revision: facts::revision(definition),
        previous: completed.or_else(|| former.cloned()),
        created: entry.and_then(|entry| entry.created),
        images: Images::new(),
        service_revision: None,
    })
}

/// The service's short name, whichever form was declared.
pub(super) fn name(target: &EcsTarget) -> &str {
    let declared = &target.declared.service;
    declared.rsplit('/').next().unwrap_or(declared)
}
