//! What a rollback would be if it were carried out now, or why there is none.

use super::candidate::{self, Candidate};
use super::facts::{self};
use super::fault::Blame;
use super::reading::{self, Reading, Subject};
use super::records::Status;
use super::{EcsTarget, Halt, codedeploy, external};
use crate::deployment::{Actuator, Deployment, NoRollback, RollbackPlan, Standing, Wanted};

/// Plans the rollback of the deployment under test.
pub(super) async fn plan(
    target: &EcsTarget,
    deployment: &Deployment,
    wanted: &Wanted,
) -> Result<RollbackPlan, Halt> {
    if codedeploy::is_deployment(&deployment.id) {
        return codedeploy::plan(target, deployment, wanted).await;
    }
    let reading = reading::read(target, deployment).await?;
    let service = &reading.service;
    if service.controller == external::CONTROLLER {
        return external::plan(target, deployment, wanted).await;
    }
    if !service.is_moved_by_ecs() {
        return Err(refuse(format!(
            "service {} is deployed by the {} controller: ECS itself cannot roll it back",
            deployment.service, service.controller
        )));
    }
    let actuator = actuator(&reading, deployment)?;
    refuse_without_tasks(&reading, deployment)?;
    let candidate = candidate::find(target, deployment, &reading, actuator).await?;
    refuse_same(deployment, &candidate, actuator)?;
    if actuator == Actuator::UpdateService {
        refuse_undeployable(target, &candidate).await?;
    }
    Ok(RollbackPlan {
        deployment: deployment.clone(),
        target: candidate.revision.clone(),
        actuator,
        images: candidate.images(),
        handle: None,
        expected: None,
        not_restored: Vec::new(),
        caveats: caveats(&reading, &candidate, actuator),
        wanted: wanted.clone(),
    })
}

/// Stopping belongs to a deployment in flight, updating to one that has ended.
fn actuator(reading: &Reading, deployment: &Deployment) -> Result<Actuator, Halt> {
    match (reading.standing(deployment)?, &reading.subject) {
        (Standing::Superseded, _) => Err(superseded(reading, deployment)),
        (Standing::RollingBack | Standing::RolledBack, _) => {
            Err(Halt::No(NoRollback::ByPlatform))
        }
        (Standing::Failed, Subject::Recorded { deployment, .. })
            if deployment.status == Status::RollbackFailed =>
        {
            Err(refuse(
                "ECS tried to roll it back and failed: look at the service's events before anything else is deployed"
                    .to_owned(),
            ))
        }
        (Standing::InFlight, Subject::Recorded { .. }) => Ok(Actuator::StopServiceDeployment),
        (Standing::InFlight | Standing::Completed | Standing::Failed, _) => {
            Ok(Actuator::UpdateService)
        }
    }
}

pub(super) fn superseded(reading: &Reading, deployment: &Deployment) -> Halt {
    superseded_by(reading.successor(), deployment)
}

pub(super) fn superseded_by(newer: &str, deployment: &Deployment) -> Halt {
    Halt::No(NoRollback::Superseded(format!(
        "{newer} took over from the deployment of {} that was judged",
        deployment.revision
    )))
}

/// Where no task is meant to run, no failure speaks against the deployment, and no rollback could
/// be proven.
fn refuse_without_tasks(reading: &Reading, deployment: &Deployment) -> Result<(), Halt> {
    if reading.service.desired > 0 {
        return Ok(());
    }
    Err(refuse(format!(
        "the desired count of service {} is 0: no task of {} runs that could be at fault",
        deployment.service, deployment.revision
    )))
}

/// Deploying the task definition that runs already changes nothing. Stopping in flight does: ECS
/// returns to the images that it resolved back then.
fn refuse_same(
    deployment: &Deployment,
    candidate: &Candidate,
    actuator: Actuator,
) -> Result<(), Halt> {
    if candidate.revision.id != deployment.revision.id {
        return Ok(());
    }
    let other_images = candidate
        .recorded
        .as_ref()
        .is_some_and(|recorded| recorded.good.has_other_images(&recorded.judged));
    if actuator == Actuator::StopServiceDeployment && other_images {
        return Ok(());
    }
    Err(refuse(format!(
        "the revision before it is {} too: going back to it would change nothing",
        deployment.revision
    )))
}

/// ECS refuses to update a service to a task definition that is not ACTIVE.
async fn refuse_undeployable(target: &EcsTarget, candidate: &Candidate) -> Result<(), Halt> {
    let label = &candidate.revision;
    match target.is_deployable(&candidate.revision.id).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(refuse(format!(
            "task definition {label} is not ACTIVE any more: ECS will not deploy it; register it anew"
        ))),
        Err(fault) if fault.blame == Blame::Refused => Err(refuse(format!(
            "ECS does not show task definition {label} any more: register it anew"
        ))),
        Err(fault) => Err(Halt::Broken(target.told(&fault))),
    }
}

fn caveats(reading: &Reading, candidate: &Candidate, actuator: Actuator) -> Vec<String> {
    let mut caveats = Vec::new();
    if matches!(reading.subject, Subject::Entry) {
        caveats.push(
            "ECS offers no service deployments here: a deployment that takes over at the same moment may go unseen"
                .to_owned(),
        );
    }
    let strategy = reading.service.strategy.as_deref();
    if let Some(strategy) = strategy.filter(|strategy| *strategy != "ROLLING")
        && actuator == Actuator::UpdateService
    {
        caveats.push(format!(
            "the service deploys by the strategy {strategy}: going back is a whole deployment of that sort, its bake time included"
        ));
    }
    let Some(recorded) = &candidate.recorded else {
        return caveats;
    };
    let differences = recorded.good.differences(&recorded.judged);
    if actuator == Actuator::UpdateService && !differences.is_empty() {
        caveats.push(format!(
            "only the task definition goes back to {}; this stays as it was deployed: {}",
            facts::label(&recorded.good.task_definition),
            differences.join(", ")
        ));
    }
    caveats
}

pub(super) const fn refuse(reason: String) -> Halt {
    Halt::No(NoRollback::NotRollbackable(reason))
}
