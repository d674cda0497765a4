//! `policies`: how deployments are judged and what is done about them.
//!
//! What a policy does not say is chosen so that nothing is hidden and nothing is touched: no armed
//! rollback, so that a service is changed only by a policy that says so. How carefully is judged,
//! and why, stands in `judging`.

mod judging;
mod later;
mod rollback;

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;

use self::judging::{ForgiveSettings, JudgeWord, RegressionWord};
use self::later::Hooks;
use self::rollback::RollbackSettings;
use super::GuardPlan;
use super::guards;
use super::kinds::Kinds;
use super::language::{DEFAULT_NAME, Share, check_name};
use super::rules::{self, RuleSettings};
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Place, Step, read};
use crate::decision::{Choice, Decide, Policy};
use crate::quantity::{Span, human};
use crate::verdict::usual_warm_up;

/// A policy, as far as it could be read.
pub struct PolicyDraft<'a> {
    /// Where it is declared.
    pub entry: &'a Entry,
    /// What was read.
    pub policy: Policy,
    /// Its guards.
    pub guards: Vec<GuardPlan>,
}

impl PolicyDraft<'_> {
    /// The place of a setting, or of the policy's name where the setting is not written.
    pub fn place(&self, key: &str) -> Place {
        let path = [Step::Key(key.to_owned())];
        self.entry.value.place_at(&path, &self.entry.key.place)
    }
}

/// How the deployments of a service are judged, and what is done about them.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicySettings {
    /// How long a deployment is watched before it is accepted; 10m without it.
    pub bake: Option<Span>,
    /// The start of the bake, whose latency does not count; a fifth of it and at most 60s without
    /// it.
    pub warm_up: Option<Span>,
    /// The least number of samples that a check needs; 10 without it.
    pub min_samples: Option<u64>,
    /// The least share of the promised samples that must arrive; 70% without it.
    pub coverage: Option<Share>,
    /// What is done at each verdict, when no rule says otherwise.
    pub decide: Option<DecideSettings>,
    /// The decision matrix; the first rule that matches a finding wins.
    pub rules: Option<Vec<RuleSettings>>,
    /// How a rollback is carried out.
    pub rollback: Option<RollbackSettings>,
    /// The chance of condemning a healthy deployment; 1% without it.
    pub false_rollback: Option<Share>,
    /// How much trouble is forgiven; one span of 30s without it.
    pub forgive: Option<ForgiveSettings>,
    /// Whether a check that looks bad is sampled every 2s for 30s; true without it.
    pub closer_look: Option<bool>,
    /// Who judges; `sequential` without it.
    pub judge: Option<JudgeWord>,
    /// What being worse than before leads to, for checks with a `baseline`; `warn` without it.
    pub regression: Option<RegressionWord>,
    /// What must hold for a rollback.
    #[schemars(with = "Option<Vec<super::guards::GuardSettings>>")]
    #[expect(dead_code, reason = "each is read by itself, like a check")]
    pub guards: Option<Vec<IgnoredAny>>,
    /// Commands around a rollback. Not available in this version.
    pub hooks: Option<Hooks>,
}

/// What is done at each verdict.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideSettings {
    /// At a failure; `rollback` without it.
    pub critical: Option<ChoiceWord>,
    /// At a warning; `accept` without it.
    pub warning: Option<ChoiceWord>,
    /// When nothing can be said at the end of the bake; `hold` without it.
    pub inconclusive: Option<ChoiceWord>,
}

/// What a policy can ask for.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChoiceWord {
    /// Return to the previous revision.
    Rollback,
    /// Keep the deployment.
    Accept,
    /// Change nothing and ask a person.
    Hold,
    /// Tell people, and do not count the finding.
    Alert,
}

impl From<ChoiceWord> for Choice {
    fn from(word: ChoiceWord) -> Self {
        match word {
            ChoiceWord::Rollback => Self::Rollback,
            ChoiceWord::Accept => Self::Accept,
            ChoiceWord::Hold => Self::Hold,
            ChoiceWord::Alert => Self::Alert,
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);

/// What applies to a service without a policy.
#[must_use]
pub fn standard() -> Policy {
    lowered(DEFAULT_NAME, PolicySettings::default(), None)
}

/// Reads the section.
pub fn lower<'a>(
    document: &'a Document,
    kinds: &dyn Kinds,
    problems: &mut Vec<Problem>,
) -> Vec<PolicyDraft<'a>> {
    let policies = document.policies.iter();
    policies
        .map(|entry| policy(entry, kinds, problems))
        .collect()
}

fn policy<'a>(entry: &'a Entry, kinds: &dyn Kinds, problems: &mut Vec<Problem>) -> PolicyDraft<'a> {
    check_name(&entry.key, "policy", problems);
    let settings = read::<PolicySettings>(&entry.value, &entry.key.place, problems)
        .any()
        .unwrap_or_default();
    later::report(&settings, entry, problems);
    let draft = PolicyDraft {
        entry,
        policy: lowered(&entry.key.text, settings, Some(entry)),
        guards: guards::lower(entry, kinds, problems),
    };
    examine(&draft, problems);
    rules::examine(&draft, problems);
    draft
}

fn lowered(name: &str, settings: PolicySettings, entry: Option<&Entry>) -> Policy {
    let bake = settings.bake.map_or(10 * MINUTE, |span| span.0);
    let judging = judging::lower(&settings, bake);
    let decide = settings.decide.unwrap_or_default();
    let rollback = settings.rollback.unwrap_or_default();
    let choice = |word: Option<ChoiceWord>, otherwise| word.map_or(otherwise, Choice::from);
    let span = |span: Option<Span>, otherwise| span.map_or(otherwise, |span| span.0);
    let rules = settings.rules.unwrap_or_default();
    Policy {
        name: Arc::from(name),
        bake,
        warm_up: span(settings.warm_up, usual_warm_up(bake)),
        min_samples: settings.min_samples.unwrap_or(judging::MIN_SAMPLES),
        coverage: settings.coverage.map_or(judging::COVERAGE, |share| share.0),
        judging,
        decide: Decide {
            critical: choice(decide.critical, Choice::Rollback),
            warning: choice(decide.warning, Choice::Accept),
            inconclusive: choice(decide.inconclusive, Choice::Hold),
        },
        rules: rules.into_iter().map(rules::lower).collect(),
        rollback: rollback::lower(rollback, entry),
    }
}

/// Finds values that a policy cannot have.
fn examine(draft: &PolicyDraft<'_>, problems: &mut Vec<Problem>) {
    let policy = &draft.policy;
    let mut refuse = |code: Code, path: &[&str], message: String, help: &str| {
        let path: Vec<Step> = path
            .iter()
            .map(|key| Step::Key((*key).to_owned()))
            .collect();
        let place = draft.entry.value.place_at(&path, &draft.entry.key.place);
        problems.push(Problem::error(code, message).at(&place).help(help));
    };
    if policy.bake.is_zero() {
        let message = "a bake of 0s watches nothing".to_owned();
        refuse(
            Code::BadValue,
            &["bake"],
            message,
            "write a duration such as 15m",
        );
    } else if policy.warm_up >= policy.bake {
        let (warm_up, bake) = (human(policy.warm_up), human(policy.bake));
        let message = format!("the warm-up of {warm_up} leaves nothing of the bake of {bake}");
        refuse(
            Code::BakeTooShort,
            &["warm_up"],
            message,
            "shorten `warm_up` or lengthen `bake`",
        );
    }
    if policy.min_samples == 0 {
        let message = "without samples nothing can be said".to_owned();
        refuse(
            Code::BadValue,
            &["min_samples"],
            message,
            "write at least 1",
        );
    }
    if policy.decide.inconclusive == Choice::Rollback {
        let message = "an inconclusive window proves nothing against the deployment".to_owned();
        let help = "choose `hold` or `accept`";
        refuse(
            Code::UnsafeChoice,
            &["decide", "inconclusive"],
            message,
            help,
        );
    }
    judging::examine(draft, problems);
    rollback::examine(draft, problems);
    warn_unarmed(draft, problems);
}

/// Whoever writes `rollback` as a choice and does not arm it may wait for one in vain.
fn warn_unarmed(draft: &PolicyDraft<'_>, problems: &mut Vec<Problem>) {
    let path = |keys: &[&str]| {
        keys.iter()
            .map(|key| Step::Key((*key).to_owned()))
            .collect()
    };
    let written = |keys: &[&str]| {
        let steps: Vec<Step> = path(keys);
        draft
            .entry
            .value
            .at(&steps)
            .map(|_| draft.entry.value.place_at(&steps, &draft.entry.key.place))
    };
    if draft.policy.rollback.arm || written(&["rollback", "arm"]).is_some() {
        return;
    }
    let asked = written(&["decide", "critical"])
        .filter(|_| draft.policy.decide.critical == Choice::Rollback)
        .or_else(|| written(&["rollback"]));
    if let Some(place) = asked {
        let name = &draft.policy.name;
        let message = format!("the policy `{name}` asks for rollbacks and is not armed");
        let problem = Problem::warning(Code::Unused, message)
            .at(&place)
            .help("add `rollback: { arm: true }`, or `arm: false` to say that it is meant so");
        problems.push(problem);
    }
}
