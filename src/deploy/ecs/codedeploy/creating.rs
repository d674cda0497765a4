//! Deploying again what succeeded before. It cannot be made conditional: so the group is read
//! before every sending, what was created is known by its id or by its description, and what lies
//! between it and the judged deployment is looked at afterwards.

use tokio::time::Instant;

use super::super::fault::Blame;
use super::super::planning::superseded_by;
use super::super::tries::Tries;
use super::super::{EcsTarget, Halt};
use super::calls::CodeDeploy;
use super::reading::{self, Reading};
use super::records::{Record, Status};
use super::stopping;
use super::tell;
use crate::deploy::{DeployError, Witness};
use crate::deployment::{Deployment, NoRollback, RollbackPlan};

/// Deploys what the plan's earlier deployment brought; answers with the id of the new one.
pub(in super::super) async fn create(
    target: &EcsTarget,
    plan: &RollbackPlan,
    witness: &dyn Witness,
) -> Result<String, Halt> {
    let codedeploy = CodeDeploy::of(target);
    let earlier = codedeploy
        .deployment(plan.handle.as_deref().unwrap_or_default())
        .await?;
    if earlier.task_definition().as_deref() != Some(&*plan.target.id) {
        return Err(Halt::Broken(DeployError::Strange(format!(
            "deployment {} does not bring {} any more",
            earlier.id, plan.target
        ))));
    }
    let judged = codedeploy.deployment(&plan.deployment.id).await?;
    let mut tries = Tries::new(target);
    loop {
        let look = still_current(target, &plan.deployment);
        let told = codedeploy.tell_create(&judged, &earlier, &plan.target, witness, look);
        let fault = match told.await? {
            Ok(Some(id)) => return alone(&codedeploy, &judged, id, witness).await,
            Ok(None) => {
                return Err(Halt::Broken(DeployError::Strange(format!(
                    "CodeDeploy took the rollback of {} and did not say as which deployment",
                    judged.id
                ))));
            }
            Err(fault) => fault,
        };
        if fault.is_unclear()
            && let Some(id) = await_ours(&codedeploy, &judged).await?
        {
            return alone(&codedeploy, &judged, id, witness).await;
        }
        if fault.blame == Blame::Conflict {
            // One of its group goes on: when it is newer, that is said instead.
            still_current(target, &plan.deployment).await?;
        }
        tries.after(&fault).await?;
    }
}

/// The rollback of this deployment that an earlier call may have created, looked at as if it had
/// just been.
pub(in super::super) async fn begun(
    target: &EcsTarget,
    deployment: &Deployment,
    witness: &dyn Witness,
) -> Result<Option<String>, Halt> {
    let codedeploy = CodeDeploy::of(target);
    let judged = codedeploy.deployment(&deployment.id).await?;
    match await_ours(&codedeploy, &judged).await? {
        Some(id) => alone(&codedeploy, &judged, id, witness).await.map(Some),
        None => Ok(None),
    }
}

/// The last look before a deployment: the one that was judged is what the service runs.
async fn still_current(target: &EcsTarget, deployment: &Deployment) -> Result<(), Halt> {
    let reading = reading::read(target, &deployment.id).await?;
    if let Some(successor) = &reading.successor {
        return Err(superseded_by(successor, deployment));
    }
    if reading.rollback.is_some() {
        return Err(Halt::No(NoRollback::ByPlatform));
    }
    refuse_other_primary(&reading, deployment)
}

/// The list of deployments and the service are two readings: one that lags behind alone hides
/// nothing. One that failed half-way leaves whatever was there.
fn refuse_other_primary(reading: &Reading, deployment: &Deployment) -> Result<(), Halt> {
    let primary = reading.sets.iter().find(|set| set.primary);
    let other = primary.filter(|set| set.task_definition != deployment.revision.id);
    match other {
        Some(other) if reading.judged.status != Status::Broken => {
            Err(superseded_by(&format!("task set {}", other.id), deployment))
        }
        _ => Ok(()),
    }
}

/// The deployment that is ours by its description, looked for as long as it may take to be seen.
async fn await_ours(
    codedeploy: &CodeDeploy<'_>,
    judged: &Record,
) -> Result<Option<String>, DeployError> {
    let until = Instant::now() + codedeploy.target.pace.settle;
    let description = tell::description(&judged.id);
    loop {
        let others = reading::since(codedeploy, judged).await?.others;
        let ours = others
            .into_iter()
            .find(|known| known.description.as_deref() == Some(&*description));
        let pause = codedeploy.target.pace.settle_poll;
        if ours.is_some() || Instant::now() + pause > until {
            return Ok(ours.map(|ours| ours.id));
        }
        tokio::time::sleep(pause).await;
    }
}

/// Whether nothing lies between the judged deployment and ours: otherwise it is that which we have
/// undone, and our own is stopped again.
async fn alone(
    codedeploy: &CodeDeploy<'_>,
    judged: &Record,
    id: String,
    witness: &dyn Witness,
) -> Result<String, Halt> {
    let others = reading::since(codedeploy, judged).await?.others;
    // In a list that lags behind ours is missing; the others were there before it then.
    let place = others.iter().position(|known| known.id == id);
    if let Some(after) = place.and_then(|place| place.checked_sub(1)) {
        return Err(Halt::No(NoRollback::Superseded(format!(
            "deployment {} took over from the rollback",
            others[after].id
        ))));
    }
    let Some(between) = others.get(place.map_or(0, |place| place + 1)) else {
        return Ok(id);
    };
    let state = match stopping::stop(codedeploy.target, &id, witness).await {
        Ok(true) => format!("our own deployment {id} was stopped again"),
        Ok(false) => format!("our own deployment {id} was not in flight any more"),
        Err(Halt::No(no)) => format!("our own deployment {id} could not be stopped again ({no})"),
        Err(Halt::Broken(error)) => {
            format!("our own deployment {id} could not be stopped again ({error})")
        }
    };
    Err(Halt::Broken(DeployError::Strange(format!(
        "deployment {} was started at the same moment; {state}: look at the service",
        between.id
    ))))
}
