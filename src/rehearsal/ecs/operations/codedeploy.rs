//! The operations of CodeDeploy that the stand-in knows: deployments are shown, listed, stopped and
//! created, and groups shown.

use serde_json::{Value, json};

use super::super::codedeploy::{Deployment, Group, Order, Stop};
use super::super::parameters;
use super::super::state::World;
use super::{Refusal, timestamp, without_nulls};

/// Carries an operation out.
pub(in super::super) fn perform(
    world: &mut World,
    operation: &str,
    input: &Value,
) -> Result<Value, Refusal> {
    match operation {
        "GetDeployment" => get(world, input),
        "BatchGetDeployments" => batch_get(world, input),
        "ListDeployments" => list(world, input),
        "GetDeploymentGroup" => group(world, input),
        "StopDeployment" => stop(world, input),
        "CreateDeployment" => create(world, input),
        _ => Err(Refusal::new(
            "UnknownOperationException",
            "The operation is not known.".to_owned(),
        )),
    }
}

fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let index = deployment(world, input)?;
    Ok(json!({ "deploymentInfo": show(world, &world.codedeploy.deployments[index]) }))
}

fn batch_get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let ids = parameters::texts(input, "deploymentIds")?;
    if ids.len() > MOST_IDS {
        return Err(Refusal::new(
            "BatchLimitExceededException",
            "The maximum number of names or IDs is exceeded.".to_owned(),
        ));
    }
    let known = ids
        .iter()
        .filter_map(|id| world.codedeploy.deployment(id))
        .map(|index| show(world, &world.codedeploy.deployments[index]));
    Ok(json!({ "deploymentsInfo": known.collect::<Vec<_>>() }))
}

/// Lists ids. AWS promises neither an order nor the size of a page: here the oldest comes first,
/// and pages are short.
fn list(world: &World, input: &Value) -> Result<Value, Refusal> {
    let group = group_index(world, input)?;
    let statuses = parameters::texts(input, "includeOnlyStatuses")?;
    let range = &input["createTimeRange"];
    let (start, end) = (
        parameters::seconds(range, "start")?,
        parameters::seconds(range, "end")?,
    );
    let in_range = |known: &Deployment| {
        let created = known.created.unix().as_secs_f64();
        start.is_none_or(|start| created >= start) && end.is_none_or(|end| created <= end)
    };
    let found: Vec<&str> = world
        .codedeploy
        .deployments
        .iter()
        .filter(|known| known.group == group && in_range(known))
        .filter(|known| statuses.is_empty() || statuses.contains(&known.status.name()))
        .map(|known| known.id.as_str())
        .collect();
    let (ids, next) = parameters::page(input, found, PAGE, PAGE)?;
    Ok(without_nulls(
        json!({ "deployments": ids, "nextToken": next }),
    ))
}

fn group(world: &World, input: &Value) -> Result<Value, Refusal> {
    let index = group_index(world, input)?;
    let Group {
        application,
        name,
        cluster,
        service,
        configuration,
        alarms,
        ..
    } = &world.codedeploy.groups[index];
    let named = alarms.iter().map(|alarm| json!({ "name": alarm }));
    Ok(json!({ "deploymentGroupInfo": {
        "applicationName": application,
        "deploymentGroupName": name,
        "deploymentConfigName": configuration,
        "computePlatform": "ECS",
        "ecsServices": [{ "serviceName": service, "clusterName": cluster }],
        "alarmConfiguration": {
            "enabled": !alarms.is_empty(),
            "ignorePollAlarmFailure": false,
            "alarms": named.collect::<Vec<_>>(),
        },
    }}))
}

/// Stops a deployment in flight; a stop on its way is taken again and changes nothing.
fn stop(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let index = deployment(world, input)?;
    let rolls_back = parameters::flag(input, "autoRollbackEnabled")?;
    let at = world.present.moment + world.settings.rollback_lag;
    let deployment = &mut world.codedeploy.deployments[index];
    if !deployment.status.is_in_flight() {
        return Err(Refusal::new(
            "DeploymentAlreadyCompletedException",
            "The deployment is already complete.".to_owned(),
        ));
    }
    deployment.stop.get_or_insert(Stop { at, rolls_back });
    Ok(json!({ "status": "Pending", "statusMessage": "Stopping the deployment." }))
}

fn create(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let group = group_index(world, input)?;
    let revision = &input["revision"];
    if revision.is_null() {
        return Err(Refusal::new(
            "RevisionRequiredException",
            "A revision is required.".to_owned(),
        ));
    }
    let definition = definition_of(world, revision).ok_or_else(|| {
        Refusal::new(
            "InvalidRevisionException",
            "The AppSpec is not valid.".to_owned(),
        )
    })?;
    let unalarmed = input["overrideAlarmConfiguration"]["enabled"] == json!(false);
    let id = world.order(Order {
        group,
        revision: revision.clone(),
        definition,
        description: parameters::text(input, "description")?.map(str::to_owned),
        unalarmed,
    })?;
    Ok(json!({ "deploymentId": id }))
}

/// What a revision brings: by its JSON, or because the same was deployed before.
fn definition_of(world: &World, revision: &Value) -> Option<String> {
    let content = revision["appSpecContent"]["content"].as_str();
    let document = content.and_then(|content| serde_json::from_str::<Value>(content).ok());
    let named = document.and_then(|document| {
        let resource = &document["Resources"][0];
        let service = resource.as_object()?.values().next()?;
        let named = service["Properties"]["TaskDefinition"].as_str()?;
        Some(named.to_owned())
    });
    named.or_else(|| {
        let mut earlier = world.codedeploy.deployments.iter();
        let same = earlier.find(|known| known.revision == *revision)?;
        Some(same.definition.clone())
    })
}

fn deployment(world: &World, input: &Value) -> Result<usize, Refusal> {
    let id = parameters::required(input, "deploymentId")?;
    world.codedeploy.deployment(id).ok_or_else(|| {
        Refusal::new(
            "DeploymentDoesNotExistException",
            format!("The deployment {id} could not be found"),
        )
    })
}

fn group_index(world: &World, input: &Value) -> Result<usize, Refusal> {
    let application = parameters::required(input, "applicationName")?;
    let name = parameters::required(input, "deploymentGroupName")?;
    world.codedeploy.group(application, name)
}

fn show(world: &World, deployment: &Deployment) -> Value {
    let group = &world.codedeploy.groups[deployment.group];
    let is_rollback = deployment.rolled_back_by.is_some() || deployment.rolls_back.is_some();
    let rollback = is_rollback.then(|| {
        without_nulls(json!({
            "rollbackDeploymentId": deployment.rolled_back_by,
            "rollbackTriggeringDeploymentId": deployment.rolls_back,
        }))
    });
    without_nulls(json!({
        "applicationName": group.application,
        "deploymentGroupName": group.name,
        "deploymentConfigName": group.configuration,
        "deploymentId": deployment.id,
        "revision": deployment.revision,
        "status": deployment.status.name(),
        "createTime": timestamp(deployment.created),
        "completeTime": deployment.completed.map(timestamp),
        "description": deployment.description,
        "creator": deployment.creator,
        "rollbackInfo": rollback,
        "computePlatform": "ECS",
    }))
}

/// What AWS allows in one BatchGet.
const MOST_IDS: usize = 25;
/// AWS's pages are longer; what follows short ones follows long ones.
const PAGE: usize = 5;
