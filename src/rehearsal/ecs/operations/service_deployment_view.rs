//! Service deployments and service revisions as they are shown.

use serde_json::{Value, json};

use super::super::hooks::Hook;
use super::super::service::{Service, ServiceDeployment, ServiceRevision};
use super::super::stages::Stage;
use super::super::state::World;
use super::{timestamp, without_nulls};

/// A service deployment in a list.
pub(super) fn brief(world: &World, service: &Service, known: &ServiceDeployment) -> Value {
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

/// A service deployment as DescribeServiceDeployments shows it.
pub(super) fn show(world: &World, service: &Service, known: &ServiceDeployment) -> Value {
    let summary = |arn: &String| {
        let running = service.running_revision(arn);
        json!({
            "arn": arn,
            "requestedTaskCount": if *arn == known.target { service.desired } else { running },
            "runningTaskCount": running,
            "pendingTaskCount": 0,
            "requestedProductionTrafficWeight": service.weight(arn),
        })
    };
    let monitors = &known.monitors;
    let alarms = &known.conduct.alarms.names;
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
        "lifecycleStage": known.stage.map(Stage::name),
        "lifecycleHookDetails": known.hooks.iter().map(show_hook).collect::<Vec<_>>(),
        "deploymentConfiguration": known.conduct.document(),
        "deploymentCircuitBreaker": {
            "status": monitors.breaker.name(),
            "failureCount": monitors.failures,
            "threshold": known.conduct.breaker.threshold(service.desired),
        },
        "alarms": {
            "status": monitors.alarms.name(),
            "alarmNames": alarms,
            "triggeredAlarmNames": monitors.triggered,
        },
        "rollback": known.rollback.as_ref().map(|rollback| json!({
            "reason": rollback.reason,
            "startedAt": timestamp(rollback.started),
            "serviceRevisionArn": rollback.revision,
        })),
    }))
}

/// A service revision as DescribeServiceRevisions shows it.
pub(super) fn show_revision(world: &World, service: &Service, revision: &ServiceRevision) -> Value {
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

fn show_hook(hook: &Hook) -> Value {
    json!({
        "hookId": hook.id,
        "targetType": "PAUSE",
        "status": hook.status.name(),
        "expiresAt": timestamp(hook.expires),
        "timeoutAction": hook.at_timeout.name(),
    })
}
