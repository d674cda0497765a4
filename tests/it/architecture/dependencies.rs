//! What the tree of dependencies may hold: one HTTP stack, one TLS stack, one cryptography library,
//! and a reason for every crate that is named in `Cargo.toml`.

use std::collections::BTreeSet;
use std::process::Command;

use super::source::{Source, root, sources};

/// Crates of which there is one version. `http` is none of them: the SDK of CloudWatch brings its
/// older types along for streams of events, and no stack with them.
const SINGLE: &[&str] = &["hyper", "rustls", "tokio"];

/// Crates that may not come in, by whatever way.
const ABSENT: &[&str] = &[
    "evalexpr",
    "native-tls",
    "openssl-sys",
    "ring",
    "serde_yaml",
];

/// What is compiled into the program and its tests: lines of `name vX.Y.Z`.
///
/// The lock file alone would not do: it also lists crates behind features that nobody turns on.
fn tree() -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--locked", "--offline", "--all-features"])
        .args(["--edges", "normal,build,dev"])
        .args(["--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{problem}");
    String::from_utf8(output.stdout).expect("names of crates are text")
}

fn surplus(tree: &str) -> Vec<String> {
    let mut crates: Vec<(&str, &str)> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        })
        .collect();
    crates.sort_unstable();
    crates.dedup();
    let absent = ABSENT
        .iter()
        .filter(|name| crates.iter().any(|(is, _)| is == *name));
    let mut found: Vec<String> = absent.map(|name| format!("{name} came in")).collect();
    for single in SINGLE {
        let versions: Vec<&str> = crates
            .iter()
            .filter(|(name, _)| name == single)
            .map(|(_, version)| *version)
            .collect();
        if versions.len() != 1 {
            found.push(format!("{single}: one version, not {versions:?}"));
        }
    }
    found
}

/// The crates that the program is declared to need, those of its tests left out.
fn needed(manifest: &str) -> Vec<&str> {
    let end = manifest
        .find("[dev-dependencies]")
        .unwrap_or(manifest.len());
    declared(&manifest[..end])
}

/// The crates that no source names.
fn unused(manifest: &str, sources: &[Source]) -> Vec<String> {
    let named: BTreeSet<String> = sources
        .iter()
        .flat_map(Source::crates)
        .map(|(name, _)| name)
        .collect();
    let names = needed(manifest).into_iter();
    names
        .filter(|name| !named.contains(&name.replace('-', "_")))
        .map(|name| format!("{name}: nothing uses it"))
        .collect()
}

/// The crates that `Cargo.toml` names, those of the tests included.
fn declared(manifest: &str) -> Vec<&str> {
    let mut section = "";
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        } else if section.ends_with("dependencies") && !line.starts_with('#') {
            names.extend(line.split_once(" = ").map(|(name, _)| name));
        }
    }
    names
}

fn unexplained(manifest: &str, architecture: &str) -> Vec<String> {
    let names = declared(manifest).into_iter();
    names
        .filter(|name| !architecture.contains(&format!("`{name}`")))
        .map(|name| format!("{name}: ARCHITECTURE.md gives no reason for it"))
        .collect()
}

#[test]
fn there_is_one_stack_of_each_sort() {
    assert_eq!(surplus(&tree()), [""; 0]);
}

#[test]
fn no_crate_is_there_for_nothing() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    assert_eq!(unused(&manifest, &sources()), [""; 0]);
}

#[test]
fn every_crate_has_its_reason_in_writing() {
    let read = |name: &str| std::fs::read_to_string(root().join(name)).expect(name);
    let manifest = read("Cargo.toml");
    assert!(declared(&manifest).contains(&"tokio"));
    assert_eq!(unexplained(&manifest, &read("ARCHITECTURE.md")), [""; 0]);
}

#[test]
fn a_second_stack_and_a_crate_without_reason_are_seen() {
    let good = "http v1.0.0\nhyper v1.12.0\nrustls v0.23.1 (*)\nrustls v0.23.1\ntokio v1.54.0\n";
    assert_eq!(surplus(good), [""; 0]);
    for bad in [
        "hyper v0.14.1",
        "ring v0.17.0 (*)",
        "openssl-sys v0.9.0",
        "rustls v0.21.1",
    ] {
        assert_eq!(surplus(&format!("{good}{bad}\n")).len(), 1, "{bad}");
    }
    let manifest = "[package]\nname = \"x\"\n[dependencies]\n# web\nhyper = \"1\"\n[dev-dependencies]\ninsta = \"1\"\n[lints.rust]\nall = \"warn\"\n";
    assert_eq!(declared(manifest), ["hyper", "insta"]);
    assert_eq!(unexplained(manifest, "`insta`: why").len(), 1);
    assert_eq!(
        unused(manifest, &[Source::new("src/a.rs", "use http::Uri;")]).len(),
        1
    );
    assert_eq!(
        unused(manifest, &[Source::new("src/a.rs", "use hyper::Uri;")]),
        [""; 0]
    );
}
