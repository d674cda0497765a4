//! What a rollback would be if it were carried out now, or why there is none.

use std::time::Duration;

use super::candidate::{self, Candidate};
use super::definition::Definition;
use super::pinned_definition;
use super::reading::{self, Reading, Subject};
use super::records::{ServiceDeployment, Status};
use super::{EcsTarget, Halt, codedeploy, external};
use crate::deploy::DeployError;
use crate::deployment::{
    Actuator, Deployment, NoRollback, Revision, RollbackPlan, Standing, Wanted,
};

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
    let candidate = candidate::find(target, deployment, &reading, actuator, wanted).await?;
    let mut caveats = caveats(&reading, &candidate, actuator);
    let mut revision = candidate.revision.clone();
    let mut images = candidate.images.clone();
    if actuator.is_keyed() {
        refuse_same(&candidate)?;
    } else if let Some(moved) = deployable(target, &candidate, wanted).await? {
        if wanted.pin_digest {
            revision.label = format!("{revision} pinned by digest");
        } else {
            // What does not come back is not what the rollback is held against.
            images.retain(|container, _| !moved.containers.contains(container));
        }
        caveats.push(moved.caveat);
    }
    let not_restored = not_restored(&candidate, actuator);
    let expected = expected(&reading, &candidate, actuator);
    Ok(RollbackPlan {
        deployment: deployment.clone(),
        target: revision,
        actuator,
        images,
        handle: handle(&reading, actuator),
        expected,
        not_restored,
        caveats,
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
        (Standing::InFlight, Subject::Recorded { deployment, .. }) => in_flight(deployment),
        (Standing::InFlight | Standing::Completed | Standing::Failed, _) => {
            Ok(Actuator::UpdateService)
        }
    }
}

/// A pause is answered where there is one: the deployment waits for just that.
fn in_flight(deployment: &ServiceDeployment) -> Result<Actuator, Halt> {
    if deployment.status == Status::StopRequested {
        // Stopped once more it would not be rolled back; once it is STOPPED it can be.
        return Err(Halt::Broken(DeployError::Passing(format!(
            "ECS is stopping {} without a rollback: wait until it has",
            deployment.arn
        ))));
    }
    Ok(match deployment.paused_at() {
        Some(_) => Actuator::ContinueServiceDeployment,
        None => Actuator::StopServiceDeployment,
    })
}

/// The hook that is answered.
fn handle(reading: &Reading, actuator: Actuator) -> Option<String> {
    match &reading.subject {
        Subject::Recorded { deployment, .. } if actuator == Actuator::ContinueServiceDeployment => {
            deployment.paused_at().map(str::to_owned)
        }
        _ => None,
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

/// A stop returns to the images that ECS resolved back then, and so changes something even where the
/// task definition is the same one; unless they are the same images too.
fn refuse_same(candidate: &Candidate) -> Result<(), Halt> {
    if candidate.judged.may_be(&candidate.software()) {
        return Err(same(candidate));
    }
    Ok(())
}

fn same(candidate: &Candidate) -> Halt {
    Halt::No(NoRollback::SameSoftware(nothing_changes(
        &candidate.judged.revision,
    )))
}

pub(super) fn nothing_changes(revision: &Revision) -> String {
    format!("the revision before it is {revision} too: going back to it would change nothing")
}

/// Tags that were moved since the candidate ran.
struct Moved {
    containers: Vec<String>,
    /// What becomes of them, for a person.
    caveat: String,
}

/// Whether the service can be updated to the candidate, and is changed by it. Answers with what
/// becomes of tags that were moved: deployed anew they bring the images that were judged.
async fn deployable(
    target: &EcsTarget,
    candidate: &Candidate,
    wanted: &Wanted,
) -> Result<Option<Moved>, Halt> {
    let revision = &candidate.revision;
    let judged = &candidate.judged;
    if judged.may_be(&candidate.software()) {
        return Err(same(candidate));
    }
    let definition = active(target, candidate).await?;
    let moved = pinned_definition::moved(target, &definition, &candidate.images, judged).await?;
    if moved.is_empty() {
        // Told to run what it runs already, ECS deploys nothing.
        return if revision.id == judged.revision.id {
            Err(refuse(nothing_changes(&judged.revision)))
        } else {
            Ok(None)
        };
    }
    let containers = moved.join(", ");
    if wanted.pin_digest {
        let caveat = format!(
            "the tag of {containers} was moved since {revision} ran: a new revision of its family is registered that names the earlier images by digest"
        );
        return Ok(Some(Moved {
            containers: moved,
            caveat,
        }));
    }
    let others = candidate.images.iter().filter(|(container, digest)| {
        let judged = judged.images.get(*container);
        !moved.contains(container) && judged.is_some_and(|judged| judged != *digest)
    });
    if others.count() == 0 {
        return Err(refuse(format!(
            "the tag of {containers} was moved since {revision} ran: deployed anew it brings the images of {} again; allow a definition pinned by digest (rollback: {{ pin_digest: true }})",
            judged.revision
        )));
    }
    let caveat = format!(
        "the tag of {containers} was moved since {revision} ran, and deployed anew it brings the later image there; pin_digest would bring the earlier one"
    );
    Ok(Some(Moved {
        containers: moved,
        caveat,
    }))
}

/// ECS refuses to update a service to a task definition that is not ACTIVE.
async fn active(target: &EcsTarget, candidate: &Candidate) -> Result<Definition, Halt> {
    let label = &candidate.revision;
    let found = target.definition(&candidate.revision.id).await;
    let found = found.map_err(|fault| target.told(&fault))?;
    let found = found.filter(|found| found.arn == candidate.revision.id);
    match found {
        Some(definition) if definition.is_active => Ok(definition),
        Some(_) => Err(refuse(format!(
            "task definition {label} is not ACTIVE any more: ECS will not deploy it; register it anew"
        ))),
        None => Err(refuse(format!(
            "ECS does not show task definition {label} any more: register it anew"
        ))),
    }
}

/// How long it will take: as long as a deployment took. Where the old tasks still stand by, only the
/// traffic moves back.
fn expected(reading: &Reading, candidate: &Candidate, actuator: Actuator) -> Option<Duration> {
    let strategy = reading.service.strategy.as_deref();
    let stands_by = strategy.is_some_and(|strategy| strategy != ROLLING);
    if actuator.is_keyed() && stands_by {
        return Some(TRAFFIC_BACK);
    }
    candidate.rollout
}

/// What stays as it was deployed: ECS itself brings a whole service revision back, an update the
/// task definition alone.
fn not_restored(candidate: &Candidate, actuator: Actuator) -> Vec<String> {
    let Some(recorded) = &candidate.recorded else {
        return Vec::new();
    };
    if actuator.is_keyed() {
        return Vec::new();
    }
    let differences = recorded.good.differences(&recorded.judged).into_iter();
    differences.map(str::to_owned).collect()
}

fn caveats(reading: &Reading, candidate: &Candidate, actuator: Actuator) -> Vec<String> {
    let mut caveats = candidate.caveats.clone();
    if matches!(reading.subject, Subject::Entry) {
        caveats.push(
            "ECS offers no service deployments here: a deployment that takes over at the same moment may go unseen"
                .to_owned(),
        );
    }
    let strategy = reading.service.strategy.as_deref();
    if let Some(strategy) = strategy.filter(|strategy| *strategy != ROLLING)
        && actuator == Actuator::UpdateService
    {
        caveats.push(format!(
            "the service deploys by the strategy {strategy}: going back is a whole deployment of that sort, its bake time included"
        ));
    }
    let differences = not_restored(candidate, actuator);
    if !differences.is_empty() {
        caveats.push(format!(
            "only the task definition goes back to {}; this stays as it was deployed: {}",
            candidate.revision,
            differences.join(", ")
        ));
    }
    caveats
}

pub(super) const fn refuse(reason: String) -> Halt {
    Halt::No(NoRollback::NotRollbackable(reason))
}

/// The strategy by which new tasks take the place of old ones.
const ROLLING: &str = "ROLLING";
/// A load balancer takes some seconds to change the weights of its target groups everywhere.
const TRAFFIC_BACK: Duration = Duration::from_secs(10);
