//! Carries a plan out: re-reads right before, sends the one decisive call, and looks afterwards
//! whether it did what was meant and nothing else.

use tokio::time::Instant;

use super::carrier::{self, Found};
use super::facts::{self};
use super::fault::{Blame, CallFault};
use super::pace::jittered;
use super::planning::{self, refuse};
use super::records::Status;
use super::{EcsTarget, Halt, reading};
use crate::deploy::DeployError;
use crate::deployment::{
    Actuator, Deployment, NoRollback, RollbackPlan, Standing, StartedRollback,
};

/// Rolls back as planned, or as the plan has to be now that it is read again.
pub(super) async fn roll_back(
    target: &EcsTarget,
    plan: &RollbackPlan,
) -> Result<StartedRollback, Halt> {
    for _ in 0..PLANS {
        let fresh = planning::plan(target, &plan.deployment).await?;
        if fresh.target.id != plan.target.id {
            return Err(refuse(format!(
                "the revision to return to was {} and is now {}: plan again",
                plan.target, fresh.target
            )));
        }
        let carrier = match fresh.actuator {
            Actuator::StopServiceDeployment => stop(target, &fresh).await?,
            Actuator::UpdateService => update(target, &fresh).await?,
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

/// Stops the deployment in flight. Answers with the carrier, or with none when it is in flight no
/// more and has to be planned for again.
async fn stop(target: &EcsTarget, plan: &RollbackPlan) -> Result<Option<String>, Halt> {
    let arn = &plan.deployment.id;
    let mut tries = Tries::new(target);
    loop {
        let fault = match target.tell_stop(arn).await {
            Ok(()) => return Ok(Some(arn.clone())),
            Err(fault) if fault.blame == Blame::Conflict => return Ok(None),
            Err(fault) => fault,
        };
        tries.after(&fault).await?;
        // Whatever the answer was: what the deployment does now says whether the call arrived.
        match target.service_deployment(arn).await?.status {
            Status::Pending | Status::InProgress => {}
            Status::StopRequested
            | Status::RollbackRequested
            | Status::RollbackInProgress
            | Status::RollbackSuccessful => return Ok(Some(arn.clone())),
            Status::Successful | Status::Stopped | Status::RollbackFailed | Status::Unknown(_) => {
                return Ok(None);
            }
        }
    }
}

/// Deploys the target revision. It cannot be made conditional: so the service is read before every
/// sending, and what was created is looked at after it.
async fn update(target: &EcsTarget, plan: &RollbackPlan) -> Result<Option<String>, Halt> {
    let mut tries = Tries::new(target);
    let mut may_be_done = false;
    loop {
        match still_current(target, &plan.deployment).await {
            // Our own call may be what took over.
            Err(Halt::No(_)) if may_be_done => {
                return carrier_of(carrier::find(target, plan, None).await?, plan).map(Some);
            }
            other => other?,
        }
        let fault = match target.tell_update(&plan.target.id).await {
            Ok(service) => {
                let found = carrier::find(target, plan, service.as_ref()).await?;
                return carrier_of(found, plan).map(Some);
            }
            Err(fault) if fault.blame == Blame::Conflict => return Ok(None),
            Err(fault) => fault,
        };
        tries.after(&fault).await?;
        if fault.is_unclear() {
            may_be_done = true;
            match carrier::find(target, plan, None).await? {
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
    if runs && reading.standing(deployment)? != Standing::Superseded {
        return Ok(());
    }
    Err(planning::superseded(&reading, deployment))
}

/// How often, and how long, a decisive call may be tried.
struct Tries<'a> {
    target: &'a EcsTarget,
    until: Instant,
    pause: std::time::Duration,
    unclear: u32,
}

impl<'a> Tries<'a> {
    fn new(target: &'a EcsTarget) -> Self {
        Self {
            target,
            until: Instant::now() + target.pace.patience,
            pause: target.pace.back_off,
            unclear: 0,
        }
    }

    /// Waits after a failure that may pass; ends the tries at any other.
    async fn after(&mut self, fault: &CallFault) -> Result<(), DeployError> {
        self.unclear += u32::from(fault.is_unclear());
        let may_pass = fault.is_unclear() || fault.blame == Blame::Throttled;
        let out_of_time = Instant::now() + self.pause > self.until;
        if !may_pass || out_of_time || self.unclear >= MOST_UNCLEAR {
            return Err(self.target.told(fault));
        }
        tokio::time::sleep(jittered(self.pause)).await;
        self.pause *= 2;
        Ok(())
    }
}

/// The plan, and one more when the state moved between the reading and the call.
const PLANS: usize = 2;
/// After so many calls without an answer a person has to look.
const MOST_UNCLEAR: u32 = 3;
