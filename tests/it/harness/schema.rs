//! The JSON Schemas that are kept under `config/`, and what they say of a document.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

/// The file of a schema.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("config")
        .join(format!("{name}.schema.json"))
}

static CONFIGURATION: LazyLock<Validator> = LazyLock::new(|| validator("smokejumper"));

static REPORT: LazyLock<Validator> = LazyLock::new(|| validator("report"));

fn validator(name: &str) -> Validator {
    let text = std::fs::read_to_string(path(name)).expect("the schema is kept");
    let schema: Value = serde_json::from_str(&text).expect("the schema is JSON");
    jsonschema::draft202012::new(&schema).expect("the schema is one")
}

/// What the schema of the configuration has against a document, one line each.
pub fn against_configuration(document: &Value) -> Vec<String> {
    told(&CONFIGURATION, document)
}

/// What the schema of the report has against a document, one line each.
pub fn against_report(document: &Value) -> Vec<String> {
    told(&REPORT, document)
}

fn told(validator: &Validator, document: &Value) -> Vec<String> {
    let errors = validator.iter_errors(document);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}
