//! `baseline` of a check: how much worse than before is too much.
//!
//! Compared are the error rate and the percentiles of the latency, for the worse. Other subjects, and
//! changes for the better, are checked and told to have no effect.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::language::not_in_effect;
use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Value, read};
use crate::verdict::threshold::Subject;
use crate::verdict::{Comparable, Tolerance};

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
pub struct Change {
    /// How much, as a share: 0.1 for 10 %.
    pub by: f64,
    /// Whether more than that is meant, and not less.
    pub is_more: bool,
}

impl Change {
    fn parse(text: &str) -> Option<Self> {
        let rest = text.trim();
        let is_more = !rest.starts_with('<');
        let rest = rest.strip_prefix(['>', '<']).unwrap_or(rest);
        let rest = rest.strip_prefix('=').unwrap_or(rest).trim();
        let sign = rest.starts_with(['+', '-']);
        let number = rest.strip_suffix('%').filter(|_| sign)?;
        let percent: f64 = number.trim_end().parse().ok()?;
        percent.is_finite().then_some(Self {
            by: percent / 100.0,
            is_more,
        })
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

/// Reads the section of one check.
pub fn lower(section: &Entry, problems: &mut Vec<Problem>) -> Vec<Tolerance> {
    let Value::Map(entries) = &section.value.value else {
        if section.value.value != Value::Hole {
            let found = section.value.description();
            let message = format!("`baseline` is a mapping from subjects, not {found}");
            let problem = Problem::error(Code::WrongType, message)
                .at(&section.pointer())
                .help("write `baseline: { p95: { warning: \"> +10%\" } }`");
            problems.push(problem);
        }
        return Vec::new();
    };
    let mut tolerances = Vec::new();
    for entry in entries {
        let subject = Subject::parse(&entry.key.text);
        if let Err(error) = &subject {
            let problem = Problem::error(Code::UnknownSubject, error.to_string())
                .at(&entry.key.place)
                .help("percentiles are p50, p90, p95, p99 and p999");
            problems.push(problem);
        }
        let settings = read::<ChangeSettings>(&entry.value, &entry.key.place, problems).any();
        let Some(change) = settings else { continue };
        if change.warning.is_none() && change.critical.is_none() {
            let message = format!("the baseline of `{}` has no limit", entry.key.text);
            let problem = Problem::error(Code::BadThreshold, message)
                .at(&entry.key.place)
                .help("add `warning: …`, `critical: …` or both");
            problems.push(problem);
            continue;
        }
        let Ok(subject) = subject else { continue };
        if let (Some(warning), Some(critical)) = (change.warning, change.critical)
            && warning.is_more
            && critical.is_more
            && critical.by < warning.by
        {
            let message = format!("the baseline of `{}` fails before it warns", entry.key.text);
            let problem = Problem::error(Code::ThresholdOrder, message)
                .at(&entry.key.place)
                .help("make the critical change the larger one");
            problems.push(problem);
        }
        match tolerance(&subject, &change) {
            Some(tolerance) => tolerances.push(tolerance),
            None => {
                let what = format!("baseline.{}", entry.key.text);
                problems.push(not_in_effect(&what, &entry.key.place));
            }
        }
    }
    tolerances
}

/// What can be compared: more errors, and higher percentiles of the whole latency.
fn tolerance(subject: &Subject, change: &ChangeSettings) -> Option<Tolerance> {
    let subject = match subject {
        Subject::ErrorRate => Comparable::Errors,
        Subject::Quantile(None, q) => Comparable::Latency(*q),
        Subject::Quantile(Some(_), _)
        | Subject::Availability
        | Subject::Max(_)
        | Subject::Mean(_)
        | Subject::ConsecutiveFailures
        | Subject::Reading(_) => return None,
    };
    let changes = [change.warning, change.critical];
    let is_worse = |change: &Change| change.is_more && change.by >= 0.0;
    changes.iter().flatten().all(is_worse).then(|| Tolerance {
        subject,
        warning: change.warning.map(|change| change.by),
        critical: change.critical.map(|change| change.by),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_have_a_sign_and_a_percentage() {
        let cases = [
            ("> +10%", 0.1, true),
            ("< -5 %", -0.05, false),
            ("+50%", 0.5, true),
            (">=+1%", 0.01, true),
        ];
        for (text, by, is_more) in cases {
            assert_eq!(Change::parse(text), Some(Change { by, is_more }), "{text}");
        }
        for text in ["", "> 10%", "> +10", "+%", "+ten%", "> +infinity%"] {
            assert_eq!(Change::parse(text), None, "{text}");
        }
    }
}
