//! `baseline` of a check: how much worse than before is too much. Checked, and not in effect yet.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::language::not_in_effect;
use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Value, read};
use crate::verdict::threshold::Subject;

/// The limits on how far one subject may move.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSettings {
    /// The change that warns, as `> +10%`.
    pub warning: Option<Change>,
    /// The change that fails the check, as `> +50%`.
    pub critical: Option<Change>,
}

/// A comparison with what was measured before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change;

impl Change {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.trim();
        let rest = rest.strip_prefix(['>', '<']).unwrap_or(rest);
        let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
        let sign = rest.starts_with(['+', '-']);
        let number = rest.strip_suffix('%').filter(|_| sign)?;
        let percent: f64 = number.trim_end().parse().ok()?;
        percent.is_finite().then_some(Self)
    }
}

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let message =
                format!("`{text}` is no change; write a sign and a percentage, as \"> +10%\"");
            de::Error::custom(message)
        })
    }
}

impl JsonSchema for Change {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Change".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^ *[<>]?=? *[-+][0-9. ]+%$",
            "description": "A comparison with what was measured on the revision before.",
            "examples": ["> +10%", "< -5%"]
        })
    }
}

/// Checks the section of one check.
pub fn examine(section: &Entry, problems: &mut Vec<Problem>) {
    let Value::Map(entries) = &section.value.value else {
        if section.value.value != Value::Hole {
            let found = section.value.description();
            let message = format!("`baseline` is a mapping from subjects, not {found}");
            let problem = Problem::error(Code::WrongType, message)
                .at(&section.pointer())
                .help("write `baseline: { p95: { warning: \"> +10%\" } }`");
            problems.push(problem);
        }
        return;
    };
    for entry in entries {
        if let Err(error) = Subject::parse(&entry.key.text) {
            let problem = Problem::error(Code::UnknownSubject, error.to_string())
                .at(&entry.key.place)
                .help("percentiles are p50, p90, p95, p99 and p999");
            problems.push(problem);
        }
        let settings = read::<ChangeSettings>(&entry.value, &entry.key.place, problems).any();
        if settings.is_some_and(|change| change.warning.is_none() && change.critical.is_none()) {
            let message = format!("the baseline of `{}` has no limit", entry.key.text);
            let problem = Problem::error(Code::BadThreshold, message)
                .at(&entry.key.place)
                .help("add `warning: …`, `critical: …` or both");
            problems.push(problem);
        }
    }
    problems.push(not_in_effect("baseline", &section.key.place));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_a_sign_and_a_percentage() {
        for text in ["> +10%", "< -5 %", "+50%", ">=+1%"] {
            assert_eq!(Change::parse(text), Some(Change), "{text}");
        }
        for text in ["", "> 10%", "> +10", "+%", "+ten%", "> +infinity%"] {
            assert_eq!(Change::parse(text), None, "{text}");
        }
    }
}
