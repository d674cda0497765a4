//! Finds the deployment of CodeDeploy under test and pins it by its id, `d-…`.
//!
//! The way there leads through the service's task sets: each names the deployment that made it, and
//! that one names its group, whose newest deployment is the current one. A rollback that CodeDeploy
//! made by itself is no deployment of its own: what is pinned is the one that it rolls back.

use super::super::EcsTarget;
use super::super::facts;
use super::super::pace::jittered;
use super::super::task_sets::TaskSet;
use super::calls::{CodeDeploy, Filter};
use super::candidate::earlier;
use super::is_deployment;
use super::reading::{self, Reading};
use super::records::Record;
use super::tell;
use crate::deploy::DeployError;
use crate::deployment::{Deployment, Images, Revision, Selector};

/// Pins the deployment that the selector means.
pub(in super::super) async fn pin(
    target: &EcsTarget,
    selector: &Selector,
) -> Result<Deployment, DeployError> {
    match selector {
        Selector::Next => next(target).await,
        Selector::Id(id) => by_id(target, id).await,
        Selector::Current | Selector::Own(_) => match newest(target).await? {
            Some(newest) => pinned(target, &newest.id).await,
            None => Err(none(target)),
        },
    }
}

/// Waits for a deployment that is not there yet; the caller bounds the wait.
async fn next(target: &EcsTarget) -> Result<Deployment, DeployError> {
    let before = newest(target).await?.map(|newest| newest.id);
    loop {
        tokio::time::sleep(jittered(target.pace.poll)).await;
        let pinned = match newest(target).await {
            Ok(Some(newest)) if before.as_ref() != Some(&newest.id) => {
                pinned(target, &newest.id).await
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

async fn by_id(target: &EcsTarget, id: &str) -> Result<Deployment, DeployError> {
    let (_, sets) = target.service_with_sets().await?;
    // A task set stands for the deployment that made it.
    let made_by = sets.iter().find(|set| set.id == id).and_then(maker);
    let id = made_by.unwrap_or(id);
    let codedeploy = CodeDeploy::of(target);
    let Some(anchor) = anchor(&sets).filter(|_| is_deployment(id)) else {
        return Err(foreign(target, id));
    };
    let group = codedeploy.deployment(anchor).await?.group;
    match codedeploy.known(id).await? {
        Some(known) if known.group == group => {
            refuse_rollback(&known)?;
            pinned(target, id).await
        }
        _ => Err(foreign(target, id)),
    }
}

/// A rollback undone would bring back what failed: one by CodeDeploy itself says so, one of ours by
/// its description, whoever made it.
fn refuse_rollback(known: &Record) -> Result<(), DeployError> {
    let by_us = known.description.as_deref().and_then(tell::described);
    let Some(undone) = known.rolls_back.as_deref().or(by_us) else {
        return Ok(());
    };
    Err(DeployError::Declared(format!(
        "deployment {} rolls {undone} back: a rollback is not judged; name the deployment with --deployment",
        known.id
    )))
}

/// The newest deployment of the group that deploys the service; none before there is one.
async fn newest(target: &EcsTarget) -> Result<Option<Record>, DeployError> {
    let (_, sets) = target.service_with_sets().await?;
    let Some(anchor) = anchor(&sets) else {
        return Ok(None);
    };
    let codedeploy = CodeDeploy::of(target);
    let anchor = codedeploy.deployment(anchor).await?;
    let filter = Filter {
        after: Some(anchor.created),
        ..Filter::default()
    };
    let listed = codedeploy.listed(&anchor.group, &filter).await?;
    let newest = listed.into_iter().next();
    let newest = newest
        .filter(|newest| newest.created >= anchor.created)
        .unwrap_or(anchor);
    match &newest.rolls_back {
        Some(rolled_back) => Ok(Some(codedeploy.deployment(rolled_back).await?)),
        None => Ok(Some(newest)),
    }
}

/// The deployment that made the newest task set.
fn anchor(sets: &[TaskSet]) -> Option<&str> {
    let made = sets.iter().filter(|set| maker(set).is_some());
    made.max_by_key(|set| set.created).and_then(maker)
}

fn maker(set: &TaskSet) -> Option<&str> {
    set.external.as_deref().filter(|id| is_deployment(id))
}

async fn pinned(target: &EcsTarget, id: &str) -> Result<Deployment, DeployError> {
    let reading = reading::read(target, id).await?;
    let own = reading.own_set().map(|set| set.task_definition.clone());
    let brought = own
        .filter(|definition| !definition.is_empty())
        .or_else(|| reading.judged.task_definition());
    let brought = brought.ok_or_else(|| {
        DeployError::Passing(format!(
            "deployment {id} has made no task set yet, and its AppSpec does not say in a readable place which task definition it brings"
        ))
    })?;
    let declared = &target.declared.service;
    Ok(Deployment {
        id: id.to_owned(),
        service: facts::label(declared).to_owned(),
        revision: facts::revision(&brought),
        previous: previous(target, &reading).await?,
        created: Some(reading.judged.created),
        images: Images::new(),
        service_revision: None,
    })
}

/// What ran before: the other task set, while it runs, else what the last success brought.
async fn previous(target: &EcsTarget, reading: &Reading) -> Result<Option<Revision>, DeployError> {
    if let Some(other) = reading.other_set() {
        return Ok(Some(facts::revision(&other.task_definition)));
    }
    let mut earlier = earlier(CodeDeploy::of(target), &reading.judged);
    let last = earlier.next().await?;
    let brought = last.and_then(|last| last.task_definition());
    Ok(brought.map(|definition| facts::revision(&definition)))
}

fn none(target: &EcsTarget) -> DeployError {
    DeployError::Declared(format!(
        "CodeDeploy has deployed nothing to service {} yet: there is no deployment to judge",
        target.declared.service
    ))
}

fn foreign(target: &EcsTarget, id: &str) -> DeployError {
    DeployError::Declared(format!(
        "{id} is no deployment of service {} in cluster {}",
        target.declared.service, target.declared.cluster
    ))
}
