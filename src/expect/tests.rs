//! What every operator says of every sort of value, in one table.

use serde_json::{Value, json};

use super::{Answer, Finds, Matcher, Path};

fn matcher(text: &str) -> Matcher {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// `+` holds, `-` does not hold, `?` cannot be told.
fn sign(answer: &Answer) -> char {
    match answer {
        Answer::Holds => '+',
        Answer::DoesNotHold(_) => '-',
        Answer::CannotTell(_) => '?',
    }
}

#[test]
fn operators_tell_what_the_contract_says() {
    let cases = [
        (r#""ok""#, json!("ok"), '+'),
        (r#""ok""#, json!("bad"), '-'),
        (r#""ok""#, json!(1), '?'),
        ("1", json!(1.0), '+'),
        (
            "340282366920938463463374607431768211456",
            json!("0x100000000000000000000000000000000"),
            '+',
        ),
        ("null", json!(null), '+'),
        ("null", json!("x"), '-'),
        ("[1,2]", json!([1, 2]), '+'),
        (r#"{"eq":{"a":1}}"#, json!({"a": 1}), '+'),
        (r#"{"ne":"ok"}"#, json!("bad"), '+'),
        (r#"{"ne":"ok"}"#, json!(1), '?'),
        (r#"{"lt":100}"#, json!(99.99), '+'),
        (r#"{"lt":100}"#, json!(100), '-'),
        (r#"{"le":100}"#, json!(100), '+'),
        (r#"{"gt":"0x10"}"#, json!("0x11"), '+'),
        (r#"{"ge":16}"#, json!("0x10"), '+'),
        (r#"{"gt":1,"lt":5}"#, json!(3), '+'),
        (r#"{"gt":1,"lt":5}"#, json!(7), '-'),
        (r#"{"lt":100}"#, json!("99"), '?'),
        (r#"{"lt":100}"#, json!(null), '?'),
        (r#"{"in":["ok","warn"]}"#, json!("warn"), '+'),
        (r#"{"in":["ok",2]}"#, json!(3), '-'),
        (r#"{"in":["ok"]}"#, json!(3), '?'),
        (r#"{"contains":"js"}"#, json!("json"), '+'),
        (r#"{"contains":2}"#, json!([1, 2.0]), '+'),
        (r#"{"contains":2}"#, json!(2), '?'),
        (r#"{"not_contains":"x"}"#, json!("json"), '+'),
        (r#"{"not_contains":"x"}"#, json!(1), '?'),
        (r#"{"starts_with":"a"}"#, json!("abc"), '+'),
        (r#"{"ends_with":"a"}"#, json!("abc"), '-'),
        (r#"{"matches":"^v\\d+$"}"#, json!("v12"), '+'),
        (r#"{"matches":"x"}"#, json!(1), '?'),
        (r#"{"exists":true}"#, json!(null), '+'),
        (r#"{"exists":false}"#, json!(null), '-'),
        (r#"{"type":"integer"}"#, json!(1.0), '+'),
        (r#"{"type":"integer"}"#, json!("1"), '-'),
        (r#"{"type":"null"}"#, json!(null), '+'),
        (r#"{"len":2}"#, json!([1, 2]), '+'),
        (r#"{"len":{"gt":2}}"#, json!("äöü"), '+'),
        (r#"{"len":2}"#, json!(22), '?'),
        (r#"{"all":[{"gt":1},{"lt":5}]}"#, json!(7), '-'),
        (r#"{"any":["ok",{"starts_with":"w"}]}"#, json!("warn"), '+'),
        (r#"{"any":["ok",1]}"#, json!("bad"), '?'),
        (r#"{"each":{"gt":0}}"#, json!([1, 2]), '+'),
        (r#"{"each":{"gt":1}}"#, json!([1, 2]), '-'),
        (r#"{"each":{"gt":1}}"#, json!([2, "x"]), '?'),
        (r#"{"each":{"gt":1}}"#, json!(2), '?'),
        (r#"{"any":{"gt":1}}"#, json!([1, 2]), '+'),
        (r#"{"all":{"gt":1}}"#, json!([1, 2]), '-'),
        (r#"{"not":"ok"}"#, json!("bad"), '+'),
        (r#"{"not":"ok"}"#, json!("ok"), '-'),
        (r#"{"not":{"not":"ok"}}"#, json!("ok"), '+'),
    ];
    for (text, value, expected) in cases {
        let answer = matcher(text).judge(&value);
        assert_eq!(sign(&answer), expected, "{text} of {value}: {answer:?}");
    }
}

#[test]
fn negation_never_makes_hold_what_cannot_be_told() {
    for text in [
        r#""ok""#,
        r#"{"lt":1}"#,
        r#"{"contains":"x"}"#,
        r#"{"len":1}"#,
        r#"{"each":1}"#,
    ] {
        let plain = matcher(text);
        let negated = matcher(&format!(r#"{{"not":{text}}}"#));
        for found in [vec![], vec![&Value::Bool(true)]] {
            assert_eq!(
                sign(&plain.judge_found(&found, Finds::One, None)),
                '?',
                "{text}"
            );
            assert_eq!(
                sign(&negated.judge_found(&found, Finds::One, None)),
                '?',
                "not {text}"
            );
        }
    }
}

#[test]
fn nothing_satisfies_only_its_own_absence() {
    for (text, expected) in [
        (r#"{"exists":false}"#, '+'),
        (r#"{"exists":true}"#, '-'),
        (r#"{"not":{"exists":true}}"#, '+'),
        ("null", '?'),
        (r#"{"len":0}"#, '?'),
    ] {
        for finds in [Finds::One, Finds::Several] {
            let answer = matcher(text).judge_found(&[], finds, None);
            assert_eq!(sign(&answer), expected, "{text}");
        }
        assert_eq!(sign(&matcher(text).judge_absent()), expected, "{text}");
    }
}

#[test]
fn several_values_are_asked_one_by_one_or_counted() {
    let (one, two) = (json!(1), json!(2));
    for (text, expected) in [
        ("1", '?'),
        (r#"{"each":{"ge":1}}"#, '+'),
        (r#"{"any":2}"#, '+'),
        (r#"{"all":2}"#, '-'),
        (r#"{"len":2}"#, '+'),
        (r#"{"exists":true}"#, '+'),
    ] {
        let answer = matcher(text).judge_found(&[&one, &two], Finds::Several, None);
        assert_eq!(sign(&answer), expected, "{text}: {answer:?}");
    }
}

#[test]
fn what_may_be_several_is_asked_alike_where_it_is_one() {
    let (number, list) = (json!(3), json!([1, 2]));
    for (text, of_number, of_list) in [
        (r#"{"each":{"gt":0}}"#, '+', '?'),
        (r#"{"each":{"len":2}}"#, '?', '+'),
        (r#"{"any":3}"#, '+', '?'),
        (r#"{"all":{"type":"integer"}}"#, '+', '-'),
        (r#"{"not":{"any":3}}"#, '-', '?'),
        (r#"{"all":[{"len":1},{"each":3}]}"#, '+', '?'),
        (r#"{"len":1}"#, '+', '+'),
        (r#"{"len":2}"#, '-', '-'),
        // Any other question is one of the value itself.
        ("3", '+', '?'),
        (r#"{"contains":2}"#, '?', '+'),
    ] {
        for (value, expected) in [(&number, of_number), (&list, of_list)] {
            let answer = matcher(text).judge_found(&[value], Finds::Several, None);
            assert_eq!(sign(&answer), expected, "{text} of {value}: {answer:?}");
        }
    }
    let answer = matcher(r#"{"len":2}"#).judge_found(&[&list], Finds::Several, None);
    assert!(format!("{answer:?}").contains("1 value"), "{answer:?}");
}

#[test]
fn a_path_tells_by_its_form_whether_it_may_find_several() {
    for (text, expected) in [
        ("$", Finds::One),
        ("$.items[0]['odd-name'][-1]", Finds::One),
        ("$.items[*]", Finds::Several),
        ("$.items[0:1]", Finds::Several),
        ("$.items[?@.id == 1].name", Finds::Several),
        ("$..name", Finds::Several),
        ("$['a','b']", Finds::Several),
    ] {
        assert_eq!(Path::parse(text).unwrap().finds(), expected, "{text}");
    }
}

#[test]
fn text_is_also_a_number() {
    for (text, value, expected) in [
        ("0", "0", '+'),
        (r#"{"lt":100}"#, "99.5", '+'),
        (r#"{"lt":"100"}"#, "99.5", '+'),
        (r#"{"lt":100}"#, "many", '?'),
        (r#""0""#, "0", '+'),
        (r#"{"contains":"json"}"#, "application/json", '+'),
    ] {
        assert_eq!(
            sign(&matcher(text).judge_text(value)),
            expected,
            "{text} of {value}"
        );
    }
}

#[test]
fn a_mistake_names_what_could_stand_there() {
    for (text, message) in [
        (
            r#"{"less":1}"#,
            "unknown field `less`, expected one of `eq`",
        ),
        ("{}", "an empty mapping expects nothing"),
        (r#"{"lt":"five"}"#, "expected a number"),
        (r#"{"lt":""}"#, "expected a number"),
        (
            r#"{"matches":"("}"#,
            "is not a regular expression: unclosed group",
        ),
        (r#"{"type":"text"}"#, "write one of object, array"),
        (r#"{"any":[]}"#, "an empty list expects nothing"),
    ] {
        let error = serde_json::from_str::<Matcher>(text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn a_regular_expression_without_bounds_is_refused() {
    let text = r#"{"matches":"(a{1000}){1000}"}"#;
    assert!(serde_json::from_str::<Matcher>(text).is_err());
}
