//! `rollback` of a policy: whether one may be carried out, how, and what stops it. What holds where
//! nothing is written stands, with its reasons, at [`RollbackPolicy::usual`].

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

use super::PolicyDraft;
use crate::config::problem::{Code, Problem};
use crate::config::{Entry, Step, Value};
use crate::decision::{Budget, Freeze, RollbackPolicy};
use crate::plan::language::Share;
use crate::quantity::{Span, human};

/// How a rollback is carried out, and what stops it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackSettings {
    /// Whether a rollback may be carried out at all; false without it.
    pub arm: Option<bool>,
    /// How long the platform may take; 15m without it.
    pub timeout: Option<Span>,
    /// Whether the same checks are run against the previous revision afterwards; true without it.
    pub verify: Option<bool>,
    /// The least time between two rollbacks of a service; none without it.
    pub cooldown: Option<Span>,
    /// How many rollbacks of a service are allowed in a time, as `1 per 24h`; no limit without it.
    /// Those that the platform refused are not counted.
    pub budget: Option<BudgetText>,
    /// Whether a task definition with its images pinned by digest may be registered, where the
    /// earlier one's name alone would bring back the images that failed; false without it.
    pub pin_digest: Option<bool>,
    /// How many deployments of a service are only watched before one may be rolled back; 0 without
    /// it.
    pub shadow: Option<u32>,
    /// Where people write that nothing is to be rolled back.
    pub freeze: Option<FreezeSettings>,
    /// The greatest share of samples that say nothing with which a rollback may go; 20% without it.
    pub max_unknown: Option<Share>,
    /// How long a deployment is watched at least before it is rolled back; as long as the judge
    /// needs without it.
    pub min_time: Option<Span>,
}

/// Where people write that nothing is to be rolled back; what cannot be read counts as a freeze.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FreezeSettings {
    /// Frozen while this file exists, whatever stands in it.
    pub file: Option<String>,
    /// Frozen while this parameter of the SSM Parameter Store exists and does not say `off`.
    pub ssm: Option<String>,
}

/// A budget, as `1 per 24h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetText(pub Budget);

impl BudgetText {
    fn parse(text: &str) -> Option<Self> {
        let (times, span) = text.split_once(" per ")?;
        let times: u32 = times.trim().parse().ok()?;
        let span = Span::parse(span).ok()?.0;
        Some(Self(Budget { times, span }))
    }
}

impl<'de> Deserialize<'de> for BudgetText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let message = format!("`{text}` is no budget; write it as \"1 per 24h\"");
            de::Error::custom(message)
        })
    }
}

impl JsonSchema for BudgetText {
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

/// The section as the decision knows it.
pub fn lower(settings: RollbackSettings, entry: Option<&Entry>) -> RollbackPolicy {
    let usual = RollbackPolicy::usual();
    let span = |span: Option<Span>, otherwise| span.map_or(otherwise, |span| span.0);
    RollbackPolicy {
        arm: settings.arm.unwrap_or(usual.arm),
        timeout: span(settings.timeout, usual.timeout),
        verify: settings.verify.unwrap_or(usual.verify),
        cooldown: span(settings.cooldown, usual.cooldown),
        budget: settings.budget.map(|budget| budget.0),
        pin_digest: settings.pin_digest.unwrap_or(usual.pin_digest),
        shadow: settings.shadow.unwrap_or(0) as usize,
        freeze: freeze(settings.freeze.unwrap_or_default(), entry),
        max_unknown: settings
            .max_unknown
            .map_or(usual.max_unknown, |share| share.0),
        min_time: span(settings.min_time, usual.min_time),
    }
}

/// A file is looked for from the folder of whoever names it, as all files are.
fn freeze(settings: FreezeSettings, entry: Option<&Entry>) -> Freeze {
    let file = settings.file.map(|file| match entry {
        Some(entry) => entry.key.place.file().folder().join(file),
        None => file.into(),
    });
    Freeze {
        file,
        parameter: settings.ssm,
    }
}

/// Finds values that cannot be meant.
pub fn examine(draft: &PolicyDraft<'_>, problems: &mut Vec<Problem>) {
    let rollback = &draft.policy.rollback;
    let mut refuse = |code: Code, path: &[&str], message: String, help: &str| {
        let path = ["rollback"].iter().chain(path);
        let path: Vec<Step> = path.map(|key| Step::Key((*key).to_owned())).collect();
        let place = draft.entry.value.place_at(&path, &draft.entry.key.place);
        problems.push(Problem::error(code, message).at(&place).help(help));
    };
    if rollback.timeout.is_zero() {
        let message = "a rollback cannot be over after 0s".to_owned();
        let help = "write a duration such as 15m";
        refuse(Code::BadValue, &["timeout"], message, help);
    }
    if let Some(Budget { times, span }) = rollback.budget {
        let help = "write a budget such as \"1 per 24h\", or `arm: false` to allow none";
        if times == 0 {
            let message = "a budget of 0 allows no rollback at all".to_owned();
            refuse(Code::BadValue, &["budget"], message, help);
        } else if span.is_zero() {
            let message = "a budget of 0s is used up and new in the same instant".to_owned();
            refuse(Code::BadValue, &["budget"], message, help);
        }
    }
    let bake = draft.policy.bake;
    if rollback.min_time > bake && !bake.is_zero() {
        let (least, bake) = (human(rollback.min_time), human(bake));
        let message = format!(
            "a bake of {bake} is over before the least time of {least}: nothing would ever be rolled back"
        );
        let help = "shorten `min_time` or lengthen `bake`";
        refuse(Code::BakeTooShort, &["min_time"], message, help);
    }
    examine_freeze(draft, &mut refuse);
}

fn examine_freeze(draft: &PolicyDraft<'_>, refuse: &mut impl FnMut(Code, &[&str], String, &str)) {
    let key = |key: &str| Step::Key(key.to_owned());
    let written = draft.entry.value.at(&[key("rollback"), key("freeze")]);
    let help = "write `file: /run/smokejumper/freeze`, `ssm: /smokejumper/freeze`, or both";
    let is_empty = written.is_some_and(|node| match &node.value {
        Value::Map(entries) => entries.is_empty(),
        Value::Null => true,
        _ => false,
    });
    if is_empty {
        let message = "a freeze that is written nowhere stops nothing".to_owned();
        refuse(Code::BadValue, &["freeze"], message, help);
    }
    let text = |name: &str| {
        let node = written.and_then(|node| node.entry(name))?;
        match &node.value.value {
            Value::Text(text) => Some(text.text.as_str()),
            _ => None,
        }
    };
    for name in ["file", "ssm"] {
        if text(name).is_some_and(|text| text.trim().is_empty()) {
            let message = format!("`{name}` is empty");
            refuse(Code::BadValue, &["freeze", name], message, help);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn budgets_are_read() {
        let budget = |times, hours: u64| {
            let span = Duration::from_secs(hours * 3_600);
            Some(BudgetText(Budget { times, span }))
        };
        assert_eq!(BudgetText::parse("1 per 24h"), budget(1, 24));
        assert_eq!(BudgetText::parse("3 per 7d"), budget(3, 7 * 24));
        for text in ["", "1", "one per day", "1 per 24", "-1 per 24h", "1 per"] {
            assert_eq!(BudgetText::parse(text), None, "{text}");
        }
    }
}
