//! Whether a rollback is done: every condition that can be read, not the word COMPLETED alone.
//!
//! A rollback is complete when its own record says so and names the expected revision; when the
//! service has one deployment, of that revision, with as many tasks as desired and more than none;
//! and when every running task runs that task definition from those images.

use super::facts::{self, Digests, Rollout, Service};
use super::reading::with_newer;
use super::records::{ServiceDeployment, Status};
use super::{EcsTarget, codedeploy, external};
use crate::deploy::DeployError;
use crate::deployment::{Actuator, Deployment, Progress, StartedRollback};

/// How far a rollback that we started has come.
pub(super) async fn progress(
    target: &EcsTarget,
    started: &StartedRollback,
) -> Result<Progress, DeployError> {
    let plan = &started.plan;
    match plan.actuator {
        Actuator::CodedeployStopDeployment | Actuator::CodedeployCreateDeployment => {
            return codedeploy::progress(target, started).await;
        }
        Actuator::UpdateServicePrimaryTaskSet => return external::progress(target, started).await,
        _ => {}
    }
    let service = target.service().await?;
    if facts::is_entry(&started.carrier) {
        return by_entry(target, &service, &started.carrier, &plan.target.id).await;
    }
    let (carrier, newer) = with_newer(target, &service, &started.carrier).await?;
    if let Some(newer) = newer {
        return Ok(Progress::Superseded(format!(
            "deployment {newer} took over from the rollback"
        )));
    }
    match plan.actuator {
        Actuator::StopServiceDeployment | Actuator::ContinueServiceDeployment => {
            stopped(target, &service, &carrier, Some(&plan.target.id)).await
        }
        Actuator::UpdateService => updated(target, &service, &carrier, &plan.target.id).await,
        other => Err(DeployError::Strange(format!(
            "{} is not built",
            other.name()
        ))),
    }
}

/// How far ECS's own rollback of a deployment has come.
pub(super) async fn own_rollback(
    target: &EcsTarget,
    deployment: &Deployment,
) -> Result<Progress, DeployError> {
    if codedeploy::is_deployment(&deployment.id) {
        return codedeploy::own_rollback(target, deployment).await;
    }
    let service = target.service().await?;
    if !facts::is_entry(&deployment.id) {
        let (recorded, newer) = with_newer(target, &service, &deployment.id).await?;
        return match newer {
            Some(newer) => Ok(Progress::Superseded(format!(
                "deployment {newer} took over"
            ))),
            None => stopped(target, &service, &recorded, None).await,
        };
    }
    let Some(primary) = service.primary() else {
        return Ok(Progress::Failed(
            "the service has no primary deployment".to_owned(),
        ));
    };
    if primary.id == deployment.id {
        return Ok(Progress::Failed(format!(
            "{} is the primary deployment still",
            deployment.revision
        )));
    }
    let previous = deployment.previous.as_ref();
    if previous.is_some_and(|previous| previous.id != primary.task_definition) {
        return Ok(Progress::Superseded(format!(
            "deployment {} took over",
            primary.id
        )));
    }
    by_entry(target, &service, &primary.id, &primary.task_definition).await
}

/// A service deployment that is being rolled back: by us, to `expected`; or by ECS itself.
async fn stopped(
    target: &EcsTarget,
    service: &Service,
    deployment: &ServiceDeployment,
    expected: Option<&str>,
) -> Result<Progress, DeployError> {
    match &deployment.status {
        Status::RollbackSuccessful => {}
        Status::Pending
        | Status::InProgress
        | Status::StopRequested
        | Status::RollbackRequested
        | Status::RollbackInProgress => {
            return Ok(Progress::Running(
                "ECS is rolling the deployment back".to_owned(),
            ));
        }
        Status::Successful => {
            return Ok(Progress::Failed(
                "the deployment completed instead of being rolled back".to_owned(),
            ));
        }
        Status::Stopped => {
            return Ok(Progress::Failed(
                "the deployment was stopped without a rollback".to_owned(),
            ));
        }
        Status::RollbackFailed => {
            return Ok(Progress::Failed(
                "ECS could not roll the deployment back".to_owned(),
            ));
        }
        Status::Unknown(name) => return Err(unknown(deployment, name)),
    }
    let Some(arn) = &deployment.rolled_back_to else {
        return Ok(Progress::Running(
            "ECS has not said which revision it returned to".to_owned(),
        ));
    };
    let (definition, digests) = software(target, arn).await?;
    if let Some(expected) = expected
        && definition != expected
    {
        return Ok(Progress::Failed(format!(
            "ECS returned to {}, not to {}",
            facts::label(&definition),
            facts::label(expected)
        )));
    }
    whole(target, service, &definition, &digests).await
}

/// A service deployment of our own that brings the target revision.
async fn updated(
    target: &EcsTarget,
    service: &Service,
    carrier: &ServiceDeployment,
    expected: &str,
) -> Result<Progress, DeployError> {
    match &carrier.status {
        Status::Successful => {}
        Status::Pending | Status::InProgress => {
            return Ok(Progress::Running(rolling(service, expected)));
        }
        Status::StopRequested | Status::Stopped => {
            return Ok(Progress::Failed(
                "the rollback's deployment was stopped".to_owned(),
            ));
        }
        Status::RollbackRequested
        | Status::RollbackInProgress
        | Status::RollbackSuccessful
        | Status::RollbackFailed => {
            return Ok(Progress::Failed(
                "ECS gave up on the rollback's deployment and rolled it back".to_owned(),
            ));
        }
        Status::Unknown(name) => return Err(unknown(carrier, name)),
    }
    let (definition, digests) = software(target, &carrier.target).await?;
    if definition != expected {
        return Ok(Progress::Failed(format!(
            "the rollback's deployment brought {}, not {}",
            facts::label(&definition),
            facts::label(expected)
        )));
    }
    whole(target, service, &definition, &digests).await
}

/// By `deployments[]` alone.
async fn by_entry(
    target: &EcsTarget,
    service: &Service,
    id: &str,
    expected: &str,
) -> Result<Progress, DeployError> {
    let Some(entry) = service.entry(id) else {
        return Ok(Progress::Superseded(match service.primary() {
            Some(primary) => format!("deployment {} took over from the rollback", primary.id),
            None => "the rollback's deployment is gone".to_owned(),
        }));
    };
    match entry.rollout {
        Rollout::Failed => Ok(Progress::Failed(
            "ECS gave up on the rollback's deployment".to_owned(),
        )),
        _ if !entry.primary => Ok(Progress::Superseded(
            "another deployment took over from the rollback".to_owned(),
        )),
        Rollout::InProgress => Ok(Progress::Running(rolling(service, expected))),
        Rollout::Completed => whole(target, service, expected, &Digests::new()).await,
    }
}

/// Whether the service is one whole deployment of the expected software, task by task.
pub(super) async fn whole(
    target: &EcsTarget,
    service: &Service,
    expected: &str,
    digests: &Digests,
) -> Result<Progress, DeployError> {
    if let Some(wait) = waits_for(service, expected) {
        return Ok(Progress::Running(wait));
    }
    let tasks = target
        .running_tasks()
        .await
        .map_err(|fault| target.told(&fault))?;
    // Only what both sides name can be compared; images that ECS did not resolve have no digest.
    let differs = |(container, digest): (&String, &String)| {
        digests
            .get(container)
            .is_some_and(|wanted| wanted != digest)
    };
    let others = tasks
        .iter()
        .filter(|task| task.task_definition != expected || task.digests.iter().any(differs))
        .count();
    let running = tasks.iter().filter(|task| task.running).count();
    let label = facts::label(expected);
    Ok(if others > 0 {
        Progress::Running(format!(
            "{others} of {} tasks do not run {label} yet",
            tasks.len()
        ))
    } else if usize::try_from(service.desired).is_ok_and(|desired| running < desired) {
        // The counts of the service are one reading, the tasks themselves another.
        Progress::Running(format!(
            "{running} of {} tasks are seen to run {label}",
            service.desired
        ))
    } else {
        Progress::Complete
    })
}

/// What is still missing from one whole deployment of the expected task definition.
fn waits_for(service: &Service, expected: &str) -> Option<String> {
    let label = facts::label(expected);
    let [only] = service.entries.as_slice() else {
        let count = service.entries.len();
        return Some(format!(
            "{count} deployments of the service exist side by side"
        ));
    };
    if !only.primary || only.task_definition != expected {
        return Some(format!("the service does not run {label} yet"));
    }
    if only.rollout != Rollout::Completed
        || only.running != service.desired
        || only.desired != service.desired
        || only.pending != 0
    {
        return Some(rolling(service, expected));
    }
    if service.desired == 0 {
        return Some(format!(
            "the desired count is 0: no task runs that could prove {label}"
        ));
    }
    None
}

fn rolling(service: &Service, expected: &str) -> String {
    let running: i32 = service
        .entries
        .iter()
        .filter(|entry| entry.task_definition == expected)
        .map(|entry| entry.running)
        .sum();
    format!(
        "{running} of {} tasks run {}",
        service.desired,
        facts::label(expected)
    )
}

/// What a service revision runs: its task definition and the digests of its images.
async fn software(target: &EcsTarget, arn: &str) -> Result<(String, Digests), DeployError> {
    let found = target.revisions(&[arn]).await;
    let mut found = found.map_err(|fault| target.told(&fault))?;
    let revision = found
        .pop()
        .ok_or_else(|| DeployError::Strange(format!("ECS does not show service revision {arn}")))?;
    Ok((revision.task_definition, revision.digests))
}

fn unknown(deployment: &ServiceDeployment, name: &str) -> DeployError {
    DeployError::Strange(format!(
        "service deployment {} has the status {name}, which this version does not know",
        deployment.arn
    ))
}
