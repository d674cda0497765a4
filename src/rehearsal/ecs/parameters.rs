//! Reading an operation's parameters as strictly as AWS does: a wrong type is a broken request, a
//! missing one an invalid parameter.

use serde_json::Value;

use super::operations::Refusal;

/// A text that may be absent.
pub(super) fn text<'a>(input: &'a Value, name: &str) -> Result<Option<&'a str>, Refusal> {
    match &input[name] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(Refusal::broken(name, "a string")),
    }
}

/// A text that must be there, and not be empty.
pub(super) fn required<'a>(input: &'a Value, name: &str) -> Result<&'a str, Refusal> {
    match text(input, name)? {
        None => Err(Refusal::invalid(format!("{name} can not be blank."))),
        Some(text) if text.trim().is_empty() => {
            Err(Refusal::invalid(format!("{name} can not be blank.")))
        }
        Some(text) => Ok(text),
    }
}

/// A list of texts; empty when absent.
pub(super) fn texts<'a>(input: &'a Value, name: &str) -> Result<Vec<&'a str>, Refusal> {
    match &input[name] {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items
            .iter()
            .map(|item| {
                item.as_str()
                    .ok_or_else(|| Refusal::broken(name, "strings"))
            })
            .collect(),
        _ => Err(Refusal::broken(name, "a list")),
    }
}

/// A list of texts with at least one and at most `most` entries.
pub(super) fn some_texts<'a>(
    input: &'a Value,
    name: &str,
    most: usize,
) -> Result<Vec<&'a str>, Refusal> {
    let texts = texts(input, name)?;
    if texts.is_empty() {
        return Err(Refusal::invalid(format!("{name} can not be empty.")));
    }
    if texts.len() > most {
        return Err(Refusal::invalid(format!(
            "{name} can have at most {most} items."
        )));
    }
    Ok(texts)
}

/// A whole number that is not negative, when it is there.
pub(super) fn count(input: &Value, name: &str) -> Result<Option<u32>, Refusal> {
    match &input[name] {
        Value::Null => Ok(None),
        Value::Number(number) => number
            .as_u64()
            .and_then(|number| u32::try_from(number).ok())
            .map(Some)
            .ok_or_else(|| Refusal::invalid(format!("{name} must not be negative."))),
        _ => Err(Refusal::broken(name, "a number")),
    }
}

/// A number of seconds since 1970, when it is there.
pub(super) fn seconds(input: &Value, name: &str) -> Result<Option<f64>, Refusal> {
    match &input[name] {
        Value::Null => Ok(None),
        Value::Number(number) => Ok(number.as_f64()),
        _ => Err(Refusal::broken(name, "a timestamp")),
    }
}

/// A flag; false when absent.
pub(super) fn flag(input: &Value, name: &str) -> Result<bool, Refusal> {
    match &input[name] {
        Value::Null => Ok(false),
        Value::Bool(flag) => Ok(*flag),
        _ => Err(Refusal::broken(name, "a boolean")),
    }
}

/// The part of a list that this page shows, and the token of the next page.
pub(super) fn page<T>(
    input: &Value,
    items: Vec<T>,
    default: usize,
    most: usize,
) -> Result<(Vec<T>, Option<String>), Refusal> {
    let size = match count(input, "maxResults")? {
        None => default,
        Some(size) => usize::try_from(size)
            .ok()
            .filter(|size| (1..=most).contains(size))
            .ok_or_else(|| Refusal::invalid(format!("maxResults must be between 1 and {most}.")))?,
    };
    let start = match text(input, "nextToken")? {
        None => 0,
        Some(token) => token
            .strip_prefix(TOKEN)
            .and_then(|start| start.parse::<usize>().ok())
            .ok_or_else(|| Refusal::invalid("Invalid token.".to_owned()))?,
    };
    let end = start.saturating_add(size);
    let next = (end < items.len()).then(|| format!("{TOKEN}{end}"));
    Ok((items.into_iter().skip(start).take(size).collect(), next))
}

const TOKEN: &str = "stand-in-page-";

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pages_follow_each_other_until_the_last() {
        let items: Vec<u32> = (0..5).collect();
        let (first, next) = page(&json!({"maxResults": 2}), items.clone(), 20, 100).unwrap();
        assert_eq!(first, [0, 1]);
        let (second, next) =
            page(&json!({"maxResults": 4, "nextToken": next}), items, 20, 100).unwrap();
        assert_eq!(second, [2, 3, 4]);
        assert_eq!(next, None);
    }

    #[test]
    fn what_is_missing_wrong_or_too_much_is_refused() {
        let cases: [(&str, Refusal); 5] = [
            ("missing", required(&json!({}), "service").unwrap_err()),
            (
                "wrong type",
                text(&json!({"service": 1}), "service").unwrap_err(),
            ),
            (
                "too many",
                some_texts(&json!({"a": ["x", "y"]}), "a", 1).unwrap_err(),
            ),
            (
                "page size",
                page(&json!({"maxResults": 101}), vec![1], 20, 100).unwrap_err(),
            ),
            (
                "token",
                page(&json!({"nextToken": "x"}), vec![1], 20, 100).unwrap_err(),
            ),
        ];
        let codes: Vec<_> = cases.iter().map(|(_, refusal)| refusal.code).collect();
        assert_eq!(
            codes,
            [
                "InvalidParameterException",
                "SerializationException",
                "InvalidParameterException",
                "InvalidParameterException",
                "InvalidParameterException",
            ]
        );
    }
}
