//! The start of a window: which streams there are, which comparisons with before, and which checks
//! have no vote because they failed before the deployment already.

use std::time::Duration;

use super::{Regressed, Terms};
use crate::event::Level;
use crate::verdict::defaults::with_error_limit;
use crate::verdict::sequential::comparison::Comparisons;
use crate::verdict::sequential::docket::{Budget, Docket, Party, rate};
use crate::verdict::sequential::eye::Eye;
use crate::verdict::threshold::Threshold;
use crate::verdict::{
    Before, FindingReason, JudgeKind, Rules, Sufficiency, WARNING_ERROR_RATE, wording,
};

/// What a window opens with.
pub(super) struct Opened {
    pub(super) docket: Docket,
    pub(super) comparisons: Comparisons,
    /// For each check why it has no vote; absent where it has.
    pub(super) abstaining: Vec<Option<Box<FindingReason>>>,
}

/// So surely must a check have failed before to lose its vote.
const CONFIDENCE: f64 = 0.95;
/// The part of the budget that is left to the limits where a comparison may condemn as well.
const LEFT_TO_LIMITS: f64 = 0.5;

impl Opened {
    /// Opens a window; `before` holds one recording a check, or nothing.
    pub(super) fn of(rules: &[Rules], terms: &Terms, before: Vec<Before>) -> Self {
        let mut before = before;
        before.resize(rules.len(), Before::default());
        for (rules, before) in rules.iter().zip(&mut before) {
            if rules.tolerances.is_empty() {
                *before = Before::default();
            }
        }
        let abstaining: Vec<Option<Box<FindingReason>>> = rules
            .iter()
            .zip(&before)
            .map(|(rules, before)| failing(rules, before).map(Box::new))
            .collect();
        let parties: Vec<Party<'_>> = rules
            .iter()
            .zip(&before)
            .zip(&abstaining)
            .map(|((rules, before), abstains)| party(rules, terms, before, abstains.is_some()))
            .collect();
        let budget = Budget {
            start: terms.start,
            warm_up: terms.warm_up,
            length: terms.bake,
            false_rollback: terms.false_rollback,
            forgive: terms.forgive,
        };
        let comparisons = Comparisons::new(&parties, &before, WARNING_ERROR_RATE, &budget);
        let share = match terms.regression {
            Regressed::Condemns if !comparisons.is_empty() => LEFT_TO_LIMITS,
            Regressed::Condemns | Regressed::Warns => 1.0,
        };
        let budget = Budget {
            false_rollback: budget.false_rollback * share,
            ..budget
        };
        Self {
            docket: Docket::new(&parties, &budget),
            comparisons,
            abstaining,
        }
    }
}

/// A check as the streams see it; without limits where it is judged as written or has no vote.
fn party<'a>(rules: &'a Rules, terms: &Terms, before: &'a Before, abstains: bool) -> Party<'a> {
    let every = match (terms.judge, rules.sufficiency) {
        (JudgeKind::Sequential, Sufficiency::Window { every, .. }) => every,
        (JudgeKind::Plain, _) | (_, Sufficiency::OneSample) => Duration::ZERO,
    };
    let takes_part = !every.is_zero() && !abstains;
    Party {
        every,
        thresholds: if takes_part { &rules.thresholds } else { &[] },
        tolerances: if takes_part { &rules.tolerances } else { &[] },
        before: (takes_part && !before.is_empty()).then_some(before),
    }
}

/// Why a check has no vote: before the deployment it was over its critical limit already.
fn failing(rules: &Rules, before: &Before) -> Option<FindingReason> {
    let questions = rules.thresholds.iter().filter_map(Eye::of);
    let mut limits = questions.filter(|(eye, _)| *eye == Eye::Errors);
    let limit = limits.find_map(|(_, question)| question.bad)?;
    let at_least = before.errors_at_least(CONFIDENCE)?;
    (at_least > limit).then(|| {
        let share = before.bad() as f64 / before.len() as f64;
        let samples = wording::plural(before.len() as u64, "sample");
        let rate = wording::percent(share);
        FindingReason {
            code: "failed_before".to_owned(),
            level: Some(Level::Warning),
            measured: Some(share),
            limit: Some(limit),
            samples: before.len() as u64,
            first_bad: None,
            text: format!(
                "failed before the deployment already: error rate {rate} over {samples}; not counted"
            ),
            is_glimpse: false,
            evidence: None,
        }
    })
}

/// What was measured before, for the checks of which a reading is compared with it.
pub(super) fn compared_with_before(rules: &[Rules], before: &[Before]) -> Vec<Option<Box<Before>>> {
    let compared = rules.iter().enumerate().map(|(place, rules)| {
        let is_compared = rules.thresholds.iter().any(Threshold::is_of_before);
        let before = before.get(place).filter(|_| is_compared)?;
        Some(Box::new(before.readings_alone()))
    });
    compared.collect()
}

/// Someone who limits latency alone has not said that the check may fail.
pub(super) fn complete(rules: Rules) -> Rules {
    match rules.sufficiency {
        Sufficiency::OneSample => rules,
        Sufficiency::Window { .. } => Rules {
            thresholds: with_error_limit(&rules.thresholds).into_owned(),
            ..rules
        },
    }
}

/// Samples a second that the schedule of a check promises.
pub(super) fn promised_rate(rules: &Rules) -> f64 {
    match rules.sufficiency {
        Sufficiency::Window { every, .. } => rate(every),
        Sufficiency::OneSample => 0.0,
    }
}
