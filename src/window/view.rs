//! A part of a window: all of it, its last span, or what it was some samples ago. Borrows and
//! copies nothing until something is asked. Made by the judge, which asks the same question of
//! several parts.

use std::time::Duration;

use super::bounded::Window;
use super::quantile::{self, Spans};
use super::record::Record;
use super::tally::Tally;
use super::{CommonFault, Counts, Exceedances, Latency, Summary};
use crate::clock::Moment;
use crate::sample::{Outcome, Phase};

/// A part of a window.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    window: &'a Window,
    first: usize,
    end: usize,
    has_totals: bool,
}

impl<'a> View<'a> {
    pub(super) fn of_all(window: &'a Window) -> Self {
        Self {
            window,
            first: 0,
            end: window.kept().len(),
            has_totals: true,
        }
    }

    /// The samples that started in the `span` up to `at`, `at` included and its opposite not.
    #[must_use]
    pub fn of_last(self, span: Duration, at: Moment) -> Self {
        let kept = self.window.kept();
        let from = at.since_origin().checked_sub(span).map(Moment::at);
        let before = |record: &Record| from.is_some_and(|from| record.started <= from);
        Self {
            first: kept.partition_point(before),
            end: self.end.min(kept.partition_point(|r| r.started <= at)),
            has_totals: false,
            ..self
        }
    }

    /// What this part was before its last sample from which something was learnt; absent when
    /// there is none.
    #[must_use]
    pub fn before_last_known(self) -> Option<Self> {
        let back = self.records().rev().position(Record::is_known)?;
        let end = self.end - back - 1;
        Some(Self { end, ..self })
    }

    /// The samples of this part that are held in full, by start.
    pub fn records(self) -> impl DoubleEndedIterator<Item = &'a Record> + ExactSizeIterator {
        let range = self.first.min(self.end)..self.end;
        self.window.kept().range(range)
    }

    /// The last sample from which something was learnt.
    #[must_use]
    pub fn last_known(self) -> Option<&'a Record> {
        self.records().rev().find(|record| record.is_known())
    }

    /// What can be said of this part.
    #[must_use]
    pub fn summary(self) -> Summary {
        self.tally().summary(self.failures_in_a_row())
    }

    /// How the samples ended, without all that a summary says besides.
    #[must_use]
    pub fn counts(self) -> Counts {
        let mut counts = self.totals().map(Tally::counts).unwrap_or_default();
        for record in self.records() {
            counts.known += u64::from(record.is_known());
            if record.is_bad() {
                counts.bad += 1;
                counts.first_bad = counts.first_bad.or(Some(record.started));
            }
        }
        counts
    }

    /// The latency of this part, or one phase of it.
    #[must_use]
    pub fn latency(self, phase: Option<Phase>) -> Latency {
        self.spans(phase).summary()
    }

    /// A quantile of the latency, or how many samples it needs and how many there are.
    pub fn quantile(self, phase: Option<Phase>, q: f64) -> Result<Duration, (u64, u64)> {
        let mut spans = self.spans(phase);
        spans
            .quantile(q)
            .ok_or_else(|| (quantile::least_count(q), spans.count()))
    }

    /// How many latencies are beyond what `is_beyond` says, and when the first of them started.
    pub fn exceedances(
        self,
        phase: Option<Phase>,
        is_beyond: impl Fn(Duration) -> bool,
    ) -> Exceedances {
        let spans = self.spans(phase);
        let first = self
            .records()
            .filter(|record| self.window.counts_latency(record))
            .find(|record| latency_of(record, phase).is_some_and(&is_beyond))
            .map(|record| record.started);
        Exceedances {
            beyond: spans.count_where(&is_beyond),
            of: spans.count(),
            first,
        }
    }

    /// The commonest reason of samples whose outcome `is_wanted`.
    #[must_use]
    pub fn commonest_fault(self, is_wanted: impl Fn(Outcome) -> bool) -> Option<CommonFault> {
        self.tally().commonest_fault(is_wanted)
    }

    /// How many samples failed or errored in a row, up to the last, of those held in full. Samples
    /// from which nothing is learnt neither lengthen the run nor end it.
    fn failures_in_a_row(self) -> u64 {
        let known = self.records().rev().filter(|record| record.is_known());
        known.take_while(|record| record.is_bad()).count() as u64
    }

    /// The latencies alone: most questions of the judge need no more.
    fn spans(self, phase: Option<Phase>) -> Spans {
        let totals = self.totals().and_then(|totals| totals.spans(phase));
        let mut spans = totals.cloned().unwrap_or_default();
        let counted = self
            .records()
            .filter(|record| self.window.counts_latency(record));
        counted
            .filter_map(|record| latency_of(record, phase))
            .for_each(|span| spans.add(span));
        spans
    }

    /// The records of this part that are not held in full any more.
    fn totals(self) -> Option<&'a Tally> {
        self.window.totals().filter(|_| self.has_totals)
    }

    fn tally(self) -> Tally {
        let mut tally = self.totals().cloned().unwrap_or_default();
        for record in self.records() {
            tally.add(record, self.window.counts_latency(record));
        }
        tally
    }
}

fn latency_of(record: &Record, phase: Option<Phase>) -> Option<Duration> {
    match phase {
        None => Some(record.latency),
        Some(phase) => record.phases.get(phase),
    }
}
