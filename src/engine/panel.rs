//! What the engine sees of the judge: samples go in, changes of mind and assessments come out.

use std::time::Duration;

use super::troubles::Troubles;
use crate::clock::Moment;
use crate::decision::Policy;
use crate::plan::CheckPlan;
use crate::sample::{CheckId, Outcome, Reason, Sample};
use crate::verdict::{
    self, Assessment, Before, Bench, Closing, Finding, Forgive, JudgeKind, Regressed, Rules,
    Sufficiency, Terms, Verdict,
};

/// One lost sample never rolls a service back: with ten samples it would be an error rate of 10 %,
/// and one service in ten with a harmless rate of 1 % loses one in ten.
pub const LEAST_BAD: u64 = 2;

/// Three samples tell nothing of a deployment, whatever the policy asks for.
const LEAST_SAMPLES: u64 = 4;

/// The judge of all checks of one window, and what was said of each.
#[derive(Debug)]
pub struct Panel {
    bench: Bench,
    announced: Vec<Option<Verdict>>,
    heard: Heard,
    troubles: Troubles,
}

/// What a judge was given, and how much of it says nothing because of ourselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// Samples of all checks.
    pub samples: u64,
    /// Those from which nothing was learnt, and not because somebody else answered.
    pub unknown: u64,
}

impl Heard {
    fn count(&mut self, sample: &Sample) {
        // That another version answers, or no task is there yet, says nothing against us.
        let by_others = sample
            .fault
            .as_ref()
            .is_some_and(|fault| matches!(fault.reason, Reason::OtherVersion | Reason::NoTask));
        self.samples += 1;
        self.unknown += u64::from(sample.outcome == Outcome::Unknown && !by_others);
    }
}

/// A check about which the judge has changed its mind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When: the end of the sample that changed it, or the end of the window.
    pub at: Moment,
    /// Which check.
    pub check: CheckId,
    /// Its place among the checks of the panel.
    pub place: usize,
    /// Before.
    pub from: Option<Verdict>,
    /// Now.
    pub to: Verdict,
    /// Why, in one line.
    pub because: String,
}

impl Panel {
    /// A panel that judges a bake by its policy; `before` is how each check was before the
    /// deployment, or nothing.
    #[must_use]
    pub fn of_bake(
        checks: &[CheckPlan],
        policy: &Policy,
        start: Moment,
        before: Vec<Before>,
    ) -> Self {
        let terms = Terms {
            start,
            warm_up: policy.warm_up,
            bake: policy.bake,
            judge: policy.judging.judge,
            false_rollback: policy.judging.false_rollback,
            forgive: policy.judging.forgive,
            regression: policy.judging.regression,
        };
        Self::new(checks, terms, before, |check| Sufficiency::Window {
            min_samples: policy.min_samples.max(LEAST_SAMPLES),
            every: check.interval(policy.bake),
            coverage: policy.coverage,
            least_bad: LEAST_BAD,
        })
    }

    /// A panel that judges limits as written, over whatever samples come.
    #[must_use]
    pub fn as_written(
        checks: &[CheckPlan],
        start: Moment,
        warm_up: Duration,
        sufficiency: impl Fn(&CheckPlan) -> Sufficiency,
    ) -> Self {
        let terms = Terms {
            start,
            warm_up,
            bake: Duration::ZERO,
            judge: JudgeKind::Plain,
            false_rollback: 0.0,
            forgive: Forgive {
                span: Duration::ZERO,
                times: 0,
            },
            regression: Regressed::Warns,
        };
        Self::new(checks, terms, Vec::new(), sufficiency)
    }

    fn new(
        checks: &[CheckPlan],
        terms: Terms,
        before: Vec<Before>,
        sufficiency: impl Fn(&CheckPlan) -> Sufficiency,
    ) -> Self {
        let rules = checks.iter().map(|check| Rules {
            facts: check.facts.clone(),
            thresholds: check.thresholds.to_vec(),
            tolerances: check.tolerances.to_vec(),
            sufficiency: sufficiency(check),
        });
        Self {
            bench: Bench::comparing(rules.collect(), terms, before),
            announced: vec![None; checks.len()],
            heard: Heard::default(),
            troubles: Troubles::default(),
        }
    }

    /// Takes a sample in, and says about which checks the judge has changed its mind.
    pub fn push(&mut self, sample: &Sample) -> Vec<Change> {
        let Some(place) = self.bench.place(&sample.check) else {
            return Vec::new();
        };
        self.push_at(place, sample)
    }

    /// Takes a sample in of which nothing is to be said before the end.
    pub fn hold(&mut self, sample: &Sample) {
        if let Some(place) = self.bench.place(&sample.check) {
            self.heard.count(sample);
            self.troubles.count(sample);
            self.bench.hold(place, sample);
        }
    }

    /// The same as [`Panel::push`] for a check whose place is known.
    pub fn push_at(&mut self, place: usize, sample: &Sample) -> Vec<Change> {
        self.heard.count(sample);
        self.troubles.count(sample);
        self.bench.push(place, sample);
        let mut changes = Vec::new();
        for place in self.bench.changed().to_vec() {
            let standing = self.bench.verdict(place);
            if standing.is_some() && standing != self.announced[place] {
                let at = self.bench.now();
                let finding = self.bench.finding(place, at, Closing::Running);
                changes.extend(self.change(place, &finding, at));
            }
        }
        changes
    }

    /// What was heard so far.
    #[must_use]
    pub const fn heard(&self) -> Heard {
        self.heard
    }

    /// What our own machine kept it from learning so far.
    #[must_use]
    pub const fn troubles(&self) -> &Troubles {
        &self.troubles
    }

    /// The end of the last sample that was heard.
    #[must_use]
    pub const fn now(&self) -> Moment {
        self.bench.now()
    }

    /// Whether a check is proven bad.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.announced.contains(&Some(Verdict::Fail))
    }

    /// The worst that is said of any check; `Inconclusive` before anything is said.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let worst = self.announced.iter().flatten().max();
        worst.copied().unwrap_or(Verdict::Inconclusive)
    }

    /// The findings as they stand while samples keep coming.
    #[must_use]
    pub fn assessment(&self) -> Assessment {
        self.bench.assessment(self.bench.now(), Closing::Running)
    }

    /// The same without numbers and words: what is decided by after every sample.
    #[must_use]
    pub fn outline(&self) -> Assessment {
        self.bench.outline()
    }

    /// The findings at the end, checks without a sample included: `Final` when all samples have
    /// come that were to come, `Running` when the end came before its time.
    pub fn close(&mut self, at: Moment, closing: Closing) -> (Assessment, Vec<Change>) {
        let assessment = self.bench.assessment(at, closing);
        let mut changes = Vec::new();
        for (place, finding) in assessment.findings.iter().enumerate() {
            changes.extend(self.change(place, finding, at));
        }
        (assessment, changes)
    }

    /// The judge itself.
    #[must_use]
    pub const fn bench(&self) -> &Bench {
        &self.bench
    }

    fn change(&mut self, place: usize, finding: &Finding, at: Moment) -> Option<Change> {
        let from = self.announced[place].replace(finding.verdict);
        if from == Some(finding.verdict) {
            return None;
        }
        let first = finding.reasons.first();
        Some(Change {
            at,
            check: self.bench.check(place).clone(),
            place,
            from,
            to: finding.verdict,
            because: first.map(|reason| reason.text.clone()).unwrap_or_default(),
        })
    }
}

/// An assessment of nothing: what there is to decide about while no check is proven bad.
#[must_use]
pub fn nothing_proven() -> Assessment {
    verdict::assess(Vec::new())
}
