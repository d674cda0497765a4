//! The judge's bench: one window of a service, sample by sample.
//!
//! It holds a window for every check and the streams that several checks share, and it knows at any
//! time how each check stands. What it says follows from the samples in the order in which they
//! were given and from nothing else: fed with a recording, it says the same to the byte. Fed by
//! `engine` and by every back-test.

mod feeding;
mod hearing;
mod memory;
mod opening;
mod standing;

use std::collections::HashMap;
use std::time::Duration;

use self::feeding::{Feeding, feeding};
use self::opening::{Opened, compared_with_before, complete, promised_rate};
use super::assurance::{Assurance, assurance};
use super::breach::Look;

use super::judge::{Weighing, hear_window};
use super::sequential::comparison::Comparisons;
use super::sequential::docket::{Case, Docket};
use super::sequential::eye::Eye;
use super::sequential::process::Forgive;
use super::sufficiency::{Coverage, Demand};
use super::{
    Assessment, Before, Closing, Finding, FindingReason, JudgeKind, Rules, Sufficiency, Verdict,
    assess, one_sample,
};
use crate::clock::Moment;
use crate::sample::{CheckId, Outcome, Sample};
use crate::window::{Window, WindowBounds};

/// By what a whole window is judged, besides the rules of each check.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// When the window starts.
    pub start: Moment,
    /// How long after it latency does not count yet.
    pub warm_up: Duration,
    /// How long it is.
    pub bake: Duration,
    /// Who judges.
    pub judge: JudgeKind,
    /// The chance of condemning a healthy window, from 0 to 1.
    pub false_rollback: f64,
    /// What is forgiven.
    pub forgive: Forgive,
    /// Whether being worse than before may condemn; otherwise it warns.
    pub regression: Regressed,
}

/// What being worse than before may lead to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Regressed {
    /// A warning: a recording does not know every cycle of a service.
    #[default]
    Warns,
    /// A failure, where the declared critical tolerance is exceeded.
    Condemns,
}

/// How much a finding says. Its verdict, and the code and the level of each reason, are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Telling {
    /// What is decided by: asked for after every sample, when no time is left to measure a pool anew.
    Verdict,
    /// Numbers and words as well.
    Everything,
}

/// The judge of one window.
#[derive(Clone, Debug)]
pub struct Bench {
    terms: Terms,
    seats: Vec<Seat>,
    places: HashMap<CheckId, usize>,
    docket: Docket,
    comparisons: Comparisons,
    /// For each stream who is to blame for it.
    blame: Vec<Blame>,
    /// Samples of the schedule from which something was learnt, of all checks.
    known: u64,
    /// Samples a second that the schedule promises, of all checks.
    promised_rate: f64,
    /// The end of the last sample that was given.
    now: Moment,
    /// The places of the checks whose standing changed with it, in order.
    changed: Vec<usize>,
}

/// The checks that are to blame for what a stream shows, settled when it first showed it.
#[derive(Clone, Debug, Default)]
struct Blame {
    /// Once it was proven over the warning limit.
    warning: Vec<usize>,
    /// Once it was condemned.
    critical: Vec<usize>,
}

/// A check before the bench.
#[derive(Clone, Debug)]
struct Seat {
    rules: Rules,
    window: Window,
    /// The same without the samples of closer looks, where there are any: three failures in a row
    /// must not come about because it was looked three times.
    scheduled: Option<Box<Window>>,
    /// The streams that it feeds, by place on the docket.
    cases: Vec<usize>,
    /// Whether a limit of it is judged as written, over the whole window.
    is_read_as_written: bool,
    /// How it failed before the deployment already, and so has no vote.
    failed_before: Option<Box<FindingReason>>,
    /// What its readings were before, where a limit compares with that.
    before: Option<Box<Before>>,
    /// Samples of the schedule from which something was learnt.
    known: u64,
    standing: Option<Verdict>,
}

impl Bench {
    /// A bench before the first sample: one seat for each check, in order.
    #[must_use]
    pub fn new(rules: Vec<Rules>, terms: Terms) -> Self {
        Self::comparing(rules, terms, Vec::new())
    }

    /// The same for a service of which it is known how it was before: one recording a check, in
    /// order; none where nothing is known. Checks that declare no tolerance are not compared.
    #[must_use]
    pub fn comparing(rules: Vec<Rules>, terms: Terms, before: Vec<Before>) -> Self {
        let places = rules.iter().enumerate();
        let places = places.map(|(at, one)| (one.facts.id.clone(), at)).collect();
        let rules: Vec<Rules> = rules.into_iter().map(complete).collect();
        let mut compared = compared_with_before(&rules, &before);
        let Opened {
            docket,
            comparisons,
            abstaining,
        } = Opened::of(&rules, &terms, before);
        let bounds = WindowBounds {
            start: terms.start,
            warm_up: terms.warm_up,
        };
        let share = memory::share_of(rules.len());
        let mut abstaining = abstaining;
        let mut feeding = feeding(&docket, rules.len());
        let seat = |(place, rules): (usize, Rules)| {
            let Feeding { cases, thresholds } = std::mem::take(&mut feeding[place]);
            let heard = |threshold| thresholds.contains(&threshold);
            let failed_before = abstaining[place].take();
            let is_heard = failed_before.is_some() || (0..rules.thresholds.len()).all(heard);
            Seat {
                is_read_as_written: !is_heard,
                failed_before,
                before: compared[place].take(),
                cases,
                window: Window::holding(memory::records(&rules, share), bounds),
                rules,
                scheduled: None,
                known: 0,
                standing: None,
            }
        };
        let promised_rate = rules.iter().map(promised_rate).sum();
        Self {
            terms,
            seats: rules.into_iter().enumerate().map(seat).collect(),
            places,
            blame: vec![Blame::default(); docket.cases().len()],
            docket,
            comparisons,
            known: 0,
            promised_rate,
            now: terms.start,
            changed: Vec::new(),
        }
    }

    /// The place of a check.
    #[must_use]
    pub fn place(&self, check: &CheckId) -> Option<usize> {
        self.places.get(check).copied()
    }

    /// How many checks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.seats.len()
    }

    /// Whether there is nothing to judge.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seats.is_empty()
    }

    /// Takes a sample of the check at `place` in, and judges anew whom it concerns.
    pub fn push(&mut self, place: usize, sample: &Sample) {
        if sample.started < self.terms.start {
            return;
        }
        match self.take(place, sample) {
            true => self.look_around(),
            false => self.look_at(place),
        }
    }

    /// Takes a sample in for a judgement that comes later: judging limits as written looks at the
    /// whole window, and need not after every sample.
    pub fn hold(&mut self, place: usize, sample: &Sample) {
        if sample.started >= self.terms.start {
            self.take(place, sample);
        }
    }

    /// Takes a sample in; says whether it tells something about others as well.
    fn take(&mut self, place: usize, sample: &Sample) -> bool {
        self.now = self.now.max(sample.started + sample.latency);
        let seat = &mut self.seats[place];
        seat.hold(sample);
        let is_known = sample.outcome != Outcome::Unknown && !sample.closer_look;
        seat.known += u64::from(is_known);
        self.known += u64::from(is_known);
        self.changed.clear();
        self.docket.push(place, sample) | self.comparisons.push(place, sample)
    }

    /// How a check stands while samples come; absent before its first sample.
    #[must_use]
    pub fn verdict(&self, place: usize) -> Option<Verdict> {
        self.seats[place].standing
    }

    /// The places of the checks whose standing the last sample changed, in order.
    #[must_use]
    pub fn changed(&self) -> &[usize] {
        &self.changed
    }

    /// The name of the check at a place.
    #[must_use]
    pub fn check(&self, place: usize) -> &CheckId {
        &self.seats[place].rules.facts.id
    }

    /// The end of the last sample that was given; the start before it.
    #[must_use]
    pub const fn now(&self) -> Moment {
        self.now
    }

    /// When the first stream was proven bad while samples came; absent before.
    #[must_use]
    pub fn condemned_at(&self) -> Option<Moment> {
        let proofs = self
            .docket
            .cases()
            .iter()
            .filter_map(|case| case.proof(None));
        proofs.map(|proof| proof.at).min()
    }

    /// The finding on one check, as it stands at `at`.
    #[must_use]
    pub fn finding(&self, place: usize, at: Moment, closing: Closing) -> Finding {
        self.finding_told(place, at, closing, Telling::Everything)
    }

    fn finding_told(
        &self,
        place: usize,
        at: Moment,
        closing: Closing,
        telling: Telling,
    ) -> Finding {
        let seat = &self.seats[place];
        let Sufficiency::Window {
            min_samples,
            every,
            coverage,
            least_bad,
        } = seat.rules.sufficiency
        else {
            return one_sample::judge(&seat.rules, &seat.window);
        };
        let demand = Demand {
            min_samples,
            every,
            known: seat.known,
            coverage: self.coverage(coverage, at),
        };
        let closed_at = (closing == Closing::Final).then_some(at);
        let heard = |threshold| self.hear(place, threshold, closed_at, telling);
        let look = Look {
            window: &seat.window,
            at,
            before: seat.before.as_deref(),
        };
        let weighing = Weighing {
            least_bad,
            closing,
            scheduled: Look {
                window: seat.scheduled.as_deref().unwrap_or(&seat.window),
                at,
                before: seat.before.as_deref(),
            },
        };
        let besides = self.compare(place, telling);
        let finding = hear_window(&seat.rules, demand, weighing, look, besides, heard);
        let is_worth_it =
            closing == Closing::Final && matches!(finding.verdict, Verdict::Pass | Verdict::Warn);
        Finding {
            assurance: is_worth_it.then(|| self.assurance(place)).flatten(),
            ..finding
        }
    }

    /// All findings, as they stand at `at`: `Final` when no more samples can come.
    #[must_use]
    pub fn assessment(&self, at: Moment, closing: Closing) -> Assessment {
        self.assessment_told(at, closing, Telling::Everything)
    }

    /// The same for decisions while samples come: verdicts, codes and levels without the words.
    #[must_use]
    pub fn outline(&self) -> Assessment {
        self.assessment_told(self.now, Closing::Running, Telling::Verdict)
    }

    fn assessment_told(&self, at: Moment, closing: Closing, telling: Telling) -> Assessment {
        let places = 0..self.seats.len();
        let finding = |place| self.finding_told(place, at, closing, telling);
        assess(places.map(finding).collect())
    }

    /// What the failures of a check alone exclude.
    fn assurance(&self, place: usize) -> Option<Assurance> {
        let cases = self.seats[place].cases.iter();
        let errors = || {
            let cases = cases.clone().map(|case| &self.docket.cases()[*case]);
            cases.filter(|case| case.eye == Eye::Errors)
        };
        let own = errors().find(|case| !case.is_pooled())?;
        let pool = errors().find(|case| case.is_pooled());
        assurance(&own.stream, pool.map(|pool| &pool.stream))
    }

    fn look_around(&mut self) {
        self.settle_blame();
        for place in 0..self.seats.len() {
            self.look_at(place);
        }
    }

    fn look_at(&mut self, place: usize) {
        let standing = self.standing(place);
        if standing != self.seats[place].standing {
            self.seats[place].standing = standing;
            self.changed.push(place);
        }
    }

    /// How much of what the schedule promised must have arrived.
    fn coverage(&self, share: f64, at: Moment) -> Coverage {
        if self.terms.judge == JudgeKind::Plain {
            return Coverage::Exact(share);
        }
        let elapsed = at.since(self.terms.start).as_secs_f64();
        Coverage::Window {
            share,
            known: self.known,
            promised: elapsed * self.promised_rate,
        }
    }
}

impl Case {
    fn hears(&self, place: usize, threshold: usize) -> bool {
        let mut members = self.members.iter();
        members.any(|member| member.check == place && member.threshold == threshold)
    }
}

impl Seat {
    fn hold(&mut self, sample: &Sample) {
        if sample.closer_look && self.is_read_as_written {
            self.scheduled
                .get_or_insert_with(|| Box::new(self.window.clone()));
        } else if let Some(scheduled) = &mut self.scheduled {
            scheduled.push(sample);
        }
        self.window.push(sample);
    }
}
