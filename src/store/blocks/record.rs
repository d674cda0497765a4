//! Samples as bytes. A block holds groups of samples, each of one check, in the order of their
//! times; what a sample has in common with the one before it, of whatever check, is not said again.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bytes::{Damaged, Reader, Writer};
use crate::sample::{Fault, Outcome, Phase, Phases, Sample, Sending, Unit};

/// A sample with names as numbers, times in microseconds. Two that are equal in every part are one:
/// a batch that is kept twice is kept once. The order is that of their times.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Record {
    /// Since 1970.
    pub at: i64,
    /// From the start of the run to its end.
    pub latency: u64,
    /// Each phase, and one more; 0 where it did not happen.
    pub phases: [u64; Phase::ALL.len()],
    pub(super) outcome: u8,
    /// The number of the service's name.
    pub service: u32,
    /// The number of the window's name; 0 where it belongs to none.
    pub window: u32,
    /// The number of what it talked over, as JSON; 0 where that is not known.
    pub session: u32,
    /// The numbers observed.
    pub readings: Vec<Measured>,
    pub(super) rest: Option<Arc<str>>,
    /// How many tries came before.
    pub retries: u32,
    /// Whether it was taken beside the schedule.
    pub closer_look: bool,
    pub(super) sending: Option<(u64, u64, u32)>,
}

/// A reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Measured {
    /// The number of its name.
    pub name: u32,
    /// What it counts.
    pub unit: Unit,
    /// The value, bit by bit.
    pub bits: u64,
}

/// What is told of a sample in words.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<Fault>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Samples of one check, by its place among the checks that the block is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The place of the check.
    pub place: u8,
    /// The samples, the oldest first.
    pub records: Vec<Record>,
}

const OUTCOMES: [Outcome; 4] = [
    Outcome::Pass,
    Outcome::Fail,
    Outcome::Error,
    Outcome::Unknown,
];
const UNITS: [Unit; 5] = [
    Unit::Number,
    Unit::Seconds,
    Unit::Bytes,
    Unit::Days,
    Unit::Share,
];

impl Record {
    /// What a sample is without its names.
    pub fn of(at: i64, sample: &Sample) -> Result<Self, Damaged> {
        let phases = Phase::ALL.map(|phase| {
            let span = sample.phases.get(phase);
            span.map_or(0, |span| whole(span).saturating_add(1))
        });
        let rest = match (&sample.fault, sample.notes.is_empty()) {
            (None, true) => None,
            (fault, _) => {
                let rest = Rest {
                    fault: fault.clone(),
                    notes: sample.notes.clone(),
                };
                let text = serde_json::to_string(&rest).map_err(Damaged::text)?;
                Some(Arc::from(text))
            }
        };
        let sending = sample.sending;
        Ok(Self {
            at,
            latency: whole(sample.latency),
            phases,
            outcome: place_in(&OUTCOMES, &sample.outcome),
            rest,
            retries: sample.retries,
            closer_look: sample.closer_look,
            sending: sending.map(|one| (whole(one.waited), one.unsent, one.in_flight)),
            ..Self::default()
        })
    }

    /// How the run ended.
    pub fn outcome(&self) -> Result<Outcome, Damaged> {
        at(&OUTCOMES, self.outcome)
    }

    /// Whether the run did not pass.
    pub const fn is_bad(&self) -> bool {
        self.outcome != 0
    }

    /// The parts of the latency.
    pub fn phases(&self) -> Phases {
        let spans = self.phases.map(|span| span.checked_sub(1));
        Phases::from(spans.map(|span| span.map(Duration::from_micros)))
    }

    /// How an open loop sent it.
    pub fn sending(&self) -> Option<Sending> {
        let (waited, unsent, in_flight) = self.sending?;
        Some(Sending {
            waited: Duration::from_micros(waited),
            unsent,
            in_flight,
        })
    }

    /// What is told of it in words.
    pub fn rest(&self) -> Result<Rest, Damaged> {
        match &self.rest {
            None => Ok(Rest::default()),
            Some(text) => serde_json::from_str(text).map_err(Damaged::text),
        }
    }

    fn sum_of_phases(&self) -> u64 {
        let spans = self.phases.iter().map(|span| span.saturating_sub(1));
        spans.fold(0, u64::saturating_add)
    }

    fn mask(&self) -> u8 {
        let there = self.phases.iter().enumerate();
        there.fold(0, |mask, (at, span)| mask | u8::from(*span > 0) << at)
    }

    fn has_readings_as(&self, other: &Self) -> bool {
        let names = |record: &Self| -> Vec<(u32, Unit)> {
            let readings = record.readings.iter();
            readings.map(|one| (one.name, one.unit)).collect()
        };
        self.readings.len() == other.readings.len() && names(self) == names(other)
    }

    fn context(&self) -> [u32; 3] {
        [self.service, self.window, self.session]
    }
}

/// A span in microseconds: what is below one is left out.
fn whole(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

fn place_in<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|other| other == one).unwrap_or(0) as u8
}

fn at<T: Copy>(all: &[T], place: u8) -> Result<T, Damaged> {
    let found = all.get(usize::from(place)).copied();
    found.ok_or_else(|| Damaged::new("a block has something that this version does not know"))
}

/// The format of a block of samples, its first byte.
const FORMAT: u8 = 1;

/// What follows the first byte of a sample: which of its parts differ from the sample before.
mod differs {
    pub const PHASES: u8 = 1;
    pub const CONTEXT: u8 = 1 << 1;
    pub const READINGS: u8 = 1 << 2;
    pub const REST: u8 = 1 << 3;
}
/// It was taken beside the schedule.
const CLOSER: u8 = 1 << 4;
/// The place of the outcome in the first byte: two bits.
const OUTCOME_AT: u32 = 5;
const OUTCOME_BITS: u8 = 0b11;
/// There were tries before it, or an open loop sent it.
const FURTHER: u8 = 1 << 7;

/// Samples as they came from several places, as one check has them: in order, each once.
pub fn merged(mut records: Vec<Record>) -> Vec<Record> {
    records.sort_unstable();
    records.dedup();
    records
}

/// Writes a block.
pub fn encode<'a>(groups: impl IntoIterator<Item = (u8, &'a [Record])>) -> Vec<u8> {
    let mut out = Writer::default();
    out.byte(FORMAT);
    let nothing = Record::default();
    let mut before = &nothing;
    for (place, records) in groups {
        out.byte(place);
        out.number(records.len() as u64);
        let mut step = 0;
        for (number, record) in records.iter().enumerate() {
            let further = record.at.wrapping_sub(before.at);
            out.signed(further.wrapping_sub(step));
            // The first of a check says nothing of how often it runs.
            step = if number == 0 { 0 } else { further };
            write(&mut out, record, before);
            before = record;
        }
    }
    out.done()
}

fn write(out: &mut Writer, record: &Record, before: &Record) {
    let differs = |is: bool, flag: u8| if is { flag } else { 0 };
    let same_readings = record.has_readings_as(before);
    let has_further = record.retries > 0 || record.sending.is_some();
    let flags = differs(record.mask() != before.mask(), differs::PHASES)
        | differs(record.context() != before.context(), differs::CONTEXT)
        | differs(!same_readings, differs::READINGS)
        | differs(record.rest != before.rest, differs::REST)
        | differs(record.closer_look, CLOSER)
        | record.outcome << OUTCOME_AT
        | differs(has_further, FURTHER);
    out.byte(flags);
    if flags & differs::PHASES != 0 {
        out.byte(record.mask());
    }
    for span in record.phases.iter().filter(|span| **span > 0) {
        out.number(span - 1);
    }
    out.signed(record.latency.wrapping_sub(record.sum_of_phases()) as i64);
    if flags & differs::CONTEXT != 0 {
        for number in record.context() {
            out.number(number.into());
        }
    }
    write_readings(out, record, before, same_readings);
    if flags & differs::REST != 0 {
        out.text(record.rest.as_deref().unwrap_or_default());
    }
    if has_further {
        out.number(record.retries.into());
        out.byte(record.sending.is_some().into());
        if let Some((waited, unsent, in_flight)) = record.sending {
            out.number(waited);
            out.number(unsent);
            out.number(in_flight.into());
        }
    }
}

fn write_readings(out: &mut Writer, record: &Record, before: &Record, same: bool) {
    if !same {
        out.number(record.readings.len() as u64);
        for reading in &record.readings {
            out.number(reading.name.into());
            out.byte(place_in(&UNITS, &reading.unit));
        }
    }
    for (at, reading) in record.readings.iter().enumerate() {
        let known = before.readings.get(at).filter(|_| same);
        out.sparse(reading.bits ^ known.map_or(0, |known| known.bits));
    }
}

/// Reads a block.
///
/// # Errors
/// When it is damaged, or of a format that this version does not know.
pub fn decode(block: &[u8]) -> Result<Vec<Group>, Damaged> {
    let mut input = Reader(block);
    if input.byte()? != FORMAT {
        return Err(Damaged::new("a block has a format of a later version"));
    }
    let mut groups = Vec::new();
    let mut before = Record::default();
    while !input.is_done() {
        let place = input.byte()?;
        let count = input.number()?;
        let mut records = Vec::new();
        let mut step = 0;
        for number in 0..count {
            let further = input.signed()?.wrapping_add(step);
            step = if number == 0 { 0 } else { further };
            let record = Record {
                at: before.at.wrapping_add(further),
                ..read(&mut input, &before)?
            };
            before.clone_from(&record);
            records.push(record);
        }
        groups.push(Group { place, records });
    }
    Ok(groups)
}

fn read(input: &mut Reader<'_>, before: &Record) -> Result<Record, Damaged> {
    let flags = input.byte()?;
    let mask = match flags & differs::PHASES {
        0 => before.mask(),
        _ => input.byte()?,
    };
    let mut record = Record {
        outcome: flags >> OUTCOME_AT & OUTCOME_BITS,
        closer_look: flags & CLOSER != 0,
        ..Record::default()
    };
    for (place, span) in record.phases.iter_mut().enumerate() {
        if mask & 1 << place != 0 {
            *span = input.number()?.saturating_add(1);
        }
    }
    let sum = record.sum_of_phases();
    record.latency = sum.wrapping_add(input.signed()? as u64);
    [record.service, record.window, record.session] = match flags & differs::CONTEXT {
        0 => before.context(),
        _ => [input.small()?, input.small()?, input.small()?],
    };
    record.readings = read_readings(input, before, flags & differs::READINGS == 0)?;
    record.rest = match flags & differs::REST {
        0 => before.rest.clone(),
        _ => Some(input.text()?)
            .filter(|text| !text.is_empty())
            .map(Arc::from),
    };
    if flags & FURTHER != 0 {
        record.retries = input.small()?;
        if input.byte()? != 0 {
            record.sending = Some((input.number()?, input.number()?, input.small()?));
        }
    }
    Ok(record)
}

fn read_readings(
    input: &mut Reader<'_>,
    before: &Record,
    same: bool,
) -> Result<Vec<Measured>, Damaged> {
    let mut readings = if same {
        before.readings.clone()
    } else {
        let mut readings = Vec::new();
        for _ in 0..input.number()? {
            readings.push(Measured {
                name: input.small()?,
                unit: at(&UNITS, input.byte()?)?,
                bits: 0,
            });
        }
        readings
    };
    for reading in &mut readings {
        reading.bits ^= input.sparse()?;
    }
    Ok(readings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_measured() -> impl Strategy<Value = Measured> {
        (1_u32..4, 0_usize..UNITS.len(), any::<u64>()).prop_map(|(name, unit, bits)| Measured {
            name,
            unit: UNITS[unit],
            bits,
        })
    }

    /// Records that often have something in common.
    fn any_record() -> impl Strategy<Value = Record> {
        let spans = proptest::array::uniform6(prop_oneof![Just(0), Just(7), 0_u64..90_000_000]);
        let rest = prop_oneof![Just(None), Just(Some("{}".to_owned())), ".+".prop_map(Some)];
        let sending = prop_oneof![Just(None), any::<(u64, u64, u32)>().prop_map(Some)];
        (
            (any::<i64>(), any::<u64>(), spans, 0_u8..4),
            (0_u32..3, any::<u32>(), 0_u32..2),
            proptest::collection::vec(any_measured(), 0..3),
            (rest, 0_u32..2, any::<bool>(), sending),
        )
            .prop_map(|(times, context, readings, others)| Record {
                at: times.0,
                latency: times.1,
                phases: times.2,
                outcome: times.3,
                service: context.0,
                window: context.1,
                session: context.2,
                readings,
                rest: others.0.map(Arc::from),
                retries: others.1,
                closer_look: others.2,
                sending: others.3,
            })
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_again(
            groups in proptest::collection::vec(
                (any::<u8>(), proptest::collection::vec(any_record(), 0..5)), 0..4)
        ) {
            let block = encode(groups.iter().map(|(place, records)| (*place, &**records)));
            let expected: Vec<Group> = groups
                .into_iter()
                .map(|(place, records)| Group { place, records })
                .collect();
            prop_assert_eq!(decode(&block), Ok(expected));
        }

        #[test]
        fn whatever_is_read_ends_without_a_panic(mut block in any::<Vec<u8>>()) {
            block.insert(0, FORMAT);
            if let Ok(groups) = decode(&block) {
                prop_assert!(groups.len() <= block.len());
            }
        }
    }

    /// What a check every ten seconds looks like over an hour, on connections of its own.
    fn an_hour(phases: usize) -> Vec<Record> {
        let sample = |at: u64| {
            let mut record = Record {
                at: 1_800_000_000_000_000 + at as i64 * 10_000_000 + (at as i64 * 7_919) % 3_000,
                service: 1,
                session: 2,
                ..Record::default()
            };
            for (place, span) in record.phases.iter_mut().rev().take(phases).enumerate() {
                *span = 100 + (at * 7_919 * (place as u64 + 1)) % 9_000;
            }
            record.latency = record.sum_of_phases() + at % 3;
            record
        };
        (0..360).map(sample).collect()
    }

    #[test]
    fn a_sample_takes_little_room() {
        let bytes = |phases: usize| {
            let block = encode([(0, &*an_hour(phases))]);
            block.len() as f64 / 360.0
        };
        let (kept, fresh) = (bytes(3), bytes(6));
        assert!(kept < 11.0, "over a kept connection: {kept}");
        assert!(fresh < 17.0, "over a fresh one: {fresh}");
    }

    #[test]
    fn a_block_of_a_later_version_is_refused() {
        let error = Damaged::new("a block has a format of a later version");
        assert_eq!(decode(&[FORMAT + 1]), Err(error));
    }
}
