//! `rules` of a policy: the decision matrix of a runbook.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::{self, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::kinds::Kinds;
use super::language::not_available;
use super::policies::PolicyDraft;
use crate::config::problem::{Code, Problem};
use crate::config::{Node, Step, Value};
use crate::decision::{Choice, Policy, Rule, When};
use crate::event::{Level, Verdict};

/// A line of the decision matrix.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleSettings {
    /// Which findings it is about.
    pub when: WhenSettings,
    /// What is done about them.
    pub then: ThenSettings,
    /// Why, in the words of whoever writes it.
    pub because: Option<String>,
}

/// Which findings a rule is about: all conditions that are given must hold.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = in_the_singular)]
pub struct WhenSettings {
    /// The check has one of these tags.
    #[serde(alias = "tag")]
    pub tags: Option<Names>,
    /// The check is one of these.
    #[serde(alias = "check")]
    pub checks: Option<Names>,
    /// The check is of one of these kinds.
    #[serde(alias = "kind")]
    pub kinds: Option<Names>,
    /// The finding is about one of these thresholds.
    #[serde(alias = "threshold")]
    pub thresholds: Option<Names>,
    /// The finding is at this level.
    pub level: Option<Level>,
    /// The finding has this verdict.
    pub verdict: Option<Verdict>,
}

/// The aliases of the conditions, of which the schema would not know.
fn in_the_singular(schema: &mut schemars::Schema) {
    let properties = schema
        .get_mut("properties")
        .and_then(serde_json::Value::as_object_mut);
    if let Some(properties) = properties {
        for name in ["tag", "check", "kind", "threshold"] {
            if let Some(several) = properties.get(&format!("{name}s")).cloned() {
                properties.insert(name.to_owned(), several);
            }
        }
    }
}

/// What a rule does.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThenSettings {
    /// Return to the previous revision.
    Rollback,
    /// Change nothing and ask a person.
    Hold,
    /// Tell people, and do not count the finding.
    Alert,
    /// Keep the deployment.
    Accept,
    /// Part of the language, not available in this version.
    #[schemars(skip)]
    Run(IgnoredAny),
}

/// One name, or several.
#[derive(Debug, Default)]
pub struct Names(pub Vec<Arc<str>>);

impl JsonSchema for Names {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "One name, or a list of names.",
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "type": "string" } }
            ]
        })
    }
}

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Names;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name or a list of names")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Names, E> {
                Err(E::invalid_type(de::Unexpected::Unit, &self))
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<Names, E> {
                Ok(Names(vec![Arc::from(name)]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = items.next_element::<String>()? {
                    names.push(Arc::from(name.as_str()));
                }
                Ok(Names(names))
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

/// The rule as the decision knows it.
pub fn lower(settings: RuleSettings) -> Rule {
    let names = |names: Option<Names>| names.unwrap_or_default().0;
    let when = settings.when;
    Rule {
        when: When {
            tags: names(when.tags),
            checks: names(when.checks),
            kinds: names(when.kinds),
            thresholds: names(when.thresholds),
            level: when.level,
            verdict: when.verdict,
        },
        then: match settings.then {
            ThenSettings::Rollback => Choice::Rollback,
            ThenSettings::Accept => Choice::Accept,
            ThenSettings::Alert => Choice::Alert,
            // `run` is refused below; until then it asks a person.
            ThenSettings::Hold | ThenSettings::Run(_) => Choice::Hold,
        },
        because: settings.because,
    }
}

/// Adds the last rules of every policy: what is a dependency of the service holds a rollback, where
/// the policy's general answer would be one. A database or a chain seldom fails because of a
/// deployment, and the service fails with it. Any rule of the policy goes before them.
pub fn add_those_that_always_hold(
    policy: &mut Policy,
    own: impl Iterator<Item = &'static str>,
    kinds: &dyn Kinds,
) {
    let mut held: BTreeMap<&'static str, BTreeSet<&'static str>> = BTreeMap::new();
    for kind in own {
        if let Some(dependency) = kinds.dependency(kind) {
            held.entry(dependency).or_default().insert(kind);
        }
    }
    let answers = [
        (Verdict::Fail, policy.decide.critical),
        (Verdict::Warn, policy.decide.warning),
    ];
    for (dependency, kinds) in held {
        for (verdict, _) in answers.iter().filter(|(_, one)| *one == Choice::Rollback) {
            policy.rules.push(Rule {
                when: When {
                    kinds: kinds.iter().map(|kind| Arc::from(*kind)).collect(),
                    verdict: Some(*verdict),
                    ..When::default()
                },
                then: Choice::Hold,
                because: Some(format!(
                    "{dependency} checks hold unless a rule says otherwise"
                )),
            });
        }
    }
}

/// Finds rules that cannot be meant.
pub fn examine(draft: &PolicyDraft<'_>, problems: &mut Vec<Problem>) {
    let Some(section) = draft.entry.value.entry("rules") else {
        return;
    };
    for (index, node) in section.value.items().iter().enumerate() {
        let step = |key: &str| vec![Step::Item(index), Step::Key(key.to_owned())];
        let place = |key: &str| section.value.place_at(&step(key), &section.key.place);
        if runs_something(node) {
            problems.push(not_available("`then: { run: … }`", &place("then")));
        }
        if is_empty(node.entry("when").map(|entry| &entry.value)) {
            let problem = Problem::error(Code::BadValue, "the rule matches every finding")
                .at(&place("when"))
                .help("say which findings it is about, or use `decide` for all of them");
            problems.push(problem);
        }
        if rolls_back_unproven(node) {
            let message = "an inconclusive finding proves nothing against the deployment";
            let problem = Problem::error(Code::UnsafeChoice, message)
                .at(&place("then"))
                .help("choose `hold`, `alert` or `accept`");
            problems.push(problem);
        }
    }
}

fn runs_something(rule: &Node) -> bool {
    let then = rule.entry("then").map(|entry| &entry.value);
    then.is_some_and(|then| then.entry("run").is_some())
}

fn is_empty(when: Option<&Node>) -> bool {
    when.is_some_and(|when| match &when.value {
        Value::Map(entries) => entries.is_empty(),
        Value::Null => true,
        _ => false,
    })
}

fn rolls_back_unproven(rule: &Node) -> bool {
    let is = |node: Option<&Node>, word: &str| matches!(node.map(|node| &node.value), Some(Value::Text(text)) if text.text == word);
    let key = |key: &str| Step::Key(key.to_owned());
    is(rule.at(&[key("then")]), "rollback")
        && is(rule.at(&[key("when"), key("verdict")]), "inconclusive")
}
