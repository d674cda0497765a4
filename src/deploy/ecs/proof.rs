//! Whether a rollback is done: every condition that can be read, not the word COMPLETED alone.
//!
//! A rollback is complete when its own record says so and names the expected revision; when the
//! service has one deployment, of that revision, with as many tasks as desired and more than none;
//! and when every running task runs that task definition from those images, and none is left that
//! the judged deployment started.

use super::facts::{self, Digests, Rollout, Service};
use super::reading::with_newer;
use super::records::{ServiceDeployment, ServiceRevision, Status};
use super::tasks::Task;
use super::{EcsTarget, codedeploy, external};
use crate::deploy::DeployError;
use crate::deployment::{Actuator, Deployment, Images, Progress, RollbackPlan, StartedRollback};

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
        return by_entry(target, &service, &started.carrier, plan).await;
    }
    let (carrier, newer) = with_newer(target, &service, &started.carrier).await?;
    if let Some(newer) = newer {
        return Ok(Progress::Superseded(format!(
            "deployment {newer} took over from the rollback"
        )));
    }
    match plan.actuator {
        Actuator::StopServiceDeployment | Actuator::ContinueServiceDeployment => {
            stopped(target, &service, &carrier, &plan.deployment, Some(plan)).await
        }
        Actuator::UpdateService => updated(target, &service, &carrier, plan).await,
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
            None => stopped(target, &service, &recorded, deployment, None).await,
        };
    }
    own_by_entry(target, &service, deployment).await
}

/// The same by `deployments[]` alone.
async fn own_by_entry(
    target: &EcsTarget,
    service: &Service,
    deployment: &Deployment,
) -> Result<Progress, DeployError> {
    let Some(primary) = service.primary() else {
        return Ok(Progress::Failed(
            "the service has no primary deployment".to_owned(),
        ));
    };
    if primary.id == deployment.id {
        // A rollback that was seen before does not go away: the reading lags behind.
        return Ok(Progress::Running(format!(
            "{} is shown as the primary deployment still",
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
    let expected = Expected {
        definition: &primary.task_definition,
        digests: &Digests::new(),
        judged: deployment,
    };
    entry(target, service, &primary.id, &expected).await
}

/// What has to run for a rollback to be complete.
pub(super) struct Expected<'a> {
    pub(super) definition: &'a str,
    pub(super) digests: &'a Digests,
    /// The deployment of which no task may be left.
    pub(super) judged: &'a Deployment,
}

/// A service deployment that is being rolled back: by us, as planned; or by ECS itself.
async fn stopped(
    target: &EcsTarget,
    service: &Service,
    deployment: &ServiceDeployment,
    judged: &Deployment,
    plan: Option<&RollbackPlan>,
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
    let brought = brought(target, arn).await?;
    if let Some(other) = plan.and_then(|plan| other(&brought, plan)) {
        return Ok(Progress::Failed(format!("ECS returned to {other}")));
    }
    whole(target, service, &of(&brought, judged)).await
}

/// A service deployment of our own that brings the target revision.
async fn updated(
    target: &EcsTarget,
    service: &Service,
    carrier: &ServiceDeployment,
    plan: &RollbackPlan,
) -> Result<Progress, DeployError> {
    match &carrier.status {
        Status::Successful => {}
        Status::Pending | Status::InProgress => {
            return Ok(Progress::Running(rolling(service, &plan.target.id)));
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
    let brought = brought(target, &carrier.target).await?;
    if let Some(other) = other(&brought, plan) {
        return Ok(Progress::Failed(format!(
            "the rollback's deployment brought {other}"
        )));
    }
    whole(target, service, &of(&brought, &plan.deployment)).await
}

fn of<'a>(brought: &'a ServiceRevision, judged: &'a Deployment) -> Expected<'a> {
    Expected {
        definition: &brought.task_definition,
        digests: &brought.digests,
        judged,
    }
}

/// What was brought in the place of what was planned: another task definition, or the same one with
/// an image that is known to be another.
fn other(brought: &ServiceRevision, plan: &RollbackPlan) -> Option<String> {
    let (definition, planned) = (&brought.task_definition, &plan.target.id);
    if definition != planned {
        return Some(format!(
            "{}, not to {}",
            facts::label(definition),
            facts::label(planned)
        ));
    }
    differing(&plan.images, &brought.digests).map(|container| {
        format!(
            "another image of {container} than ran with {}: its tag was moved",
            facts::label(planned)
        )
    })
}

/// A container of which both sides name the image, and not the same one: images that ECS did not
/// resolve have no digest.
fn differing<'a>(planned: &'a Images, found: &Digests) -> Option<&'a str> {
    let mut planned = planned.iter();
    let differs = |(container, digest): &(&String, &String)| {
        found.get(*container).is_some_and(|found| found != *digest)
    };
    planned
        .find(differs)
        .map(|(container, _)| container.as_str())
}

/// A deployment of our own, by `deployments[]` alone.
async fn by_entry(
    target: &EcsTarget,
    service: &Service,
    id: &str,
    plan: &RollbackPlan,
) -> Result<Progress, DeployError> {
    let judged = &plan.deployment;
    let lags = service.entry(id).is_none()
        && service
            .primary()
            .is_some_and(|primary| primary.id == judged.id);
    if lags {
        // What was there before ours does not take over from it.
        return Ok(Progress::Running(
            "ECS does not show the rollback's deployment yet".to_owned(),
        ));
    }
    let expected = Expected {
        definition: &plan.target.id,
        digests: &Digests::new(),
        judged,
    };
    entry(target, service, id, &expected).await
}

async fn entry(
    target: &EcsTarget,
    service: &Service,
    id: &str,
    expected: &Expected<'_>,
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
        Rollout::InProgress => Ok(Progress::Running(rolling(service, expected.definition))),
        Rollout::Completed => whole(target, service, expected).await,
    }
}

/// Whether the service is one whole deployment of the expected software, task by task.
pub(super) async fn whole(
    target: &EcsTarget,
    service: &Service,
    expected: &Expected<'_>,
) -> Result<Progress, DeployError> {
    if let Some(wait) = waits_for(service, expected.definition) {
        return Ok(Progress::Running(wait));
    }
    let since = service.primary().and_then(|primary| primary.created);
    let tasks = target
        .running_tasks()
        .await
        .map_err(|fault| target.told(&fault))?;
    let is_other = |task: &&Task| {
        task.task_definition != expected.definition
            || differing(expected.digests, &task.digests).is_some()
            || task.may_be_left_of(expected.judged, since)
    };
    let others = tasks.iter().filter(is_other).count();
    let running = tasks.iter().filter(|task| task.running).count();
    let label = facts::label(expected.definition);
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

/// A service revision that a deployment brought.
async fn brought(target: &EcsTarget, arn: &str) -> Result<ServiceRevision, DeployError> {
    let found = target.revisions(&[arn]).await;
    let mut found = found.map_err(|fault| target.told(&fault))?;
    found
        .pop()
        .ok_or_else(|| DeployError::Strange(format!("ECS does not show service revision {arn}")))
}

fn unknown(deployment: &ServiceDeployment, name: &str) -> DeployError {
    DeployError::Strange(format!(
        "service deployment {} has the status {name}, which this version does not know",
        deployment.arn
    ))
}
