use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;
use crate::config::place::SourceFile;
use crate::config::reader;
use crate::config::substitution::Filler;
use crate::config::tree::Step;
use crate::secret::Mask;

fn tree(text: &str) -> Node {
    let file = SourceFile::new("a.yaml".into(), ".".into(), text.to_owned());
    let mut problems = Vec::new();
    let mut tree = reader::read(&file, &mut problems).unwrap();
    let variables = BTreeMap::from([
        ("N".to_owned(), "5".to_owned()),
        ("T".to_owned(), "true".to_owned()),
    ]);
    let filler = Filler {
        variables: &variables,
        mask: &Mask::default(),
    };
    filler.fill(&mut tree, &mut problems);
    assert!(problems.is_empty(), "{problems:?}");
    tree
}

fn parse<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Error> {
    let node = tree(text);
    let notes = RefCell::new(Vec::new());
    T::deserialize(Deserializer::new(&node, &notes))
}

fn refusal<T: for<'de> Deserialize<'de>>(text: &str) -> (String, String, usize) {
    let node = tree(text);
    let (owner, notes) = (node.place.clone(), RefCell::new(Vec::new()));
    let error = match T::deserialize(Deserializer::new(&node, &notes)) {
        Ok(_) => panic!("{text} was read"),
        Err(error) => error,
    };
    let problem = error.problem(&owner);
    let place = problem.place.clone().unwrap();
    let shown = place.text().lines().next().unwrap_or_default().to_owned();
    (problem.message, shown, error.path().len())
}

#[test]
fn numbers_of_any_size_stay_exact_in_json() {
    for number in [
        "0",
        "5",
        "-7",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "12345678901234567890123",
        "0.1",
        "100.25",
        "3.141592653589793238462643",
        "1e+400",
        "0.000000000000000000001",
    ] {
        let value: serde_json::Value = parse(number).unwrap();
        assert_eq!(
            value,
            serde_json::from_str::<serde_json::Value>(number).unwrap(),
            "{number}"
        );
        assert_eq!(value.to_string(), number);
    }
}

#[test]
fn json_values_are_what_is_written() {
    let value: serde_json::Value =
        parse("a: [1, 2.5, yes, \"3\", true, ~]\nb:\n  $.x: ${N}\nc: \"${N}\"\nd: ${T}\n").unwrap();
    let expected = serde_json::json!({
        "a": [1, 2.5, "yes", "3", true, null], "b": { "$.x": 5 }, "c": "5", "d": true
    });
    assert_eq!(value, expected);
}

#[test]
fn a_filled_in_value_is_what_the_setting_wants() {
    assert_eq!(parse::<u8>("${N}").unwrap(), 5);
    assert_eq!(parse::<String>("${N}").unwrap(), "5");
    assert!(parse::<bool>("${T}").unwrap());
    assert_eq!(parse::<String>("${T}").unwrap(), "true");
    // As it must be written within braces. More than the reference is text, and so is a literal.
    assert_eq!(parse::<u8>("\"${N}\"").unwrap(), 5);
    assert!(parse::<bool>("'${T}'").unwrap());
    assert_eq!(parse::<String>("\"${N}\"").unwrap(), "5");
    assert_eq!(parse::<serde_json::Value>("\"${N}\"").unwrap(), "5");
    assert!(parse::<u8>("\"${N}0\"").is_err());
    assert!(parse::<u8>("\"5\"").is_err());
    assert!(parse::<bool>("'true'").is_err());
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Nothing,
    Number(u8),
    Both { left: u8, right: u8 },
    Pair(u8, u8),
}

#[test]
fn variants_are_words_or_mappings_with_one_key() {
    let cases = [
        ("nothing", Choice::Nothing),
        ("{ nothing: }", Choice::Nothing),
        ("{ number: 3 }", Choice::Number(3)),
        (
            "{ both: { left: 1, right: 2 } }",
            Choice::Both { left: 1, right: 2 },
        ),
        ("{ pair: [1, 2] }", Choice::Pair(1, 2)),
    ];
    for (text, expected) in cases {
        assert_eq!(parse::<Choice>(text).unwrap(), expected, "{text}");
    }
    for text in [
        "number",
        "{ nothing: 5 }",
        "{ a: 1, b: 2 }",
        "5",
        "nothng",
        "{ pair: [1] }",
    ] {
        assert!(parse::<Choice>(text).is_err(), "{text}");
    }
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(f64),
    Words(Vec<String>),
}

#[test]
fn untagged_variants_take_numbers_and_lists() {
    assert!(matches!(parse("0.5").unwrap(), Either::Number(number) if number == 0.5));
    assert!(matches!(parse("7").unwrap(), Either::Number(number) if number == 7.0));
    assert!(matches!(parse("[a, b]").unwrap(), Either::Words(words) if words.len() == 2));
}

#[derive(Debug, Deserialize)]
#[expect(dead_code, reason = "only the errors are looked at")]
struct Settings {
    name: String,
    #[serde(default)]
    count: Option<u8>,
    #[serde(default)]
    armed: bool,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    inner: Option<Box<Settings>>,
}

#[test]
fn errors_point_at_the_innermost_value() {
    let cases = [
        ("name: [a]", "expected text, found a list", "name", 1),
        ("name: true", "expected text, found `true`", "true", 1),
        ("name:", "expected text, found nothing", "name", 1),
        (
            "count: 300",
            "expected a whole number from 0 to 255, found the number `300`",
            "300",
            1,
        ),
        (
            "count: 1.5",
            "expected a whole number from 0 to 255, found the number `1.5`",
            "1.5",
            1,
        ),
        (
            "count: many",
            "expected a whole number, found the text `many`",
            "many",
            1,
        ),
        (
            "armed: yes",
            "expected `true` or `false`, found the text `yes`",
            "yes",
            1,
        ),
        (
            "tags: core",
            "expected a list, found the text `core`",
            "core",
            1,
        ),
        ("tags: [a, [b]]", "expected text, found a list", "[b]", 2),
        (
            "inner:\n  name: {}",
            "expected text, found a mapping",
            "name",
            2,
        ),
        (
            "inner:\n  count: 1",
            "the key `name` is missing",
            "inner",
            1,
        ),
        (
            "inner: 5",
            "expected a mapping, found the number `5`",
            "5",
            1,
        ),
    ];
    for (text, message, shown, depth) in cases {
        let expected = (message.to_owned(), shown.to_owned(), depth);
        assert_eq!(refusal::<Settings>(text), expected, "{text}");
    }
}

#[test]
fn unknown_keys_are_noted_and_passed_over() {
    let node = tree("name: a\ncuont: 5\nother: 1\ninner: { name: b, tgas: [] }\n");
    let notes = RefCell::new(Vec::new());
    Settings::deserialize(Deserializer::new(&node, &notes)).unwrap();
    let told: Vec<_> = notes
        .into_inner()
        .into_iter()
        .map(|problem| (problem.message, problem.help.unwrap_or_default()))
        .collect();
    let all = "known here: `name`, `count`, `armed`, `tags`, `inner`".to_owned();
    let told_of = |name: &str, help: &str| (format!("unknown key `{name}`"), help.to_owned());
    assert_eq!(
        told,
        [
            told_of("cuont", "did you mean `count`?"),
            told_of("other", &all),
            told_of("tgas", "did you mean `tags`?"),
        ]
    );
}

#[test]
fn a_hole_reads_as_anything() {
    let node = Node {
        place: tree("a").place,
        value: Value::Hole,
    };
    let notes = RefCell::new(Vec::new());
    let hole = Deserializer::new(&node, &notes);
    assert_eq!(String::deserialize(hole).unwrap(), "");
    assert_eq!(u64::deserialize(hole).unwrap(), 0);
    assert_eq!(Option::<bool>::deserialize(hole).unwrap(), None);
    assert_eq!(Vec::<u8>::deserialize(hole).unwrap(), Vec::<u8>::new());
    assert_eq!(Choice::deserialize(hole).unwrap(), Choice::Nothing);
    assert!(matches!(
        Settings::deserialize(hole).unwrap_err().sort(),
        Sort::Missing(field) if field == "name"
    ));
    assert_eq!(hole.node.at(&[Step::Item(0)]), None);
}
