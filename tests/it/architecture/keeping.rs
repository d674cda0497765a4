//! How a file is kept: it says at once what it is for, stays short enough to be read in one go, has
//! a name that says what is in it, and leaves no note of unfinished work behind.

use super::source::{Source, root, sources, walk};

/// Lines outside tests from which on a file holds a second idea. The house aims at 300.
const LONGEST: usize = 400;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &[
    "common", "helper", "helpers", "manager", "misc", "types", "util", "utils",
];

/// Notes of unfinished work. Put together here, so that this file does not contain them.
const UNFINISHED: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("HA", "CK"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("Under ", "construction"),
    concat!("#[ig", "nore"),
];

fn undocumented(source: &Source) -> Vec<String> {
    let first = source.text.lines().next().unwrap_or_default();
    let said = first
        .strip_prefix("//!")
        .is_some_and(|said| !said.trim().is_empty());
    if said {
        Vec::new()
    } else {
        vec![format!(
            "{}: does not begin by saying what it is for (//!)",
            source.path
        )]
    }
}

fn overlong(source: &Source) -> Vec<String> {
    if source.lines <= LONGEST {
        return Vec::new();
    }
    let (path, lines) = (&source.path, source.lines);
    vec![format!(
        "{path}: {lines} lines without its tests, {LONGEST} at most"
    )]
}

fn badly_named(source: &Source) -> Vec<String> {
    let parts = source.path.trim_end_matches(".rs").split('/');
    parts
        .filter(|part| EMPTY_NAMES.contains(part))
        .map(|part| {
            format!(
                "{}: `{part}` says nothing about what is inside",
                source.path
            )
        })
        .collect()
}

fn unfinished(source: &Source) -> Vec<String> {
    let lines = source.text.lines().enumerate();
    let marked = lines.filter(|(_, line)| UNFINISHED.iter().any(|mark| line.contains(mark)));
    marked
        .map(|(at, line)| format!("{}:{}: unfinished: {}", source.path, at + 1, line.trim()))
        .collect()
}

/// The sources, and the tests as well.
fn everything() -> Vec<Source> {
    let mut paths = Vec::new();
    walk(&root().join("tests"), &mut paths);
    let tests = paths.iter().map(|path| {
        let text = std::fs::read_to_string(path).expect("tests are readable");
        let below = path.strip_prefix(root()).expect("found below the root");
        Source::new(&below.to_string_lossy(), &text)
    });
    sources().into_iter().chain(tests).collect()
}

fn none(sources: &[Source], rule: fn(&Source) -> Vec<String>) {
    let found: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(found.is_empty(), "\n{}\n", found.join("\n"));
}

#[test]
fn every_file_says_what_it_is_for() {
    none(&everything(), undocumented);
}

#[test]
fn no_file_is_too_long_to_be_read_in_one_go() {
    none(&sources(), overlong);
}

#[test]
fn names_say_what_is_inside() {
    none(&everything(), badly_named);
}

#[test]
fn nothing_is_left_unfinished() {
    none(&everything(), unfinished);
}

#[test]
fn each_neglect_is_seen() {
    let long = "fn f() {}\n".repeat(LONGEST + 1);
    let note = format!("fn f() {{}} // {} later", UNFINISHED[0]);
    type Rule = fn(&Source) -> Vec<String>;
    let cases: &[(Rule, &str, &str)] = &[
        (undocumented, "src/a.rs", "use std::fmt;"),
        (undocumented, "src/a.rs", "//!\nuse std::fmt;"),
        (undocumented, "src/a.rs", ""),
        (overlong, "src/a.rs", &long),
        (badly_named, "src/probe/utils.rs", ""),
        (badly_named, "src/common/mod.rs", ""),
        (unfinished, "src/a.rs", &note),
    ];
    for (rule, path, text) in cases {
        assert_eq!(rule(&Source::new(path, text)).len(), 1, "{path}");
    }
    let tested = format!("fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{long}}}\n");
    assert_eq!(overlong(&Source::new("src/a.rs", &tested)), [""; 0]);
}
