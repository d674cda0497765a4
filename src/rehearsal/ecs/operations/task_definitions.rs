//! Task definitions: registered in revisions, described, and made INACTIVE.

use serde_json::{Value, json};

use super::super::parameters;
use super::super::state::{Container, TaskDefinition, World};
use super::{Refusal, timestamp};

/// Registers the next revision of a family.
pub(in super::super) fn register(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let family = parameters::required(input, "family")?.to_owned();
    let containers = containers(input)?;
    // Numbers are never used twice, not even after a deregistration.
    let revision = world
        .task_definitions
        .iter()
        .filter(|known| known.family == family)
        .map(|known| known.revision)
        .max()
        .unwrap_or(0)
        + 1;
    // Tags are shown beside a definition, and only to those who ask.
    let mut document = input.clone();
    let tags = match document.as_object_mut() {
        Some(members) => members.remove("tags").unwrap_or_else(|| json!([])),
        None => json!([]),
    };
    let definition = TaskDefinition {
        arn: world.ids.names.task_definition(&family, revision),
        family,
        revision,
        active: true,
        containers,
        document,
        tags,
        registered: world.present.wall,
        deregistered: None,
    };
    let shown = json!({ "taskDefinition": show(&definition), "tags": definition.tags });
    world.task_definitions.push(definition);
    Ok(shown)
}

/// Describes one by `family`, `family:n` or ARN; an INACTIVE one too, when it is named exactly.
pub(super) fn describe(world: &World, input: &Value) -> Result<Value, Refusal> {
    let name = parameters::required(input, "taskDefinition")?;
    let with_tags = parameters::texts(input, "include")?.contains(&"TAGS");
    let definition = world
        .task_definition(name)
        .ok_or_else(|| Refusal::client("Unable to describe task definition."))?;
    let mut answer = json!({ "taskDefinition": show(definition) });
    if with_tags {
        answer["tags"] = definition.tags.clone();
    }
    Ok(answer)
}

/// Makes a revision INACTIVE: services that run it go on, none can be updated to it.
pub(in super::super) fn deregister(world: &mut World, input: &Value) -> Result<Value, Refusal> {
    let name = parameters::required(input, "taskDefinition")?;
    if !super::super::arn::last_part(name).contains(':') {
        return Err(Refusal::invalid(
            "Task definition family and revision are required.".to_owned(),
        ));
    }
    let arn = world
        .task_definition(name)
        .map(|definition| definition.arn.clone())
        .ok_or_else(|| {
            Refusal::invalid("The specified task definition does not exist.".to_owned())
        })?;
    let now = world.present.wall;
    let definition = world
        .task_definitions
        .iter_mut()
        .find(|known| known.arn == arn)
        .ok_or_else(|| Refusal::client("Unable to describe task definition."))?;
    definition.active = false;
    definition.deregistered = Some(now);
    Ok(json!({ "taskDefinition": show(definition) }))
}

impl World {
    /// The ARN of a task definition that can be deployed.
    pub(in super::super) fn deployable(&self, name: &str) -> Result<String, Refusal> {
        let definition = self
            .task_definition(name)
            .ok_or_else(|| Refusal::client("TaskDefinition not found."))?;
        if !definition.active {
            return Err(Refusal::client("TaskDefinition is inactive"));
        }
        Ok(definition.arn.clone())
    }
}

fn containers(input: &Value) -> Result<Vec<Container>, Refusal> {
    let Value::Array(given) = &input["containerDefinitions"] else {
        return Err(Refusal::client("Container list cannot be empty."));
    };
    if given.is_empty() {
        return Err(Refusal::client("Container list cannot be empty."));
    }
    given
        .iter()
        .map(|container| {
            Ok(Container {
                name: parameters::text(container, "name")?
                    .ok_or_else(|| Refusal::client("Container.name should not be null or empty."))?
                    .to_owned(),
                image: parameters::text(container, "image")?
                    .ok_or_else(|| Refusal::client("Container.image should not be null or empty."))?
                    .to_owned(),
            })
        })
        .collect()
}

fn show(definition: &TaskDefinition) -> Value {
    let mut shown = definition.document.clone();
    shown["taskDefinitionArn"] = json!(definition.arn);
    shown["revision"] = json!(definition.revision);
    shown["status"] = json!(if definition.active {
        "ACTIVE"
    } else {
        "INACTIVE"
    });
    shown["registeredAt"] = timestamp(definition.registered);
    if let Some(time) = definition.deregistered {
        shown["deregisteredAt"] = timestamp(time);
    }
    shown
}
