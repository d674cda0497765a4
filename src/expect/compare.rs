//! Whether two values are the same, and which is greater; absent where they are of sorts that
//! cannot be compared.

use std::cmp::Ordering;

use serde_json::Value;

use super::Decimal;

/// Where a value comes from decides how it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// From JSON, where a number is a number and a text is a text.
    Json,
    /// From a place that knows only text, a header or a field of Redis: `0` is also a number
    /// there, `true` also a truth value.
    Text,
}

/// Whether `actual` is `expected`; absent when it is of another sort.
///
/// Numbers are compared exactly. A hex quantity is the integer that it is, against a number and
/// against another hex quantity.
pub fn equal(expected: &Value, actual: &Value, origin: Origin) -> Option<bool> {
    match (expected, actual) {
        (Value::Null, actual) => Some(actual.is_null()),
        (Value::Bool(expected), Value::Bool(actual)) => Some(expected == actual),
        (Value::Bool(expected), Value::String(text)) if origin == Origin::Text => {
            text.parse::<bool>().ok().map(|actual| *expected == actual)
        }
        (Value::String(expected), Value::String(actual)) => {
            Some(expected == actual || same_quantity(expected, actual))
        }
        (Value::Array(expected), Value::Array(actual)) => Some(
            expected.len() == actual.len() && expected.iter().zip(actual).all(|(e, a)| same(e, a)),
        ),
        (Value::Object(expected), Value::Object(actual)) => Some(
            expected.len() == actual.len()
                && expected
                    .iter()
                    .all(|(name, e)| actual.get(name).is_some_and(|a| same(e, a))),
        ),
        (Value::Number(_), _) | (Value::String(_), Value::Number(_)) => {
            let expected = number(expected, Origin::Json)?;
            Some(expected == number(actual, origin)?)
        }
        _ => None,
    }
}

/// Whether two values are the same; values of different sorts are not.
pub fn same(expected: &Value, actual: &Value) -> bool {
    equal(expected, actual, Origin::Json) == Some(true)
}

/// How `actual` compares with a number; absent when it is none.
pub fn order(actual: &Value, limit: &Decimal, origin: Origin) -> Option<Ordering> {
    Some(number(actual, origin)?.cmp(limit))
}

/// The number that a value is: a JSON number, a hex quantity, or, where all is text, a text that
/// reads as a number.
pub fn number(value: &Value, origin: Origin) -> Option<Decimal> {
    match value {
        Value::Number(number) => Some(Decimal::from(number)),
        Value::String(text) if origin == Origin::Text => {
            Decimal::parse(text.trim()).or_else(|| Decimal::quantity(text.trim()))
        }
        Value::String(text) => Decimal::quantity(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn same_quantity(left: &str, right: &str) -> bool {
    match (Decimal::quantity(left), Decimal::quantity(right)) {
        (Some(left), Some(right)) => left == right,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn equality_is_by_value_and_absent_across_sorts() {
        let big: Value = serde_json::from_str("[1.0, 1e3]").unwrap();
        let cases = [
            (json!(1), json!(1), Some(true)),
            (json!([1, 1000]), big, Some(true)),
            (json!(26), json!("0x1a"), Some(true)),
            (json!("0x1a"), json!(26), Some(true)),
            (json!("0x1A"), json!("0x01a"), Some(true)),
            (json!("ok"), json!("OK"), Some(false)),
            (json!(5), json!("5"), None),
            (json!("5"), json!(5), None),
            (json!("ok"), json!(null), None),
            (json!(null), json!("ok"), Some(false)),
            (json!(null), json!(null), Some(true)),
            (json!(true), json!("true"), None),
            (json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}), Some(true)),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), Some(false)),
            (json!([1]), json!(["a"]), Some(false)),
        ];
        for (expected, actual, answer) in cases {
            assert_eq!(
                equal(&expected, &actual, Origin::Json),
                answer,
                "{expected} {actual}"
            );
        }
    }

    #[test]
    fn text_also_reads_as_numbers_and_truth_values() {
        let cases = [
            (json!(0), "0", Some(true)),
            (json!(0), "zero", None),
            (json!("0"), "0", Some(true)),
            (json!(true), "true", Some(true)),
            (json!(1.5), " 1.50 ", Some(true)),
        ];
        for (expected, text, answer) in cases {
            assert_eq!(
                equal(&expected, &json!(text), Origin::Text),
                answer,
                "{text}"
            );
        }
    }
}
