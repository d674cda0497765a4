//! From one window to one finding: weighs what is breached against what is known.
//!
//! The rules, in words:
//! - A critical limit that is *provably* breached fails the check, whatever else is missing; while
//!   more samples can come, not before `min_samples`.
//! - When no more can come, the plain estimate decides, provided that enough was seen.
//! - Three samples or fewer never condemn.
//! - Nothing passes, and nothing merely warns, on less than was asked for.
//!
//! Called by `engine` after every sample and at the end, and by every back-test.

use super::breach::{Breach, Look, Opinion, Strength, opinion};
use super::defaults::with_error_limit;
use super::evidence::TOO_FEW_TO_CONDEMN;
use super::sufficiency::{self, Coverage, Demand};
use super::threshold::Threshold;
use super::wording::one_line;
use super::{Assessment, Finding, FindingReason, Level, Rules, Sufficiency, Verdict, one_sample};
use crate::clock::Moment;
use crate::window::Window;

/// Whether more samples can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// They can: what is not proven yet may be later.
    Running,
    /// They cannot: what is known now must do.
    Final,
}

/// Judges one check by its window, as it stands at `at`.
#[must_use]
pub fn judge(rules: &Rules, window: &Window, at: Moment, closing: Closing) -> Finding {
    match rules.sufficiency {
        Sufficiency::OneSample => one_sample::judge(rules, window),
        Sufficiency::Window {
            min_samples,
            every,
            coverage,
            least_bad,
        } => {
            let summary = window.summary();
            let demand = Demand {
                min_samples,
                every,
                known: summary.samples - summary.unknown,
                coverage: Coverage::Exact(coverage),
            };
            let rules = &Rules {
                thresholds: with_error_limit(&rules.thresholds).into_owned(),
                ..rules.clone()
            };
            let look = Look {
                window,
                at,
                before: None,
            };
            let weighing = Weighing {
                least_bad,
                closing,
                scheduled: look,
            };
            hear_window(rules, demand, weighing, look, Vec::new(), |_| None)
        }
    }
}

/// What the streams say of a limit.
pub(super) enum Heard {
    /// It holds.
    Holds,
    /// It is worth a warning.
    Warned(FindingReason),
    /// It is proven broken.
    Condemned(FindingReason),
    /// There was nothing by which to tell.
    Untold(FindingReason),
    /// The check has no vote, and this is why.
    Abstains(FindingReason),
    /// No check has one, so that nothing is judged at all.
    NobodyVotes(FindingReason),
}

/// How a breach of a limit as written is weighed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighing<'a> {
    /// Fewer bad samples than this never condemn.
    pub(super) least_bad: u64,
    /// Whether more samples can come.
    pub(super) closing: Closing,
    /// The samples that such limits are about: those of the schedule.
    pub(super) scheduled: Look<'a>,
}

/// Puts the findings of a service together: the worst verdict is the service's.
#[must_use]
pub fn assess(findings: Vec<Finding>) -> Assessment {
    let worst = findings.iter().map(|finding| finding.verdict).max();
    Assessment {
        verdict: worst.unwrap_or(Verdict::Inconclusive),
        findings,
    }
}

/// Judges a window limit by limit: what the streams hear of one, by its place, goes first; the
/// others are judged as written.
pub(super) fn hear_window(
    rules: &Rules,
    demand: Demand,
    weighing: Weighing<'_>,
    look: Look<'_>,
    besides: Vec<Heard>,
    heard: impl Fn(usize) -> Option<Heard>,
) -> Finding {
    let Weighing {
        least_bad,
        closing,
        scheduled,
    } = weighing;
    let summary = look.window.summary();
    let gaps = sufficiency::gaps(demand, &summary, look);
    let known = summary.samples - summary.unknown;
    let scales = Scales {
        closing,
        known,
        least_bad,
        has_least: known >= demand.min_samples,
        has_enough: gaps.is_empty(),
    };
    let mut case = Case {
        gaps,
        ..Case::default()
    };
    let is_abstaining = besides
        .iter()
        .any(|one| matches!(one, Heard::Abstains(_) | Heard::NobodyVotes(_)));
    if known > 0 {
        for (place, threshold) in rules.thresholds.iter().enumerate() {
            if is_abstaining {
                break;
            }
            match heard(place) {
                None => case.hear(threshold, scheduled, scales),
                Some(heard) => case.take(heard),
            }
        }
        besides.into_iter().for_each(|heard| case.take(heard));
    }
    let verdict = case.verdict();
    Finding {
        facts: rules.facts.clone(),
        verdict,
        summary,
        reasons: case.reasons(),
        assurance: None,
    }
}

/// By what a breach is weighed.
#[derive(Clone, Copy, Debug)]
struct Scales {
    closing: Closing,
    known: u64,
    least_bad: u64,
    has_least: bool,
    has_enough: bool,
}

/// What is said of a breach that one or two samples made.
const SEEN_TOO_FEW: &str = "seen too few times to condemn";

/// What becomes of a breached critical limit.
enum Weight {
    Condemns,
    Glimpsed,
    Warns(&'static str),
    CannotBeTold,
}

impl Scales {
    /// Whether so many bad samples are too few to condemn.
    fn is_glimpse(self, bad: Option<u64>) -> bool {
        bad.is_some_and(|bad| bad < self.least_bad)
    }

    fn weigh(self, strength: Strength, bad: Option<u64>) -> Weight {
        let is_few = self.known <= TOO_FEW_TO_CONDEMN;
        if self.is_glimpse(bad) {
            return Weight::Glimpsed;
        }
        match (self.closing, strength) {
            (_, Strength::Glimpsed) => Weight::Glimpsed,
            (Closing::Running, Strength::Proven) if self.has_least && !is_few => Weight::Condemns,
            (Closing::Running, _) => Weight::Warns("not proven yet"),
            (Closing::Final, Strength::Proven) if !is_few => Weight::Condemns,
            (Closing::Final, Strength::Estimated) if self.has_enough && !is_few => Weight::Condemns,
            (Closing::Final, _) => Weight::CannotBeTold,
        }
    }
}

/// What speaks against a check.
#[derive(Debug, Default)]
struct Case {
    failures: Vec<FindingReason>,
    gaps: Vec<FindingReason>,
    warnings: Vec<FindingReason>,
}

impl Case {
    fn take(&mut self, heard: Heard) {
        match heard {
            Heard::Holds => {}
            Heard::Warned(reason) => self.warnings.push(reason),
            Heard::Condemned(reason) => self.failures.push(reason),
            Heard::Untold(reason) => self.gaps.push(reason),
            Heard::Abstains(reason) => {
                self.gaps.clear();
                self.warnings.push(reason);
            }
            Heard::NobodyVotes(reason) => self.gaps.insert(
                0,
                FindingReason {
                    level: None,
                    ..reason
                },
            ),
        }
    }

    fn hear(&mut self, threshold: &Threshold, look: Look<'_>, scales: Scales) {
        let critical = threshold
            .critical
            .map(|limit| opinion(threshold, limit, look));
        match critical {
            Some(Opinion::Breached(breach)) => self.weigh(breach, scales),
            Some(Opinion::Untold(reason)) => self.gaps.push(reason),
            Some(Opinion::Holds) | None => self.hear_warning(threshold, look, scales),
        }
    }

    fn hear_warning(&mut self, threshold: &Threshold, look: Look<'_>, scales: Scales) {
        match threshold
            .warning
            .map(|limit| opinion(threshold, limit, look))
        {
            Some(Opinion::Breached(breach)) => {
                let is_glimpse = scales.is_glimpse(breach.bad);
                let reason = told(breach, Level::Warning, "");
                self.warnings.push(FindingReason {
                    is_glimpse,
                    ..reason
                });
            }
            Some(Opinion::Untold(reason)) => self.gaps.push(reason),
            Some(Opinion::Holds) | None => {}
        }
    }

    fn weigh(&mut self, breach: Breach, scales: Scales) {
        match scales.weigh(breach.strength, breach.bad) {
            Weight::Condemns => self.failures.push(told(breach, Level::Critical, "")),
            Weight::Glimpsed => {
                let reason = told(breach, Level::Warning, SEEN_TOO_FEW);
                self.warnings.push(FindingReason {
                    is_glimpse: true,
                    ..reason
                });
            }
            Weight::Warns(why) => self.warnings.push(told(breach, Level::Warning, why)),
            Weight::CannotBeTold => {
                let reason = told(breach, Level::Critical, "too little data to condemn");
                let code = "insufficient".to_owned();
                self.gaps.push(FindingReason {
                    code,
                    level: None,
                    ..reason
                });
            }
        }
    }

    fn verdict(&self) -> Verdict {
        if !self.failures.is_empty() {
            Verdict::Fail
        } else if !self.gaps.is_empty() {
            Verdict::Inconclusive
        } else if !self.warnings.is_empty() {
            Verdict::Warn
        } else {
            Verdict::Pass
        }
    }

    fn reasons(mut self) -> Vec<FindingReason> {
        // Beside a proof it would read as a doubt.
        if !self.failures.is_empty() {
            self.gaps.retain(|gap| gap.code != "too_few_samples");
        }
        [self.failures, self.gaps, self.warnings].concat()
    }
}

/// The reason with its level, what is to be added, and the commonest fault.
fn told(breach: Breach, level: Level, added: &str) -> FindingReason {
    let mut text = breach.reason.text;
    if !added.is_empty() {
        text = format!("{text}, {added}");
    }
    if let Some(fault) = breach.fault {
        text = format!("{text}; {fault}");
    }
    FindingReason {
        level: Some(level),
        text: one_line(&text),
        ..breach.reason
    }
}
