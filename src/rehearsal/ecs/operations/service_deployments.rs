//! Service deployments and service revisions: the history of a service, and stopping with rollback.

use serde_json::{Value, json};

use super::super::arn;
use super::super::parameters;
use super::super::service::{Controller, Service, ServiceDeployment, ServiceRevision, Status};
use super::super::state::World;
use super::{Refusal, missing, timestamp, without_nulls};

/// Lists a service's deployments, the newest first, filtered by status and creation.
pub(super) fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    let cluster = world.cluster_of(input)?;
    let index = world.service_index(&cluster, parameters::required(input, "service")?)?;
    let service = &world.services[index];
    refuse_other_controllers(service)?;
    let statuses = parameters::texts(input, "status")?;
    let before = parameters::seconds(&input["createdAt"], "before")?.unwrap_or(f64::INFINITY);
    let after = parameters::seconds(&input["createdAt"], "after")?.unwrap_or(f64::NEG_INFINITY);
    let wanted = service
        .history
        .iter()
        .rev()
        .filter(|known| statuses.is_empty() || statuses.contains(&known.status.name()))
        .filter(|known| (after..=before).contains(&known.created.unix().as_secs_f64()))
        .map(|known| brief(world, service, known))
        .collect();
    let (page, next) = parameters::page(input, wanted, PAGE, LARGEST_PAGE)?;
    Ok(without_nulls(
        json!({ "serviceDeployments": page, "nextToken": next }),
    ))
}

/// Describes up to twenty service deployments by ARN.
pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    let wanted = parameters::some_texts(input, "serviceDeploymentArns", MOST_ARNS)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for given in wanted {
        check_arn(given, "service-deployment")?;
        match world.find_service_deployment(given) {
            Some((service, known)) => found.push(show(world, service, known)),
            None => failures.push(missing(given)),
        }
    }
    Ok(json!({ "serviceDeployments": found, "failures": failures }))
}

/// Describes up to twenty service revisions by ARN.
pub(super) fn revisions(world: &World, input: &Value) -> Result<Value, Refusal> {
    let wanted = parameters::some_texts(input, "serviceRevisionArns", MOST_ARNS)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for given in wanted {
        check_arn(given, "service-revision")?;
        let known = world.services.iter().find_map(|service| {
            service
                .revision(given)
                .map(|revision| show_revision(world, service, revision))
        });
        match known {
            Some(revision) => found.push(revision),
            None => failures.push(missing(given)),
        }
    }
    Ok(json!({ "serviceRevisions": found, "failures": failures }))
}

/// Stops a deployment in flight and rolls it back.
pub(super) fn stop(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let given = parameters::required(input, "serviceDeploymentArn")?;
    check_arn(given, "service-deployment")?;
    match parameters::text(input, "stopType")? {
        None | Some("ROLLBACK") => {}
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "The stop type {other} is not valid."
            )));
        }
    }
    let (settings, present) = (world.settings.clone(), world.present);
    let (service, status) = world
        .services
        .iter_mut()
        .find_map(|service| {
            let status = service
                .history
                .iter()
                .find(|known| known.arn == given)?
                .status;
            Some((service, status))
        })
        .ok_or_else(|| {
            Refusal::new(
                "ServiceDeploymentNotFoundException",
                "Service deployment not found.".to_owned(),
            )
        })?;
    refuse_other_controllers(service)?;
    match status {
        // Only the latest can be in progress: a newer one stops it.
        Status::InProgress => service.request_rollback(&settings, present),
        Status::RollbackRequested | Status::RollbackInProgress => {}
        Status::Successful
        | Status::Stopped
        | Status::RollbackSuccessful
        | Status::RollbackFailed => {
            return Err(Refusal::new(
                "ConflictException",
                format!("The service deployment is in the {} state.", status.name()),
            ));
        }
    }
    service.advance(&settings, &mut world.ids, present);
    Ok(json!({ "serviceDeploymentArn": given }))
}

impl World {
    fn find_service_deployment(&self, given: &str) -> Option<(&Service, &ServiceDeployment)> {
        self.services.iter().find_map(|service| {
            let known = service.history.iter().find(|known| known.arn == given)?;
            Some((service, known))
        })
    }
}

fn refuse_other_controllers(service: &Service) -> Result<(), Refusal> {
    if service.controller == Controller::Ecs {
        return Ok(());
    }
    Err(Refusal::new(
        "UnsupportedFeatureException",
        "Service deployments need the ECS deployment controller.".to_owned(),
    ))
}

fn check_arn(given: &str, kind: &str) -> Result<(), Refusal> {
    if arn::is_arn_of(given, kind) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "Invalid identifier: unexpected {kind} ARN."
    )))
}

fn brief(world: &World, service: &Service, known: &ServiceDeployment) -> Value {
    without_nulls(json!({
        "serviceDeploymentArn": known.arn,
        "serviceArn": service.arn,
        "clusterArn": world.ids.names.cluster(&service.cluster),
        "createdAt": timestamp(known.created),
        "startedAt": timestamp(known.created),
        "finishedAt": known.finished.map(timestamp),
        "targetServiceRevisionArn": known.target,
        "status": known.status.name(),
        "statusReason": known.reason,
    }))
}

fn show(world: &World, service: &Service, known: &ServiceDeployment) -> Value {
    let summary = |arn: &String| {
        let running = service.running_revision(arn);
        json!({
            "arn": arn,
            "requestedTaskCount": if *arn == known.target { service.desired } else { running },
            "runningTaskCount": running,
            "pendingTaskCount": 0,
        })
    };
    let breaker = if known.breaker_tripped {
        "TRIGGERED"
    } else {
        "DISABLED"
    };
    without_nulls(json!({
        "serviceDeploymentArn": known.arn,
        "serviceArn": service.arn,
        "clusterArn": world.ids.names.cluster(&service.cluster),
        "createdAt": timestamp(known.created),
        "startedAt": timestamp(known.created),
        "updatedAt": timestamp(known.updated),
        "finishedAt": known.finished.map(timestamp),
        "stoppedAt": known.stopped.map(timestamp),
        "sourceServiceRevisions": known.sources.iter().map(summary).collect::<Vec<_>>(),
        "targetServiceRevision": summary(&known.target),
        "status": known.status.name(),
        "statusReason": known.reason,
        "deploymentCircuitBreaker": { "status": breaker, "failureCount": 0, "threshold": 3 },
        "alarms": { "status": "DISABLED", "alarmNames": [], "triggeredAlarmNames": [] },
        "rollback": known.rollback.as_ref().map(|rollback| json!({
            "reason": rollback.reason,
            "startedAt": timestamp(rollback.started),
            "serviceRevisionArn": rollback.revision,
        })),
    }))
}

fn show_revision(world: &World, service: &Service, revision: &ServiceRevision) -> Value {
    let images: Vec<Value> = revision
        .images
        .iter()
        .map(|image| {
            json!({
                "containerName": image.container,
                "image": image.image,
                "imageDigest": image.digest,
            })
        })
        .collect();
    let mut shown = revision.configuration.clone();
    shown["serviceRevisionArn"] = json!(revision.arn);
    shown["serviceArn"] = json!(service.arn);
    shown["clusterArn"] = json!(world.ids.names.cluster(&service.cluster));
    shown["taskDefinition"] = json!(revision.task_definition);
    shown["launchType"] = json!("FARGATE");
    shown["containerImages"] = json!(images);
    shown["createdAt"] = timestamp(revision.created);
    shown
}

/// What AWS allows in one Describe.
const MOST_ARNS: usize = 20;
/// The page of ListServiceDeployments when none is asked for, and the largest.
const PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;
