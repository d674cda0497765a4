//! Ending a deployment in flight by its ARN: stopping it with a rollback, and answering the hook at
//! which it pauses. Neither can hit another deployment than the one that is named.

use serde_json::{Value, json};

use super::super::arn;
use super::super::conduct::HookAction;
use super::super::parameters;
use super::super::service::{Controller, Service, Status};
use super::super::state::World;
use super::Refusal;

/// Stops a deployment in flight and rolls it back.
pub(super) fn stop(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let given = parameters::required(input, "serviceDeploymentArn")?;
    match parameters::text(input, "stopType")? {
        None | Some("ROLLBACK") => {}
        Some(other) => {
            return Err(Refusal::invalid(format!(
                "The stop type {other} is not valid."
            )));
        }
    }
    let (index, status) = find(world, given)?;
    let (settings, present) = (world.settings.clone(), world.present);
    let service = &mut world.services[index];
    match status {
        // Only the latest can be in progress: a newer one stops it.
        Status::Pending | Status::InProgress => {
            service.request_rollback(STOPPED, &settings, present.moment, present);
        }
        Status::StopRequested | Status::RollbackRequested | Status::RollbackInProgress => {}
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

/// Answers a PAUSE hook; refused unless a hook with that id awaits an answer.
pub(super) fn answer_hook(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let given = parameters::required(input, "serviceDeploymentArn")?;
    let hook = parameters::required(input, "hookId")?;
    let action = HookAction::read(input, "action")?.unwrap_or(HookAction::Continue);
    let (index, _) = find(world, given)?;
    let (settings, present) = (world.settings.clone(), world.present);
    let service = &mut world.services[index];
    let is_latest = service.history.last().is_some_and(|l| l.arn == given);
    if !is_latest || !service.answer_hook(hook, action, &settings, present) {
        return Err(Refusal::invalid(format!(
            "The hook {hook} does not await an action."
        )));
    }
    service.advance(&settings, &mut world.ids, present);
    Ok(json!({ "serviceDeploymentArn": given }))
}

/// The service of a service deployment, and how that stands.
fn find(world: &World, given: &str) -> Result<(usize, Status), Refusal> {
    check_arn(given, "service-deployment")?;
    let found = world
        .services
        .iter()
        .enumerate()
        .find_map(|(index, service)| {
            let mut history = service.history.iter();
            let known = history.find(|known| known.arn == given)?;
            Some((index, known.status))
        });
    let (index, status) = found.ok_or_else(|| {
        Refusal::new(
            "ServiceDeploymentNotFoundException",
            "Service deployment not found.".to_owned(),
        )
    })?;
    refuse_other_controllers(&world.services[index])?;
    Ok((index, status))
}

/// Service deployments belong to the ECS controller.
pub(super) fn refuse_other_controllers(service: &Service) -> Result<(), Refusal> {
    if service.controller == Controller::Ecs {
        return Ok(());
    }
    Err(Refusal::new(
        "UnsupportedFeatureException",
        "Service deployments need the ECS deployment controller.".to_owned(),
    ))
}

/// Refuses what is no ARN of that kind.
pub(super) fn check_arn(given: &str, kind: &str) -> Result<(), Refusal> {
    if arn::is_arn_of(given, kind) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "Invalid identifier: unexpected {kind} ARN."
    )))
}

const STOPPED: &str = "Service deployment rolled back because of a stop request.";
