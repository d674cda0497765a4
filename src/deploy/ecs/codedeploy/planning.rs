//! What a rollback of a deployment of CodeDeploy would be, or why there is none: in flight it is
//! stopped, and CodeDeploy returns to what it replaces; afterwards what succeeded before it is
//! deployed again.

use std::time::Duration;

use super::super::facts;
use super::super::planning::{refuse, superseded_by};
use super::super::{EcsTarget, Halt};
use super::calls::CodeDeploy;
use super::candidate::{self, Candidate};
use super::reading::{self, Reading};
use super::records::Record;
use crate::deployment::{
    Actuator, Deployment, Images, NoRollback, Revision, RollbackPlan, Standing, Wanted,
};

/// Plans the rollback of the deployment under test.
pub(in super::super) async fn plan(
    target: &EcsTarget,
    deployment: &Deployment,
    wanted: &Wanted,
) -> Result<RollbackPlan, Halt> {
    let reading = reading::settled(target, &deployment.id).await?;
    let actuator = actuator(&reading, deployment)?;
    if reading.service.desired == 0 {
        return Err(refuse(format!(
            "the desired count of service {} is 0: no task of {} runs that could be at fault",
            deployment.service, deployment.revision
        )));
    }
    if actuator == Actuator::CodedeployStopDeployment {
        let revision = stopped_to(target, &reading, deployment, wanted).await?;
        return Ok(made(deployment, wanted, revision, actuator, &deployment.id));
    }
    let found = candidate::find(target, deployment, &reading.judged, wanted).await?;
    let Candidate { record, revision } = found;
    let judged = &reading.judged;
    Ok(RollbackPlan {
        expected: judged.completed.map(|end| end.since(judged.created)),
        caveats: caveats(target, judged).await,
        ..made(deployment, wanted, revision, actuator, &record.id)
    })
}

fn made(
    deployment: &Deployment,
    wanted: &Wanted,
    revision: Revision,
    actuator: Actuator,
    handle: &str,
) -> RollbackPlan {
    RollbackPlan {
        deployment: deployment.clone(),
        target: revision,
        actuator,
        images: Images::new(),
        handle: Some(handle.to_owned()),
        expected: None,
        not_restored: Vec::new(),
        caveats: Vec::new(),
        wanted: wanted.clone(),
    }
}

fn actuator(reading: &Reading, deployment: &Deployment) -> Result<Actuator, Halt> {
    if let Some(successor) = &reading.successor {
        return Err(superseded_by(successor, deployment));
    }
    match reading.standing()? {
        Standing::Superseded => Err(superseded_by("another deployment", deployment)),
        Standing::RollingBack | Standing::RolledBack => Err(Halt::No(NoRollback::ByPlatform)),
        Standing::Failed if reading.rollback.is_some() => Err(refuse(
            "CodeDeploy tried to roll it back and failed: look at that deployment's events before anything else is deployed"
                .to_owned(),
        )),
        Standing::InFlight => Ok(Actuator::CodedeployStopDeployment),
        Standing::Completed | Standing::Failed => Ok(Actuator::CodedeployCreateDeployment),
    }
}

/// What CodeDeploy returns to by itself when the deployment is stopped: the task set that still
/// runs beside it; without one, what succeeded last.
async fn stopped_to(
    target: &EcsTarget,
    reading: &Reading,
    deployment: &Deployment,
    wanted: &Wanted,
) -> Result<Revision, Halt> {
    let revision = match reading.other_set() {
        Some(other) => facts::revision(&other.task_definition),
        None => last_success(target, reading, deployment).await?,
    };
    // CodeDeploy is not told where to return to: when that is not wanted, it is not stopped.
    if candidate::is_bad(&revision, wanted) {
        return Err(after_its_end(target, reading, deployment, wanted, &revision).await);
    }
    candidate::refuse_same(deployment, &revision)?;
    if !candidate::is_wanted(&revision, wanted) {
        return Err(refuse(format!(
            "deployment {} is in flight, and stopped it returns to {revision}: wait until it has ended, or go there",
            deployment.id
        )));
    }
    Ok(revision)
}

/// What the last deployment that succeeded brought, be it the same.
async fn last_success(
    target: &EcsTarget,
    reading: &Reading,
    deployment: &Deployment,
) -> Result<Revision, Halt> {
    let unbound = Wanted::default();
    match candidate::find(target, deployment, &reading.judged, &unbound).await {
        Ok(found) => Ok(found.revision),
        Err(Halt::No(NoRollback::SameSoftware(_))) => Ok(deployment.revision.clone()),
        Err(halt) => Err(halt),
    }
}

/// Why a deployment in flight is not stopped that would return to what was judged bad: what else
/// there is can be deployed once it has ended.
async fn after_its_end(
    target: &EcsTarget,
    reading: &Reading,
    deployment: &Deployment,
    wanted: &Wanted,
    bad: &Revision,
) -> Halt {
    match candidate::find(target, deployment, &reading.judged, wanted).await {
        Ok(other) => Halt::No(NoRollback::NotYet(format!(
            "deployment {} is in flight, and stopped it returns to {bad}, which was judged bad here: let it end, then deploy {}",
            deployment.id, other.revision
        ))),
        Err(Halt::No(_)) => candidate::refuse_bad(bad),
        Err(broken) => broken,
    }
}

/// What slows the rollback's own deployment, or would stop it.
async fn caveats(target: &EcsTarget, judged: &Record) -> Vec<String> {
    let name = &judged.group.name;
    let codedeploy = CodeDeploy::of(target);
    let asked = tokio::time::timeout(PATIENCE, codedeploy.group(&judged.group)).await;
    let Ok(asked) = asked else {
        return vec![format!(
            "how group {name} deploys could not be looked at (no answer): its alarms may stop the rollback"
        )];
    };
    let group = match asked {
        Ok(Some(group)) => group,
        Ok(None) => return vec![format!("CodeDeploy does not say how group {name} deploys")],
        Err(fault) => {
            return vec![format!(
                "how group {name} deploys could not be looked at ({fault}): its alarms may stop the rollback"
            )];
        }
    };
    let mut caveats = Vec::new();
    if let Some(alarms) = group
        .alarm_configuration()
        .filter(|alarms| alarms.enabled())
    {
        let names: Vec<&str> = alarms
            .alarms()
            .iter()
            .filter_map(|alarm| alarm.name())
            .collect();
        let unread = if alarms.ignore_poll_alarm_failure() {
            ""
        } else {
            " or cannot be read"
        };
        caveats.push(format!(
            "CodeDeploy stops the rollback too while an alarm of group {name} fires{unread} ({}): silence it for that long, if it does",
            names.join(", ")
        ));
    }
    let configured = group.deployment_config_name();
    if let Some(slow) = configured.filter(|name| *name != AT_ONCE) {
        caveats.push(format!(
            "the rollback is a whole deployment of group {name}, by {slow} and with its waits"
        ));
    }
    caveats
}

/// A rollback waits for what is only said beside it.
const PATIENCE: Duration = Duration::from_secs(3);
/// The configuration that moves all traffic in one step.
const AT_ONCE: &str = "CodeDeployDefault.ECSAllAtOnce";
