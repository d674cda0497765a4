//! CloudWatch: alarms and whether they fire, as far as a deployment asks.

use std::collections::BTreeMap;

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
        "DescribeAlarms" => describe(world, input),
        _ => Err(Refusal::new(
            "UnknownOperationException",
            "The operation is not known.".to_owned(),
        )),
    }
}

/// Describes alarms by name; all of them are metric alarms.
fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    let names = parameters::texts(input, "AlarmNames")?;
    if names.len() > MOST_NAMES {
        return Err(Refusal::new(
            "ValidationError",
            format!("At most {MOST_NAMES} alarm names can be given."),
        ));
    }
    let types = parameters::texts(input, "AlarmTypes")?;
    let metric = types.is_empty() || types.contains(&"MetricAlarm");
    let shown: Vec<Value> = alarms(world)
        .into_iter()
        .filter(|(name, _)| metric && (names.is_empty() || names.contains(name)))
        .map(|(name, fires)| {
            json!({
                "AlarmName": name,
                "AlarmArn": format!(
                    "arn:aws:cloudwatch:{}:{}:alarm:{name}",
                    world.settings.region, world.settings.account
                ),
                "StateValue": if fires { "ALARM" } else { "OK" },
            })
        })
        .collect();
    Ok(json!({ "MetricAlarms": shown, "CompositeAlarms": [] }))
}

/// The alarms that services name, and whether each fires.
fn alarms(world: &World) -> BTreeMap<&str, bool> {
    let mut alarms = BTreeMap::new();
    for service in &world.services {
        for name in &service.conduct.alarms.names {
            let fires = alarms.entry(name.as_str()).or_insert(false);
            *fires |= service.firing.contains(name);
        }
    }
    alarms.retain(|name, _| !world.surroundings.lost_alarms.contains(*name));
    alarms
}

/// What AWS allows in one DescribeAlarms.
const MOST_NAMES: usize = 100;
