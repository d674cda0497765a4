//! The permissions that are missing, as an AWS policy to paste: what is on the same things stands in
//! one statement, and what is optional stands apart.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::deployment::{Examined, Permission, State};
use crate::engine::doctor::Examination;

/// The policy that grants what was denied; nothing when nothing was.
pub(super) fn missing(examination: &Examination) -> Option<Value> {
    let services = examination.services.iter();
    let denied: Vec<&Examined> = services
        .flat_map(|service| &service.found)
        .filter(|one| one.state == State::Denied)
        .collect();
    let permissions = |is_optional: bool| {
        let some = denied
            .iter()
            .filter(move |one| one.lost.is_some() == is_optional);
        some.filter_map(|one| one.permission.as_ref())
    };
    let mut statements = statements(permissions(false), "Smokejumper");
    statements.extend(self::statements(permissions(true), "SmokejumperOptional"));
    (!statements.is_empty()).then(|| json!({ "Version": VERSION, "Statement": statements }))
}

fn statements<'a>(permissions: impl Iterator<Item = &'a Permission>, name: &str) -> Vec<Value> {
    let mut grouped: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for permission in permissions {
        let actions = grouped
            .entry((&permission.resources, &permission.condition))
            .or_default();
        if !actions.contains(&permission.action.as_str()) {
            actions.push(&permission.action);
        }
    }
    let numbered = grouped.into_iter().zip(1..);
    numbered
        .map(|(((resources, condition), actions), number)| {
            let mut statement = json!({
                "Sid": format!("{name}{number}"),
                "Effect": "Allow",
                "Action": actions,
                "Resource": resources,
            });
            if let Some((key, value)) = condition {
                statement["Condition"] = json!({ "ArnEquals": { key.as_str(): value } });
            }
            statement
        })
        .collect()
}

/// The version of AWS's policy language.
const VERSION: &str = "2012-10-17";
