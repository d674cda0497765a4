//! Parts of a policy that this version does not carry out: checked as strictly as the others, and
//! never passed over in silence. What only tunes the judge is warned about; what guards or extends
//! a rollback is refused, because its absence would be dangerous.

use schemars::JsonSchema;
use serde::de::{self, IgnoredAny};
use serde::{Deserialize, Deserializer};

use super::PolicySettings;
use crate::config::problem::Problem;
use crate::config::{Entry, Step};
use crate::plan::language::{not_available, not_in_effect};
use crate::quantity::Span;

/// A list that must be empty in this version.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Listed(#[schemars(with = "Vec<serde_json::Value>")] pub Vec<IgnoredAny>);

/// Commands around a rollback.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hooks {
    /// What is run before.
    pub before_rollback: Option<Listed>,
    /// What is run afterwards.
    pub after_rollback: Option<Listed>,
}

/// How many rollbacks are allowed in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget;

impl Budget {
    fn parse(text: &str) -> Option<Self> {
        let (times, span) = text.split_once(" per ")?;
        let times: u32 = times.trim().parse().ok()?;
        let span = Span::parse(span).ok()?;
        (times > 0 && !span.0.is_zero()).then_some(Self)
    }
}

impl<'de> Deserialize<'de> for Budget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let message = format!("`{text}` is no budget; write it as \"1 per 24h\"");
            de::Error::custom(message)
        })
    }
}

impl JsonSchema for Budget {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Budget".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^ *[0-9]+ per [0-9.]+[a-z]",
            "description": "How many rollbacks are allowed in a time.",
            "examples": ["1 per 24h"]
        })
    }
}

/// Reports the settings that this version does not carry out.
pub fn report(settings: &PolicySettings, entry: &Entry, problems: &mut Vec<Problem>) {
    let place = |path: &[&str]| {
        let path: Vec<Step> = path
            .iter()
            .map(|key| Step::Key((*key).to_owned()))
            .collect();
        entry.value.place_at(&path, &entry.key.place)
    };
    let rollback = settings.rollback.as_ref();
    let tuning: [(bool, &[&str]); 2] = [
        (
            rollback.is_some_and(|rollback| rollback.cooldown.is_some()),
            &["rollback", "cooldown"],
        ),
        (
            rollback.is_some_and(|rollback| rollback.budget.is_some()),
            &["rollback", "budget"],
        ),
    ];
    for (_, path) in tuning.iter().filter(|(given, _)| *given) {
        problems.push(not_in_effect(&path.join("."), &place(path)));
    }
    let filled = |list: &Option<Listed>| list.as_ref().is_some_and(|list| !list.0.is_empty());
    if filled(&settings.guards) {
        problems.push(not_available("`guards`", &place(&["guards"])));
    }
    let hooks = settings.hooks.as_ref();
    if hooks.is_some_and(|hooks| filled(&hooks.before_rollback) || filled(&hooks.after_rollback)) {
        problems.push(not_available("`hooks`", &place(&["hooks"])));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_are_read() {
        assert_eq!(Budget::parse("1 per 24h"), Some(Budget));
        assert_eq!(Budget::parse("3 per 7d"), Some(Budget));
        for text in ["", "1", "0 per 24h", "1 per 0s", "one per day", "1 per 24"] {
            assert_eq!(Budget::parse(text), None, "{text}");
        }
    }
}
