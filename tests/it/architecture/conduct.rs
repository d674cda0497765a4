//! What code may not do where it stands: the core stays pure, the judge knows no platform, the
//! engine alone rolls back, the command line alone prints.

use super::source::{Source, sources};

/// The words and the core: values and plain functions.
const PURE: &[&str] = &[
    "clock",
    "decision",
    "deployment",
    "event",
    "expect",
    "quantity",
    "sample",
    "secret",
    "verdict",
    "window",
];

/// Those of them that judge. They get moments, never a clock.
const TIMELESS: &[&str] = &["decision", "expect", "verdict", "window"];

/// Tokens in a row that bring the outside world in.
const IMPURE: &[&[&str]] = &[
    &["async"],
    &["await"],
    &["tokio"],
    &["tracing"],
    &["Instant"],
    &["SystemTime"],
    &["std", "::", "env"],
    &["std", "::", "fs"],
    &["std", "::", "io"],
    // An address is a value; what opens a way to it is not.
    &["TcpListener"],
    &["TcpStream"],
    &["ToSocketAddrs"],
    &["UdpSocket"],
    &["std", "::", "process"],
    &["std", "::", "thread"],
    &["env", "!"],
    &["thread_local"],
];

/// Tokens in a row that write to the terminal.
const PRINTING: &[&[&str]] = &[
    &["print", "!"],
    &["println", "!"],
    &["eprint", "!"],
    &["eprintln", "!"],
    &["dbg", "!"],
    &["anstream"],
    &["io", "::", "stdout"],
    &["io", "::", "stderr"],
];

fn top(source: &Source) -> String {
    source.module().first().cloned().unwrap_or_default()
}

fn complaints(source: &Source, patterns: &[&[&str]], why: &str) -> Vec<String> {
    let found = patterns.iter().flat_map(|pattern| {
        let lines = source.lines_with(pattern);
        lines.into_iter().map(move |line| (line, pattern.concat()))
    });
    found
        .map(|(line, what)| format!("{}:{line}: `{what}`: {why}", source.path))
        .collect()
}

fn impurities(source: &Source) -> Vec<String> {
    let top = top(source);
    if !PURE.contains(&top.as_str()) {
        return Vec::new();
    }
    let mut found = complaints(
        source,
        IMPURE,
        "words and core are values and plain functions",
    );
    if TIMELESS.contains(&top.as_str()) {
        let named = source.named();
        let clocks = named
            .iter()
            .filter(|named| named.segments == ["clock", "Clock"]);
        found.extend(clocks.map(|named| {
            let (path, line) = (&source.path, named.line);
            format!("{path}:{line}: the core gets moments, never a clock")
        }));
    }
    found
}

/// Names of platforms in the judge, comments and texts included: a verdict that speaks of one
/// platform is wrong on the next.
fn platforms(source: &Source) -> Vec<String> {
    if !matches!(top(source).as_str(), "verdict" | "decision") {
        return Vec::new();
    }
    let lines = source.text.lines().enumerate();
    let named = lines.filter(|(_, line)| {
        line.split(|c: char| !c.is_alphanumeric()).any(|word| {
            matches!(
                word.to_lowercase().as_str(),
                "ecs" | "aws" | "arn" | "kubernetes"
            )
        })
    });
    named
        .map(|(at, line)| format!("{}:{}: names a platform: {line}", source.path, at + 1))
        .collect()
}

fn rollbacks(source: &Source) -> Vec<String> {
    if top(source) == "engine" {
        return Vec::new();
    }
    let mut found = complaints(
        source,
        &[&[".", "roll_back", "("]],
        "only the engine rolls back",
    );
    found.extend(complaints(
        source,
        &[&["DeploymentTarget", "::", "roll_back"]],
        "only the engine rolls back",
    ));
    found
}

fn printing(source: &Source) -> Vec<String> {
    match top(source).as_str() {
        "cli" => Vec::new(),
        // Diagnostics of ours go to standard error, whatever the command prints.
        "telemetry" => complaints(source, &PRINTING[..6], "only the command line prints"),
        _ => complaints(source, PRINTING, "only the command line prints"),
    }
}

fn none(rule: fn(&Source) -> Vec<String>) {
    let found: Vec<String> = sources().iter().flat_map(rule).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn words_and_core_are_pure() {
    none(impurities);
}

#[test]
fn the_judge_names_no_platform() {
    none(platforms);
}

#[test]
fn only_the_engine_rolls_back() {
    none(rollbacks);
}

#[test]
fn only_the_command_line_prints() {
    none(printing);
}

#[test]
fn each_offence_is_seen() {
    type Rule = fn(&Source) -> Vec<String>;
    let cases: &[(Rule, &str, &str)] = &[
        (impurities, "src/verdict/mod.rs", "async fn f() {}"),
        (impurities, "src/window/mod.rs", "use tokio::time;"),
        (impurities, "src/window/mod.rs", "use crate::clock::Clock;"),
        (impurities, "src/decision/mod.rs", "use std::time::Instant;"),
        (
            impurities,
            "src/expect/json.rs",
            "fn f() { tracing::info!(\"x\") }",
        ),
        (
            impurities,
            "src/sample.rs",
            "fn f() { std::fs::read(\"x\") }",
        ),
        (
            impurities,
            "src/secret.rs",
            "fn f() { std::env::var_os(\"x\") }",
        ),
        (
            platforms,
            "src/verdict/mod.rs",
            "//! Judges an ECS service.",
        ),
        (platforms, "src/decision/mod.rs", "fn f(arn: &str) {}"),
        (
            rollbacks,
            "src/cli/rollback.rs",
            "fn f() { target.roll_back(&plan) }",
        ),
        (
            rollbacks,
            "src/rehearsal/demo.rs",
            "fn f() { DeploymentTarget::roll_back(t, p) }",
        ),
        (printing, "src/engine/mod.rs", "fn f() { println!(\"x\") }"),
        (printing, "src/report/text.rs", "use std::io::stdout;"),
        (printing, "src/main.rs", "fn f() { eprintln!(\"x\") }"),
        (printing, "src/telemetry.rs", "fn f() { eprintln!(\"x\") }"),
    ];
    for (rule, path, text) in cases {
        assert_eq!(rule(&Source::new(path, text)).len(), 1, "{path}: {text}");
    }
}

#[test]
fn what_is_no_offence_is_let_through() {
    type Rule = fn(&Source) -> Vec<String>;
    let cases: &[(Rule, &str, &str)] = &[
        (
            impurities,
            "src/engine/mod.rs",
            "async fn f() { tokio::spawn(g()) }",
        ),
        (
            impurities,
            "src/clock.rs",
            "pub trait Clock { fn now(&self) -> Moment; }",
        ),
        (platforms, "src/deploy/ecs/mod.rs", "//! ECS."),
        (platforms, "src/verdict/mod.rs", "// specs, flaws, arnica"),
        (
            rollbacks,
            "src/engine/watch.rs",
            "fn f() { target.roll_back(&plan) }",
        ),
        (
            rollbacks,
            "src/deploy/ecs/act.rs",
            "async fn roll_back(&self) {}",
        ),
        (
            printing,
            "src/cli/mod.rs",
            "fn f() { anstream::println!(\"x\") }",
        ),
        (printing, "src/telemetry.rs", "use std::io::stderr;"),
        (
            printing,
            "src/engine/mod.rs",
            "// println!\n#[cfg(test)]\nmod tests { fn f() { println!() } }",
        ),
    ];
    for (rule, path, text) in cases {
        assert_eq!(rule(&Source::new(path, text)), [""; 0], "{path}: {text}");
    }
}
