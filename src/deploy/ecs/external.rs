//! Services with a deployer of their own (the EXTERNAL controller): the earlier task set is made
//! the primary one again, as long as it still runs whole.
//!
//! It makes no task set, scales none and deletes none, and moves no traffic between target groups:
//! all that is the deployer's. Where the earlier task set is gone or not whole, it refuses.

use aws_sdk_ecs::operation::RequestId;
use tokio::time::Instant;

use super::facts::{self, Service};
use super::fault::{Blame, CallFault};
use super::planning::{refuse, superseded_by};
use super::task_sets::TaskSet;
use super::tell::{once, witnessed};
use super::tries::Tries;
use super::{EcsTarget, Halt};
use crate::deploy::{DeployError, Witness};
use crate::deployment::{
    Actuator, Call, Deployment, Images, NoRollback, Progress, Revision, RollbackPlan, Software,
    StartedRollback, Wanted,
};

/// The controller, as ECS names it.
pub(super) const CONTROLLER: &str = "EXTERNAL";
/// The call that makes a task set the primary one.
pub(super) const SWITCH: &str = "UpdateServicePrimaryTaskSet";

/// Plans the return to the task set before the one under test.
pub(super) async fn plan(
    target: &EcsTarget,
    deployment: &Deployment,
    wanted: &Wanted,
) -> Result<RollbackPlan, Halt> {
    let (service, sets) = target.service_with_sets().await?;
    let judged = still_primary(&sets, deployment)?;
    let set = earlier(&sets, judged, deployment, wanted)?;
    refuse_unwhole(set, &service)?;
    Ok(RollbackPlan {
        deployment: deployment.clone(),
        target: facts::revision(&set.task_definition),
        actuator: Actuator::UpdateServicePrimaryTaskSet,
        images: Images::new(),
        handle: Some(set.id.clone()),
        expected: None,
        not_restored: vec!["which target group the listener's traffic goes to".to_owned()],
        caveats: caveats(set, &service, deployment),
        wanted: wanted.clone(),
    })
}

/// The task set under test, which has to be the primary one.
fn still_primary<'a>(sets: &'a [TaskSet], deployment: &Deployment) -> Result<&'a TaskSet, Halt> {
    let primary = sets.iter().find(|set| set.primary);
    match primary {
        Some(primary) if primary.id == deployment.id => Ok(primary),
        Some(other) => Err(superseded_by(&format!("task set {}", other.id), deployment)),
        None => Err(superseded_by("no task set at all", deployment)),
    }
}

/// The newest task set from before the one under test that may be returned to.
fn earlier<'a>(
    sets: &'a [TaskSet],
    judged: &TaskSet,
    deployment: &Deployment,
    wanted: &Wanted,
) -> Result<&'a TaskSet, Halt> {
    let mut others: Vec<&TaskSet> = sets
        .iter()
        .filter(|set| set.id != judged.id && !set.id.is_empty() && !set.task_definition.is_empty())
        .filter(|set| set.created <= judged.created)
        .collect();
    others.sort_by_key(|set| std::cmp::Reverse(set.created));
    if others.is_empty() {
        return Err(gone(deployment));
    }
    let mut refused = None;
    for set in others {
        let revision = facts::revision(&set.task_definition);
        match admit(&revision, deployment, wanted) {
            None => return Ok(set),
            Some(why) => refused = refused.or(Some(why)),
        }
    }
    Err(refuse(refused.unwrap_or_default()))
}

/// Why a revision may not be returned to; none when it may.
fn admit(revision: &Revision, deployment: &Deployment, wanted: &Wanted) -> Option<String> {
    if let Some(to) = &wanted.to
        && *to != revision.id
        && *to != revision.label
    {
        return Some(format!(
            "no task set of service {} runs {to} any more",
            deployment.service
        ));
    }
    if revision.id == deployment.revision.id {
        return Some(format!(
            "the task set before it runs {revision} too: going back to it would change nothing"
        ));
    }
    let software = Software {
        revision: revision.clone(),
        images: Images::new(),
    };
    let is_bad = wanted.avoid.iter().any(|bad| bad.may_be(&software));
    is_bad.then(|| format!("{revision} was judged bad here: it is not returned to"))
}

/// A first deployment has nothing before it; what was there before and is gone its deployer deleted.
fn gone(deployment: &Deployment) -> Halt {
    match &deployment.previous {
        Some(previous) => refuse(format!(
            "service {} is moved by the EXTERNAL controller, and its task set of {previous} is gone: roll back with the service's own deployer",
            deployment.service
        )),
        None => Halt::No(NoRollback::NoTarget(format!(
            "service {} is moved by the EXTERNAL controller, and no task set from before {} is there: there is nothing to return to",
            deployment.service, deployment.revision
        ))),
    }
}

fn refuse_unwhole(set: &TaskSet, service: &Service) -> Result<(), Halt> {
    if service.desired == 0 {
        return Err(refuse(
            "the desired count of the service is 0: no task runs that could be at fault".to_owned(),
        ));
    }
    let label = facts::label(&set.task_definition);
    let why = if set.draining {
        "is being drained".to_owned()
    } else if set.desired == 0 {
        "is scaled to no task at all".to_owned()
    } else if set.running != set.desired {
        format!("runs {} of its {} tasks", set.running, set.desired)
    } else if !set.is_whole() {
        "has not reached its steady state".to_owned()
    } else {
        return Ok(());
    };
    Err(refuse(format!(
        "the task set of {label} ({}) {why}: scale it up and let it settle, or roll back with the service's own deployer",
        set.id
    )))
}

fn caveats(set: &TaskSet, service: &Service, deployment: &Deployment) -> Vec<String> {
    let mut caveats = vec![
        format!(
            "ECS makes the task set of {} the primary one and moves no traffic: the service's own deployer has to, and to delete the task set of {}",
            facts::label(&set.task_definition),
            deployment.revision
        ),
        "ECS knows no condition for it: a switch by the service's own deployer at the same moment may be undone".to_owned(),
    ];
    if set.desired < service.desired {
        caveats.push(format!(
            "the task set of {} is scaled to {} of {} tasks: scale it up after",
            facts::label(&set.task_definition),
            set.desired,
            service.desired
        ));
    }
    caveats
}

/// Makes the planned task set the primary one; answers with its id.
pub(super) async fn switch(
    target: &EcsTarget,
    plan: &RollbackPlan,
    witness: &dyn Witness,
) -> Result<String, Halt> {
    let set = plan.handle.as_deref().unwrap_or_default();
    let mut tries = Tries::new(target);
    loop {
        let (_, sets) = target.service_with_sets().await?;
        still_primary(&sets, &plan.deployment)?;
        let Err(fault) = target.tell_switch(plan, set, witness).await? else {
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
pub(super) async fn begun(target: &EcsTarget, call: &Call) -> Result<Option<String>, Halt> {
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

/// How far the return to a task set has come. The one under test may stay beside it: its deployer
/// deletes it.
pub(super) async fn progress(
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
    /// Makes a task set the primary one of the service.
    async fn tell_switch(
        &self,
        plan: &RollbackPlan,
        set: &str,
        witness: &dyn Witness,
    ) -> Result<Result<(), CallFault>, DeployError> {
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
        witnessed(witness, call, told).await
    }
}
