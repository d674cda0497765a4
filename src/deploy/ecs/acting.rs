//! Carries a plan out: re-reads right before, sends the one decisive call, and looks afterwards
//! whether it did what was meant and nothing else.

use super::carrier::{self, Found};
use super::facts::{self};
use super::fault::Blame;
use super::pinned_definition;
use super::planning::{self, refuse};
use super::reading::{self, Subject};
use super::stopping::{self, Stopped};
use super::tell::{ANSWER, STOP, UPDATE};
use super::tries::Tries;
use super::{EcsTarget, Halt, codedeploy, external};
use crate::deploy::{DeployError, Witness};
use crate::deployment::{
    Actuator, Call, Deployment, NoRollback, RollbackPlan, Standing, StartedRollback,
};

/// Rolls back as planned, or as the plan has to be now that it is read again.
pub(super) async fn roll_back(
    target: &EcsTarget,
    plan: &RollbackPlan,
    witness: &dyn Witness,
) -> Result<StartedRollback, Halt> {
    for _ in 0..PLANS {
        if let Some(begun) = begun(target, plan, witness).await? {
            return Ok(begun);
        }
        let fresh = planning::plan(target, &plan.deployment, &plan.wanted).await?;
        if fresh.target.id != plan.target.id {
            return Err(refuse(format!(
                "the revision to return to was {} and is now {}: plan again",
                plan.target, fresh.target
            )));
        }
        if witness.is_keyed_only() && !fresh.actuator.is_keyed() {
            return Err(refuse(format!(
                "nobody guards {} against a second actor, and {} cannot be made safe without",
                plan.deployment.service,
                fresh.actuator.name()
            )));
        }
        let mut fresh = pinned_definition::ready(target, fresh, witness).await?;
        let carrier = match fresh.actuator {
            Actuator::ContinueServiceDeployment => answer(target, &mut fresh, witness).await?,
            Actuator::StopServiceDeployment => stop(target, &fresh, witness).await?,
            Actuator::UpdateService => update(target, &fresh, witness).await?,
            Actuator::CodedeployStopDeployment => {
                let id = &fresh.deployment.id;
                let is_taken = codedeploy::stop(target, id, witness).await?;
                is_taken.then(|| id.clone())
            }
            Actuator::CodedeployCreateDeployment => {
                Some(codedeploy::create(target, &fresh, witness).await?)
            }
            Actuator::UpdateServicePrimaryTaskSet => {
                Some(external::switch(target, &fresh, witness).await?)
            }
        };
        if let Some(carrier) = carrier {
            return Ok(StartedRollback {
                plan: fresh,
                carrier,
            });
        }
    }
    Err(Halt::Broken(DeployError::Passing(format!(
        "service {} changed under every attempt to roll it back: look at it, then try again",
        plan.deployment.service
    ))))
}

/// The rollback of this deployment that an earlier call may have begun, in this run or in one that
/// died: planned for anew it would pass for somebody else's.
async fn begun(
    target: &EcsTarget,
    plan: &RollbackPlan,
    witness: &dyn Witness,
) -> Result<Option<StartedRollback>, Halt> {
    let deployment = &plan.deployment;
    for call in witness.sent().iter().rev() {
        let plan = as_sent(plan, call);
        let (actuator, carrier) = match call.operation.as_str() {
            STOP if call.subject == deployment.id => {
                let carrier = given_up(target, &deployment.id).await?;
                (Actuator::StopServiceDeployment, carrier)
            }
            ANSWER if call.subject == deployment.id => {
                let carrier = given_up(target, &deployment.id).await?;
                (Actuator::ContinueServiceDeployment, carrier)
            }
            UPDATE => match carrier::find(target, &plan, None, witness).await? {
                Found::Nothing => (Actuator::UpdateService, None),
                found => (Actuator::UpdateService, Some(carrier_of(found, &plan)?)),
            },
            codedeploy::STOP if call.subject == deployment.id => {
                let is_taken = codedeploy::was_taken(target, &deployment.id).await?;
                let carrier = is_taken.then(|| deployment.id.clone());
                (Actuator::CodedeployStopDeployment, carrier)
            }
            codedeploy::CREATE => {
                let created = codedeploy::begun(target, deployment, witness).await?;
                (Actuator::CodedeployCreateDeployment, created)
            }
            external::SWITCH => {
                let set = external::begun(target, call).await?;
                (Actuator::UpdateServicePrimaryTaskSet, set)
            }
            _ => continue,
        };
        if let Some(carrier) = carrier {
            let mut plan = RollbackPlan { actuator, ..plan };
            if call.operation == ANSWER {
                plan.handle.clone_from(&call.argument);
            }
            return Ok(Some(StartedRollback { plan, carrier }));
        }
    }
    Ok(None)
}

/// The plan with the task definition that was really deployed: a copy by digest is registered only
/// when the plan is carried out.
fn as_sent(plan: &RollbackPlan, call: &Call) -> RollbackPlan {
    let mut plan = plan.clone();
    if call.operation == UPDATE
        && let Some(definition) = &call.argument
        && *definition != plan.target.id
    {
        plan.target = facts::revision(definition);
    }
    plan
}

/// The deployment, when a call that was sent before it was looked at has had it rolled back.
async fn given_up(target: &EcsTarget, arn: &str) -> Result<Option<String>, DeployError> {
    let seen = stopping::look(target, arn, true).await?;
    Ok(stopping::is_ours(&seen).then(|| arn.to_owned()))
}

/// Answers the hook at which the deployment pauses. Answers with the carrier, or with none when
/// that hook awaits nothing any more.
async fn answer(
    target: &EcsTarget,
    plan: &mut RollbackPlan,
    witness: &dyn Witness,
) -> Result<Option<String>, Halt> {
    let Some(hook) = plan.handle.clone() else {
        return Ok(None);
    };
    let arn = &plan.deployment.id;
    match stopping::answer(target, arn, &hook, witness).await? {
        Stopped::Taken => Ok(Some(arn.clone())),
        Stopped::TooLate => Ok(None),
        Stopped::NotOffered => {
            plan.actuator = Actuator::StopServiceDeployment;
            plan.handle = None;
            stop(target, plan, witness).await
        }
    }
}

/// Stops the deployment in flight. Answers with the carrier, or with none when it is in flight no
/// more and has to be planned for again.
async fn stop(
    target: &EcsTarget,
    plan: &RollbackPlan,
    witness: &dyn Witness,
) -> Result<Option<String>, Halt> {
    let arn = &plan.deployment.id;
    let stopped = stopping::stop(target, arn, witness).await?;
    Ok((stopped == Stopped::Taken).then(|| arn.clone()))
}

/// Deploys the target revision. It cannot be made conditional: so the service is read before every
/// sending, and what was created is looked at after it.
async fn update(
    target: &EcsTarget,
    plan: &RollbackPlan,
    witness: &dyn Witness,
) -> Result<Option<String>, Halt> {
    let mut tries = Tries::new(target);
    let mut may_be_done = false;
    let service = &plan.deployment.service;
    loop {
        let look = still_current(target, &plan.deployment);
        let told = match target
            .tell_update(service, &plan.target.id, witness, look)
            .await
        {
            // Our own call may be what took over.
            Err(Halt::No(_)) if may_be_done => {
                return carrier_of(carrier::find(target, plan, None, witness).await?, plan)
                    .map(Some);
            }
            other => other?,
        };
        let fault = match told {
            Ok(service) => {
                let found = carrier::find(target, plan, service.as_ref(), witness).await?;
                return carrier_of(found, plan).map(Some);
            }
            Err(fault) if fault.blame == Blame::Conflict => return Ok(None),
            Err(fault) => fault,
        };
        if fault.is_unclear() {
            may_be_done = true;
        }
        tries.after(&fault).await?;
        if fault.is_unclear() {
            match carrier::find(target, plan, None, witness).await? {
                Found::Nothing => {}
                found => return carrier_of(found, plan).map(Some),
            }
        }
    }
}

fn carrier_of(found: Found, plan: &RollbackPlan) -> Result<String, Halt> {
    match found {
        Found::Ours(carrier) => Ok(carrier),
        Found::Superseded(reason) => Err(Halt::No(NoRollback::Superseded(reason))),
        // Something was changed, and not what was meant: a person has to look.
        Found::Collided(reason) => Err(Halt::Broken(DeployError::Strange(reason))),
        Found::Nothing => Err(Halt::Broken(DeployError::Strange(format!(
            "service {} was told to return to {}, and no such deployment appeared",
            plan.deployment.service, plan.target
        )))),
    }
}

/// The last look before an update: the deployment that was judged is what the service runs.
async fn still_current(target: &EcsTarget, deployment: &Deployment) -> Result<(), Halt> {
    let reading = reading::read(target, deployment).await?;
    let primary = reading.service.primary();
    let runs = primary.is_some_and(|primary| {
        primary.task_definition == deployment.revision.id
            && (!facts::is_entry(&deployment.id) || primary.id == deployment.id)
    });
    if !runs || reading.standing(deployment)? == Standing::Superseded {
        return Err(planning::superseded(&reading, deployment));
    }
    // The list is another reading than the service: one that lags behind alone hides nothing.
    if let Subject::Recorded {
        deployment: recorded,
        ..
    } = &reading.subject
        && let Some(newer) = reading::newer_than(target, recorded).await?.first()
    {
        return Err(planning::superseded_by(newer, deployment));
    }
    Ok(())
}

/// The plan, and one more when the state moved between the reading and the call.
const PLANS: usize = 2;
