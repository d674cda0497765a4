use serde::Deserialize;

use super::*;
use crate::config::place::SourceFile;
use crate::config::reader;
use crate::quantity::Span;

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only the problems are looked at")]
struct Settings {
    url: String,
    query: String,
    every: Span,
    #[serde(default)]
    counts: Vec<u8>,
    #[serde(default)]
    inner: Option<Inner>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only the problems are looked at")]
struct Inner {
    left: u8,
    right: u8,
    #[serde(default)]
    every: Option<Span>,
}

fn problems(text: &str) -> (Outcome<Settings>, Vec<String>) {
    let file = SourceFile::new("a.yaml".into(), ".".into(), text.to_owned());
    let mut found = Vec::new();
    let tree = reader::read(&file, &mut found).unwrap();
    assert!(found.is_empty());
    let outcome = read::<Settings>(&tree, &tree.place, &mut found);
    let told = found
        .iter()
        .map(|problem| {
            let place = problem.place.as_ref().unwrap();
            format!("{}:{} {}", place.line(), place.column(), problem.message)
        })
        .collect();
    (outcome, told)
}

#[test]
fn all_problems_of_a_section_are_found_at_once() {
    let (outcome, told) = problems(
        "url: [x]\nevry: 5s\nevery: 5\ncounts: [1, 300, x, 4]\ninner:\n  left: many\n  rihgt: 2\n  every: soon\n",
    );
    assert!(matches!(outcome, Outcome::Guessed(_) | Outcome::Nothing));
    assert_eq!(
        told,
        [
            "2:1 unknown key `evry`",
            "1:1 expected text, found a list",
            "3:8 `5` is not a duration",
            "4:13 expected a whole number from 0 to 255, found the number `300`",
            "4:18 expected a whole number, found the text `x`",
            "7:3 unknown key `rihgt`",
            "6:9 expected a whole number, found the text `many`",
            "8:10 `soon` is not a duration",
            "5:1 the key `right` is missing",
            "1:1 the key `query` is missing",
        ]
    );
}

#[test]
fn every_missing_key_is_told_and_none_that_was_struck_out() {
    let (outcome, told) = problems("every: never\n");
    assert!(matches!(outcome, Outcome::Guessed(_) | Outcome::Nothing));
    assert_eq!(
        told,
        [
            "1:8 `never` is not a duration",
            "1:1 the key `url` is missing",
            "1:1 the key `query` is missing",
        ]
    );
}

#[test]
fn what_is_right_is_read_whole() {
    let (outcome, told) = problems("url: a\nquery: b\nevery: 5s\n");
    assert!(matches!(outcome, Outcome::Whole(settings) if settings.url == "a"));
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn an_unknown_key_alone_leaves_the_value_usable() {
    let (outcome, told) = problems("url: a\nquery: b\nevery: 5s\nother: 1\n");
    assert!(matches!(outcome, Outcome::Whole(_)));
    assert_eq!(told, ["4:1 unknown key `other`"]);
}
