//! The JSON Schema of the configuration, from the types that read it: for editors, and for whoever
//! writes configurations by program.
//!
//! It describes the whole of a configuration in one file. What no schema can say (references,
//! intervals and timeouts, a bake that is too short) `smokejumper plan` says.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::baseline::ChangeSettings;
use super::checks::CheckSettings;
use super::checks::load::RateSettings;
use super::defaults::DefaultSettings;
use super::policies::PolicySettings;
use super::routes::RouteSettings;
use super::server::ServerSettings;
use super::services::ServiceSettings;
use super::silences::SilenceSettings;
use super::store::StoreSettings;
use super::telemetry::TelemetrySettings;
use super::thresholds::LimitSettings;
use crate::notify::registry::CHANNELS;
use crate::probe::registry::{KINDS, session_schema};

/// The schema of a configuration with the kinds of this version.
#[must_use]
pub fn configuration() -> Schema {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let check = check(&mut generator);
    let services = generator.subschema_for::<ServiceSettings>();
    let policies = generator.subschema_for::<PolicySettings>();
    let defaults = generator.subschema_for::<DefaultSettings>();
    let sessions = session_schema(&mut generator);
    let silences = generator.subschema_for::<SilenceSettings>();
    let server = generator.subschema_for::<ServerSettings>();
    let notifier = notifier(&mut generator);
    let routes = generator.subschema_for::<RouteSettings>();
    let store = generator.subschema_for::<StoreSettings>();
    let telemetry = generator.subschema_for::<TelemetrySettings>();
    let kinds = kinds(&mut generator);
    let mut definitions = generator.take_definitions(false);
    // So have steps, and no step is made of steps itself.
    if let Some(Value::Object(step)) = definitions.get_mut("StepSettings") {
        let mut plain = kinds.clone();
        plain.retain(|name, _| {
            KINDS
                .iter()
                .any(|kind| kind.name == name && kind.steps.is_empty())
        });
        add_kinds(step, plain);
    }
    // Guards have a kind as checks have one.
    if let Some(Value::Object(guard)) = definitions.get_mut("GuardSettings") {
        add_kinds(guard, kinds);
    }
    let mut schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Smokejumper configuration",
        "description": "Services, their checks, and the policies by which deployments are judged.",
        "type": ["object", "null"],
        "properties": {
            "services": named("What is judged, by name.", &services),
            "defaults": defaults,
            "checks": named("What is probed, by name: each with one kind.", &check),
            "policies": named("How deployments are judged, by name.", &policies),
            "sessions": named("Logins that checks share, by name.", &sessions),
            "silences": named("Maintenance windows, by name.", &silences),
            "server": server,
            "notifiers": named("How people are told, by name: each by one channel.", &notifier),
            "routes": named("Who is told of what, by name.", &routes),
            "store": store,
            "telemetry": telemetry
        },
        "patternProperties": { "^x-": true },
        "additionalProperties": false,
        "$defs": definitions
    });
    Written.transform(&mut schema);
    let references = json!({
        "type": "string",
        "pattern": "\\$\\{|\\{\\{",
        "description": "A value that is filled in: ${NAME}, ${NAME:-default} or ${file:PATH}; in the steps of a flow, and with a session, {{ name }}."
    });
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.insert(REFERENCE.to_owned(), references);
    }
    schema
}

/// A section: a mapping from names.
fn named(description: &str, of: &Schema) -> Value {
    json!({
        "description": description,
        "type": ["object", "null"],
        "propertyNames": { "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$" },
        "additionalProperties": of
    })
}

/// A check: what all have in common, and exactly one kind.
fn check(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = CheckSettings::json_schema(generator);
    let limits = generator.subschema_for::<LimitSettings>();
    let changes = generator.subschema_for::<ChangeSettings>();
    let rate = generator.subschema_for::<RateSettings>();
    let mut more = Map::new();
    more.insert(
        "rate".to_owned(),
        json!({
            "description": "How fast it is sent, instead of `every`: a rate as 100/s, or a ramp. The next run waits for no earlier one, and latency counts from the moment at which a run was due.",
            "allOf": [rate]
        }),
    );
    more.insert(
        "thresholds".to_owned(),
        json!({
            "description": "Limits on summaries and readings: error_rate, availability, p50 … p999, max, mean, consecutive_failures, a phase's as tls.p95, or a reading of the check.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": limits
        }),
    );
    more.insert(
        "baseline".to_owned(),
        json!({
            "description": "How much worse than before is too much. Not in effect in this version.",
            "type": "object",
            "additionalProperties": changes
        }),
    );
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(more);
    }
    let kinds = kinds(generator);
    add_kinds(schema.ensure_object(), kinds);
    schema
}

/// A notifier: exactly one channel.
fn notifier(generator: &mut SchemaGenerator) -> Schema {
    let channels = CHANNELS.iter().map(|channel| {
        let settings = (channel.schema)(generator);
        let described = json!({ "description": channel.summary, "allOf": [settings] });
        (channel.name.to_owned(), described)
    });
    let channels: Map<String, Value> = channels.collect();
    let mut schema = json_schema!({ "type": "object", "properties": {} });
    add_kinds(schema.ensure_object(), channels);
    schema
}

/// The kinds by name, as properties.
fn kinds(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let kinds = KINDS.iter().map(|kind| {
        let settings = (kind.schema)(generator);
        let described = json!({ "description": kind.summary, "allOf": [settings] });
        (kind.name.to_owned(), described)
    });
    kinds.collect()
}

/// Adds the kinds to the properties of an object, of which it must have exactly one.
fn add_kinds(schema: &mut Map<String, Value>, kinds: Map<String, Value>) {
    let one: Vec<Value> = kinds
        .keys()
        .map(|kind| json!({ "required": [kind] }))
        .collect();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.extend(kinds);
    }
    schema.insert(ONE_KIND.to_owned(), Value::Array(one));
}

/// Where the kinds of a check are kept apart.
const ONE_KIND: &str = "oneOf";

/// The definition of a value that is filled in.
const REFERENCE: &str = "Reference";

/// Makes of a schema of values one of what is written: no key but the known ones anywhere, digits
/// where text is wanted, and `${…}` for every scalar.
struct Written;

impl Transform for Written {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let Some(object) = schema.as_object_mut() else {
            return;
        };
        if object.contains_key("properties") && !object.contains_key("additionalProperties") {
            object.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        // Words of an enumeration: `${…}` may be any of them.
        let words = |one: &Value| one.get("anyOf").is_some() || one.get("const").is_some();
        if object
            .get(ONE_KIND)
            .and_then(Value::as_array)
            .is_some_and(|all| all.iter().any(words))
            && let Some(all) = object.remove(ONE_KIND)
        {
            object.insert("anyOf".to_owned(), all);
        }
        if object.get("type") == Some(&json!("string")) && !is_restricted(object) {
            object.insert("type".to_owned(), json!(["string", "number"]));
        } else if wants_reference(object) {
            refer(object);
        }
    }
}

/// Whether not every text will do.
fn is_restricted(object: &Map<String, Value>) -> bool {
    ["pattern", "enum", "const"]
        .iter()
        .any(|key| object.contains_key(*key))
}

/// Whether this is a scalar that `${…}` itself would not be.
fn wants_reference(object: &Map<String, Value>) -> bool {
    let types: Vec<&str> = match object.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let scalar = types.iter().all(|one| !["object", "array"].contains(one));
    let text = types.contains(&"string");
    scalar && (is_restricted(object) || (!types.is_empty() && !text && types != ["null"]))
}

/// Lets a reference stand in for the value; what describes it stays outside.
fn refer(object: &mut Map<String, Value>) {
    const DESCRIBING: [&str; 4] = ["title", "description", "default", "examples"];
    let whole = std::mem::take(object);
    let (outside, inside): (Map<_, _>, Map<_, _>) = whole
        .into_iter()
        .partition(|(key, _)| DESCRIBING.contains(&key.as_str()));
    object.extend(outside);
    let reference = format!("#/$defs/{REFERENCE}");
    object.insert("anyOf".to_owned(), json!([inside, { "$ref": reference }]));
}
