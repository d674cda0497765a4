//! Which task definition an AppSpec brings: as JSON, or as the YAML that AWS documents for ECS.
//!
//! It reads that one thing. What names no full ARN with its revision, or names more than one, is
//! not understood, and so never redeployed: a family alone would bring its latest revision.

use serde_json::Value;

/// The ARN of the task definition that an AppSpec brings.
pub(super) fn task_definition(content: &str) -> Option<String> {
    let named = match serde_json::from_str::<Value>(content) {
        Ok(document) => in_json(&document),
        Err(_) => in_yaml(content),
    };
    let mut named = named.into_iter();
    match (named.next(), named.next()) {
        (Some(only), None) if is_revision(&only) => Some(only),
        _ => None,
    }
}

/// By `Resources[].*.Properties.TaskDefinition`, in whatever case the keys are written.
fn in_json(document: &Value) -> Vec<String> {
    let resources = member(document, "resources").and_then(Value::as_array);
    resources
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .flat_map(serde_json::Map::values)
        .filter_map(|resource| member(resource, "properties"))
        .filter_map(|properties| member(properties, KEY))
        .map(|named| named.as_str().unwrap_or_default().to_owned())
        .collect()
}

fn member<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    let mut members = value.as_object()?.iter();
    let (_, found) = members.find(|(name, _)| name.eq_ignore_ascii_case(key))?;
    Some(found)
}

/// By the lines that set the key: plain or in quotes, with or without a comment after it. Of YAML's
/// other forms, that no documentation shows here, nothing is guessed.
fn in_yaml(content: &str) -> Vec<String> {
    let set = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let name = unquoted(name.trim().trim_start_matches("- ").trim());
        if !name.eq_ignore_ascii_case(KEY) {
            return None;
        }
        let value = value.split_once(" #").map_or(value, |(value, _)| value);
        Some(unquoted(value.trim()).to_owned())
    };
    content.lines().filter_map(set).collect()
}

fn unquoted(text: &str) -> &str {
    let within = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    within('"').or_else(|| within('\'')).unwrap_or(text)
}

/// Whether this is the full ARN of one revision.
fn is_revision(arn: &str) -> bool {
    let parts: Vec<&str> = arn.split(':').collect();
    let [
        "arn",
        _partition,
        "ecs",
        _region,
        _account,
        family,
        revision,
    ] = parts.as_slice()
    else {
        return false;
    };
    family
        .strip_prefix("task-definition/")
        .is_some_and(|family| !family.is_empty())
        && !revision.is_empty()
        && revision.bytes().all(|byte| byte.is_ascii_digit())
}

const KEY: &str = "taskdefinition";

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:ecs:eu-west-1:000000000000:task-definition/api:41";

    #[test]
    fn one_full_arn_is_read_from_both_forms() {
        let json = format!(
            r#"{{"version": 0.0, "Resources": [{{"TargetService": {{"Type": "AWS::ECS::Service", "Properties": {{"TaskDefinition": "{ARN}"}}}}}}]}}"#
        );
        let lower = json
            .replace("Resources", "resources")
            .replace("TaskDefinition", "taskDefinition");
        let yaml = format!(
            "version: 0.0\nResources:\n  - TargetService:\n      Type: AWS::ECS::Service\n      Properties:\n        TaskDefinition: \"{ARN}\" # built today\n        LoadBalancerInfo:\n          ContainerName: api\n"
        );
        let plain = yaml.replace('"', "");
        for content in [json, lower, yaml, plain] {
            assert_eq!(task_definition(&content).as_deref(), Some(ARN), "{content}");
        }
    }

    #[test]
    fn what_is_not_one_full_arn_is_not_guessed() {
        let with = |named: &str| format!("Resources:\n  - A:\n      TaskDefinition: {named}\n");
        let cases = [
            String::new(),
            with("<TASK_DEFINITION>"),
            with("api"),
            with("api:41"),
            with(&ARN.replace(":41", "")),
            with(&ARN.replace(":41", ":latest")),
            with(&ARN.replace("task-definition/", "service/")),
            format!("{}{}", with(ARN), with(ARN)),
            r#"{"Resources": [{"A": {"Properties": {"TaskDefinition": 41}}}]}"#.to_owned(),
            r#"{"Resources": {}}"#.to_owned(),
        ];
        for content in cases {
            assert_eq!(task_definition(&content), None, "{content}");
        }
    }
}
