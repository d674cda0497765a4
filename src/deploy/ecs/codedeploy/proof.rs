//! Whether a rollback by CodeDeploy is done: the deployment that carries it succeeded, and the
//! service runs the expected task definition, task by task.

use super::super::EcsTarget;
use super::super::facts;
use super::super::proof::{Expected, whole};
use super::reading::{self, Reading};
use super::records::{Record, Status};
use super::standing::unknown;
use crate::deploy::DeployError;
use crate::deployment::{Actuator, Deployment, Images, Progress, StartedRollback};

/// How far a rollback that we started has come.
pub(in super::super) async fn progress(
    target: &EcsTarget,
    started: &StartedRollback,
) -> Result<Progress, DeployError> {
    let reading = reading::read(target, &started.carrier).await?;
    if let Some(successor) = &reading.successor {
        return Ok(Progress::Superseded(format!(
            "{successor} took over from the rollback"
        )));
    }
    let expected = Expected {
        definition: &started.plan.target.id,
        digests: &Images::new(),
        judged: &started.plan.deployment,
    };
    if started.plan.actuator == Actuator::CodedeployStopDeployment {
        return stopped(target, &reading, &expected).await;
    }
    carried(target, &reading, &reading.judged, &expected).await
}

/// How far CodeDeploy's own rollback of a deployment has come.
pub(in super::super) async fn own_rollback(
    target: &EcsTarget,
    deployment: &Deployment,
) -> Result<Progress, DeployError> {
    let reading = reading::read(target, &deployment.id).await?;
    if let Some(successor) = &reading.successor {
        return Ok(Progress::Superseded(format!("{successor} took over")));
    }
    let brought = reading.rollback.as_ref().and_then(Record::task_definition);
    let previous = || deployment.previous.as_ref().map(|known| known.id.clone());
    let Some(definition) = brought.or_else(previous) else {
        return Ok(Progress::Failed(
            "CodeDeploy does not say which revision it returned to".to_owned(),
        ));
    };
    let expected = Expected {
        definition: &definition,
        digests: &Images::new(),
        judged: deployment,
    };
    stopped(target, &reading, &expected).await
}

/// A deployment that was stopped, or failed, and is being rolled back by another one.
async fn stopped(
    target: &EcsTarget,
    reading: &Reading,
    expected: &Expected<'_>,
) -> Result<Progress, DeployError> {
    match &reading.judged.status {
        Status::Broken => {}
        Status::InFlight => {
            return Ok(Progress::Running(
                "CodeDeploy is stopping the deployment".to_owned(),
            ));
        }
        Status::Succeeded => {
            return Ok(Progress::Failed(
                "the deployment completed instead of being rolled back".to_owned(),
            ));
        }
        Status::Unknown(name) => return Err(unknown(&reading.judged, name)),
    }
    match &reading.rollback {
        Some(rollback) => carried(target, reading, rollback, expected).await,
        None => Ok(Progress::Running(
            "the deployment is stopped, and CodeDeploy has not begun its rollback yet".to_owned(),
        )),
    }
}

/// A deployment that brings the expected revision.
async fn carried(
    target: &EcsTarget,
    reading: &Reading,
    carrier: &Record,
    expected: &Expected<'_>,
) -> Result<Progress, DeployError> {
    match &carrier.status {
        Status::Succeeded => {}
        Status::InFlight => {
            return Ok(Progress::Running(format!(
                "CodeDeploy is returning to {} with deployment {}",
                facts::label(expected.definition),
                carrier.id
            )));
        }
        Status::Broken => {
            return Ok(Progress::Failed(format!(
                "the rollback's deployment {} failed or was stopped",
                carrier.id
            )));
        }
        Status::Unknown(name) => return Err(unknown(carrier, name)),
    }
    // Where its AppSpec can be read, it has to say the same as the service.
    if let Some(brought) = carrier
        .task_definition()
        .filter(|brought| brought != expected.definition)
    {
        return Ok(Progress::Failed(format!(
            "the rollback's deployment brought {}, not {}",
            facts::label(&brought),
            facts::label(expected.definition)
        )));
    }
    whole(target, &reading.service, expected).await
}
