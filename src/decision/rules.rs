//! The decision matrix: which choice each finding asks for. First match wins, as in a runbook.

use super::{Choice, Policy, Rule, When};
use crate::event::{Level, Verdict};
use crate::verdict::{Finding, FindingReason};

/// What a finding asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vote<'a> {
    pub(super) finding: &'a Finding,
    pub(super) choice: Choice,
    /// The rule that says so; absent when it is the policy's general answer.
    pub(super) rule: Option<&'a Rule>,
}

/// The vote of a finding; a pass asks for nothing.
pub(super) fn vote<'a>(policy: &'a Policy, finding: &'a Finding) -> Option<Vote<'a>> {
    let general = match finding.verdict {
        Verdict::Pass => return None,
        Verdict::Warn => policy.decide.warning,
        Verdict::Inconclusive => policy.decide.inconclusive,
        Verdict::Fail => policy.decide.critical,
    };
    let rule = policy.rules.iter().find(|rule| rule.when.matches(finding));
    Some(Vote {
        finding,
        choice: rule.map_or(general, |rule| rule.then),
        rule,
    })
}

/// Whether a rule would hold if this check failed, and it may be about to: its last sample did.
pub(super) fn may_soon_hold(policy: &Policy, finding: &Finding) -> bool {
    let is_suspect = finding.verdict != Verdict::Fail && finding.summary.consecutive_failures > 0;
    if !is_suspect {
        return false;
    }
    let failing = Finding {
        verdict: Verdict::Fail,
        reasons: vec![failing_reason()],
        ..finding.clone()
    };
    let rule = policy.rules.iter().find(|rule| rule.when.matches(&failing));
    rule.is_some_and(|rule| rule.then == Choice::Hold)
}

/// The reasons that carry a finding's verdict: those at its level, or the gaps of one that is
/// inconclusive.
pub(super) fn carrying(finding: &Finding) -> impl Iterator<Item = &FindingReason> {
    let level = level_of(finding.verdict);
    finding
        .reasons
        .iter()
        .filter(move |reason| reason.level == level)
}

impl When {
    /// Whether a finding meets every condition given.
    pub(super) fn matches(&self, finding: &Finding) -> bool {
        let facts = &finding.facts;
        let tags = self.tags.is_empty() || facts.tags.iter().any(|tag| self.tags.contains(tag));
        let is = |name: &str, among: &[std::sync::Arc<str>]| {
            among.is_empty() || among.iter().any(|one| **one == *name)
        };
        let thresholds = self.thresholds.is_empty()
            || carrying(finding).any(|reason| is(&reason.code, &self.thresholds));
        tags && is(facts.id.as_str(), &self.checks)
            && is(facts.kind, &self.kinds)
            && thresholds
            && self
                .level
                .is_none_or(|level| level_of(finding.verdict) == Some(level))
            && self
                .verdict
                .is_none_or(|verdict| verdict == finding.verdict)
    }
}

const fn level_of(verdict: Verdict) -> Option<Level> {
    match verdict {
        Verdict::Fail => Some(Level::Critical),
        Verdict::Warn => Some(Level::Warning),
        Verdict::Pass | Verdict::Inconclusive => None,
    }
}

/// What a check whose samples fail will be found guilty of.
fn failing_reason() -> FindingReason {
    FindingReason {
        code: "error_rate".to_owned(),
        level: Some(Level::Critical),
        measured: None,
        limit: None,
        samples: 0,
        first_bad: None,
        text: String::new(),
        is_glimpse: false,
        evidence: None,
    }
}
