//! Tasks: listed by service, described with the digests of their images.

use serde_json::{Value, json};

use super::super::arn;
use super::super::parameters;
use super::super::service::{Image, Service, Task};
use super::super::state::World;
use super::{Refusal, missing, names, timestamp, without_nulls};

/// Lists the tasks of a cluster or of one of its services.
pub(super) fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    let cluster = world.cluster_of(input)?;
    let started_by = parameters::text(input, "startedBy")?;
    let stopped = match parameters::text(input, "desiredStatus")? {
        None | Some("RUNNING" | "PENDING") => false,
        Some("STOPPED") => true,
        Some(other) => {
            return Err(Refusal::invalid(format!("Invalid desired status {other}.")));
        }
    };
    let service = match parameters::text(input, "serviceName")? {
        Some(given) => Some(world.service_index(&cluster, given)?),
        None => None,
    };
    let all: Vec<String> = world
        .services
        .iter()
        .enumerate()
        .filter(|(index, known)| known.cluster == cluster && service.is_none_or(|s| s == *index))
        .flat_map(|(_, known)| &known.tasks)
        .filter(|task| task.stopped.is_some() == stopped)
        .filter(|task| started_by.is_none_or(|id| task.deployment == id))
        .map(|task| task.arn.clone())
        .collect();
    let (arns, next) = parameters::page(input, all, MOST_TASKS, MOST_TASKS)?;
    Ok(without_nulls(
        json!({ "taskArns": arns, "nextToken": next }),
    ))
}

/// Describes up to a hundred tasks of a cluster.
pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    let cluster = world.cluster_of(input)?;
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for given in parameters::some_texts(input, "tasks", MOST_TASKS)? {
        let known = world
            .services
            .iter()
            .filter(|service| service.cluster == cluster)
            .find_map(|service| {
                let task = service
                    .tasks
                    .iter()
                    .find(|task| names(given, arn::last_part(&task.arn), &task.arn))?;
                Some(show(world, service, task))
            });
        match known {
            Some(task) => found.push(task),
            None => failures.push(missing(given)),
        }
    }
    Ok(json!({ "tasks": found, "failures": failures }))
}

fn show(world: &World, service: &Service, task: &Task) -> Value {
    let revision = service.revision(&task.revision);
    let status = if task.stopped.is_some() {
        "STOPPED"
    } else {
        "RUNNING"
    };
    let containers: Vec<Value> = revision
        .map(|revision| revision.images.as_slice())
        .unwrap_or_default()
        .iter()
        .map(|image| container(task, image, status))
        .collect();
    let code = task
        .end
        .as_ref()
        .map_or("ServiceSchedulerInitiated", |end| &end.code);
    without_nulls(json!({
        "taskArn": task.arn,
        "clusterArn": world.ids.names.cluster(&service.cluster),
        "taskDefinitionArn": revision.map(|revision| revision.task_definition.clone()),
        "group": format!("service:{}", service.name),
        "startedBy": task.deployment,
        "lastStatus": status,
        "desiredStatus": status,
        "healthStatus": "UNKNOWN",
        "launchType": "FARGATE",
        "attachments": task.address.as_ref().map(|address| json!([interface(address)])),
        "containers": containers,
        "createdAt": timestamp(task.started),
        "startedAt": timestamp(task.started),
        "stoppedAt": task.stopped.map(timestamp),
        "stopCode": task.stopped.map(|_| code),
        "stoppedReason": task.end.as_ref().map(|end| &end.reason),
    }))
}

fn container(task: &Task, image: &Image, status: &str) -> Value {
    without_nulls(json!({
        "name": image.container,
        "taskArn": task.arn,
        "image": image.image,
        "imageDigest": task.digests.get(&image.container).unwrap_or(&image.digest),
        "lastStatus": status,
        "exitCode": task.end.as_ref().and_then(|end| end.exit_code),
    }))
}

fn interface(address: &str) -> Value {
    json!({
        "type": "ElasticNetworkInterface",
        "status": "ATTACHED",
        "details": [
            { "name": "subnetId", "value": "subnet-00000000000000000" },
            { "name": "privateIPv4Address", "value": address },
        ],
    })
}

/// What AWS allows in one page or one Describe.
const MOST_TASKS: usize = 100;
