//! How values appear in messages: one line, quoted where they are text, shortened.

use serde_json::Value;

/// A value as a message shows it: on one line, at most about 80 characters.
#[must_use]
pub fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(_) | Value::Object(_) => {
            let whole = value.to_string();
            let length = whole.chars().count();
            let whole: String = shortened(&whole, length);
            // JSON writes out the control characters of ASCII only; quotes stay its own.
            let shown = |c| if c == '"' { vec![c] } else { visible(c) };
            whole.chars().flat_map(shown).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            let whole = value.to_string();
            shortened(&whole, whole.len())
        }
    }
}

/// A text in quotes, its control characters escaped, shortened.
pub fn quoted(text: &str) -> String {
    let length = text.chars().count();
    let start: String = text.chars().take(LONGEST).collect();
    let escaped: String = start.chars().flat_map(visible).collect();
    if length <= LONGEST {
        format!("\"{escaped}\"")
    } else {
        format!("\"{escaped}…\" ({length} characters)")
    }
}

fn shortened(text: &str, length: usize) -> String {
    if length <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}… ({length} characters)")
}

/// Whatever would move the cursor of a terminal or break the line is written out.
fn visible(character: char) -> Vec<char> {
    match character {
        '"' => vec!['\\', '"'],
        c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}') => {
            c.escape_default().collect()
        }
        c => vec![c],
    }
}

/// How many characters of a value a message shows.
const LONGEST: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_fit_on_one_line() {
        assert_eq!(shown(&json!("a\nb\u{1b}[31m")), r#""a\nb\u{1b}[31m""#);
        assert_eq!(shown(&json!({"a": [1, null]})), r#"{"a":[1,null]}"#);
        assert_eq!(
            shown(&json!(["\u{9b}31m\u{202e}"])),
            r#"["\u{9b}31m\u{202e}"]"#
        );
        let long = shown(&json!("é".repeat(1000)));
        assert!(long.ends_with("…\" (1000 characters)"), "{long}");
        assert!(shown(&json!(vec![1; 1000])).chars().count() < 110);
    }
}
