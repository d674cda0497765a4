//! What is counted over records: the running totals of those that a window no longer holds, and
//! every summary. Adding up is associative and asks for no order. Used by the window alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::quantile::Spans;
use super::record::Record;
use super::{CommonFault, Counts, Latency, ReadingSummary, Summary};
use crate::clock::Moment;
use crate::sample::{Fault, Outcome, Phase, Reading, Reason, Unit};

/// Counts over records.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Tally {
    samples: u64,
    failed: u64,
    errored: u64,
    unknown: u64,
    retries: u64,
    first_bad: Option<Moment>,
    last: Option<Moment>,
    faults: BTreeMap<Reason, FaultTally>,
    latency: Spans,
    phases: [Option<Box<Spans>>; Phase::ALL.len()],
    readings: BTreeMap<Arc<str>, ReadingTally>,
}

/// How often one reason was seen; the reasons are a closed set, so this is bounded.
#[derive(Clone, Debug, PartialEq)]
struct FaultTally {
    count: u64,
    last: (Moment, Arc<Fault>),
    alike: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct ReadingTally {
    count: u64,
    last: (Moment, f64),
    min: f64,
    max: f64,
    unit: Unit,
}

impl Tally {
    /// Counts a record; its latency only when `has_latency`.
    pub(super) fn add(&mut self, record: &Record, has_latency: bool) {
        self.samples += 1;
        self.retries += u64::from(record.retries);
        self.last = self.last.max(Some(record.started));
        match record.outcome {
            Outcome::Pass => {}
            Outcome::Fail => self.failed += 1,
            Outcome::Error => self.errored += 1,
            Outcome::Unknown => self.unknown += 1,
        }
        if record.is_bad() {
            self.first_bad = earlier(self.first_bad, Some(record.started));
        }
        if let Some(fault) = &record.fault {
            let seen = FaultTally {
                count: 1,
                last: (record.started, Arc::clone(fault)),
                alike: true,
            };
            self.add_fault(fault.reason, seen);
        }
        if has_latency {
            self.add_latency(record);
        }
        if record.is_known() {
            for reading in &record.readings {
                self.add_reading(&reading.name, ReadingTally::of(reading, record.started));
            }
        }
    }

    /// Turns what is held in full into histograms.
    pub(super) fn fold(&mut self) {
        self.latency.fold();
        let phases = self.phases.iter_mut().flatten();
        phases.for_each(|spans| spans.fold());
    }

    /// Adds the counts of another tally.
    pub(super) fn absorb(&mut self, other: &Self) {
        self.samples += other.samples;
        self.failed += other.failed;
        self.errored += other.errored;
        self.unknown += other.unknown;
        self.retries += other.retries;
        self.first_bad = earlier(self.first_bad, other.first_bad);
        self.last = self.last.max(other.last);
        for (reason, seen) in &other.faults {
            self.add_fault(*reason, seen.clone());
        }
        self.latency.absorb(&other.latency);
        for (spans, theirs) in self.phases.iter_mut().zip(&other.phases) {
            if let Some(theirs) = theirs {
                spans.get_or_insert_default().absorb(theirs);
            }
        }
        for (name, seen) in &other.readings {
            self.add_reading(name, seen.clone());
        }
    }

    /// The spans of the whole latency or of one phase.
    pub(super) fn spans(&self, phase: Option<Phase>) -> Option<&Spans> {
        match phase {
            None => Some(&self.latency),
            Some(phase) => self.phases[phase as usize].as_deref(),
        }
    }

    /// How the samples ended.
    pub(super) fn counts(&self) -> Counts {
        Counts {
            known: self.samples - self.unknown,
            bad: self.failed + self.errored,
            first_bad: self.first_bad,
        }
    }

    /// The commonest reason among those whose outcome `is_wanted`.
    pub(super) fn commonest_fault(
        &self,
        is_wanted: impl Fn(Outcome) -> bool,
    ) -> Option<CommonFault> {
        let wanted = self.faults.iter().filter(|(r, _)| is_wanted(r.outcome()));
        let (_, seen) = wanted.max_by_key(|(_, seen)| (seen.count, seen.last.0))?;
        Some(CommonFault {
            count: seen.count,
            last: Fault::clone(&seen.last.1),
            alike: seen.alike,
        })
    }

    pub(super) fn summary(mut self, consecutive_failures: u64) -> Summary {
        let last_fault = self.faults.values().map(|seen| &seen.last);
        let last_fault = last_fault.max_by_key(|(at, fault)| (*at, fault.reason, &fault.detail));
        let phases = Phase::ALL.into_iter().zip(&mut self.phases);
        let phases = phases.filter_map(|(phase, spans)| Some((phase, spans.as_mut()?.summary())));
        let mut phases: Vec<(Phase, Latency)> = phases.collect();
        phases.shrink_to_fit();
        Summary {
            samples: self.samples,
            failed: self.failed,
            errored: self.errored,
            unknown: self.unknown,
            consecutive_failures,
            last_fault: last_fault.map(|(_, fault)| Fault::clone(fault)),
            latency: self.latency.summary(),
            phases,
            readings: self
                .readings
                .iter()
                .map(|(name, seen)| (Arc::clone(name), seen.summary()))
                .collect(),
            first_bad: self.first_bad,
            last: self.last,
            retries: self.retries,
            session: None,
            sent: None,
        }
    }

    fn add_latency(&mut self, record: &Record) {
        self.latency.add(record.latency);
        for phase in Phase::ALL {
            if let Some(span) = record.phases.get(phase) {
                let spans = &mut self.phases[phase as usize];
                spans.get_or_insert_default().add(span);
            }
        }
    }

    fn add_fault(&mut self, reason: Reason, seen: FaultTally) {
        let Some(known) = self.faults.get_mut(&reason) else {
            self.faults.insert(reason, seen);
            return;
        };
        known.count += seen.count;
        known.alike &= seen.alike && known.last.1.detail == seen.last.1.detail;
        if (seen.last.0, &seen.last.1.detail) > (known.last.0, &known.last.1.detail) {
            known.last = seen.last;
        }
    }

    fn add_reading(&mut self, name: &Arc<str>, seen: ReadingTally) {
        let Some(known) = self.readings.get_mut(name) else {
            self.readings.insert(Arc::clone(name), seen);
            return;
        };
        known.count += seen.count;
        known.min = known.min.min(seen.min);
        known.max = known.max.max(seen.max);
        let (known_at, known_value) = known.last;
        let (at, value) = seen.last;
        if at
            .cmp(&known_at)
            .then(value.total_cmp(&known_value))
            .is_gt()
        {
            (known.last, known.unit) = (seen.last, seen.unit);
        }
    }
}

impl ReadingTally {
    fn of(reading: &Reading, at: Moment) -> Self {
        Self {
            count: 1,
            last: (at, reading.value),
            min: reading.value,
            max: reading.value,
            unit: reading.unit,
        }
    }

    fn summary(&self) -> ReadingSummary {
        ReadingSummary {
            count: self.count,
            last: self.last.1,
            min: self.min,
            max: self.max,
            unit: self.unit,
        }
    }
}

fn earlier(a: Option<Moment>, b: Option<Moment>) -> Option<Moment> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}
