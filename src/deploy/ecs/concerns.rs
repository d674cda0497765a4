//! What a person should know before the bake begins: what weakens ECS's own safety, what would stop
//! a rollback, what would end the deployment before the bake does.
//!
//! Looks, and never stands in the way: a look that is denied, fails or takes too long is left out
//! and noted for whoever reads the traces. The adapter's `concerns` calls it.

mod alarms;
mod configuration;
mod images;

use std::fmt::Display;
use std::time::Duration;

use aws_sdk_ecs::types;

use super::candidate::{self, Candidate};
use super::definition::Definition;
use super::fault::CallFault;
use super::{EcsTarget, Halt, facts, pinned_definition, reading};
use crate::deployment::{Actuator, Deployment, NoRollback, Standing, Wanted};

/// The concerns, one line each.
pub(super) async fn look(
    target: &EcsTarget,
    deployment: &Deployment,
    bake: Duration,
    wanted: &Wanted,
) -> Vec<String> {
    let (service, shown, way_back, judged) = tokio::join!(
        within("the service", target.configured()),
        within("the service deployment", shown(target, deployment)),
        within("the way back", way_back(target, deployment, wanted)),
        within("the definition", target.definition(&deployment.revision.id)),
    );
    let (service, shown) = (service.flatten(), shown.flatten());
    let way_back = way_back.unwrap_or_default();
    let mut concerns = Vec::new();
    if let Some(service) = &service {
        concerns.extend(configuration::of_service(
            service,
            &deployment.service,
            bake,
        ));
    }
    concerns.extend(judged.flatten().as_ref().and_then(inconsistent));
    concerns.extend(way_back.concerns);
    // Who else moves tasks has alarms of his own.
    let by_ecs = service
        .as_ref()
        .filter(|service| facts::Service::from(*service).is_moved_by_ecs());
    // Other services than ECS: a network that leads to one need not lead to the others.
    let (gone, alarms) = tokio::join!(
        within("images", images::gone(target, way_back.revision.as_ref())),
        within("alarms", alarms::of(target, by_ecs, shown.as_ref())),
    );
    concerns.extend(gone.unwrap_or_default());
    concerns.extend(alarms.unwrap_or_default());
    concerns
}

/// What a look saw; nothing when it failed or took too long.
async fn within<T, E: Display>(
    what: &str,
    looked: impl Future<Output = Result<T, E>>,
) -> Option<T> {
    match tokio::time::timeout(PATIENCE, looked).await {
        Ok(Ok(seen)) => Some(seen),
        Ok(Err(error)) => {
            tracing::debug!(%error, "not looked at before the bake: {what}");
            None
        }
        Err(_) => {
            tracing::debug!("not looked at before the bake: {what}: no answer in time");
            None
        }
    }
}

/// The record of the deployment with everything that ECS monitors on it.
async fn shown(
    target: &EcsTarget,
    deployment: &Deployment,
) -> Result<Option<types::ServiceDeployment>, CallFault> {
    if facts::is_entry(&deployment.id) {
        return Ok(None);
    }
    let answer = target
        .client
        .describe_service_deployments()
        .service_deployment_arns(&deployment.id)
        .send()
        .await
        .map_err(|error| CallFault::of("DescribeServiceDeployments", &error))?;
    let mut shown = answer.service_deployments.unwrap_or_default().into_iter();
    Ok(shown.find(|known| known.service_deployment_arn() == Some(&deployment.id)))
}

/// What would be returned to once the deployment has ended, and what would stop that: in flight ECS
/// does more than it does for an update.
#[derive(Default)]
struct WayBack {
    revision: Option<(Candidate, Definition)>,
    concerns: Vec<String>,
}

async fn way_back(
    target: &EcsTarget,
    deployment: &Deployment,
    wanted: &Wanted,
) -> Result<WayBack, String> {
    let reading = reading::read(target, deployment).await;
    let reading = reading.map_err(|error| error.to_string())?;
    let standing = reading.standing(deployment);
    let stands = matches!(
        standing.map_err(|error| error.to_string())?,
        Standing::InFlight | Standing::Completed | Standing::Failed
    );
    let mut way_back = WayBack::default();
    if !stands || !reading.service.is_moved_by_ecs() {
        return Ok(way_back);
    }
    let update = Actuator::UpdateService;
    let candidate = match candidate::find(target, deployment, &reading, update, wanted).await {
        Ok(candidate) => candidate,
        // What there was may have been judged bad.
        Err(Halt::No(NoRollback::NoTarget(why))) if !wanted.avoid.is_empty() => {
            way_back.concerns.push(why);
            return Ok(way_back);
        }
        Err(Halt::No(NoRollback::NoTarget(_))) => {
            way_back.concerns.push(format!(
                "it is the first deployment of service {} that ECS knows: there is no revision to return to",
                deployment.service
            ));
            return Ok(way_back);
        }
        Err(halt) => return Err(format!("{halt:?}")),
    };
    let definition = target.definition(&candidate.revision.id).await;
    let definition = definition.map_err(|fault| fault.to_string())?;
    let concerns = &mut way_back.concerns;
    concerns.extend(inactive(&candidate, definition.as_ref()));
    if let Some(definition) = definition {
        concerns.extend(moved_tags(target, &candidate, &definition).await);
        way_back.revision = Some((candidate, definition));
    }
    Ok(way_back)
}

fn inactive(candidate: &Candidate, definition: Option<&Definition>) -> Option<String> {
    let is_active = definition.is_some_and(|definition| definition.is_active);
    (!is_active).then(|| {
        format!(
            "task definition {}, to which a rollback would return, is not ACTIVE: once the deployment has ended ECS will not deploy it",
            candidate.revision
        )
    })
}

async fn moved_tags(
    target: &EcsTarget,
    candidate: &Candidate,
    definition: &Definition,
) -> Option<String> {
    let judged = &candidate.judged;
    if judged.may_be(&candidate.software()) {
        return Some(format!(
            "what ran before is {} from the same images: once the deployment has ended there is nothing to return to",
            candidate.revision
        ));
    }
    let moved = pinned_definition::moved(target, definition, &candidate.images, judged).await;
    match moved {
        Ok(moved) if moved.is_empty() => None,
        Ok(moved) => Some(format!(
            "the tag of {} was moved since {} ran: once the deployment has ended that revision brings the new image, unless pin_digest is set or images are named by digest",
            moved.join(", "),
            candidate.revision
        )),
        Err(halt) => {
            tracing::debug!(?halt, "not looked at before the bake: moved tags");
            None
        }
    }
}

fn inconsistent(definition: &Definition) -> Option<String> {
    let containers = definition.inconsistent();
    (!containers.is_empty()).then(|| {
        format!(
            "version consistency is off for {} of {}: its tasks may run different images, and ECS cannot return to the earlier ones",
            containers.join(", "),
            facts::label(&definition.arn)
        )
    })
}

/// The bake waits for what is looked at here.
const PATIENCE: Duration = Duration::from_secs(10);
