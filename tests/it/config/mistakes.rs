//! One fixture and one golden message per mistake: `NAME.yaml`, or a folder `NAME/` of files, and
//! `NAME.snap` with everything that a person sees.

use std::collections::BTreeSet;

use super::{compile_from, fixtures, shown};

/// The fixtures: files and folders without a golden ending.
fn names() -> BTreeSet<String> {
    let entries = std::fs::read_dir(fixtures()).expect("the folder of fixtures");
    entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .filter(|name| !name.ends_with(".snap"))
        .collect()
}

#[test]
fn every_mistake_has_its_message() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(fixtures());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        for name in names() {
            let (loaded, compiled) = compile_from(&fixtures(), &[&name]);
            let text = shown(&loaded, &compiled);
            assert!(!text.is_empty(), "{name} has no mistake");
            assert!(!text.contains("canary"), "{name} shows a secret:\n{text}");
            insta::assert_snapshot!(name.trim_end_matches(".yaml"), text);
        }
    });
}

#[test]
fn every_message_belongs_to_a_fixture() {
    let stems: BTreeSet<String> = names()
        .iter()
        .map(|name| name.trim_end_matches(".yaml").to_owned())
        .collect();
    for entry in std::fs::read_dir(fixtures()).expect("the folder of fixtures") {
        let name = entry
            .expect("an entry")
            .file_name()
            .into_string()
            .expect("a name");
        if let Some(stem) = name.strip_suffix(".snap") {
            assert!(stems.contains(stem), "{name} has no fixture");
        }
    }
}

#[test]
fn one_run_tells_all_mistakes_of_all_files() {
    let (_, compiled) = compile_from(&fixtures(), &["ten-mistakes"]);
    let problems = compiled.expect_err("mistakes");
    let told: Vec<(String, &str)> = problems
        .iter()
        .map(|problem| {
            let place = problem.place.as_ref().expect("a place");
            let file = place.file().path().file_name().expect("a name");
            let at = format!("{}:{}:{}", file.display(), place.line(), place.column());
            (at, problem.code.id())
        })
        .collect();
    let told: Vec<(&str, &str)> = told.iter().map(|(at, code)| (at.as_str(), *code)).collect();
    assert_eq!(
        told,
        [
            ("one.yaml:2:18", "SJ0501"),
            ("one.yaml:11:19", "SJ0301"),
            ("one.yaml:11:33", "SJ0401"),
            ("one.yaml:12:12", "SJ0702"),
            ("one.yaml:13:14", "SJ0701"),
            ("two.yaml:2:3", "SJ0202"),
            ("two.yaml:5:14", "SJ0501"),
            ("two.yaml:6:51", "SJ0409"),
            ("two.yaml:9:31", "SJ0601"),
            ("two.yaml:10:23", "SJ0603"),
            ("two.yaml:12:5", "SJ0408"),
            ("two.yaml:13:5", "SJ0401"),
        ]
    );
}
