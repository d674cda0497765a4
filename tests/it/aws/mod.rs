//! What `config/aws/` offers to administrators, held against the program: the form of each document,
//! and the policies against the calls that are really made.

mod denied;
mod documents;
mod permissions;
mod policies;
mod recorder;

use serde_json::Value;

/// A document of `config/aws/`, by its name.
fn document(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).expect("the document is there");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn folder() -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config/aws")
}

/// The actions that a policy grants, sorted, each once.
fn granted(policy: &Value) -> Vec<String> {
    let statements = policy["Statement"].as_array().expect("statements");
    let mut actions: Vec<String> = statements
        .iter()
        .flat_map(|statement| listed(&statement["Action"]))
        .collect();
    actions.sort();
    actions.dedup();
    actions
}

/// The texts of what may be one text or a list of them.
fn listed(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        value => vec![text(value)],
    }
}
