//! `rate` and `max_in_flight`: the open loop of a check, read and bounded.
//!
//! It refuses what cannot be meant: a rate beside an interval, one that no machine of ours sends
//! faithfully, one against each task by itself. What is heavy and possible is told before anything
//! is sent, so that nobody overwhelms a system of his own by a slip.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::CheckSettings;
use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Node, Place, Value, read};
use crate::plan::pace::{Load, Pace, Ramp, Rate};
use crate::probe::Probe;
use crate::quantity::Span;

/// A rate that changes evenly and then stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RampSettings {
    /// The rate at the start; 0/s begins with nothing.
    pub from: RateText,
    /// The rate at the end of the ramp, and from then on.
    pub to: RateText,
    /// How long the change takes.
    pub over: Span,
}

/// What `rate` takes, for the schema alone: [`lower`] reads the one or the other.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(
    dead_code,
    reason = "the schema is made from it; the forms are read apart, so that a mistake in either \
              is told with its place"
)]
pub enum RateSettings {
    /// Always as fast.
    Constant(RateText),
    /// Faster and faster, or slower and slower.
    Ramp(RampSettings),
}

/// So many in a time.
#[derive(Clone, Copy, Debug)]
pub struct RateText(Rate);

impl<'de> Deserialize<'de> for RateText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Rate::parse(&text).map(Self).map_err(de::Error::custom)
    }
}

impl JsonSchema for RateText {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^ *[0-9.]+ */ *(s|m|min|h) *$",
            "description": "So many in a second, a minute or an hour, as 100/s, 30/min or 0.5/s.",
            "examples": ["100/s", "30/min", "0.5/s"]
        })
    }
}

/// What a check says of its rate.
pub enum Declared {
    /// Nothing: it runs by its interval.
    Nothing,
    /// Something that could not be read; what depends on it is not examined.
    Unclear,
    /// A pace, and where it is written.
    Pace(Pace, Place),
}

/// Faster than this the sending of one check would measure our own machine.
const FASTEST: f64 = 10_000.0;
/// Slower is no load; an interval says it better.
const SLOWEST: f64 = 1.0 / 3_600.0;
/// From this rate on a person should have asked whoever runs the target: it is what a busy site has.
const HEAVY: f64 = 1_000.0;
/// A shorter ramp is a step: its first sends would all be due at once.
const SHORTEST_RAMP: Duration = Duration::from_secs(1);
/// So many connections at once are still within what a process can be allowed.
const MOST_IN_FLIGHT: u32 = 10_000;

/// Reads the pace of a check.
pub fn lower(entry: &Entry, problems: &mut Vec<Problem>) -> Declared {
    let Some(rate) = entry.value.entry("rate") else {
        return Declared::Nothing;
    };
    let before = problems.len();
    let place = rate.pointer();
    let pace = pace(rate, problems);
    if let Some(interval) = entry.value.entry("every") {
        let problem = Problem::error(Code::Ambiguous, "`rate` stands beside `every`")
            .at(&rate.key.place)
            .other(&interval.key.place, "the interval")
            .help("keep one: `every` runs it regularly, `rate` is a load");
        problems.push(problem);
    }
    match pace {
        Some(pace) if problems.len() == before => {
            problems.extend(heavy(&pace, &place));
            Declared::Pace(pace, place)
        }
        _ => Declared::Unclear,
    }
}

fn pace(rate: &Entry, problems: &mut Vec<Problem>) -> Option<Pace> {
    let node = &rate.value;
    match &node.value {
        Value::Map(_) => {
            let settings = read::<RampSettings>(node, &rate.key.place, problems).any()?;
            ramp(&settings, rate, problems)
        }
        Value::Hole => None,
        Value::Text(_) | Value::Number(_) => {
            let RateText(one) = read::<RateText>(node, &rate.pointer(), problems).any()?;
            let pace = Pace::Constant(one);
            within(one, &rate.pointer(), problems).then_some(pace)
        }
        Value::Null | Value::Bool(_) | Value::List(_) => {
            let message = format!("`rate` is a rate or a ramp, not {}", node.description());
            let problem = Problem::error(Code::WrongType, message)
                .at(&rate.pointer())
                .help("write `rate: 100/s`, or `rate: { from: 10/s, to: 200/s, over: 5m }`");
            problems.push(problem);
            None
        }
    }
}

fn ramp(settings: &RampSettings, rate: &Entry, problems: &mut Vec<Problem>) -> Option<Pace> {
    let node = &rate.value;
    let RampSettings {
        from: RateText(from),
        to: RateText(to),
        over: Span(over),
    } = *settings;
    let before = problems.len();
    if !from.is_zero() {
        within(from, &place(node, "from", rate), problems);
    }
    within(to, &place(node, "to", rate), problems);
    if over < SHORTEST_RAMP {
        let problem = Problem::error(Code::BadValue, "a ramp takes at least 1s")
            .at(&place(node, "over", rate))
            .help("write a constant rate, or a longer ramp");
        problems.push(problem);
    }
    let is_well = problems.len() == before;
    is_well.then_some(Pace::Ramp(Ramp { from, to, over }))
}

fn place(node: &Node, key: &str, rate: &Entry) -> Place {
    let written = node.entry(key).map(Entry::pointer);
    written.unwrap_or_else(|| rate.pointer())
}

/// Whether a rate is one that can be meant.
fn within(rate: Rate, place: &Place, problems: &mut Vec<Problem>) -> bool {
    let per_second = rate.per_second();
    let (message, help) = if rate.is_zero() {
        let message = "a rate of nothing sends nothing".to_owned();
        (message, "remove the check, or write a rate such as 1/min")
    } else if per_second < SLOWEST {
        let message = format!("{rate} is less than once an hour");
        (message, "write an interval, as `every: 2h`")
    } else if per_second > FASTEST {
        let message = format!("{rate} is more than the 10000/s that one check can send");
        let help = "faster, this machine would measure itself; use a tool made for load tests";
        (message, help)
    } else {
        return true;
    };
    let problem = Problem::error(Code::BadValue, message);
    problems.push(problem.at(place).help(help));
    false
}

/// A warning where a slip would hurt.
fn heavy(pace: &Pace, place: &Place) -> Option<Problem> {
    let peak = pace.peak();
    let message = format!("this sends up to {peak} at the target");
    (peak.per_second() >= HEAVY).then(|| {
        Problem::warning(Code::HeavyLoad, message)
            .at(place)
            .help("see that whoever runs it knows; `smokejumper plan` shows how many in all")
    })
}

/// How many runs may be in flight at once: as declared, or for a rate what it needs at most.
pub fn max_in_flight(
    settings: &CheckSettings,
    pace: Option<Pace>,
    timeout: Duration,
    entry: &Entry,
    problems: &mut Vec<Problem>,
) -> Option<u32> {
    let usual = || pace.map(|pace| Load::usual_in_flight(pace, timeout));
    let declared = settings.max_in_flight;
    if let Some(most) = declared
        && !(1..=MOST_IN_FLIGHT).contains(&most)
        && let Some(written) = entry.value.entry("max_in_flight")
    {
        let message = format!("`max_in_flight` is a whole number from 1 to {MOST_IN_FLIGHT}");
        let problem = Problem::error(Code::BadValue, message)
            .at(&written.pointer())
            .help("leave it out: a rate then has as many as its timeout can hold, at most 500");
        problems.push(problem);
        return usual();
    }
    declared.or_else(usual)
}

/// Refuses a rate against each task or each address by itself: it would be as much for each of them,
/// and how many there are nobody knows beforehand.
pub fn refuse_for_each(
    declared: &Declared,
    probe: Option<&dyn Probe>,
    problems: &mut Vec<Problem>,
) {
    let (what, word) = match probe {
        Some(probe) if probe.asks_tasks() => ("task", "tasks"),
        Some(probe) if probe.asks_addresses_of().is_some() => ("address", "each"),
        Some(_) | None => return,
    };
    if let Declared::Pace(_, place) = declared {
        let message = format!("a rate cannot be sent to each {what} by itself");
        let problem = Problem::error(Code::BadValue, message)
            .at(place)
            .help(format!("remove `addresses: {word}`, or run it by `every`"));
        problems.push(problem);
    }
}
