//! Rules that name tags, checks, kinds or thresholds which nobody has, and policies and services
//! that nobody uses.

use std::collections::BTreeSet;

use super::checks::CheckDraft;
use super::language::DEFAULT_NAME;
use super::policies::PolicyDraft;
use super::services::ServiceDraft;
use super::thresholds;
use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Node, Value, suggestion};
use crate::verdict::threshold::Threshold;
use crate::verdict::with_error_limit;

/// Finds names in rules that no check of the policy's services has.
pub fn examine(
    policies: &[PolicyDraft<'_>],
    services: &[ServiceDraft<'_>],
    checks: &[CheckDraft<'_>],
    problems: &mut Vec<Problem>,
) {
    for policy in policies {
        let uses = |index: usize| {
            let used = services[index].policy;
            used.is_some_and(|used| used.policy.name == policy.policy.name)
        };
        if !(0..services.len()).any(uses) {
            problems.push(unused(
                "policy",
                policy.entry,
                "name it at a service, as `policy: …`",
            ));
            continue;
        }
        let own: Vec<&CheckDraft<'_>> = checks
            .iter()
            .filter(|check| check.service.is_some_and(uses))
            .collect();
        // What could not be read may have the name that is missing.
        if checks.iter().all(|check| check.whole) {
            rules(policy, &Known::of(&own), problems);
        }
    }
    for (index, service) in services.iter().enumerate() {
        let has_check = checks.iter().any(|check| check.service == Some(index));
        let placed = checks.iter().all(|check| check.service.is_some());
        if let Some(entry) = service.entry.filter(|_| !has_check && placed) {
            problems.push(unused(
                "service",
                entry,
                "give it a check with `service: …`",
            ));
        }
    }
}

fn unused(what: &str, entry: &Entry, help: &str) -> Problem {
    let name = &entry.key.text;
    let message = if what == "policy" {
        format!("no service uses the policy `{name}`")
    } else {
        format!("the service `{name}` has no checks")
    };
    Problem::warning(Code::Unused, message)
        .at(&entry.key.place)
        .help(help)
}

/// The names that rules can refer to.
struct Known {
    tags: BTreeSet<String>,
    checks: BTreeSet<String>,
    kinds: BTreeSet<String>,
    thresholds: BTreeSet<String>,
}

impl Known {
    fn of(checks: &[&CheckDraft<'_>]) -> Self {
        let tags = checks.iter().flat_map(|check| &check.tags);
        let limited = checks.iter().flat_map(|check| {
            let declared = check.thresholds.iter().flatten();
            let declared: Vec<Threshold> = declared.map(|draft| draft.threshold.clone()).collect();
            thresholds::names(&with_error_limit(&declared))
        });
        Self {
            tags: tags.map(|tag| tag.to_string()).collect(),
            checks: checks
                .iter()
                .map(|check| check.entry.key.text.clone())
                .collect(),
            kinds: checks
                .iter()
                .filter_map(|check| check.kind.map(str::to_owned))
                .collect(),
            thresholds: limited.collect::<BTreeSet<String>>(),
        }
    }
}

fn rules(policy: &PolicyDraft<'_>, known: &Known, problems: &mut Vec<Problem>) {
    let rules = policy.entry.value.entry("rules");
    let rules = rules.map_or(&[][..], |section| section.value.items());
    for rule in rules {
        let when = rule
            .entry("when")
            .map_or(&[][..], |when| when.value.entries());
        for condition in when {
            let (what, names) = match condition.key.text.as_str() {
                "tag" | "tags" => ("has the tag", &known.tags),
                "check" | "checks" => ("is called", &known.checks),
                "kind" | "kinds" => ("is of the kind", &known.kinds),
                "threshold" | "thresholds" => ("has a threshold on", &known.thresholds),
                _ => continue,
            };
            for node in named(&condition.value) {
                let Value::Text(text) = &node.value else {
                    continue;
                };
                if !names.contains(&text.text) {
                    let known = names.iter().map(String::as_str);
                    problems.push(nobody(policy, what, &text.text, node, known));
                }
            }
        }
    }
}

fn named(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

fn nobody<'a>(
    policy: &PolicyDraft<'_>,
    what: &str,
    name: &str,
    node: &Node,
    known: impl Iterator<Item = &'a str>,
) -> Problem {
    let owner = if &*policy.policy.name == DEFAULT_NAME {
        "no check that this policy judges".to_owned()
    } else {
        format!("no check that `{}` judges", policy.policy.name)
    };
    let message = format!("{owner} {what} `{name}`");
    // A policy may serve several services; a rule that one of them gives no cause for is no slip.
    let problem = match suggestion::nearest(name, known) {
        Some(near) => {
            Problem::error(Code::UnknownReference, message).help(format!("did you mean `{near}`?"))
        }
        None => Problem::warning(Code::UnknownReference, message)
            .help("the rule never applies; remove it, or the name from it"),
    };
    problem.at(&node.place)
}
