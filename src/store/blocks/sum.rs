//! What a check did in a span, as a sum: of samples, and of other sums, whatever the order.

use std::collections::BTreeMap;

use super::bytes::{Damaged, Reader, Writer};
use super::record::Record;
use crate::sample::{Outcome, Phase};
use crate::window::histogram::{Histogram, place_of};

/// What a check did in a span.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    /// Runs that passed.
    pub passed: u64,
    /// Runs that were answered wrongly.
    pub failed: u64,
    /// Runs that could not reach the target.
    pub errored: u64,
    /// Runs from which nothing was learnt.
    pub unknown: u64,
    /// How long the runs took that passed.
    pub latency: Histogram,
    /// The parts of it.
    pub phases: [Histogram; Phase::ALL.len()],
    /// The readings of all runs, by the number of their name.
    pub readings: BTreeMap<u32, Range>,
}

/// What a reading was in a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// How many were seen.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Sum {
    /// Adds a sample.
    ///
    /// # Errors
    /// When its outcome means nothing to this version.
    pub fn add(&mut self, record: &Record) -> Result<(), Damaged> {
        let count = match record.outcome()? {
            Outcome::Pass => &mut self.passed,
            Outcome::Fail => &mut self.failed,
            Outcome::Error => &mut self.errored,
            Outcome::Unknown => &mut self.unknown,
        };
        *count += 1;
        if !record.is_bad() {
            let micros = std::time::Duration::from_micros;
            self.latency.record(micros(record.latency));
            for (phase, span) in self.phases.iter_mut().zip(record.phases) {
                if let Some(span) = span.checked_sub(1) {
                    phase.record(micros(span));
                }
            }
        }
        for reading in &record.readings {
            let value = f64::from_bits(reading.bits);
            if value.is_finite() {
                let one = Range {
                    count: 1,
                    sum: value,
                    least: value,
                    most: value,
                };
                self.reading(reading.name, one);
            }
        }
        Ok(())
    }

    /// Adds another.
    pub fn merge(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.errored += other.errored;
        self.unknown += other.unknown;
        self.latency.merge(&other.latency);
        for (phase, more) in self.phases.iter_mut().zip(&other.phases) {
            phase.merge(more);
        }
        for (name, range) in &other.readings {
            self.reading(*name, *range);
        }
    }

    /// The phases that happened.
    pub fn phases_seen(&self) -> Vec<(Phase, Histogram)> {
        let all = Phase::ALL.into_iter().zip(&self.phases);
        let seen = all.filter(|(_, histogram)| histogram.count() > 0);
        seen.map(|(phase, histogram)| (phase, histogram.clone()))
            .collect()
    }

    fn reading(&mut self, name: u32, more: Range) {
        let known = self.readings.entry(name);
        known
            .and_modify(|range| {
                range.count += more.count;
                range.sum += more.sum;
                range.least = range.least.min(more.least);
                range.most = range.most.max(more.most);
            })
            .or_insert(more);
    }
}

/// The format of a block of sums, its first byte.
const FORMAT: u8 = 1;
/// The bit of a step of a histogram that holds more than one.
const SEVERAL: u64 = 1;

/// Writes sums, each with the number of its minute.
pub fn encode_sums(sums: &BTreeMap<u8, Sum>) -> Vec<u8> {
    let mut out = Writer::default();
    out.byte(FORMAT);
    for (minute, sum) in sums {
        out.byte(*minute);
        for count in [sum.passed, sum.failed, sum.errored, sum.unknown] {
            out.number(count);
        }
        let there = sum.phases.iter().enumerate();
        let mask = there.fold(0, |mask, (at, phase)| {
            mask | u8::from(phase.count() > 0) << at
        });
        out.byte(mask);
        write_histogram(&mut out, &sum.latency);
        for phase in sum.phases.iter().filter(|phase| phase.count() > 0) {
            write_histogram(&mut out, phase);
        }
        out.number(sum.readings.len() as u64);
        for (name, range) in &sum.readings {
            out.number((*name).into());
            out.number(range.count);
            let sum = range.sum.to_bits();
            out.sparse(sum);
            out.sparse(range.least.to_bits() ^ sum);
            out.sparse(range.most.to_bits() ^ range.least.to_bits());
        }
    }
    out.done()
}

/// Reads sums.
///
/// # Errors
/// When they are damaged, or of a format that this version does not know.
pub fn decode_sums(block: &[u8]) -> Result<BTreeMap<u8, Sum>, Damaged> {
    let mut input = Reader(block);
    if input.byte()? != FORMAT {
        return Err(Damaged::new("a block has a format of a later version"));
    }
    let mut sums = BTreeMap::new();
    while !input.is_done() {
        let minute = input.byte()?;
        sums.insert(minute, read_sum(&mut input)?);
    }
    Ok(sums)
}

fn read_sum(input: &mut Reader<'_>) -> Result<Sum, Damaged> {
    let mut sum = Sum {
        passed: input.number()?,
        failed: input.number()?,
        errored: input.number()?,
        unknown: input.number()?,
        ..Sum::default()
    };
    let mask = input.byte()?;
    sum.latency = read_histogram(input)?;
    for (place, phase) in sum.phases.iter_mut().enumerate() {
        if mask & 1 << place != 0 {
            *phase = read_histogram(input)?;
        }
    }
    for _ in 0..input.number()? {
        let name = input.small()?;
        let count = input.number()?;
        let total = input.sparse()?;
        let least = input.sparse()? ^ total;
        let most = input.sparse()? ^ least;
        let range = Range {
            count,
            sum: f64::from_bits(total),
            least: f64::from_bits(least),
            most: f64::from_bits(most),
        };
        sum.readings.insert(name, range);
    }
    Ok(sum)
}

fn write_histogram(out: &mut Writer, histogram: &Histogram) {
    out.number(histogram.steps().count() as u64);
    let mut before = 0;
    for step in histogram.steps() {
        let place = u64::from(place_of(step.lowest));
        let several = u64::from(step.count > 1) * SEVERAL;
        out.number((place - before) << 1 | several);
        if step.count > 1 {
            out.number(step.count.into());
        }
        before = place;
    }
}

fn read_histogram(input: &mut Reader<'_>) -> Result<Histogram, Damaged> {
    let mut histogram = Histogram::default();
    let mut place: u64 = 0;
    for _ in 0..input.number()? {
        let number = input.number()?;
        place = place.saturating_add(number >> 1);
        let count = match number & SEVERAL {
            0 => 1,
            _ => input.number()?,
        };
        let at = usize::try_from(place).unwrap_or(usize::MAX);
        histogram.record_at(at, count);
    }
    Ok(histogram)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::blocks::Measured;
    use proptest::prelude::*;

    fn any_sum() -> impl Strategy<Value = Sum> {
        let spans = proptest::collection::vec(any::<u32>(), 0..9);
        let readings = proptest::collection::btree_map(any::<u32>(), any::<i32>(), 0..3);
        (any::<[u64; 4]>(), spans, readings).prop_map(|(counts, spans, readings)| {
            let mut sum = Sum {
                passed: counts[0],
                failed: counts[1],
                errored: counts[2],
                unknown: counts[3],
                ..Sum::default()
            };
            for span in spans {
                let span = std::time::Duration::from_nanos(span.into());
                sum.latency.record(span);
                sum.phases[(span.as_nanos() % 6) as usize].record(span);
            }
            for (name, value) in readings {
                let value = f64::from(value);
                let range = Range {
                    count: 2,
                    sum: 2.0 * value,
                    least: value,
                    most: value + 0.5,
                };
                sum.readings.insert(name, range);
            }
            sum
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(
            sums in proptest::collection::btree_map(any::<u8>(), any_sum(), 0..5)
        ) {
            prop_assert_eq!(decode_sums(&encode_sums(&sums)), Ok(sums));
        }

        #[test]
        fn whatever_is_read_ends_without_a_panic(mut block in any::<Vec<u8>>()) {
            block.insert(0, FORMAT);
            if let Ok(sums) = decode_sums(&block) {
                prop_assert!(sums.len() <= block.len());
            }
        }
    }

    #[test]
    fn only_runs_that_passed_have_a_latency_and_all_have_readings() {
        let mut sum = Sum::default();
        let pass = Record {
            latency: 5,
            readings: vec![Measured {
                name: 1,
                unit: crate::sample::Unit::Number,
                bits: 2.0_f64.to_bits(),
            }],
            ..Record::default()
        };
        let nothing = Measured {
            bits: f64::NAN.to_bits(),
            ..pass.readings[0]
        };
        sum.add(&pass).unwrap();
        let fault = crate::sample::Fault::new(crate::sample::Reason::Timeout, "late");
        let bad = crate::sample::Sample {
            check: crate::sample::CheckId::new("a"),
            started: crate::clock::Moment::ORIGIN,
            latency: std::time::Duration::from_secs(9),
            phases: crate::sample::Phases::default(),
            outcome: Outcome::Error,
            fault: Some(fault),
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        };
        let bad = Record {
            readings: vec![pass.readings[0], nothing],
            ..Record::of(7, &bad).unwrap()
        };
        sum.add(&bad).unwrap();
        assert_eq!((sum.passed, sum.errored), (1, 1));
        assert_eq!(sum.latency.count(), 1);
        let range = sum.readings[&1];
        assert_eq!((range.count, range.sum), (2, 4.0));
    }
}
