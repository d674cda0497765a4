//! CloudWatch: alarms and whether they fire, as far as a deployment asks, and the values of metrics.

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
        "GetMetricData" => values(world, input),
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

/// The values of metrics between two times, the newest first. An expression is a metric of the
/// namespace `expression`, by its text.
fn values(world: &World, input: &Value) -> Result<Value, Refusal> {
    let from = parameters::seconds(input, "StartTime")?.unwrap_or(0.0);
    let to = parameters::seconds(input, "EndTime")?.unwrap_or(0.0);
    let queries = input["MetricDataQueries"].as_array();
    let queries = queries.map(Vec::as_slice).unwrap_or_default();
    if queries.is_empty() || from >= to {
        let why = "The parameter StartTime must be less than the parameter EndTime.";
        return Err(Refusal::new("ValidationError", why.to_owned()));
    }
    let mut results = Vec::new();
    for query in queries {
        let metric = &query["MetricStat"]["Metric"];
        let name = match parameters::text(query, "Expression")? {
            Some(expression) => ("expression".to_owned(), expression.to_owned()),
            None => {
                let namespace = parameters::required(metric, "Namespace")?;
                let name = parameters::required(metric, "MetricName")?;
                (namespace.to_owned(), name.to_owned())
            }
        };
        let known = world.surroundings.metrics.get(&name).into_iter().flatten();
        let mut shown: Vec<(f64, f64)> = known
            .map(|(at, value)| (at.unix().as_secs_f64(), *value))
            .filter(|(at, _)| (from..to).contains(at))
            .collect();
        shown.sort_by(|one, other| other.0.total_cmp(&one.0));
        let (times, values): (Vec<f64>, Vec<f64>) = shown.into_iter().unzip();
        results.push(json!({
            "Id": parameters::required(query, "Id")?, "Label": name.1, "StatusCode": "Complete",
            "Timestamps": times, "Values": values,
        }));
    }
    Ok(json!({ "MetricDataResults": results, "Messages": [] }))
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
