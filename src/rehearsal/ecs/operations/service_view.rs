//! A service as it is shown: counts, `deployments[]`, or task sets for other controllers than ECS.

use serde_json::{Value, json};

use super::super::service::{Controller, Deployment, Event, Service};
use super::super::state::World;
use super::{task_sets, timestamp, without_nulls};

/// A service as DescribeServices shows it.
pub(super) fn show(world: &World, service: &Service) -> Value {
    let by_ecs = service.controller == Controller::Ecs;
    let running: usize = service
        .deployments
        .iter()
        .map(|deployment| service.running(&deployment.id))
        .sum();
    let deployments: Vec<Value> = service
        .deployments
        .iter()
        .map(|d| entry(service, d))
        .collect();
    let task_sets: Vec<Value> = service
        .deployments
        .iter()
        .map(|d| task_sets::show(service, d))
        .collect();
    let latest = service
        .history
        .last()
        .filter(|_| by_ecs && !world.hide_service_deployments)
        .map(|latest| latest.arn.clone());
    without_nulls(json!({
        "serviceArn": service.arn,
        "serviceName": service.name,
        "clusterArn": world.ids.names.cluster(&service.cluster),
        "status": if service.active { "ACTIVE" } else { "INACTIVE" },
        "desiredCount": service.desired,
        "runningCount": running,
        "pendingCount": service.desired.saturating_sub(running),
        "launchType": "FARGATE",
        "schedulingStrategy": "REPLICA",
        "taskDefinition": service.current_definition(),
        "deploymentController": { "type": service.controller.name() },
        "deploymentConfiguration": service.conduct.document(),
        "createdAt": timestamp(service.created),
        "loadBalancers": service.load_balancers(),
        "deployments": if by_ecs { deployments } else { Vec::new() },
        "taskSets": if by_ecs { Vec::new() } else { task_sets },
        "currentServiceDeployment": latest,
        "events": service.events.iter().rev().take(EVENTS_SHOWN).map(event).collect::<Vec<_>>(),
    }))
}

impl Service {
    /// The load balancers of the latest service revision.
    fn load_balancers(&self) -> Value {
        let latest = self.revisions.last();
        latest.map_or(Value::Null, |latest| {
            latest.configuration["loadBalancers"].clone()
        })
    }
}

fn event(event: &Event) -> Value {
    json!({ "id": event.id, "createdAt": timestamp(event.at), "message": event.text })
}

fn entry(service: &Service, deployment: &Deployment) -> Value {
    let running = service.running(&deployment.id);
    let desired = if deployment.primary {
        service.desired
    } else {
        running
    };
    json!({
        "id": deployment.id,
        "status": if deployment.primary { "PRIMARY" } else { "ACTIVE" },
        "taskDefinition": service
            .revision(&deployment.revision)
            .map(|revision| revision.task_definition.clone()),
        "desiredCount": desired,
        "runningCount": running,
        "pendingCount": desired.saturating_sub(running),
        "failedTasks": 0,
        "rolloutState": deployment.rollout.name(),
        "rolloutStateReason": "",
        "createdAt": timestamp(deployment.created),
        "updatedAt": timestamp(deployment.updated),
        "launchType": "FARGATE",
    })
}

/// What AWS shows.
const EVENTS_SHOWN: usize = 100;
