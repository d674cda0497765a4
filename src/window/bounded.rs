//! The window itself: the newest samples in full, the older ones as totals.
//!
//! A window is a function of the *set* of its samples: arrival order, batches and merges leave no
//! trace. It refuses samples that started before it did, since they are of another deployment.
//! Filled by `engine`, read by the judge.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::Summary;
use super::record::Record;
use super::sent::{self, Sent};
use super::tally::Tally;
use super::view::View;
use crate::clock::Moment;
use crate::sample::{Fault, Outcome, Sample, Session};

/// How many samples are held in full: at ten a second more than half an hour, at one every 5 s
/// more than a day, in a few megabytes. Those before are counted in totals and histograms.
pub const EXACT_RECORDS: usize = 20_000;

/// Where a window begins and from when on latency counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowBounds {
    /// The start: nothing before it is of the deployment under test.
    pub start: Moment,
    /// How long after the start latency does not count yet.
    pub warm_up: Duration,
}

/// The samples of one check that a verdict may use.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    bounds: WindowBounds,
    capacity: usize,
    kept: VecDeque<Record>,
    /// The records that are not kept any more; most windows never have one.
    totals: Option<Box<Tally>>,
    /// What the last sample that says so talked over: once for all, not in each record.
    session: Option<(Moment, Arc<Session>)>,
    sent: Option<Sent>,
}

impl Window {
    /// Opens an empty window.
    #[must_use]
    pub fn new(bounds: WindowBounds) -> Self {
        Self::holding(EXACT_RECORDS, bounds)
    }

    /// A window that holds fewer records in full, where there are very many windows.
    #[must_use]
    pub fn holding(capacity: usize, bounds: WindowBounds) -> Self {
        Self {
            bounds,
            capacity,
            kept: VecDeque::new(),
            totals: None,
            session: None,
            sent: None,
        }
    }

    /// Where it begins.
    #[must_use]
    pub const fn bounds(&self) -> WindowBounds {
        self.bounds
    }

    /// Takes a sample in, whenever it arrives. One that started before the window is not of it.
    pub fn push(&mut self, sample: &Sample) {
        if sample.started < self.bounds.start {
            return;
        }
        if let Some(session) = &sample.session {
            self.talked_over(sample.started, session);
        }
        sent::add(&mut self.sent, Sent::of(sample));
        let fault = sample.fault.as_ref().map(|fault| self.shared(fault));
        let record = Record::of(sample, fault, self.kept.back());
        self.insert(record);
    }

    /// The window of both windows' samples. The bounds are those of this one; only windows of the
    /// same check and deployment mean something together.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        if let Some(totals) = &other.totals {
            self.totals.get_or_insert_default().absorb(totals);
        }
        if let Some((at, session)) = &other.session {
            self.talked_over(*at, session);
        }
        sent::add(&mut self.sent, other.sent);
        for record in other.kept {
            self.insert(record);
        }
        self
    }

    /// What can be said of all samples.
    #[must_use]
    pub fn summary(&self) -> Summary {
        Summary {
            session: self
                .session
                .as_ref()
                .map(|(_, session)| Arc::clone(session)),
            sent: self.sent,
            ..self.view().summary()
        }
    }

    /// What an open loop sent and could not send; absent where none did.
    #[must_use]
    pub const fn sent(&self) -> Option<Sent> {
        self.sent
    }

    /// What can be said of the samples that started in the `span` up to `at`, `at` included, as
    /// far as they are held in full.
    #[must_use]
    pub fn summary_of_last(&self, span: Duration, at: Moment) -> Summary {
        self.view().of_last(span, at).summary()
    }

    /// The samples held in full, by start.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = &Record> + ExactSizeIterator {
        self.kept.iter()
    }

    /// All samples, to look at a part of them.
    #[must_use]
    pub fn view(&self) -> View<'_> {
        View::of_all(self)
    }

    pub(super) const fn kept(&self) -> &VecDeque<Record> {
        &self.kept
    }

    pub(super) fn totals(&self) -> Option<&Tally> {
        self.totals.as_deref()
    }

    /// Whether the latency of a record counts: a failed sample is never a fast one, and a cold
    /// cache is not the new revision's fault.
    pub(super) fn counts_latency(&self, record: &Record) -> bool {
        let warm = record.started >= self.bounds.start + self.bounds.warm_up;
        record.outcome == Outcome::Pass && warm
    }

    /// The greater of two with the same start counts, so that arrival leaves no trace.
    fn talked_over(&mut self, at: Moment, session: &Arc<Session>) {
        let known = self.session.as_ref();
        if known.is_none_or(|(known_at, known)| (*known_at, known) < (at, session)) {
            self.session = Some((at, Arc::clone(session)));
        }
    }

    fn insert(&mut self, record: Record) {
        let is_newest = |last: &Record| last.order(&record).is_le();
        if self.kept.back().is_none_or(is_newest) {
            self.kept.push_back(record);
        } else {
            let place = self
                .kept
                .partition_point(|held| held.order(&record).is_le());
            self.kept.insert(place, record);
        }
        if self.kept.len() > self.capacity
            && let Some(oldest) = self.kept.pop_front()
        {
            let has_latency = self.counts_latency(&oldest);
            let totals = self.totals.get_or_insert_default();
            totals.add(&oldest, has_latency);
            totals.fold();
        }
    }

    /// The same fault as that of the newest record, so that an outage of a day holds one line of
    /// text and not one for each sample.
    fn shared(&self, fault: &Fault) -> Arc<Fault> {
        let newest = self.kept.back().and_then(|record| record.fault.as_ref());
        match newest.filter(|newest| ***newest == *fault) {
            Some(newest) => Arc::clone(newest),
            None => Arc::new(fault.clone()),
        }
    }
}
