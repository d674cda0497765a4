//! Words of the language that several parts share, and those that this version does not know yet.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::config::Place;
use crate::config::problem::{Code, Problem};
use crate::config::tree::Key;
use crate::quantity::Ratio;

/// How often a check runs when nothing says otherwise.
pub const DEFAULT_EVERY: Duration = Duration::from_secs(10);

/// How long a run may take when nothing says otherwise.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);

/// The name of the service and of the policy that apply where none is declared.
pub const DEFAULT_NAME: &str = "default";

/// The longest name.
const LONGEST_NAME: usize = 100;

/// Reports a name with other characters than names have.
pub fn check_name(key: &Key, what: &str, problems: &mut Vec<Problem>) {
    if !is_name(&key.text) {
        problems.push(bad_name(&key.text, what, &key.place));
    }
}

/// Whether a text is a name.
pub fn is_name(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= LONGEST_NAME
        && text.chars().all(fits)
}

/// The problem of a text that is no name.
pub fn bad_name(text: &str, what: &str, place: &Place) -> Problem {
    let plain: String = text
        .trim()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                c
            } else {
                '-'
            }
        })
        .collect();
    let plain = plain.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let help = if is_name(plain) {
        format!("write `{plain}`")
    } else {
        "choose a name such as `api-health`".to_owned()
    };
    let message = format!(
        "`{text}` is no name for a {what}: letters, digits, `-`, `_` and `.`, at most {LONGEST_NAME}"
    );
    Problem::error(Code::BadName, message).at(place).help(help)
}

/// The error of a word whose absence would be dangerous or pointless.
pub fn not_available(what: &str, place: &Place) -> Problem {
    let message = format!("{what} is part of the language but not available in this version");
    Problem::error(Code::NotAvailable, message)
        .at(place)
        .help("remove it to run the rest without it")
}

/// The warning for a word that only tunes what is not there yet.
pub fn not_in_effect(word: &str, place: &Place) -> Problem {
    Problem::warning(
        Code::NotInEffect,
        format!("not in effect in this version: `{word}`"),
    )
    .at(place)
    .help("the value was checked; nothing uses it yet")
}

/// A share of a whole, as `5%`.
#[derive(Clone, Copy, Debug)]
pub struct Share(pub f64);

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let ratio = Ratio::parse(&text).map_err(de::Error::custom)?;
        Ok(Self(ratio.share()))
    }
}

impl schemars::JsonSchema for Share {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "number"],
            "pattern": "^ *[0-9.]+ *%? *$",
            "minimum": 0,
            "maximum": 1,
            "description": "A share of a whole: a percentage, as 5%, or a number from 0 to 1.",
            "examples": ["1%", "70%"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_letters_digits_and_three_signs() {
        for name in ["a", "api-health", "db_1.replica", "9lives"] {
            assert!(is_name(name), "{name}");
        }
        let long = "a".repeat(LONGEST_NAME + 1);
        for name in ["", "-a", ".a", "a b", "a/b", "ü", "a*", &long] {
            assert!(!is_name(name), "{name}");
        }
    }
}
