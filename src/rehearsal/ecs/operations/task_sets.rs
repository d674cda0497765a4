//! Task sets: shown with their service, and made the primary one.

use serde_json::{Value, json};

use super::super::parameters;
use super::super::service::{Controller, Deployment, Service};
use super::super::state::World;
use super::{Refusal, timestamp, without_nulls};

/// Makes a task set of an EXTERNAL service the primary one; it moves nothing else.
pub(super) fn make_primary(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let cluster = world.cluster_of(input)?;
    let index = world.service_index(&cluster, parameters::required(input, "service")?)?;
    let wanted = parameters::required(input, "primaryTaskSet")?;
    let service = &mut world.services[index];
    if !service.active {
        return Err(Refusal::new(
            "ServiceNotActiveException",
            "Service was not ACTIVE.".to_owned(),
        ));
    }
    if service.controller != Controller::External {
        return Err(Refusal::new(
            "UnsupportedFeatureException",
            "Task sets of this service are not changed by hand.".to_owned(),
        ));
    }
    if service.task_set(wanted).draining {
        return Err(Refusal::invalid("The task set is draining.".to_owned()));
    }
    if !service.make_task_set_primary(wanted) {
        return Err(Refusal::no_task_set());
    }
    let primary = service.primary().map(|set| show(service, set));
    Ok(json!({ "taskSet": primary }))
}

/// A task set as DescribeServices shows it.
pub(super) fn show(service: &Service, shown: &Deployment) -> Value {
    let set = service.task_set(&shown.id);
    let running = service.running(&shown.id);
    let desired = service.computed_desired(&shown.id);
    let status = match (shown.primary, set.draining) {
        (true, _) => "PRIMARY",
        (false, true) => "DRAINING",
        (false, false) => "ACTIVE",
    };
    let is_settled = running == desired && !set.unsettled;
    without_nulls(json!({
        "id": shown.id,
        "status": status,
        "taskDefinition": service
            .revision(&shown.revision)
            .map(|revision| revision.task_definition.clone()),
        "computedDesiredCount": desired,
        "runningCount": running,
        "pendingCount": desired.saturating_sub(running),
        "startedBy": set.started_by,
        "externalId": set.external,
        "scale": { "value": set.scale, "unit": "PERCENT" },
        "stabilityStatus": if is_settled { "STEADY_STATE" } else { "STABILIZING" },
        "createdAt": timestamp(shown.created),
        "updatedAt": timestamp(shown.updated),
    }))
}

impl Refusal {
    pub(in super::super) fn no_task_set() -> Self {
        Self::new(
            "TaskSetNotFoundException",
            "The specified task set wasn't found.".to_owned(),
        )
    }
}
