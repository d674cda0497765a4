//! Elastic Load Balancing: the health of a group's targets.

use serde_json::{Value, json};

use super::super::parameters;
use super::super::state::World;
use super::{Refusal, without_nulls};

/// Carries an operation out.
pub(in super::super) fn perform(
    world: &mut World,
    operation: &str,
    input: &Value,
) -> Result<Value, Refusal> {
    match operation {
        "DescribeTargetHealth" => health(world, input),
        _ => Err(Refusal::new(
            "InvalidAction",
            "The action is not valid for this web service.".to_owned(),
        )),
    }
}

fn health(world: &World, input: &Value) -> Result<Value, Refusal> {
    let group = parameters::required(input, "TargetGroupArn")?;
    let targets = world.surroundings.targets.get(group).ok_or_else(|| {
        Refusal::new(
            "TargetGroupNotFound",
            format!("Target groups '{group}' not found"),
        )
    })?;
    let shown = targets.iter().map(|target| {
        json!({
            "Target": { "Id": target.id, "Port": target.port },
            "TargetHealth": without_nulls(json!({ "State": target.state, "Reason": target.reason })),
        })
    });
    Ok(json!({ "TargetHealthDescriptions": shown.collect::<Vec<_>>() }))
}
