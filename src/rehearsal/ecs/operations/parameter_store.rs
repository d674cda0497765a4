//! Systems Manager: parameters by name. Nothing is ever decrypted.

use serde_json::{Value, json};

use super::super::parameters;
use super::super::state::World;
use super::Refusal;

/// Carries an operation out.
pub(in super::super) fn perform(
    world: &mut World,
    operation: &str,
    input: &Value,
) -> Result<Value, Refusal> {
    match operation {
        "GetParameter" => get(world, input),
        _ => Err(Refusal::new(
            "UnknownOperationException",
            "The operation is not known.".to_owned(),
        )),
    }
}

fn get(world: &World, input: &Value) -> Result<Value, Refusal> {
    let name = parameters::required(input, "Name")?;
    let known = world.surroundings.parameters.get(name);
    let (kind, value) = known.ok_or_else(|| Refusal::new("ParameterNotFound", String::new()))?;
    Ok(json!({ "Parameter": { "Name": name, "Type": kind, "Value": value, "Version": 1 } }))
}
