//! The policies as documents: AWS's form, no wildcard where a name would do, nothing real in them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{document, listed};

pub const POLICIES: [&str; 6] = [
    "checks",
    "read-only-sidecar",
    "sidecar-keyed-actions",
    "standalone-update-service",
    "codedeploy",
    "pin-digest",
];

/// What AWS does not let be narrowed to a thing.
const ON_ANYTHING: [&str; 6] = [
    "cloudwatch:DescribeAlarms",
    "cloudwatch:GetMetricData",
    "ecs:DescribeTaskDefinition",
    "ecs:ListTasks",
    "ecs:RegisterTaskDefinition",
    "elasticloadbalancing:DescribeTargetHealth",
];

/// What stands in the documents to be replaced.
const TO_REPLACE: [&str; 12] = [
    "REGION",
    "ACCOUNT",
    "CLUSTER",
    "SERVICE",
    "LOG_GROUP",
    "REPOSITORY",
    "PARAMETER",
    "APPLICATION",
    "GROUP",
    "FAMILY",
    "TASK_ROLE",
    "EXECUTION_ROLE",
];

fn complaints(policy: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if policy["Version"] != "2012-10-17" {
        found.push("no version of today".to_owned());
    }
    let mut names = BTreeSet::new();
    for statement in policy["Statement"].as_array().into_iter().flatten() {
        let name = statement["Sid"].as_str().unwrap_or_default();
        if name.is_empty() || !name.chars().all(char::is_alphanumeric) || !names.insert(name) {
            found.push(format!("`{name}` is no name of its own"));
        }
        if statement["Effect"] != "Allow" {
            found.push(format!("{name}: allows nothing"));
        }
        let actions = listed(&statement["Action"]);
        let is_wide = |action: &&String| action.contains('*') || !action.contains(':');
        found.extend(
            actions
                .iter()
                .filter(is_wide)
                .map(|action| format!("{name}: {action}")),
        );
        for resource in listed(&statement["Resource"]) {
            found.extend(wrong(&resource, &actions).map(|why| format!("{name}: {why}")));
        }
        let has_list = actions.iter().any(|action| action == "ecs:ListTasks");
        if has_list && statement["Condition"]["ArnEquals"]["ecs:cluster"].is_null() {
            found.push(format!("{name}: lists the tasks of every cluster"));
        }
        let hands_on = actions.iter().any(|action| action == "iam:PassRole");
        let to = &statement["Condition"]["StringEquals"]["iam:PassedToService"];
        if hands_on && to != "ecs-tasks.amazonaws.com" {
            found.push(format!("{name}: hands roles on to anybody"));
        }
    }
    if names.is_empty() {
        found.push("no statements".to_owned());
    }
    found
}

fn wrong(resource: &str, actions: &[String]) -> Option<String> {
    if resource == "*" {
        let wide = actions
            .iter()
            .find(|action| !ON_ANYTHING.contains(&action.as_str()));
        return wide.map(|action| format!("{action} on anything"));
    }
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let ["arn", "aws", service, region, "ACCOUNT", thing] = parts.as_slice() else {
        return Some(format!("{resource} is no ARN to fill in"));
    };
    let is_global = *service == "iam";
    if (*region == "REGION") == is_global || thing.is_empty() || *thing == "*" {
        return Some(format!("{resource} is too wide, or of another region"));
    }
    let words = thing.split(|c: char| !c.is_ascii_uppercase() && c != '_');
    let unknown = words
        .filter(|word| word.len() > 1)
        .find(|word| !TO_REPLACE.contains(word));
    unknown.map(|word| format!("{word} is not said to be replaced"))
}

#[test]
fn every_policy_has_aws_s_form_and_is_narrow() {
    for name in POLICIES {
        assert_eq!(complaints(&document(name)), [""; 0], "{name}");
    }
}

#[test]
fn every_document_is_told_of_and_no_other() {
    let readme = std::fs::read_to_string(super::folder().join("README.md")).expect("a README");
    let mut there: Vec<String> = std::fs::read_dir(super::folder())
        .expect("the folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name.ends_with(".json"))
        .collect();
    there.sort();
    for name in &there {
        assert!(
            readme.contains(&format!("({name})")),
            "the README does not tell of {name}"
        );
    }
    for name in POLICIES {
        assert!(there.contains(&format!("{name}.json")), "{name}");
    }
    for word in TO_REPLACE {
        assert!(
            readme.contains(&format!("`{word}`")),
            "the README does not say what {word} is"
        );
    }
}

#[test]
fn a_policy_that_is_too_wide_is_seen() {
    let arn = "arn:aws:ecs:REGION:ACCOUNT:service/CLUSTER/SERVICE";
    let statement = |action: &str, resource: &str| {
        serde_json::json!({
            "Version": "2012-10-17",
            "Statement": [{ "Sid": "One", "Effect": "Allow", "Action": action, "Resource": resource }],
        })
    };
    assert_eq!(complaints(&statement("ecs:UpdateService", arn)), [""; 0]);
    for (action, resource) in [
        ("ecs:*", arn),
        ("*", arn),
        ("ecs:UpdateService", "*"),
        ("ecs:ListTasks", "*"),
        ("ecs:UpdateService", "arn:aws:ecs:REGION:ACCOUNT:*"),
        (
            "ecs:UpdateService",
            "arn:aws:ecs:eu-west-1:123456789012:service/prod/api",
        ),
        (
            "ecs:UpdateService",
            "arn:aws:ecs:REGION:ACCOUNT:service/CLUSTR/SERVICE",
        ),
        ("iam:PassRole", "arn:aws:iam::ACCOUNT:role/TASK_ROLE"),
    ] {
        assert_eq!(
            complaints(&statement(action, resource)).len(),
            1,
            "{action} {resource}"
        );
    }
}
