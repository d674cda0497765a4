//! What waits for one notifier, and what is to be sent next: bounded, in order for each thread, without
//! what was said already, storms as one. A plain value: moments come in, nothing here waits or sends.

mod choosing;
mod settling;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::sync::Arc;
use std::time::Duration;

use super::damper::{CALM, Flow};
use super::hush::Hush;
use super::ledger::Ledger;
use crate::clock::Moment;
use crate::notify::{Effect, Notice, Route, Severity};

/// As many notices wait; beyond, the least important is dropped.
pub(super) const MOST_WAITING: usize = 500;
/// So long is it tried to send a notice; after that it is no news.
pub(super) const LIFETIME: Duration = Duration::from_secs(3_600);
/// So long is waited for more of a storm before the first of it is sent.
pub(super) const GATHERING: Duration = Duration::from_secs(2);
/// Whoever took over looks again so often whether the one before has sent what it was sending.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// How notices come to a notifier, as it is declared now.
#[derive(Clone, Debug)]
pub(super) struct Ways {
    /// The routes that lead to it.
    pub(super) routes: Vec<Route>,
    /// Of what nobody is to be reminded.
    pub(super) hush: Arc<dyn Hush>,
}

impl Ways {
    /// Whether a route leads a notice there; otherwise only what ends a trouble goes, to who was told of
    /// it.
    fn lead(&self, notice: &Notice) -> bool {
        self.routes.iter().any(|route| route.leads(notice))
    }

    /// How often it is told again while it lasts.
    fn repeat(&self, notice: &Notice) -> Option<Duration> {
        let routes = self.routes.iter().filter(|route| route.leads(notice));
        routes.filter_map(|route| route.repeat).min()
    }
}

/// What became of notices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Sent, and taken.
    pub sent: u64,
    /// Refused for good.
    pub refused: u64,
    /// Given up, being no news any more.
    pub expired: u64,
    /// Dropped, because too much waited.
    pub dropped: u64,
    /// Not sent, because it was said already or belonged to a storm.
    pub spared: u64,
    /// Sendings that failed and were or will be tried again.
    pub tried_again: u64,
}

/// A notice that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The notifier.
    pub notifier: Arc<str>,
    /// What was to be told.
    pub headline: String,
    /// Why it was not.
    pub why: String,
}

/// What is to be done next.
#[derive(Debug)]
pub(super) enum Next {
    /// Send this, and settle it.
    Send(Box<Parcel>),
    /// Nothing before this moment, unless something comes.
    At(Moment),
    /// Nothing unless something comes.
    Nothing,
}

/// What is sent at once, and what it is made of.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) notice: Notice,
    of: Vec<(u64, Waiting)>,
}

#[derive(Clone, Debug)]
struct Waiting {
    notice: Notice,
    /// Whether a route led it here.
    matched: bool,
    /// Whether it flaps.
    flow: Flow,
    since: Moment,
    not_before: Moment,
    attempts: u32,
}

/// What is being sent.
#[derive(Debug)]
struct InFlight {
    headline: String,
    effect: Effect,
    /// Its own, and those of what it is made of.
    subjects: Vec<String>,
}

impl InFlight {
    fn of(parcel: &Parcel) -> Self {
        let parts = parcel.of.iter().map(|(_, one)| one.notice.subject.clone());
        Self {
            headline: parcel.notice.headline.clone(),
            effect: parcel.notice.effect,
            subjects: parts.chain([parcel.notice.subject.clone()]).collect(),
        }
    }

    fn is_about(&self, subject: &str) -> bool {
        self.subjects.iter().any(|one| one == subject)
    }
}

/// What waits for one notifier, and what it was told.
#[derive(Debug)]
pub(super) struct Outbox {
    waiting: BTreeMap<u64, Waiting>,
    numbered: u64,
    in_flight: Option<InFlight>,
    /// Something is being sent, a reminder included.
    is_sending: bool,
    ways: Ways,
    ledger: Ledger,
    paused_until: Moment,
    failed_in_a_row: u32,
    counts: Counts,
    failures: Vec<(String, String)>,
    trouble: Option<String>,
    dice: RandomState,
}

impl Outbox {
    pub(super) fn new(ledger: Ledger, ways: Ways, now: Moment) -> Self {
        Self {
            ways,
            waiting: BTreeMap::new(),
            numbered: 0,
            in_flight: None,
            is_sending: false,
            ledger: ledger.woken(now),
            paused_until: now,
            failed_in_a_row: 0,
            counts: Counts::default(),
            failures: Vec::new(),
            trouble: None,
            dice: RandomState::new(),
        }
    }

    /// Another notifier of the same name sends from now on: the troubles of the one before are over.
    pub(super) fn handed_over(&mut self, ways: Ways, now: Moment) {
        self.ways = ways;
        self.paused_until = now;
        self.failed_in_a_row = 0;
        for one in self.waiting.values_mut().filter(|one| one.attempts > 0) {
            one.not_before = now;
        }
    }

    /// Its notifier was not declared for a while, and has not heard of every end.
    pub(super) fn comes_back(&mut self) {
        self.ledger = std::mem::take(&mut self.ledger).doubted();
    }

    /// Takes a notice in, or not.
    pub(super) fn offer(&mut self, notice: Notice, flow: Flow, now: Moment) {
        let matched = self.ways.lead(&notice);
        let ends = matches!(notice.effect, Effect::Resolves | Effect::Acknowledges);
        let told = ends && self.is_told_or_will_be(&notice.subject);
        if !told && (!matched || notice.kind.is_for_the_told()) {
            return;
        }
        let not_before = match flow {
            Flow::Free if notice.kind.comes_in_storms() => now + GATHERING,
            Flow::Free | Flow::Flapping => now,
            Flow::Calmed => {
                self.forget_course(&notice);
                now + CALM
            }
        };
        if self.is_said(&notice) {
            self.counts.spared += 1;
            return;
        }
        if !notice.kind.comes_in_storms() {
            // What comes after a storm in its thread shall not wait until it is gathered.
            for earlier in self.waiting.values_mut() {
                if earlier.notice.thread == notice.thread && earlier.attempts == 0 {
                    earlier.not_before = earlier.not_before.min(now);
                }
            }
        }
        let waiting = Waiting {
            notice,
            matched,
            flow,
            since: now,
            not_before,
            attempts: 0,
        };
        self.waiting.insert(self.numbered, waiting);
        self.numbered += 1;
        if self.waiting.len() > MOST_WAITING {
            self.drop_least();
        }
    }

    fn is_told_or_will_be(&self, subject: &str) -> bool {
        let opens = |one: &Waiting| one.notice.effect == Effect::Opens;
        self.ledger.is_open(subject)
            || self
                .in_flight
                .as_ref()
                .is_some_and(|one| one.is_about(subject))
            || self
                .waiting
                .values()
                .any(|one| opens(one) && one.notice.subject == subject)
    }

    /// Whether it was told already, or waits; what waits then says what is newest.
    fn is_said(&mut self, notice: &Notice) -> bool {
        let mut of_subject = self.waiting.values_mut();
        let last = of_subject
            .rfind(|one| one.notice.subject == notice.subject && one.notice.check == notice.check);
        match last {
            Some(last) => {
                let same = last.notice.kind == notice.kind && last.notice.effect == notice.effect;
                // What merely tells may say something else each time.
                let same = same && (notice.effect != Effect::Tells || last.notice == *notice);
                if same {
                    last.notice = notice.clone();
                }
                same
            }
            // Whose end is being sent may come again.
            None => self.ledger.knows(notice) && !self.is_being_ended(&notice.subject),
        }
    }

    fn is_being_ended(&self, subject: &str) -> bool {
        let under = self.ledger.under(subject).unwrap_or(subject);
        self.in_flight.as_ref().is_some_and(|one| {
            one.effect == Effect::Resolves && (one.is_about(subject) || one.is_about(under))
        })
    }

    /// The subjects of what somebody was told, or is about to be told, and what is not over.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &str> {
        let opens = |one: &&Waiting| one.notice.effect == Effect::Opens;
        let waiting = self.waiting.values().filter(opens);
        let waiting = waiting.map(|one| one.notice.subject.as_str());
        let in_flight = self.in_flight.iter().flat_map(|one| &one.subjects);
        let in_flight = in_flight.map(String::as_str);
        self.ledger.subjects().chain(waiting).chain(in_flight)
    }

    /// Of what flaps, only what it came to is told.
    fn forget_course(&mut self, notice: &Notice) {
        let before = self.waiting.len();
        self.waiting.retain(|_, one| {
            let of_course = one.flow == Flow::Calmed;
            !(of_course && one.notice.subject == notice.subject && one.notice.check == notice.check)
        });
        self.counts.spared += (before - self.waiting.len()) as u64;
    }

    fn drop_least(&mut self) {
        let least = self
            .waiting
            .iter()
            .min_by_key(|(_, one)| weight(&one.notice));
        let Some(number) = least.map(|(number, _)| *number) else {
            return;
        };
        if let Some(least) = self.waiting.remove(&number) {
            self.counts.dropped += 1;
            self.gives_up(&least.notice);
            let why = format!("more than {MOST_WAITING} notices waited");
            self.fails(least.notice.headline, why);
        }
    }

    /// An end that never arrives must not make the next beginning look known.
    fn gives_up(&mut self, notice: &Notice) {
        if notice.effect == Effect::Resolves {
            self.ledger.doubt(&notice.subject);
        }
    }

    pub(super) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len() + usize::from(self.in_flight.is_some())
    }

    pub(super) const fn counts(&self) -> Counts {
        self.counts
    }

    pub(super) fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }
}

/// What is dropped last: a trouble that someone was told of must be seen to end.
fn weight(notice: &Notice) -> Severity {
    match notice.effect {
        Effect::Resolves => notice.severity.max(Severity::Warning),
        _ => notice.severity,
    }
}
