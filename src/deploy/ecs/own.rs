//! In a sidecar: the deployment that started the task in which we run.
//!
//! Task metadata → task → `startedBy` → the entry of `deployments[]` → its service deployment.
//! A task of another service watches from outside, and judges what is current. Refuses to judge
//! somebody else's deployment when its own was replaced, and to judge a rollback.

use aws_sdk_ecs::types;

use super::facts::{self, Service};
use super::metadata::{self, OwnTask};
use super::{EcsTarget, codedeploy, pinning, tasks};
use crate::deploy::DeployError;
use crate::deployment::{Deployment, Selector, Software};

/// Pins the deployment that started the task that the metadata endpoint at this URL names.
pub(super) async fn pin(target: &EcsTarget, url: &str) -> Result<Deployment, DeployError> {
    let own = metadata::own_task(url).await?;
    let service = target.service().await?;
    if !shares_cluster(target, &service, &own) {
        return current(target, &service).await;
    }
    let described = target.task(&own.arn).await;
    let task = described.map_err(|fault| target.told(&fault))?;
    let task = task.ok_or_else(|| {
        DeployError::Passing(format!("ECS does not show our own task {} yet", own.arn))
    })?;
    if task.group() != Some(&format!("service:{}", pinning::name(target))) {
        tracing::debug!(task = own.arn, group = task.group(), "not of this service");
        return current(target, &service).await;
    }
    of_service(target, &service, &task).await
}

/// What is current, by whoever deploys the service.
async fn current(target: &EcsTarget, service: &Service) -> Result<Deployment, DeployError> {
    if service.controller == codedeploy::CONTROLLER {
        return codedeploy::pin(target, &Selector::Current).await;
    }
    pinning::current(target, service, None).await
}

/// Whether our task runs where the service does: then it may be one of its own.
fn shares_cluster(target: &EcsTarget, service: &Service, own: &OwnTask) -> bool {
    match &service.place {
        Some(place) => place.has_task(&own.arn, &own.cluster),
        None => facts::label(&own.cluster) == facts::label(&target.declared.cluster),
    }
}

async fn of_service(
    target: &EcsTarget,
    service: &Service,
    task: &types::Task,
) -> Result<Deployment, DeployError> {
    let id = task.started_by().unwrap_or_default();
    if service.controller == codedeploy::CONTROLLER {
        // The task set's id, which stands for the deployment that made it.
        return codedeploy::pin(target, &Selector::Id(id.to_owned())).await;
    }
    let Some(entry) = service.entry(id) else {
        return Err(unseen(target, service, task));
    };
    if !service.is_moved_by_ecs() {
        // A green task set is no primary one before the traffic has moved to it.
        return pinning::from_entry(target, service, id, None);
    }
    if !entry.primary {
        return Err(replaced(target, service, task));
    }
    let pinned = pinning::current(target, service, None).await?;
    let ours = tasks::Task::of(task).map(|task| Software {
        revision: facts::revision(&task.task_definition),
        images: task.digests,
    });
    // A rollback makes a new primary entry inside the service deployment that it undoes.
    if ours.is_some_and(|ours| !ours.may_be(&pinned.software())) {
        return Err(DeployError::Declared(format!(
            "our own task was started by {id}, which brings {} and rolls {} of service {} back: a rollback is not judged; name the deployment with --deployment",
            facts::label(&entry.task_definition),
            pinned.revision,
            pinned.service
        )));
    }
    Ok(pinned)
}

/// A deployment that the service does not show is gone, or not to be seen yet: the times tell.
fn unseen(target: &EcsTarget, service: &Service, task: &types::Task) -> DeployError {
    let created = facts::wall(task.created_at());
    let primary = service.primary().and_then(|primary| primary.created);
    match (created, primary) {
        (Some(created), Some(primary)) if primary >= created => replaced(target, service, task),
        _ => DeployError::Passing(format!(
            "ECS does not show deployment {} of service {}, which started our own task, yet",
            task.started_by().unwrap_or("(unnamed)"),
            pinning::name(target)
        )),
    }
}

fn replaced(target: &EcsTarget, service: &Service, task: &types::Task) -> DeployError {
    let successor = service
        .primary()
        .map_or("another", |primary| primary.id.as_str());
    DeployError::Declared(format!(
        "deployment {} of service {}, which started our own task with {}, was replaced by {successor}: there is nothing of ours to judge",
        task.started_by().unwrap_or("(unnamed)"),
        pinning::name(target),
        task.task_definition_arn().map_or("?", facts::label),
    ))
}
