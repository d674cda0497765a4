//! What is counted of one check: how its runs ended, how long they took, what they read, and what
//! the judge says of it. Compact: there may be a hundred thousand of them.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use super::last::{Kept, Last};
use crate::clock::Clock;
use crate::event::Verdict;
use crate::sample::{CheckId, Outcome, Phase, Phases, Reason, Sample};
use crate::verdict::CheckFacts;

/// The upper bounds of the bins, from a kept connection on the same machine to the longest timeouts.
pub const PROBE_BOUNDS: [Duration; 14] = [
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_millis(1_000),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
];

/// More readings of one check are not kept: a metric for each field of a long answer is no metric.
const MOST_READINGS: usize = 64;

/// What is counted of one check.
#[derive(Debug)]
pub struct Meter {
    check: CheckId,
    service: Arc<str>,
    kind: &'static str,
    passed: AtomicU64,
    latency: Bins,
    /// Made when the first run tells them: what never passes has none.
    phases: OnceLock<Box<[Bins; Phase::ALL.len()]>>,
    rest: Mutex<Rest>,
    /// The place in [`VERDICTS`], from 1; 0 before the first.
    verdict: AtomicU8,
    /// Where somebody asks for it.
    last: OnceLock<Box<Kept>>,
}

/// What changes seldom or is found by name.
#[derive(Debug, Default)]
struct Rest {
    faults: Vec<(Reason, u64)>,
    readings: Vec<(Arc<str>, f64)>,
}

/// All verdicts, in the order of how bad they are.
const VERDICTS: [Verdict; 4] = [
    Verdict::Pass,
    Verdict::Warn,
    Verdict::Inconclusive,
    Verdict::Fail,
];

/// Spans by [`PROBE_BOUNDS`], and their sum.
#[derive(Debug, Default)]
pub struct Bins {
    /// The last for what is beyond all bounds. Beyond four billion a bin begins anew, which whoever
    /// reads counters takes for a restart.
    counts: [AtomicU32; PROBE_BOUNDS.len() + 1],
    sum_nanoseconds: AtomicU64,
}

impl Bins {
    fn add(&self, span: Duration) {
        let bin = PROBE_BOUNDS.partition_point(|bound| *bound < span);
        self.counts[bin].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        self.sum_nanoseconds
            .fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn read(&self) -> Binned {
        let count = |count: &AtomicU32| u64::from(count.load(Ordering::Relaxed));
        Binned {
            counts: self.counts.each_ref().map(count),
            sum: Duration::from_nanos(self.sum_nanoseconds.load(Ordering::Relaxed)),
        }
    }
}

/// What bins had counted when they were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Binned {
    counts: [u64; PROBE_BOUNDS.len() + 1],
    /// The sum of all spans.
    pub sum: Duration,
}

impl Binned {
    /// Adds what others counted.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
        self.sum += other.sum;
    }

    /// How many spans were at most as long as each bound, and last how many there are at all.
    #[must_use]
    pub fn up_to(&self) -> [u64; PROBE_BOUNDS.len() + 1] {
        let mut all = 0;
        self.counts.map(|count| {
            all += count;
            all
        })
    }
}

impl Meter {
    pub(super) fn of(facts: &CheckFacts) -> Self {
        Self {
            check: facts.id.clone(),
            service: Arc::clone(&facts.service),
            kind: facts.kind,
            passed: AtomicU64::new(0),
            latency: Bins::default(),
            phases: OnceLock::new(),
            rest: Mutex::default(),
            verdict: AtomicU8::new(0),
            last: OnceLock::new(),
        }
    }

    /// Whether this is counted of the same check of the same kind and service.
    pub(super) fn is_of(&self, facts: &CheckFacts) -> bool {
        self.check == facts.id && self.kind == facts.kind && self.service == facts.service
    }

    pub(super) fn record(&self, sample: &Sample) {
        if sample.outcome == Outcome::Pass {
            self.passed.fetch_add(1, Ordering::Relaxed);
            // A run that failed is never a fast one.
            self.latency.add(sample.latency);
            self.add_phases(&sample.phases);
        }
        // What is read of another than the target, or not at all, is no reading of it.
        let reads = sample.outcome != Outcome::Unknown && !sample.readings.is_empty();
        if sample.fault.is_some() || reads {
            let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(fault) = &sample.fault {
                rest.count(fault.reason);
            }
            if reads {
                rest.read(sample);
            }
        }
        if let Some(kept) = self.last.get() {
            kept.keep(sample);
        }
    }

    /// Keeps the last run from now on.
    pub(super) fn keep_last(&self, clock: &Arc<dyn Clock>) {
        self.last.get_or_init(|| Box::new(Kept::by(clock)));
    }

    fn add_phases(&self, phases: &Phases) {
        let bins = self.phases.get_or_init(Box::default);
        for phase in Phase::ALL {
            if let Some(span) = phases.get(phase) {
                bins[phase as usize].add(span);
            }
        }
    }

    pub(super) fn judged(&self, verdict: Verdict) {
        let place = VERDICTS.iter().position(|one| *one == verdict);
        let told = place.and_then(|place| u8::try_from(place + 1).ok());
        self.verdict
            .store(told.unwrap_or_default(), Ordering::Relaxed);
    }

    /// The name of the check.
    #[must_use]
    pub const fn check(&self) -> &CheckId {
        &self.check
    }

    /// Its service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        self.kind
    }

    /// How many runs passed.
    #[must_use]
    pub fn passed(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    /// How many runs did not pass, by reason, in the order of the reasons.
    #[must_use]
    pub fn faults(&self) -> Vec<(Reason, u64)> {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faults = rest.faults.clone();
        faults.sort_unstable_by_key(|(reason, _)| *reason);
        faults
    }

    /// The last value of each reading, in the order of the first sample that gave it.
    #[must_use]
    pub fn readings(&self) -> Vec<(Arc<str>, f64)> {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.readings.clone()
    }

    /// How long the runs took that passed.
    #[must_use]
    pub const fn latency(&self) -> &Bins {
        &self.latency
    }

    /// How long a phase of them took; absent before the first.
    #[must_use]
    pub fn phase(&self, phase: Phase) -> Option<&Bins> {
        self.phases.get().map(|bins| &bins[phase as usize])
    }

    /// The last run; absent before the first, and where nobody asks for it.
    #[must_use]
    pub fn last(&self) -> Option<Last> {
        self.last.get().and_then(|kept| kept.read())
    }

    /// What the judge said last.
    #[must_use]
    pub fn verdict(&self) -> Option<Verdict> {
        let told = usize::from(self.verdict.load(Ordering::Relaxed));
        told.checked_sub(1)
            .and_then(|place| VERDICTS.get(place).copied())
    }
}

impl Rest {
    fn count(&mut self, reason: Reason) {
        match self.faults.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => self.faults.push((reason, 1)),
        }
    }

    fn read(&mut self, sample: &Sample) {
        for reading in sample.readings.iter().filter(|one| one.value.is_finite()) {
            let alike = |(name, _): &(Arc<str>, f64)| **name == *reading.name;
            match self.readings.iter().position(alike) {
                Some(known) => self.readings[known].1 = reading.value,
                None if self.readings.len() < MOST_READINGS => {
                    let name = Arc::clone(&reading.name);
                    self.readings.push((name, reading.value));
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::sample::{Fault, Reading, Unit};

    fn meter() -> Meter {
        Meter::of(&CheckFacts {
            id: CheckId::new("home"),
            kind: "http",
            service: "web".into(),
            tags: Vec::new(),
        })
    }

    fn sample(millis: u64, reason: Option<Reason>) -> Sample {
        let mut phases = Phases::default();
        phases.add(Phase::Ttfb, Duration::from_millis(millis));
        Sample {
            check: CheckId::new("home"),
            started: Moment::at(Duration::ZERO),
            latency: Duration::from_millis(millis),
            phases,
            outcome: reason.map_or(Outcome::Pass, Reason::outcome),
            fault: reason.map(|reason| Fault::new(reason, "so")),
            readings: vec![Reading::new("status", millis as f64, Unit::Number)],
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            session: None,
            trace: None,
            sending: None,
        }
    }

    #[test]
    fn runs_are_counted_by_how_they_ended() {
        let meter = meter();
        meter.record(&sample(3, None));
        meter.record(&sample(7, Some(Reason::Timeout)));
        meter.record(&sample(8, Some(Reason::Status)));
        meter.record(&sample(9, Some(Reason::Timeout)));
        assert_eq!(meter.passed(), 1);
        let faults = [(Reason::Status, 1), (Reason::Timeout, 2)];
        assert_eq!(meter.faults(), faults);
        assert_eq!(
            meter.latency().read().sum,
            Duration::from_millis(3),
            "what failed is never fast"
        );
        assert_eq!(meter.readings(), [(Arc::from("status"), 9.0)]);
        meter.record(&sample(11, Some(Reason::Offline)));
        assert_eq!(
            meter.readings(),
            [(Arc::from("status"), 9.0)],
            "nothing is read of a target that was not reached"
        );
    }

    #[test]
    fn a_span_on_a_bound_belongs_below_it() {
        let bins = Bins::default();
        for millis in [0, 1, 2, 30_000, 30_001] {
            bins.add(Duration::from_millis(millis));
        }
        let up_to = bins.read().up_to();
        assert_eq!((up_to[0], up_to[1], up_to[13], up_to[14]), (2, 3, 4, 5));
        assert!(PROBE_BOUNDS.is_sorted());
    }

    #[test]
    fn the_last_verdict_is_known() {
        let meter = meter();
        assert_eq!(meter.verdict(), None);
        for verdict in VERDICTS {
            meter.judged(verdict);
            assert_eq!(meter.verdict(), Some(verdict));
        }
    }

    #[test]
    fn readings_without_end_are_not_kept() {
        let meter = meter();
        let mut many = sample(1, None);
        many.readings = (0..MOST_READINGS * 2)
            .map(|number| Reading::new(&number.to_string(), 1.0, Unit::Number))
            .collect();
        meter.record(&many);
        assert_eq!(meter.readings().len(), MOST_READINGS);
    }

    #[test]
    fn a_meter_takes_less_than_a_kilobyte() {
        let phases = size_of::<[Bins; Phase::ALL.len()]>();
        assert!(size_of::<Meter>() + phases <= 768, "{phases}");
    }
}
