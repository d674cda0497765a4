//! How a matcher reads in a message: as its user wrote it, so that the line is found in the file.
//!
//! On one line, in the short form of YAML; values and lists are shortened.

use std::fmt;

use super::Mismatch;
use super::matcher::{JsonType, Matcher, Operator};
use super::shown::{quoted, shown};

impl Matcher {
    /// A mismatch of a part of this matcher, told by the whole where that is short.
    pub(super) fn whole(&self, mismatch: Mismatch) -> Mismatch {
        let whole = self.to_string();
        match whole.chars().count() <= LONGEST {
            true => Mismatch {
                expected: whole,
                ..mismatch
            },
            false => mismatch,
        }
    }
}

/// A longer matcher is told by the operator of it that does not hold: message and value together have
/// to fit on two lines of a terminal.
const LONGEST: usize = 80;

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.operators() {
            [one] => one.fmt(f),
            several => {
                let several: Vec<String> = several.iter().map(Operator::entry).collect();
                write!(f, "{{ {} }}", several.join(", "))
            }
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // A mapping would be one of operators.
            Self::Equal(value) if !value.is_object() => f.write_str(&shown(value)),
            other => write!(f, "{{ {} }}", other.entry()),
        }
    }
}

impl Operator {
    /// `lt: 100`
    fn entry(&self) -> String {
        match self {
            Self::Equal(value) => format!("eq: {}", shown(value)),
            Self::NotEqual(value) => format!("ne: {}", shown(value)),
            Self::Less(limit) => format!("lt: {limit}"),
            Self::AtMost(limit) => format!("le: {limit}"),
            Self::Greater(limit) => format!("gt: {limit}"),
            Self::AtLeast(limit) => format!("ge: {limit}"),
            Self::In(values) => format!("in: {}", list(values, shown)),
            Self::Contains(value) => format!("contains: {}", shown(value)),
            Self::NotContains(value) => format!("not_contains: {}", shown(value)),
            Self::StartsWith(text) => format!("starts_with: {}", quoted(text)),
            Self::EndsWith(text) => format!("ends_with: {}", quoted(text)),
            Self::Matches(pattern) => format!("matches: {}", quoted(pattern.as_str())),
            Self::Exists(wanted) => format!("exists: {wanted}"),
            Self::Type(wanted) => format!("type: {}", name(*wanted)),
            Self::Length(length) => format!("len: {length}"),
            Self::All(matchers) => format!("all: {}", list(matchers, Matcher::to_string)),
            Self::Any(matchers) => format!("any: {}", list(matchers, Matcher::to_string)),
            Self::EachElement(matcher) => format!("each: {matcher}"),
            Self::AnyElement(matcher) => format!("any: {matcher}"),
            Self::Not(matcher) => format!("not: {matcher}"),
            Self::Age(age) => format!("age: {age}"),
        }
    }
}

fn name(wanted: JsonType) -> &'static str {
    let named = JsonType::NAMED.iter().find(|(_, named)| *named == wanted);
    named.map_or("", |(name, _)| name)
}

fn list<T>(items: &[T], one: impl Fn(&T) -> String) -> String {
    let mut told: Vec<String> = items.iter().take(MOST_LISTED).map(one).collect();
    if items.len() > MOST_LISTED {
        told.push(format!("… {} more", items.len() - MOST_LISTED));
    }
    format!("[{}]", told.join(", "))
}

/// Whoever needs to see more of a list looks into the file.
const MOST_LISTED: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_matcher_is_told_as_it_was_written() {
        for (written, told) in [
            (json!("ok"), r#""ok""#),
            (json!(12), "12"),
            (json!(null), "null"),
            (json!([1, "a"]), r#"[1,"a"]"#),
            (json!({"eq": 1}), "1"),
            (json!({"eq": {"a": 1}}), r#"{ eq: {"a":1} }"#),
            (json!({"lt": 100}), "{ lt: 100 }"),
            (json!({"ge": 1, "le": 5}), "{ ge: 1, le: 5 }"),
            (json!({"in": ["a", 2]}), r#"{ in: ["a", 2] }"#),
            (json!({"matches": r"^v\d+$"}), r#"{ matches: "^v\d+$" }"#),
            (
                json!({"not": {"contains": "x"}}),
                r#"{ not: { contains: "x" } }"#,
            ),
            (json!({"len": {"gt": 0}}), "{ len: { gt: 0 } }"),
            (json!({"len": 2}), "{ len: 2 }"),
            (
                json!({"each": {"type": "integer"}}),
                "{ each: { type: integer } }",
            ),
            (
                json!({"any": ["a", {"exists": false}]}),
                r#"{ any: ["a", { exists: false }] }"#,
            ),
            (json!({"age": {"lt": "60s"}}), "{ age: { lt: 60s } }"),
        ] {
            let matcher: Matcher = serde_json::from_value(written.clone()).unwrap();
            assert_eq!(matcher.to_string(), told, "{written}");
        }
    }

    #[test]
    fn a_long_list_is_cut() {
        let matcher: Matcher = serde_json::from_value(json!({"in": vec![7; 100]})).unwrap();
        assert_eq!(
            matcher.to_string(),
            "{ in: [7, 7, 7, 7, 7, 7, 7, 7, … 92 more] }"
        );
    }

    #[test]
    fn the_whole_is_told_where_it_is_short_and_else_what_does_not_hold_of_it() {
        let told = |written: Value, value: Value| {
            let matcher: Matcher = serde_json::from_value(written).unwrap();
            matcher.judge(&value).mismatch().unwrap().to_string()
        };
        assert_eq!(
            told(json!({"ge": 1, "le": 5}), json!(7)),
            "expected { ge: 1, le: 5 }, got 7"
        );
        let long = "x".repeat(70);
        assert_eq!(
            told(json!({"not": {"eq": long}, "starts_with": "y"}), json!("z")),
            r#"expected { starts_with: "y" }, got "z""#
        );
    }
}
