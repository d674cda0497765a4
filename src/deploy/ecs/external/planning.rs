//! What the return to an earlier task set would be, or why there is none.

use super::super::facts::{self, Service};
use super::super::planning::{refuse, superseded_by};
use super::super::task_sets::TaskSet;
use super::super::{EcsTarget, Halt};
use crate::deployment::{
    Actuator, Deployment, Images, NoRollback, Revision, RollbackPlan, Software, Wanted,
};

/// Plans the return to the task set before the one under test.
pub(in super::super) async fn plan(
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
pub(super) fn still_primary<'a>(
    sets: &'a [TaskSet],
    deployment: &Deployment,
) -> Result<&'a TaskSet, Halt> {
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
            Ok(()) => return Ok(set),
            // What is older is not chosen over the same software: its deployment is not to blame.
            Err(same @ Halt::No(NoRollback::SameSoftware(_))) => return Err(same),
            Err(halt) => refused = refused.or(Some(halt)),
        }
    }
    Err(refused.unwrap_or_else(|| gone(deployment)))
}

/// Whether a revision may be returned to.
fn admit(revision: &Revision, deployment: &Deployment, wanted: &Wanted) -> Result<(), Halt> {
    if let Some(to) = &wanted.to
        && *to != revision.id
        && *to != revision.label
    {
        return Err(refuse(format!(
            "no task set of service {} runs {to} any more",
            deployment.service
        )));
    }
    let software = Software {
        revision: revision.clone(),
        images: Images::new(),
    };
    if wanted.avoid.iter().any(|bad| bad.may_be(&software)) {
        return Err(refuse(format!(
            "{revision} was judged bad here: it is not returned to"
        )));
    }
    if revision.id == deployment.revision.id {
        return Err(Halt::No(NoRollback::SameSoftware(format!(
            "the task set before it runs {revision} too: going back to it would change nothing"
        ))));
    }
    Ok(())
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
