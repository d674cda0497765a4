//! How each check was declared: to be shown, and to be told from a later declaration of the same name.
//!
//! Everything that a check is made of is in its mark: its own entry, the defaults and the sessions, each
//! with what was filled in. What a file that it names holds (a certificate, a program) is not.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::config::{Document, Entry, Node, Value, yaml};
use crate::sample::CheckId;
use crate::verdict::threshold::Subject;

/// How a check was declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declaration {
    /// Which.
    pub check: CheckId,
    /// Its entry as YAML, with everything filled in: to be masked before it is shown.
    pub text: String,
    /// The limits on it as typed, and those that hold by default: subject, level and limit.
    pub limits: Vec<String>,
    /// Equal exactly when everything that it is made of is declared alike.
    pub mark: u64,
}

/// All checks of a document, in the order of declaration.
#[must_use]
pub fn of(document: &Document) -> Vec<Declaration> {
    let mut shared = DefaultHasher::new();
    for entry in document.defaults.iter().chain(&document.sessions) {
        entry.key.text.hash(&mut shared);
        yaml(&entry.value).hash(&mut shared);
    }
    let shared = shared.finish();
    document
        .checks
        .iter()
        .map(|entry| declaration(entry, shared))
        .collect()
}

/// A mark of who is told of what: equal exactly when notifiers and routes are declared alike.
#[must_use]
pub fn notifying(document: &Document) -> u64 {
    let mut mark = DefaultHasher::new();
    for entry in document.notifiers.iter().chain(&document.routes) {
        entry.key.text.hash(&mut mark);
        yaml(&entry.value).hash(&mut mark);
    }
    mark.finish()
}

fn declaration(entry: &Entry, shared: u64) -> Declaration {
    let text = yaml(&entry.value);
    let mut mark = DefaultHasher::new();
    shared.hash(&mut mark);
    text.hash(&mut mark);
    Declaration {
        check: CheckId::new(&entry.key.text),
        limits: limits(&entry.value),
        text,
        mark: mark.finish(),
    }
}

/// The limits of a check; without any, and without one on failures, those that hold then.
fn limits(check: &Node) -> Vec<String> {
    let Some(thresholds) = check.entry("thresholds") else {
        return BY_DEFAULT.map(str::to_owned).to_vec();
    };
    let entries = thresholds.value.entries();
    let declared = entries
        .iter()
        .flat_map(|one| levels(&one.key.text, &one.value));
    let is_about_failures = |name: &str| {
        matches!(
            Subject::parse(name),
            Ok(Subject::ErrorRate | Subject::Availability | Subject::ConsecutiveFailures)
        )
    };
    // Who limits `p95` alone has not said that runs may fail (`verdict::with_error_limit`).
    match entries.iter().any(|one| is_about_failures(&one.key.text)) {
        true => declared.collect(),
        false => BY_DEFAULT
            .map(str::to_owned)
            .into_iter()
            .chain(declared)
            .collect(),
    }
}

/// What holds without thresholds, as the contract has it.
const BY_DEFAULT: [&str; 2] = ["error_rate warning > 1%", "error_rate critical > 5%"];

fn levels(subject: &str, limit: &Node) -> Vec<String> {
    let typed = |node: &Node| match &node.value {
        Value::Text(text) => text.text.clone(),
        Value::Number(number) => number.clone(),
        _ => yaml(node).trim_end().to_owned(),
    };
    let levels = ["warning", "critical"].into_iter();
    let named: Vec<String> = levels
        .filter_map(|level| {
            let entry = limit.entry(level)?;
            Some(format!("{subject} {level} {}", typed(&entry.value)))
        })
        .collect();
    match named.is_empty() {
        true => vec![format!("{subject} critical {}", typed(limit))],
        false => named,
    }
}
