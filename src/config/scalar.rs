//! What an unquoted scalar is: nothing, a boolean, a number, or text. Strict, so that a country
//! code, a version or an address never turns into something else.
//!
//! Only `true` and `false` are booleans (`yes`, `on` and `True` are text), only decimal numbers as
//! JSON writes them are numbers (`0x10`, `010`, `1_000`, `.5` and `1:30` are text).

use super::tree::{Form, Text, Value};

/// Reads an unquoted scalar.
#[must_use]
pub fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        number if is_number(number) => Value::Number(number.to_owned()),
        text => Value::Text(Text {
            text: text.to_owned(),
            form: Form::Plain,
        }),
    }
}

/// Whether a text is a number as JSON writes it.
#[must_use]
pub fn is_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], Some(&rest[at + 1..])),
        None => (rest, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_json_calls_a_number_is_a_number() {
        for text in [
            "0",
            "-0",
            "5",
            "0.5",
            "-1.25e-3",
            "1E+9",
            "12345678901234567890123",
        ] {
            assert!(is_number(text), "{text}");
        }
        for text in [
            "", "-", "+5", "010", ".5", "5.", "0x10", "1_000", "1:30", "1e", "NaN", ".inf", "1 ",
        ] {
            assert!(!is_number(text), "{text}");
        }
    }

    #[test]
    fn only_true_and_false_are_booleans() {
        assert_eq!(plain("true"), Value::Bool(true));
        for text in ["yes", "no", "on", "off", "True", "FALSE", "y"] {
            assert!(matches!(plain(text), Value::Text(_)), "{text}");
        }
        for text in ["", "~", "null"] {
            assert_eq!(plain(text), Value::Null, "{text}");
        }
        assert!(matches!(plain("Null"), Value::Text(_)));
    }
}
