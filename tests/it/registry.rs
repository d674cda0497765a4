//! What belongs to a kind of check besides its line in the registry: its file and what that says of
//! itself, documented settings, an example that runs as it stands, tests against a real server and
//! against peers that misbehave, a place in the documentation. Walks the registry, so that it holds
//! for every kind to come.

mod databases;
mod examples;
mod running;

use std::path::{Path, PathBuf};

use schemars::SchemaGenerator;
use serde_json::{Map, Value};
use smokejumper::probe::registry::{Entry, KINDS};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| format!("{}: {error}", path.display()))
}

/// The file of a module that is a single file or a folder.
fn module(folder: &str, name: &str) -> Option<PathBuf> {
    let folder = root().join(folder);
    let candidates = [
        folder.join(format!("{name}.rs")),
        folder.join(name).join("mod.rs"),
    ];
    candidates.into_iter().find(|path| path.is_file())
}

/// The text of a module and of everything in its folder.
fn texts(folder: &str, name: &str) -> String {
    let mut paths: Vec<PathBuf> = module(folder, name).into_iter().collect();
    let inside = std::fs::read_dir(root().join(folder).join(name));
    paths.extend(
        inside
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path()),
    );
    paths.iter().map(|path| read(path)).collect()
}

/// The words that open a file: its `//!` lines.
fn opening(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    lines.collect::<Vec<&str>>().join("\n")
}

/// What the opening of a kind's file leaves unsaid.
fn unsaid(opening: &str) -> Vec<&'static str> {
    let said = opening
        .to_lowercase()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let mut missing = Vec::new();
    if !said.contains("prove") && !said.contains("proves") {
        missing.push("what it proves");
    }
    let limits = ["does not", "proves nothing", "nor does it"];
    if !limits.iter().any(|limit| said.contains(limit)) {
        missing.push("what it does not prove");
    }
    missing
}

/// Something that tests must show, and the words of which one shows it.
type Shown = (&'static str, &'static [&'static str]);

/// What the tests of every kind must show.
const SHOWN: &[Shown] = &[
    (
        "a good answer passes",
        &["Outcome::Pass", "passed(", "passes("],
    ),
    (
        "a wrong answer fails",
        &["Reason::Expectation", "Reason::Status", "Reason::Stale"],
    ),
    ("a secret that stays one", &["canary"]),
];

/// And those of a kind that asks its target over the network.
const SHOWN_OF_TARGETS: &[Shown] = &[
    ("a refused connection", &["Reason::Refused"]),
    ("a peer that hangs", &["Reason::Timeout"]),
    ("a peer that resets", &["Reason::Reset"]),
    ("a peer that sends garbage", &["Reason::Malformed"]),
];

/// And those of a kind that asks a host as such: there is no connection to refuse or to reset.
const SHOWN_OF_HOSTS: &[Shown] = &[
    ("a host that does not answer", &["Reason::Timeout"]),
    ("a host without an address", &["Reason::Dns"]),
    ("what is not permitted to us", &["Reason::NoRoute"]),
];

/// And those of a kind that asks somebody else about it, who is to blame for none of that.
const SHOWN_OF_SOURCES: &[Shown] = &[
    ("a source that cannot be reached", &["Reason::SourceDown"]),
    ("a source that refuses us", &["Reason::SourceDenied"]),
    ("a source that limits us", &["Reason::Throttled"]),
    ("nothing to judge by", &["Reason::NoData"]),
    (
        "misbehaviour of all sorts",
        &["refused", "hangs", "resets", "garbage"],
    ),
];

/// And those of a kind that runs a program here.
const SHOWN_OF_PROGRAMS: &[Shown] = &[
    ("a program that cannot be run", &["Reason::NotStarted"]),
    ("a program that hangs", &["Reason::Timeout"]),
    ("a program that is killed", &["Reason::Undecided"]),
    ("a program that writes garbage", &["Reason::Malformed"]),
];

/// The kinds that ask somebody else about their target (`Probe::source`).
const OF_SOURCES: &[&str] = &[
    "cloudwatch",
    "datadog",
    "ecs",
    "logs",
    "prometheus",
    "sentry",
    "target_health",
];
/// The kinds that ask hosts.
const OF_HOSTS: &[&str] = &["icmp"];
/// The kinds that run a program.
const OF_PROGRAMS: &[&str] = &["exec"];

/// All that the tests of a kind must show.
fn wanted(kind: &str) -> impl Iterator<Item = &'static Shown> {
    let own = match kind {
        kind if OF_SOURCES.contains(&kind) => SHOWN_OF_SOURCES,
        kind if OF_HOSTS.contains(&kind) => SHOWN_OF_HOSTS,
        kind if OF_PROGRAMS.contains(&kind) => SHOWN_OF_PROGRAMS,
        _ => SHOWN_OF_TARGETS,
    };
    SHOWN.iter().chain(own)
}

fn not_shown(kind: &str, tests: &str) -> Vec<&'static str> {
    let missing = wanted(kind).filter(|(_, words)| !words.iter().any(|word| tests.contains(word)));
    missing.map(|(what, _)| *what).collect()
}

/// The fields of all settings that no text describes.
fn undescribed(schema: &Value, definitions: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![schema];
    open.extend(definitions.values());
    while let Some(schema) = open.pop() {
        match schema {
            Value::Object(members) => {
                if let Some(Value::Object(fields)) = members.get("properties") {
                    let silent = fields.iter().filter(|(_, field)| {
                        field
                            .get("description")
                            .and_then(Value::as_str)
                            .is_none_or(str::is_empty)
                    });
                    found.extend(silent.map(|(name, _)| name.clone()));
                }
                open.extend(members.values());
            }
            Value::Array(items) => open.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The schema itself where the generator answered with a reference to it.
fn resolved<'a>(schema: &'a Value, definitions: &'a Map<String, Value>) -> &'a Value {
    let name = schema
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| path.rsplit('/').next());
    name.and_then(|name| definitions.get(name))
        .unwrap_or(schema)
}

/// Asks every kind, and gathers all complaints.
fn of_every_kind(complaints: impl Fn(&Entry) -> Vec<String>) {
    assert!(!KINDS.is_empty(), "the registry is empty");
    let found: Vec<String> = KINDS
        .iter()
        .flat_map(|kind| {
            let complaints = complaints(kind).into_iter();
            complaints.map(|complaint| format!("{}: {complaint}", kind.name))
        })
        .collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_kind_says_what_it_proves_and_what_not() {
    of_every_kind(|kind| match module("src/probe", kind.name) {
        None => vec!["has no file in src/probe".to_owned()],
        Some(path) => {
            let missing = unsaid(&opening(&read(&path)));
            let missing = missing
                .into_iter()
                .map(|what| format!("its file does not say {what}"));
            missing.collect()
        }
    });
}

#[test]
fn every_kind_has_a_line_and_documented_settings() {
    of_every_kind(|kind| {
        let mut generator = SchemaGenerator::default();
        let schema = (kind.schema)(&mut generator).to_value();
        let definitions = generator.definitions().clone();
        let mut complaints: Vec<String> = undescribed(&schema, &definitions)
            .into_iter()
            .map(|field| format!("the field `{field}` has no description"))
            .collect();
        let fields = resolved(&schema, &definitions).get("properties");
        if fields.and_then(Value::as_object).is_none_or(Map::is_empty) {
            complaints.push("has no settings".to_owned());
        }
        if kind.summary.trim().is_empty() || kind.summary.contains('\n') {
            complaints.push("its summary is not one line".to_owned());
        }
        let nameless = kind.readings.named.iter();
        let nameless = nameless.filter(|(name, _, meaning)| name.is_empty() || meaning.is_empty());
        complaints.extend(nameless.map(|(name, ..)| format!("reading `{name}` has no meaning")));
        complaints
    });
}

#[test]
fn every_kind_is_tested_against_a_server_and_against_misbehaviour() {
    of_every_kind(|kind| {
        let missing = not_shown(kind.name, &texts("tests/it/probes", kind.name)).into_iter();
        missing
            .map(|what| format!("its tests do not show: {what}"))
            .collect()
    });
}

/// What the page of a kind leaves unsaid of its settings and readings.
fn left_out(page: &str, kind: &Entry) -> Vec<String> {
    let mut generator = SchemaGenerator::default();
    let schema = (kind.schema)(&mut generator).to_value();
    let definitions = generator.definitions().clone();
    let fields = resolved(&schema, &definitions).get("properties");
    let fields = fields.and_then(Value::as_object).into_iter().flatten();
    let readings = kind.readings.named.iter().map(|(name, ..)| *name);
    let named = fields.map(|(name, _)| name.as_str()).chain(readings);
    // Of a setting a page often shows what is below it, or a value: `expect.status`.
    let silent = named.filter(|name| {
        let written = ["`", ".", ":"].map(|end| page.contains(&format!("`{name}{end}")));
        !written.contains(&true)
    });
    silent
        .map(|name| format!("its page does not name `{name}`"))
        .collect()
}

#[test]
fn every_kind_stands_in_the_documentation() {
    let overview = read(&root().join("README.md"));
    of_every_kind(|kind| {
        let path = format!("docs/kinds/{}.md", kind.name);
        let mut complaints = Vec::new();
        if !overview.contains(&format!("[`{}`]({path})", kind.name)) {
            complaints.push(format!("README.md does not link to {path}"));
        }
        match std::fs::read_to_string(root().join(&path)) {
            Ok(page) => complaints.extend(left_out(&page, kind)),
            Err(error) => complaints.push(format!("{path}: {error}")),
        }
        complaints
    });
}

#[test]
fn names_are_unique_and_plain() {
    for (at, kind) in KINDS.iter().enumerate() {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(kind.name.chars().all(plain), "{}", kind.name);
        let again = KINDS[at + 1..].iter().any(|other| other.name == kind.name);
        assert!(!again, "{} is registered twice", kind.name);
    }
}

#[test]
fn each_omission_is_seen() {
    assert_eq!(
        unsaid("Logs in."),
        ["what it proves", "what it does not prove"]
    );
    assert_eq!(
        unsaid("It proves a login. It does not prove\n more."),
        [""; 0]
    );
    assert_eq!(
        opening("//! One.\n//!\n//! Two.\nuse std;\n//! Three."),
        " One.\n\n Two."
    );
    for kind in ["http", "cloudwatch", "icmp", "exec"] {
        assert_eq!(not_shown(kind, "").len(), wanted(kind).count());
        let all: String = wanted(kind).map(|(_, words)| words[0]).collect();
        assert_eq!(not_shown(kind, &all), [""; 0]);
    }
    let of_exec: String = wanted("exec").map(|(_, words)| words[0]).collect();
    assert_ne!(not_shown("http", &of_exec), [""; 0]);
    let schema = serde_json::json!({
        "properties": {
            "url": { "description": "Where." },
            "tls": { "description": "", "properties": { "ca": { "type": "string" } } },
        },
    });
    assert_eq!(undescribed(&schema, &Map::new()), ["ca", "tls"]);
    let silent = left_out("`url`, `expect.status` and `latencies`", &KINDS[0]);
    assert!(silent.len() > 1, "{silent:?}");
    assert!(
        !silent.iter().any(|one| one.contains("`url`")),
        "{silent:?}"
    );
}
