//! CloudWatch Logs: the last events of a stream, and the events of a group that fit a pattern.

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
        "GetLogEvents" => events(world, input),
        "FilterLogEvents" => filtered(world, input),
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
        .map(|line| json!({ "message": line.text }))
        .collect();
    Ok(json!({ "events": shown, "nextForwardToken": "f/0", "nextBackwardToken": "b/0" }))
}

/// The events of a group between two times, of the streams with a prefix, that fit a pattern of plain
/// terms: all of them, or with `?` before each any of them.
fn filtered(world: &World, input: &Value) -> Result<Value, Refusal> {
    let group = match parameters::text(input, "logGroupIdentifier")? {
        Some(arn) => arn.rsplit(':').next().unwrap_or(arn),
        None => parameters::required(input, "logGroupName")?,
    };
    let prefix = parameters::text(input, "logStreamNamePrefix")?.unwrap_or_default();
    let pattern = parameters::text(input, "filterPattern")?.unwrap_or_default();
    let from = parameters::seconds(input, "startTime")?.unwrap_or(0.0);
    let to = parameters::seconds(input, "endTime")?.unwrap_or(f64::INFINITY);
    let mut streams = world.surroundings.logs.iter();
    if !streams.any(|((known, _), _)| known == group) {
        return Err(Refusal::new(
            "ResourceNotFoundException",
            "The specified log group does not exist.".to_owned(),
        ));
    }
    let streams = world.surroundings.logs.iter();
    let streams =
        streams.filter(|((known, stream), _)| known == group && stream.starts_with(prefix));
    let events: Vec<Value> = streams
        .flat_map(|((_, stream), lines)| lines.iter().map(move |line| (stream, line)))
        .filter_map(|(stream, line)| {
            let at = line.at.unix().as_millis() as f64;
            let is_wanted = (from..=to).contains(&at) && fits(pattern, &line.text);
            is_wanted
                .then(|| json!({ "logStreamName": stream, "timestamp": at, "message": line.text }))
        })
        .collect();
    let (page, next) = parameters::page(input, events, PAGE_OF_FILTERED, PAGE_OF_FILTERED)?;
    let next = next.map_or(Value::Null, Value::from);
    Ok(without_nulls(json!({ "events": page, "nextToken": next })))
}

fn fits(pattern: &str, line: &str) -> bool {
    let mut terms = pattern.split_whitespace();
    match pattern.starts_with('?') {
        true => terms.any(|term| line.contains(term.trim_start_matches('?'))),
        false => terms.all(|term| line.contains(term)),
    }
}

/// AWS shows up to ten thousand; few make several pages cheap to come by.
const PAGE_OF_FILTERED: usize = 100;
/// What AWS allows on one page.
const LARGEST_PAGE: u32 = 10_000;
