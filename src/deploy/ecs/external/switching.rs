//! Making an earlier task set the primary one, with one call that names it, and whether that is done.

use aws_sdk_ecs::operation::RequestId;
use tokio::time::Instant;

use super::super::facts;
use super::super::fault::{Blame, CallFault};
use super::super::planning::refuse;
use super::super::tell::{once, witnessed_after_a_look};
use super::super::tries::Tries;
use super::super::{EcsTarget, Halt};
use super::planning::still_primary;
use crate::deploy::{DeployError, Witness};
use crate::deployment::{Call, Progress, RollbackPlan, StartedRollback};

/// The call that makes a task set the primary one.
pub(in super::super) const SWITCH: &str = "UpdateServicePrimaryTaskSet";

/// Makes the planned task set the primary one; answers with its id.
pub(in super::super) async fn switch(
    target: &EcsTarget,
    plan: &RollbackPlan,
    witness: &dyn Witness,
) -> Result<String, Halt> {
    let set = plan.handle.as_deref().unwrap_or_default();
    let mut tries = Tries::new(target);
    loop {
        let look = async {
            let (_, sets) = target.service_with_sets().await?;
            still_primary(&sets, &plan.deployment).map(|_| ())
        };
        let Err(fault) = target.tell_switch(plan, set, witness, look).await? else {
            return Ok(set.to_owned());
        };
        if fault.is_unclear() && await_primary(target, set).await? {
            return Ok(set.to_owned());
        }
        if fault.blame == Blame::Refused {
            return Err(refuse(format!(
                "ECS does not make the task set of {} ({set}) the primary one ({fault}): roll back with the service's own deployer",
                plan.target
            )));
        }
        tries.after(&fault).await?;
    }
}

/// The task set that an earlier call may have made the primary one.
pub(in super::super) async fn begun(
    target: &EcsTarget,
    call: &Call,
) -> Result<Option<String>, Halt> {
    let Some(set) = &call.argument else {
        return Ok(None);
    };
    let is_primary = await_primary(target, set).await?;
    Ok(is_primary.then(|| set.clone()))
}

/// Whether a task set is the primary one, looked at for as long as that may take to be seen.
async fn await_primary(target: &EcsTarget, id: &str) -> Result<bool, DeployError> {
    let until = Instant::now() + target.pace.settle;
    loop {
        let (_, sets) = target.service_with_sets().await?;
        let is_primary = sets.iter().any(|set| set.primary && set.id == id);
        if is_primary || Instant::now() + target.pace.settle_poll > until {
            return Ok(is_primary);
        }
        tokio::time::sleep(target.pace.settle_poll).await;
    }
}

/// How far the return to a task set has come. It is not complete while tasks of the one under test
/// run beside it and may serve: only the service's own deployer can end that.
pub(in super::super) async fn progress(
    target: &EcsTarget,
    started: &StartedRollback,
) -> Result<Progress, DeployError> {
    let (_, sets) = target.service_with_sets().await?;
    let expected = &started.plan.target;
    let Some(set) = sets.iter().find(|set| set.id == started.carrier) else {
        return Ok(Progress::Failed(format!(
            "the task set of {expected} is gone"
        )));
    };
    if !set.primary {
        let other = sets.iter().find(|set| set.primary);
        return Ok(match other {
            Some(other) if other.id != started.plan.deployment.id => {
                Progress::Superseded(format!("task set {} took over from the rollback", other.id))
            }
            _ => Progress::Running(format!(
                "the task set of {expected} is not the primary one yet"
            )),
        });
    }
    if set.task_definition != expected.id {
        return Ok(Progress::Failed(format!(
            "the task set runs {}, not {expected}",
            facts::label(&set.task_definition)
        )));
    }
    if !set.is_whole() {
        return Ok(Progress::Running(format!(
            "{} of {} tasks run {expected}",
            set.running, set.desired
        )));
    }
    let judged = &started.plan.deployment;
    let left = sets.iter().find(|set| set.id == judged.id);
    if let Some(left) = left.filter(|left| left.running > 0) {
        return Ok(Progress::Running(format!(
            "{} tasks of {} run beside it: the service's own deployer has to move the traffic and delete their task set",
            left.running, judged.revision
        )));
    }
    let tasks = target
        .running_tasks()
        .await
        .map_err(|fault| target.told(&fault))?;
    // The counts of the task set are one reading, the tasks themselves another.
    let running = tasks
        .iter()
        .filter(|task| task.running && task.task_definition == expected.id)
        .count();
    Ok(
        if usize::try_from(set.desired).is_ok_and(|desired| running < desired) {
            Progress::Running(format!(
                "{running} of {} tasks are seen to run {expected}",
                set.desired
            ))
        } else {
            Progress::Complete
        },
    )
}

impl EcsTarget {
    /// Makes a task set the primary one of the service, after a last look.
    async fn tell_switch(
        &self,
        plan: &RollbackPlan,
        set: &str,
        witness: &dyn Witness,
        look: impl Future<Output = Result<(), Halt>>,
    ) -> Result<Result<(), CallFault>, Halt> {
        let call = Call {
            operation: SWITCH.to_owned(),
            subject: plan.deployment.service.clone(),
            argument: Some(set.to_owned()),
        };
        let sent = self
            .client
            .update_service_primary_task_set()
            .cluster(&self.declared.cluster)
            .service(&self.declared.service)
            .primary_task_set(set)
            .customize()
            .config_override(once())
            .send();
        let told = async {
            let answer = sent.await.map_err(|error| CallFault::of(SWITCH, &error))?;
            Ok(((), answer.request_id().map(str::to_owned)))
        };
        witnessed_after_a_look(witness, call, look, told).await
    }
}
