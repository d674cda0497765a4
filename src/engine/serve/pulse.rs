//! One check over the last minutes: its newest runs, what is said of it, and how it was minute by minute.
//! Small, since there may be a hundred thousand of them, and cheap: a run that tells nothing new is
//! written down and not judged.
//!
//! Judged by the plain judge over a sliding window: a monitor has no bake of which the false alarms
//! could be counted. No data is no pass. Fed by the monitor and by open windows, read by `board`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::live::CheckNow;
use super::trace::Trace;
use crate::clock::{Moment, WallTime};
use crate::event::Verdict;
use crate::plan::CheckPlan;
use crate::sample::{CheckId, Outcome, Sample};
use crate::verdict::threshold::{Subject, Threshold};
use crate::verdict::{
    self, Closing, FindingReason, Rules, Sufficiency, looks_bad, with_error_limit,
};
use crate::window::histogram::Histogram;
use crate::window::{Window, WindowBounds};

/// What is said of a check is said of the last five minutes, or of as many runs as its limits need.
const SPAN: Duration = Duration::from_secs(300);
/// So many runs are looked at where nothing needs more.
const FEWEST: u64 = 10;
/// So many at most: of a check that runs twice a second, five minutes.
const MOST: usize = 600;
/// A quarter more than a limit needs, so that it does not fall short by one lost run.
const MARGIN: u32 = 4;
/// How many outcomes are shown.
const RECENT: usize = 40;
/// How many minutes are shown.
const MINUTES: usize = 30;
const MINUTE: u64 = 60;
/// What passes and passed before is judged again so often, since runs leave the span as well.
const REVIEWED_EVERY: Duration = Duration::from_secs(15);
/// One run of the schedule may teach nothing without making the rest inconclusive.
const COVERAGE: f64 = 0.5;
/// One lost sample is no failure of a service.
const LEAST_BAD: u64 = 2;

/// A check over the last minutes.
#[derive(Debug)]
pub(super) struct Pulse {
    plan: CheckPlan,
    declared: Arc<str>,
    limits: Arc<[String]>,
    verdict: Verdict,
    /// Whether enough was seen for what is said.
    is_proven: bool,
    since: WallTime,
    because: Box<str>,
    /// The newest runs, the oldest first.
    traces: VecDeque<Trace>,
    /// From when on runs count: what ran before was another revision.
    counted_from: Moment,
    reviewed: Moment,
    recent: VecDeque<Outcome>,
    minute: (u64, Histogram),
    minutes: VecDeque<Option<(Duration, Duration)>>,
    last: Option<(WallTime, Sample)>,
}

/// What is said of a check now, and what was said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) from: Verdict,
    pub(super) to: Verdict,
    pub(super) because: String,
    /// Whether nothing was known before: a check that begins to pass is no news.
    pub(super) is_first: bool,
    /// Whether enough was seen for it: a single run that failed is shown, and nobody is woken for it.
    pub(super) is_proven: bool,
}

impl Pulse {
    pub(super) fn new(
        plan: CheckPlan,
        declared: Arc<str>,
        limits: Arc<[String]>,
        at: WallTime,
    ) -> Self {
        Self {
            plan,
            declared,
            limits,
            verdict: Verdict::Inconclusive,
            is_proven: false,
            since: at,
            because: "it has not run yet".into(),
            traces: VecDeque::new(),
            counted_from: Moment::ORIGIN,
            reviewed: Moment::ORIGIN,
            recent: VecDeque::new(),
            minute: (0, Histogram::default()),
            minutes: VecDeque::new(),
            last: None,
        }
    }

    pub(super) const fn plan(&self) -> &CheckPlan {
        &self.plan
    }

    pub(super) const fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The outcomes of the last runs, the newest first.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = Outcome> + '_ {
        self.recent.iter().rev().copied()
    }

    /// When it ran last, so that whoever probes next keeps its schedule.
    pub(super) fn last_started(&self) -> Option<Moment> {
        self.last.as_ref().map(|(_, sample)| sample.started)
    }

    /// Takes over what is known under an earlier declaration that says the same.
    pub(super) fn redeclared(
        mut self,
        plan: CheckPlan,
        declared: Arc<str>,
        limits: Arc<[String]>,
    ) -> Self {
        self.plan = plan;
        self.declared = declared;
        self.limits = limits;
        self
    }

    /// Takes a run in, without judging.
    pub(super) fn note(&mut self, at: WallTime, sample: &Sample) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(sample.outcome);
        self.count_minute(at, sample);
        let (span, most) = self.horizon();
        let newest = self.traces.back();
        let trace = Trace::of(sample, newest, is_looked_into(&self.plan));
        self.traces.push_back(trace);
        let from = sample.started - span;
        while self.traces.len() > most || self.traces.front().is_some_and(|one| one.started < from)
        {
            self.traces.pop_front();
        }
        self.last = Some((at, sample.clone()));
    }

    /// Judges it after a run was taken in, where that may change anything.
    pub(super) fn judge(&mut self, at: WallTime, now: Moment) -> Option<Turn> {
        let (_, last) = self.last.as_ref()?;
        let is_plain = self.verdict == Verdict::Pass
            && last.outcome == Outcome::Pass
            && now.since(self.reviewed) < REVIEWED_EVERY
            && !has_readings(&self.plan.thresholds)
            && !looks_bad(&self.plan.thresholds, last, Moment::ORIGIN);
        if is_plain {
            return None;
        }
        self.reviewed = now;
        let window = self.window(now);
        let finding = verdict::judge(&self.rules(), &window, now, Closing::Final);
        let reason = finding.reasons.first().map(|reason| reason.text.as_str());
        let has_failed = finding.summary.failed + finding.summary.errored > 0;
        let (verdict, is_proven) = match finding.verdict {
            // Runs that failed and are too few to condemn are worth a warning, whatever is missing.
            Verdict::Inconclusive if has_failed => (Verdict::Warn, false),
            Verdict::Warn => (Verdict::Warn, !finding.reasons.iter().all(is_glimpse)),
            other => (other, true),
        };
        self.turn(at, verdict, is_proven, reason.unwrap_or_default())
    }

    /// Its name, what is said of it, and why, where that is bad and enough was seen for it.
    pub(super) fn proven_bad(&self) -> Option<(CheckId, Verdict, String)> {
        let is_bad = self.is_proven && matches!(self.verdict, Verdict::Fail | Verdict::Warn);
        is_bad.then(|| {
            let check = self.plan.facts.id.clone();
            (check, self.verdict, self.because.to_string())
        })
    }

    /// Says something of it: what a window found, or why it does not run.
    pub(super) fn say(&mut self, at: WallTime, verdict: Verdict, because: &str) -> Option<Turn> {
        // People hear of it from whoever says it; the monitor says by itself what goes on after that.
        self.turn(at, verdict, false, because)
    }

    fn turn(
        &mut self,
        at: WallTime,
        verdict: Verdict,
        is_proven: bool,
        because: &str,
    ) -> Option<Turn> {
        if &*self.because != because {
            self.because = because.into();
        }
        let was_proven = std::mem::replace(&mut self.is_proven, is_proven);
        if verdict == self.verdict && (was_proven || !is_proven) {
            return None;
        }
        let from = std::mem::replace(&mut self.verdict, verdict);
        let is_first = from == Verdict::Inconclusive && self.recent.len() < RECENT;
        if from != verdict {
            self.since = at;
        }
        Some(Turn {
            from,
            to: verdict,
            because: because.to_owned(),
            is_first,
            is_proven,
        })
    }

    /// What ran until now says nothing of what runs from now on.
    pub(super) fn begin_anew(&mut self, now: Moment) {
        self.counted_from = now;
    }

    /// What is true of it now.
    pub(super) fn now(&self) -> CheckNow {
        let passed = self
            .traces
            .iter()
            .filter(|one| one.outcome == Outcome::Pass);
        let mut latency = Histogram::default();
        passed.for_each(|one| latency.record(one.latency()));
        CheckNow {
            facts: self.plan.facts.clone(),
            every: self.plan.every,
            verdict: self.verdict,
            since: self.since,
            because: self.because.to_string(),
            recent: self.recent.iter().copied().collect(),
            p50: latency.quantile(0.50),
            p95: latency.quantile(0.95),
            sparkline: self.sparkline(),
            last: self.last.clone(),
            declared: Arc::clone(&self.declared),
            limits: Arc::clone(&self.limits),
        }
    }

    /// The minutes that are over, and the one that is not.
    fn sparkline(&self) -> Vec<Option<(Duration, Duration)>> {
        let running = quantiles(&self.minute.1);
        let mut all: Vec<_> = self.minutes.iter().copied().collect();
        all.push(running);
        all
    }

    fn count_minute(&mut self, at: WallTime, sample: &Sample) {
        let minute = at.unix().as_secs() / MINUTE;
        if minute != self.minute.0 {
            // A clock that was set leaves a gap of at most the whole strip.
            let passed = minute.saturating_sub(self.minute.0).min(MINUTES as u64);
            let over = std::mem::take(&mut self.minute.1);
            if self.minute.0 > 0 {
                self.minutes.push_back(quantiles(&over));
                self.minutes.extend((1..passed).map(|_| None));
            }
            let extra = self.minutes.len().saturating_sub(MINUTES - 1);
            self.minutes.drain(..extra);
            self.minute.0 = minute;
        }
        if sample.outcome == Outcome::Pass {
            self.minute.1.record(sample.latency);
        }
    }

    /// How far back it is looked, and over how many runs at most.
    fn horizon(&self) -> (Duration, usize) {
        let limits = self.plan.thresholds.iter();
        let needed = limits.clone().map(|limit| limit.subject.least_samples());
        let needed = needed.max().unwrap_or(FEWEST).max(FEWEST);
        let needed = u32::try_from(needed).unwrap_or(u32::MAX);
        let needed = needed.saturating_add(needed / MARGIN);
        let lasting = limits.filter_map(|limit| limit.lasting).max();
        let span = self.plan.every.saturating_mul(needed);
        let span = span.max(SPAN).max(lasting.unwrap_or_default() * 2);
        (span, MOST.max(needed as usize))
    }

    /// The runs that count, as a window.
    fn window(&self, now: Moment) -> Window {
        let (span, _) = self.horizon();
        let first = self.traces.iter().map(|trace| trace.started);
        let first = first.filter(|started| *started >= self.counted_from).min();
        let start = first.unwrap_or(now).max(now - span);
        let bounds = WindowBounds {
            start,
            warm_up: Duration::ZERO,
        };
        let mut window = Window::new(bounds);
        for trace in &self.traces {
            window.push(&trace.sample(&self.plan.facts.id));
        }
        window
    }

    fn rules(&self) -> Rules {
        Rules {
            facts: self.plan.facts.clone(),
            thresholds: with_error_limit(&self.plan.thresholds).into_owned(),
            tolerances: Vec::new(),
            sufficiency: Sufficiency::Window {
                min_samples: 1,
                every: self.plan.every,
                coverage: COVERAGE,
                least_bad: LEAST_BAD,
            },
        }
    }
}

/// Whether a reason says nothing worth waking somebody for.
const fn is_glimpse(reason: &FindingReason) -> bool {
    reason.is_glimpse || reason.level.is_none()
}

/// Whether a reading is limited: then any run may change what is said.
fn has_readings(thresholds: &[Threshold]) -> bool {
    let mut subjects = thresholds.iter().map(|limit| &limit.subject);
    subjects.any(|subject| matches!(subject, Subject::Reading(_)))
}

/// Whether the limits of a check look at more of a run than how it ended and how long it took.
fn is_looked_into(plan: &CheckPlan) -> bool {
    plan.thresholds.iter().any(|limit| match &limit.subject {
        Subject::Reading(_) => true,
        Subject::Quantile(phase, _) | Subject::Max(phase) | Subject::Mean(phase) => phase.is_some(),
        Subject::ErrorRate | Subject::Availability | Subject::ConsecutiveFailures => false,
    })
}

/// The 50 and 95 % quantiles; absent where nothing passed.
fn quantiles(latency: &Histogram) -> Option<(Duration, Duration)> {
    Some((latency.quantile(0.50)?, latency.quantile(0.95)?))
}

#[cfg(test)]
mod tests;
