//! All streams of a service window: which there are, what each may spend, and which of them each
//! check feeds.
//!
//! The chance of condemning a healthy window is one budget, shared: half to failures and half to
//! latency where both are limited; in each, half to the pooled streams and half divided among the
//! checks, so that one broken endpoint of twenty is seen as well as a little trouble everywhere.

use std::time::Duration;

use super::before::Before;
use super::comparison::Tolerance;
use super::eye::{Eye, Seen};
use super::process::Forgive;
use super::regression::usual_share;
use super::stream::{Allowance, Proof, Question, Stream};
use crate::clock::Moment;
use crate::sample::Sample;
use crate::verdict::threshold::Threshold;

/// How a window is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// When the window starts.
    pub start: Moment,
    /// How long after it latency does not count yet.
    pub warm_up: Duration,
    /// How long the window is.
    pub length: Duration,
    /// The chance of condemning a healthy window.
    pub false_rollback: f64,
    /// What is forgiven.
    pub forgive: Forgive,
}

/// A check as the docket sees it.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// Its interval.
    pub every: Duration,
    /// Its limits; none of a check that does not vote.
    pub thresholds: &'a [Threshold],
    /// How much worse than before it may be.
    pub tolerances: &'a [Tolerance],
    /// What it was before, where that is known and compared.
    pub before: Option<&'a Before>,
}

/// A stream and whose it is.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it looks at.
    pub eye: Eye,
    /// Its state.
    pub stream: Stream,
    /// The checks that feed it and the place of the threshold in each.
    pub members: Vec<Member>,
}

/// A check in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The place of the check.
    pub check: usize,
    /// The place of the threshold among its limits.
    pub threshold: usize,
}

/// All streams of a window.
#[derive(Clone, Debug)]
pub struct Docket {
    cases: Vec<Case>,
    /// For each check what it looks at and the streams that this feeds.
    feeds: Vec<Vec<Feed>>,
    warm: Moment,
}

#[derive(Clone, Debug)]
struct Feed {
    eye: Eye,
    cases: Vec<usize>,
}

/// The share of a budget that goes to what is pooled.
const POOLED: f64 = 0.5;

/// At the end of the bake a tail this unlikely at the warning limit warns: a false warning in
/// twenty windows is cheap. The checks of a pool share as much again.
const WARNING_TAIL: f64 = 0.05;

/// Checks whose thresholds are the same.
struct Group {
    eye: Eye,
    question: Question,
    members: Vec<Member>,
}

impl Docket {
    /// The streams of a window before its first sample.
    #[must_use]
    pub fn new(parties: &[Party<'_>], budget: &Budget) -> Self {
        let mut docket = Self {
            cases: Vec::new(),
            feeds: vec![Vec::new(); parties.len()],
            warm: budget.start + budget.warm_up,
        };
        let (errors, latency): (Vec<Group>, Vec<Group>) = groups(parties)
            .into_iter()
            .partition(|group| group.eye == Eye::Errors);
        let halves = f64::from(u8::from(!errors.is_empty()) + u8::from(!latency.is_empty()));
        let window_rate = parties.iter().map(|party| rate(party.every)).sum();
        for half in [errors, latency] {
            let members: usize = half.iter().map(|group| group.members.len()).sum();
            for group in half {
                let share = group.members.len() as f64 / members as f64;
                let alpha = budget.false_rollback / halves * share;
                docket.open(&group, alpha, parties, budget, window_rate);
            }
        }
        docket
    }

    fn open(
        &mut self,
        group: &Group,
        alpha: f64,
        parties: &[Party<'_>],
        budget: &Budget,
        window_rate: f64,
    ) {
        let mut add = |members: &[Member], alpha: f64, warning: f64| {
            let allowance = Allowance {
                rate: members
                    .iter()
                    .map(|member| rate(parties[member.check].every))
                    .sum(),
                window_rate,
                length: budget.length,
                alpha,
                warning,
                forgive: budget.forgive,
            };
            for member in members {
                self.feed(member.check, group.eye, self.cases.len());
            }
            let before: Option<Vec<&Before>> = members
                .iter()
                .map(|member| parties[member.check].before)
                .collect();
            let question = match before {
                Some(before) => raised(group.question, group.eye, &Before::pooled(before)),
                None => group.question,
            };
            self.cases.push(Case {
                eye: group.eye,
                stream: Stream::new(question, allowance),
                members: members.to_vec(),
            });
        };
        if let [_] = group.members.as_slice() {
            add(&group.members, alpha, WARNING_TAIL);
            return;
        }
        add(&group.members, alpha * POOLED, WARNING_TAIL);
        let checks = group.members.len() as f64;
        let each = alpha * (1.0 - POOLED) / checks;
        for member in &group.members {
            add(std::slice::from_ref(member), each, WARNING_TAIL / checks);
        }
    }

    fn feed(&mut self, check: usize, eye: Eye, case: usize) {
        let feeds = &mut self.feeds[check];
        match feeds.iter_mut().find(|feed| feed.eye == eye) {
            Some(feed) => feed.cases.push(case),
            None => feeds.push(Feed {
                eye,
                cases: vec![case],
            }),
        }
    }

    /// Takes a sample of a check in; says whether a stream was proven bad, or worth a warning, by
    /// it.
    pub fn push(&mut self, check: usize, sample: &Sample) -> bool {
        let seen = Seen::from(sample);
        let mut is_news = false;
        for feed in &self.feeds[check] {
            let Some(glance) = feed.eye.glance(seen, self.warm) else {
                continue;
            };
            for case in &feed.cases {
                let stream = &mut self.cases[*case].stream;
                let before = (stream.has_warned(), stream.condemned().is_some());
                stream.push(glance, !sample.closer_look);
                is_news |= before != (stream.has_warned(), stream.condemned().is_some());
            }
        }
        is_news
    }

    /// All streams, the pooled one of a group before those of its checks.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// From when on latency counts.
    #[must_use]
    pub const fn warm(&self) -> Moment {
        self.warm
    }
}

impl Case {
    /// Whether it pools several checks.
    #[must_use]
    pub fn is_pooled(&self) -> bool {
        self.members.len() > 1
    }

    /// Why it is bad, as far as is known while samples come, or for good.
    #[must_use]
    pub fn proof(&self, closed_at: Option<Moment>) -> Option<Proof> {
        match closed_at {
            Some(at) => self.stream.close(at),
            None => self.stream.condemned(),
        }
    }

    /// Whether it is worth a warning.
    #[must_use]
    pub fn warns(&self, is_closed: bool) -> bool {
        match is_closed {
            true => self.stream.warns_at_the_end(),
            false => self.stream.has_warned(),
        }
    }
}

/// Never asks for more than the service did before: a service that always had 3 % errors is not
/// condemned for 3 %.
fn raised(question: Question, eye: Eye, before: &Before) -> Question {
    let usual = before
        .errors(CONFIDENCE)
        .filter(|usual| eye == Eye::Errors && usual.seen > question.well);
    let Some(usual) = usual else {
        return question;
    };
    let well = usual_share(usual, TOLERANCE, question.well);
    Question {
        well,
        bad: question.bad.map(|bad| bad.max(well)),
        worth: question.worth.max(well),
        ..question
    }
}

/// The limits that a recording raises a threshold to; absent where it raises none.
#[must_use]
pub fn raised_limits(threshold: &Threshold, before: &Before) -> Option<Question> {
    let (eye, question) = Eye::of(threshold)?;
    let raised = raised(question, eye, before);
    (raised != question).then_some(raised)
}

/// A raised limit must not hide a fault: the bound on what was usual holds this surely and no more.
const CONFIDENCE: f64 = 0.95;
/// As much more than before is well where a raised limit is concerned.
const TOLERANCE: f64 = 0.1;

fn groups(parties: &[Party<'_>]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (check, party) in parties.iter().enumerate() {
        for (threshold, declared) in party.thresholds.iter().enumerate() {
            let Some((eye, question)) = Eye::of(declared) else {
                continue;
            };
            let member = Member { check, threshold };
            // A check that asks the same twice (a rate and an availability) is no pool of two.
            let alike = |group: &&mut Group| {
                // The checks come in order: it would be the last.
                let is_new = group.members.last().is_none_or(|last| last.check != check);
                group.eye == eye && group.question == question && is_new
            };
            match groups.iter_mut().find(alike) {
                Some(group) => group.members.push(member),
                None => groups.push(Group {
                    eye,
                    question,
                    members: vec![member],
                }),
            }
        }
    }
    groups
}

/// Samples a second; a check without an interval promises none.
#[must_use]
pub fn rate(every: Duration) -> f64 {
    match every.is_zero() {
        true => 0.0,
        false => 1.0 / every.as_secs_f64(),
    }
}
