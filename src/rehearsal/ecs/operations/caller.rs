//! The Security Token Service, as far as it says who asks: an assumed role, as tasks have one.

use serde_json::{Value, json};

use super::Refusal;
use crate::rehearsal::ecs::state::World;

/// Carries an operation out.
pub(in super::super) fn perform(
    world: &mut World,
    operation: &str,
    _: &Value,
) -> Result<Value, Refusal> {
    if operation != "GetCallerIdentity" {
        return Err(Refusal::new(
            "InvalidAction",
            "The action is not known.".to_owned(),
        ));
    }
    let account = &world.settings.account;
    Ok(json!({
        "Arn": format!("arn:aws:sts::{account}:assumed-role/smokejumper/rehearsal"),
        "UserId": "AROAREHEARSAL:rehearsal",
        "Account": account,
    }))
}
