//! How carefully a policy judges: the keys of the judge, and why each is what it is when it is not
//! written.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{PolicyDraft, PolicySettings};
use crate::config::Step;
use crate::config::problem::{Code, Problem};
use crate::decision::Judging;
use crate::quantity::{Span, human};
use crate::verdict::{Forgive, JudgeKind, Regressed, usual_forgiveness};

/// How much trouble is forgiven.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgiveSettings {
    /// How long one burst of trouble may be; 30s without it.
    pub span: Option<Span>,
    /// How many bursts; 1 without it, 0 forgives nothing.
    pub times: Option<u32>,
}

/// What being worse than before leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RegressionWord {
    /// A warning.
    Warn,
    /// A failure, where a check's critical tolerance is exceeded.
    Rollback,
}

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum JudgeWord {
    /// Right after every sample, within a budget of false rollbacks.
    Sequential,
    /// Each limit as written, over the window, as other tools do.
    Plain,
}

/// Ten samples are the fewest of which an outage can be told from a blip at all.
pub const MIN_SAMPLES: u64 = 10;
/// What is lost beyond three samples in ten is no longer chance, and may be the very trouble.
pub const COVERAGE: f64 = 0.7;
/// One healthy deployment in a hundred at most: for a team that deploys ten times a week one needless
/// rollback in ten weeks, if every healthy deployment stood at the very edge of its limits.
const FALSE_ROLLBACK: f64 = 0.01;
/// A rollback that is wrong every other time is none.
const MOST_FALSE_ROLLBACK: f64 = 0.5;
/// More bursts than this would forgive a service that flaps.
const MOST_FORGIVEN_TIMES: u32 = 4;
/// The judge's keys, with what holds where they are not written.
pub fn lower(settings: &PolicySettings, bake: Duration) -> Judging {
    let forgive = settings.forgive;
    let usual = usual_forgiveness(bake);
    let span = forgive.and_then(|forgive| forgive.span);
    Judging {
        judge: match settings.judge {
            Some(JudgeWord::Plain) => JudgeKind::Plain,
            Some(JudgeWord::Sequential) | None => JudgeKind::Sequential,
        },
        false_rollback: settings
            .false_rollback
            .map_or(FALSE_ROLLBACK, |share| share.0),
        forgive: Forgive {
            span: span.map_or(usual.span, |span| span.0),
            times: forgive
                .and_then(|forgive| forgive.times)
                .unwrap_or(usual.times),
        },
        closer_look: settings.closer_look.unwrap_or(true),
        regression: match settings.regression {
            Some(RegressionWord::Rollback) => Regressed::Condemns,
            Some(RegressionWord::Warn) | None => Regressed::Warns,
        },
        has_own_warm_up: settings.warm_up.is_some(),
        has_own_span: span.is_some(),
    }
}

/// Finds values that the judge cannot have.
pub fn examine(draft: &PolicyDraft<'_>, problems: &mut Vec<Problem>) {
    let Judging {
        false_rollback,
        forgive,
        ..
    } = draft.policy.judging;
    let mut refuse = |path: &[&str], message: String, help: &str| {
        let path: Vec<Step> = path
            .iter()
            .map(|key| Step::Key((*key).to_owned()))
            .collect();
        let place = draft.entry.value.place_at(&path, &draft.entry.key.place);
        problems.push(
            Problem::error(Code::BadValue, message)
                .at(&place)
                .help(help),
        );
    };
    if false_rollback <= 0.0 || false_rollback > MOST_FALSE_ROLLBACK {
        let message = "the chance of a false rollback is more than 0% and at most 50%".to_owned();
        refuse(&["false_rollback"], message, "write a share such as 1%");
    }
    if forgive.times > MOST_FORGIVEN_TIMES {
        let message = format!("at most {MOST_FORGIVEN_TIMES} bursts can be forgiven");
        refuse(
            &["forgive", "times"],
            message,
            "a service that is often in trouble is not well",
        );
    }
    if forgive.times > 0
        && forgive.span * forgive.times >= draft.policy.bake
        && !draft.policy.bake.is_zero()
        && draft.entry.value.entry("forgive").is_some()
    {
        let (span, bake) = (
            human(forgive.span * forgive.times),
            human(draft.policy.bake),
        );
        let message = format!("forgiving {span} of a bake of {bake} forgives everything");
        refuse(&["forgive", "span"], message, "forgive less or bake longer");
    }
}
