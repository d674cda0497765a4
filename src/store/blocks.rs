//! How the stores keep the past small: samples and sums of samples as blocks of bytes, names as
//! numbers. Values and plain functions; the adapters of `History` read and write the blocks.
//!
//! A sample of a check over HTTPS takes some fifteen bytes, one over a kept connection eight: what
//! is as in the sample before it takes none, times are differences, and the latency is the
//! difference from the sum of its phases. Each block begins with the number of its format: what
//! this version does not know is an error and never half understood.

mod bytes;
mod grid;
mod kept;
mod record;
mod rolled;
mod sum;

pub(super) use self::bytes::Damaged;
pub(super) use self::grid::{Grid, Sums};
pub(super) use self::kept::Kept;
pub(super) use self::record::{Measured, Record, decode, encode, merged};
pub(super) use self::rolled::roll;
pub(super) use self::sum::{Sum, decode_sums, encode_sums};

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Moment, WallTime};
use crate::sample::{CheckId, Reading, Sample};
use crate::store::history::{ReadingSlice, Seen, Slice};

/// Gives texts numbers, and numbers their texts.
pub(super) trait Names {
    /// What goes wrong with the store that keeps them.
    type Error: From<Damaged>;

    /// The number of a text, from 1; a new one where it has none.
    fn number(&mut self, text: &Arc<str>) -> Result<u32, Self::Error>;

    /// The text of a number.
    fn text(&mut self, number: u32) -> Result<Arc<str>, Self::Error>;
}

/// A minute, an hour, in microseconds.
pub(super) const MINUTE: i64 = 60_000_000;
/// See [`MINUTE`].
pub(super) const HOUR: i64 = 60 * MINUTE;

/// A moment on the wall in microseconds since 1970, as blocks have it.
pub(super) fn microseconds(at: WallTime) -> i64 {
    i64::try_from(at.unix().as_micros()).unwrap_or(i64::MAX)
}

/// The moment that so many microseconds since 1970 are.
pub(super) fn wall(microseconds: i64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_micros(microseconds.unsigned_abs()))
}

/// The hours that a span touches, the last one included; nothing where the span is empty.
pub(super) fn hours(from: i64, to: i64) -> Option<(i64, i64)> {
    (from < to).then(|| (from.div_euclid(HOUR), (to - 1).div_euclid(HOUR)))
}

/// A sample as it is kept.
///
/// # Errors
/// When a name cannot be kept.
pub(super) fn record_of<N: Names>(seen: &Seen, names: &mut N) -> Result<Record, N::Error> {
    let session = match &seen.sample.session {
        None => 0,
        Some(session) => {
            let text = serde_json::to_string(session).map_err(Damaged::text)?;
            names.number(&Arc::from(text))?
        }
    };
    let readings = seen.sample.readings.iter().map(|reading| {
        Ok(Measured {
            name: names.number(&reading.name)?,
            unit: reading.unit,
            bits: reading.value.to_bits(),
        })
    });
    let readings = readings.collect::<Result<_, N::Error>>()?;
    let window = seen.window.as_ref().map(|window| names.number(window));
    Ok(Record {
        service: names.number(&seen.service)?,
        window: window.transpose()?.unwrap_or(0),
        session,
        readings,
        ..Record::of(microseconds(seen.at), &seen.sample)?
    })
}

/// A sample as it was; its moment on the monotonic line is the origin.
///
/// # Errors
/// When a name cannot be read, or means nothing to this version.
pub(super) fn seen_of<N: Names>(
    record: &Record,
    check: &CheckId,
    names: &mut N,
) -> Result<Seen, N::Error> {
    let named = |number: u32, names: &mut N| match number {
        0 => Ok(None),
        number => names.text(number).map(Some),
    };
    let session = match named(record.session, names)? {
        None => None,
        Some(text) => Some(serde_json::from_str(&text).map_err(Damaged::text)?),
    };
    let readings = record.readings.iter().map(|measured| {
        Ok(Reading {
            name: names.text(measured.name)?,
            value: f64::from_bits(measured.bits),
            unit: measured.unit,
        })
    });
    let readings = readings.collect::<Result<_, N::Error>>()?;
    let rest = record.rest()?;
    Ok(Seen {
        at: wall(record.at),
        service: names.text(record.service)?,
        window: named(record.window, names)?,
        sample: Sample {
            check: check.clone(),
            started: Moment::ORIGIN,
            latency: Duration::from_micros(record.latency),
            phases: record.phases(),
            outcome: record.outcome()?,
            fault: rest.fault,
            readings,
            notes: rest.notes,
            retries: record.retries,
            closer_look: record.closer_look,
            sending: record.sending(),
            session,
            trace: None,
        },
    })
}

/// A sum as it is shown.
///
/// # Errors
/// When a name cannot be read.
pub(super) fn slice_of<N: Names>(at: i64, sum: Sum, names: &mut N) -> Result<Slice, N::Error> {
    let readings = sum.readings.iter().map(|(name, range)| {
        Ok(ReadingSlice {
            name: names.text(*name)?,
            count: range.count,
            sum: range.sum,
            least: range.least,
            most: range.most,
        })
    });
    let mut readings = readings.collect::<Result<Vec<_>, N::Error>>()?;
    readings.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Slice {
        at: wall(at),
        passed: sum.passed,
        failed: sum.failed,
        errored: sum.errored,
        unknown: sum.unknown,
        readings,
        phases: sum.phases_seen(),
        latency: sum.latency,
    })
}
