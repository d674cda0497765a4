//! The JSON Schemas under `config/` are those of the types, and agree with what `plan` accepts.

use std::path::{Path, PathBuf};

use schemars::Schema;
use serde_json::{Map, Value, json};
use smokejumper::config::tree::Form;
use smokejumper::config::{Entry, Node, Sources, Value as Read, load};

use crate::harness::schema::{against_configuration, path};

/// Set to anything, it makes the test write the schemas instead of comparing them.
const WRITE: &str = "SMOKEJUMPER_WRITE_SCHEMAS";

#[test]
fn the_schemas_that_are_kept_are_current() {
    let schemas: [(&str, Schema); 2] = [
        ("smokejumper", smokejumper::plan::schema::configuration()),
        ("report", smokejumper::report::schema::report()),
    ];
    for (name, schema) in schemas {
        let text = serde_json::to_string_pretty(&schema).expect("JSON");
        let (file, text) = (path(name), format!("{text}\n"));
        if std::env::var_os(WRITE).is_some() {
            std::fs::write(&file, &text).expect("written");
        }
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            kept == text,
            "{} is not what the types say; run `{WRITE}=1 scripts/test the_schemas_that_are_kept`",
            file.display()
        );
    }
}

/// The example systems, and the examples of the kinds.
fn examples() -> Vec<PathBuf> {
    let checks = Path::new(env!("CARGO_MANIFEST_DIR")).join("checks");
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).expect("a folder");
        entries
            .map(|entry| entry.expect("an entry").path())
            .collect()
    };
    let (folders, mut files): (Vec<_>, Vec<_>) =
        entries(&checks).into_iter().partition(|path| path.is_dir());
    files.extend(folders.iter().flat_map(|folder| entries(folder)));
    files.retain(|file| {
        file.extension()
            .is_some_and(|extension| extension == "yaml")
    });
    files
}

#[test]
fn the_examples_are_accepted() {
    let examples = examples();
    assert!(examples.len() >= 15, "{examples:?}");
    for example in examples {
        let document = written(&example);
        let against = against_configuration(&document);
        assert!(against.is_empty(), "{}: {against:#?}", example.display());
    }
}

/// A file as it is after filling in, as JSON.
fn written(file: &Path) -> Value {
    let loaded = load(&Sources {
        folder: file.parent().expect("a folder").to_owned(),
        paths: vec![file.to_owned()],
        ..Sources::default()
    });
    let document = loaded.document;
    assert!(document.problems.is_empty(), "{:?}", document.problems);
    let sections = [
        ("services", document.services),
        ("defaults", document.defaults),
        ("checks", document.checks),
        ("policies", document.policies),
    ];
    let sections = sections
        .into_iter()
        .filter(|(_, entries)| !entries.is_empty());
    let sections = sections.map(|(name, entries)| (name.to_owned(), mapping(&entries)));
    Value::Object(sections.collect())
}

fn mapping(entries: &[Entry]) -> Value {
    let pair = |entry: &Entry| (entry.key.text.clone(), value(&entry.value));
    Value::Object(entries.iter().map(pair).collect::<Map<_, _>>())
}

fn value(node: &Node) -> Value {
    let spelt = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| json!(text));
    match &node.value {
        Read::Null | Read::Hole => Value::Null,
        Read::Bool(value) => json!(value),
        Read::Number(digits) => spelt(digits),
        Read::Text(text) if text.form == Form::Filled => spelt(&text.text),
        Read::Text(text) => json!(text.text),
        Read::List(items) => Value::Array(items.iter().map(value).collect()),
        Read::Map(entries) => mapping(entries),
    }
}

/// A configuration with one check, this.
fn with(check: Value) -> Value {
    json!({ "checks": { "a": check } })
}

#[test]
fn what_is_filled_in_and_what_has_two_names_is_accepted() {
    let accepted = [
        json!({ "x-anything": [1], "checks": null }),
        with(
            json!({ "http": { "url": "${URL}", "expect": { "status": "${STATUS}", "text": "ok" } }, "every": "${EVERY}" }),
        ),
        with(
            json!({ "http": { "url": "https://h", "headers": { "x-version": 2 } }, "tags": ["core", 7] }),
        ),
        with(
            json!({ "http": { "url": "https://h" }, "thresholds": { "p95": { "critical": "${MOST}", "consecutive": "${N}" }, "cert_days": { "critical": 7 } } }),
        ),
        json!({ "policies": { "p": {
            "min_samples": "${LEAST}", "bake": "15m", "false_rollback": "1%", "coverage": 0.7,
            "decide": { "critical": "${DO}" },
            "rules": [{ "when": { "threshold": "p95", "tag": ["a", "b"] }, "then": "hold" }],
            "rollback": { "arm": "${ARM}", "budget": "1 per 24h" },
            "hooks": { "before_rollback": [] }
        } } }),
    ];
    for document in accepted {
        let against = against_configuration(&document);
        assert!(against.is_empty(), "{document}: {against:#?}");
    }
}

#[test]
fn typical_mistakes_are_not_accepted() {
    let http = json!({ "url": "https://h" });
    let refused = [
        ("a section that is misspelt", json!({ "check": {} })),
        ("no kind", with(json!({ "every": "5s" }))),
        (
            "two kinds",
            with(json!({ "http": http, "redis": { "url": "redis://h" } })),
        ),
        ("a misspelt kind", with(json!({ "htpp": http }))),
        (
            "a step that is a flow itself",
            with(json!({ "flow": { "steps": [{ "name": "a", "flow": { "steps": [] } }] } })),
        ),
        (
            "a misspelt key",
            with(json!({ "http": http, "evry": "5s" })),
        ),
        (
            "a misspelt setting",
            with(json!({ "http": { "url": "https://h", "metod": "GET" } })),
        ),
        (
            "a misspelt expectation",
            with(json!({ "http": { "url": "https://h", "expect": { "statuss": 200 } } })),
        ),
        ("a setting that is missing", with(json!({ "http": {} }))),
        (
            "a duration without a unit",
            with(json!({ "http": http, "every": 5 })),
        ),
        (
            "a duration that is none",
            with(json!({ "http": http, "every": "soon" })),
        ),
        (
            "a tag without a list",
            with(json!({ "http": http, "tags": "core" })),
        ),
        (
            "no thresholds",
            with(json!({ "http": http, "thresholds": {} })),
        ),
        (
            "a limit without a level",
            with(json!({ "http": http, "thresholds": { "p95": "> 2s" } })),
        ),
        (
            "a limit in words",
            with(json!({ "http": http, "thresholds": { "p95": { "critical": "above 2s" } } })),
        ),
        (
            "an unknown matcher",
            with(
                json!({ "http": { "url": "https://h", "expect": { "json": { "$.a": { "less": 1 } } } } }),
            ),
        ),
        (
            "a name with a space",
            json!({ "checks": { "a b": { "http": http } } }),
        ),
        (
            "a word that is none",
            json!({ "policies": { "p": { "decide": { "critical": "roll-back" } } } }),
        ),
        (
            "a number in words",
            json!({ "policies": { "p": { "min_samples": "ten" } } }),
        ),
        (
            "an unknown platform",
            json!({ "services": { "s": { "deployment": { "nomad": {} } } } }),
        ),
        (
            "a cluster without a service",
            json!({ "services": { "s": { "deployment": { "ecs": { "cluster": "c" } } } } }),
        ),
        (
            "a rule without `then`",
            json!({ "policies": { "p": { "rules": [{ "when": { "tags": "a" } }] } } }),
        ),
        ("an empty file of something else", json!([])),
    ];
    for (why, document) in refused {
        assert!(
            !against_configuration(&document).is_empty(),
            "{why}: {document}"
        );
    }
}
