//! Parts of a policy that this version does not carry out: checked as strictly as the others, and
//! refused, because their absence would be dangerous.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::PolicySettings;
use crate::config::problem::Problem;
use crate::config::{Entry, Step};
use crate::plan::language::not_available;

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

/// Reports the settings that this version does not carry out.
pub fn report(settings: &PolicySettings, entry: &Entry, problems: &mut Vec<Problem>) {
    let filled = |list: &Option<Listed>| list.as_ref().is_some_and(|list| !list.0.is_empty());
    let hooks = settings.hooks.as_ref();
    if hooks.is_some_and(|hooks| filled(&hooks.before_rollback) || filled(&hooks.after_rollback)) {
        let path = [Step::Key("hooks".to_owned())];
        let place = entry.value.place_at(&path, &entry.key.place);
        problems.push(not_available("`hooks`", &place));
    }
}
