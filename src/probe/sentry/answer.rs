//! What Sentry says to a question for counts, read. Pure.
//!
//! Source of the shapes: Sentry's API reference, "Query explore events in table format": one row with a
//! column for each field that was asked for. A refusal has its words in `detail`, a text or an object.

use serde::Deserialize;
use serde_json::Value;

use crate::probe::wire::said::one_line;

/// The fields that are asked for, and the readings that they become.
pub const FIELDS: [(&str, &str); 3] = [
    ("count()", "events"),
    ("count_unique(issue)", "issues"),
    ("count_unique(user)", "users"),
];

#[derive(Deserialize)]
struct Answer {
    data: Vec<serde_json::Map<String, Value>>,
}

#[derive(Deserialize)]
struct Refusal {
    detail: Value,
}

/// The counts, in the order of [`FIELDS`]; nothing where it is no such answer.
pub fn counts(body: &[u8]) -> Option<[f64; FIELDS.len()]> {
    let answer: Answer = serde_json::from_slice(body).ok()?;
    let row = match answer.data.as_slice() {
        // Nothing was counted.
        [] => return Some([0.0; FIELDS.len()]),
        [row] => row,
        _ => return None,
    };
    let mut counts = [0.0; FIELDS.len()];
    for (count, (field, _)) in counts.iter_mut().zip(FIELDS) {
        *count = match row.get(field)? {
            Value::Null => 0.0,
            value => value.as_f64().filter(|count| *count >= 0.0)?,
        };
    }
    Some(counts)
}

/// What Sentry says of a request that it refused.
pub fn refused(body: &[u8]) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(match refusal.detail {
        Value::String(text) => one_line(&text),
        other => one_line(other.get("message")?.as_str()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_and_nothing_else() {
        for (body, counts) in [
            (
                r#"{"data":[{"count()":12,"count_unique(issue)":3,"count_unique(user)":null}],"meta":{}}"#,
                Some([12.0, 3.0, 0.0]),
            ),
            (r#"{"data":[],"meta":{}}"#, Some([0.0; 3])),
            (r#"{"data":[{"count()":12}]}"#, None),
            (r#"{"data":[{},{}]}"#, None),
            (
                r#"{"data":[{"count()":"12","count_unique(issue)":3,"count_unique(user)":1}]}"#,
                None,
            ),
            (
                r#"{"data":[{"count()":-1,"count_unique(issue)":3,"count_unique(user)":1}]}"#,
                None,
            ),
            ("<html>", None),
            ("[]", None),
        ] {
            assert_eq!(super::counts(body.as_bytes()), counts, "{body}");
        }
    }

    #[test]
    fn a_refusal_says_why_in_either_form() {
        for (body, said) in [
            (r#"{"detail":"Invalid token"}"#, Some("Invalid token")),
            (
                r#"{"detail":{"code":"x","message":"You must be\na member"}}"#,
                Some("You must be a member"),
            ),
            (r#"{"detail":{}}"#, None),
            ("no", None),
        ] {
            assert_eq!(refused(body.as_bytes()).as_deref(), said, "{body}");
        }
    }
}
