//! CloudWatch Logs: the last events of a stream.

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
        "GetLogEvents" => events(world, input),
        _ => Err(Refusal::new(
            "UnknownOperationException",
            "The operation is not known.".to_owned(),
        )),
    }
}

/// The last events of a stream, or the first where `startFromHead` says so.
fn events(world: &World, input: &Value) -> Result<Value, Refusal> {
    let group = parameters::required(input, "logGroupName")?;
    let stream = parameters::required(input, "logStreamName")?;
    let from_head = parameters::flag(input, "startFromHead")?;
    let limit = parameters::count(input, "limit")?.unwrap_or(LARGEST_PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(Refusal::invalid(format!("The limit {limit} is not valid.")));
    }
    let place = (group.to_owned(), stream.to_owned());
    let lines = world.surroundings.logs.get(&place).ok_or_else(|| {
        Refusal::new(
            "ResourceNotFoundException",
            "The specified log stream does not exist.".to_owned(),
        )
    })?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let first = match from_head {
        true => 0,
        false => lines.len().saturating_sub(limit),
    };
    let shown: Vec<Value> = lines[first..]
        .iter()
        .take(limit)
        .map(|line| json!({ "message": line }))
        .collect();
    Ok(json!({ "events": shown, "nextForwardToken": "f/0", "nextBackwardToken": "b/0" }))
}

/// What AWS allows on one page.
const LARGEST_PAGE: u32 = 10_000;
