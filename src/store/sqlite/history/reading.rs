//! What a check did: its samples as they came, and sums of them. Each question is answered from one
//! instant of the file, whatever is written meanwhile.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::super::fault::Fault;
use super::Desk;
use super::names::{Names, number_of};
use super::schema;
use crate::sample::CheckId;
use crate::store::blocks::{self, HOUR, MINUTE, Record, Sum};
use crate::store::history::{Between, Seen, Slice};

/// The samples of a check, the oldest first.
pub(super) fn samples(
    desk: &mut Desk,
    check: &CheckId,
    between: Between,
    limit: usize,
) -> Result<Vec<Seen>, Fault> {
    desk.look(|instant, names| {
        let Some(number) = number_of(instant, check)? else {
            return Ok(Vec::new());
        };
        let (from, to) = ends(between);
        let mut records = kept(instant, number, from, to)?;
        records.truncate(limit);
        shown(&records, check, names)
    })
}

/// The samples of a window, the oldest first.
pub(super) fn samples_of_window(desk: &mut Desk, window: &str) -> Result<Vec<Seen>, Fault> {
    desk.look(|instant, names| {
        let look = "SELECT spans.window, first, last FROM spans
            JOIN texts ON texts.number = spans.window WHERE texts.text = ?";
        let found = instant.query_row(look, [window], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        let Some((number, first, last)): Option<(u32, i64, i64)> = found.optional()? else {
            return Ok(Vec::new());
        };
        let members = "SELECT checks.number, name FROM members
            JOIN checks ON checks.number = members.check_number WHERE members.window = ?";
        let mut members = instant.prepare_cached(members)?;
        let mut rows = members.query([number])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let (member, name): (u32, String) = (row.get(0)?, row.get(1)?);
            let mut records = kept(instant, member, first, last + 1)?;
            records.retain(|record| record.window == number);
            all.extend(shown(&records, &CheckId::new(&name), names)?);
        }
        all.sort_by_key(|seen| seen.at);
        Ok(all)
    })
}

/// The last samples of a check that did not pass, the newest first.
pub(super) fn failures(desk: &mut Desk, check: &CheckId, limit: usize) -> Result<Vec<Seen>, Fault> {
    desk.look(|instant, names| {
        let Some(number) = number_of(instant, check)? else {
            return Ok(Vec::new());
        };
        let mut records = fresh(instant, number, i64::MIN, i64::MAX)?;
        records.retain(Record::is_bad);
        let look = "SELECT block FROM failures WHERE check_number = ? ORDER BY hour DESC";
        let mut look = instant.prepare_cached(look)?;
        let mut rows = look.query([number])?;
        let mut packed = 0;
        while packed < limit
            && let Some(row) = rows.next()?
        {
            let of_hour = of_block(row.get_ref(0)?.as_blob()?)?;
            packed += of_hour.len();
            records.extend(of_hour);
        }
        let mut records = blocks::merged(records);
        records.reverse();
        records.truncate(limit);
        shown(&records, check, names)
    })
}

/// What a check did in slices, the oldest first.
pub(super) fn slices(
    desk: &mut Desk,
    check: &CheckId,
    between: Between,
    step: std::time::Duration,
) -> Result<Vec<Slice>, Fault> {
    desk.look(|instant, names| {
        let Some(number) = number_of(instant, check)? else {
            return Ok(Vec::new());
        };
        let grid = blocks::Grid::of(between, step);
        let sums = summed(instant, number, grid)?;
        let sums = sums.into_iter();
        sums.map(|(at, sum)| blocks::slice_of(at, sum, names))
            .collect()
    })
}

fn summed(
    instant: &Transaction<'_>,
    check: u32,
    grid: blocks::Grid,
) -> Result<BTreeMap<i64, Sum>, Fault> {
    let mut records = fresh(instant, check, grid.from, grid.to)?;
    records.extend(packed(instant, check, grid.from, grid.to)?);
    let mut sums = blocks::Sums::new(grid);
    for record in blocks::merged(records) {
        sums.add(&record)?;
    }
    let by_hour = |hour: i64| block(instant, "hours", hour, check);
    for hour in within(instant, "hours", grid.from, grid.to)? {
        let minutes = match grid.step % HOUR {
            0 => None,
            _ => block(instant, "minutes", hour, check)?,
        };
        let found = match minutes {
            Some(minutes) => Some(minutes),
            None => by_hour(hour)?,
        };
        let Some(found) = found else {
            continue;
        };
        for (minute, sum) in blocks::decode_sums(&found)? {
            sums.merge(hour * HOUR + i64::from(minute) * MINUTE, &sum);
        }
    }
    Ok(sums.done())
}

/// The samples of a check in a span, as far as they are kept, in their order, each once.
pub(super) fn kept(
    instant: &Transaction<'_>,
    check: u32,
    from: i64,
    to: i64,
) -> Result<Vec<Record>, Fault> {
    let mut records = fresh(instant, check, from, to)?;
    records.extend(packed(instant, check, from, to)?);
    // Of hours whose samples were dropped, those that did not pass.
    let Some((first, last)) = blocks::hours(from, to) else {
        return Ok(Vec::new());
    };
    let look = "SELECT block FROM failures WHERE check_number = ? AND hour BETWEEN ? AND ?";
    let mut look = instant.prepare_cached(look)?;
    let mut rows = look.query(params![check, first, last])?;
    while let Some(row) = rows.next()? {
        records.extend(of_block(row.get_ref(0)?.as_blob()?)?);
    }
    records.retain(|record| (from..to).contains(&record.at));
    Ok(blocks::merged(records))
}

/// The samples of a check that are not packed yet.
fn fresh(instant: &Transaction<'_>, check: u32, from: i64, to: i64) -> Result<Vec<Record>, Fault> {
    let (bucket, place) = schema::bucket(check);
    let floor = floor(instant, bucket)?;
    let look = "SELECT number FROM batches WHERE number > ? AND last >= ? AND first < ?";
    let mut look = instant.prepare_cached(look)?;
    let mut rows = look.query(params![floor, from, to])?;
    let mut get = instant.prepare_cached("SELECT block FROM fresh WHERE place = ?")?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let mut found = get.query([schema::fresh(row.get(0)?, bucket)])?;
        let Some(row) = found.next()? else {
            continue;
        };
        let groups = blocks::decode(row.get_ref(0)?.as_blob()?)?;
        for group in groups.into_iter().filter(|group| group.place == place) {
            records.extend(group.records);
        }
    }
    records.retain(|record| (from..to).contains(&record.at));
    Ok(records)
}

/// The last batch whose samples of a bucket are packed.
fn floor(instant: &Connection, bucket: u32) -> Result<i64, Fault> {
    let look = "SELECT upto, next FROM packing";
    let (upto, next): (i64, u32) = instant
        .prepare_cached(look)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(if bucket < next { upto } else { 0 })
}

fn packed(instant: &Transaction<'_>, check: u32, from: i64, to: i64) -> Result<Vec<Record>, Fault> {
    let mut records = Vec::new();
    for hour in within(instant, "packed", from, to)? {
        if let Some(block) = block(instant, "packed", hour, check)? {
            records.extend(of_block(&block)?);
        }
    }
    records.retain(|record| (from..to).contains(&record.at));
    Ok(records)
}

/// The hours of a span that a table may have something of.
fn within(
    instant: &Connection,
    table: &str,
    from: i64,
    to: i64,
) -> Result<std::ops::Range<i64>, Fault> {
    // One at a time: of both at once SQLite would read all rows.
    let end = |which: &str| {
        let look = format!("SELECT {which}(place) FROM {table}");
        let mut look = instant.prepare_cached(&look)?;
        look.query_row([], |row| row.get::<_, Option<i64>>(0))
    };
    let ends = (end("min")?, end("max")?, blocks::hours(from, to));
    Ok(match ends {
        (Some(least), Some(most), Some((first, last))) => {
            let (least, most) = (schema::of_place(least).0, schema::of_place(most).0);
            first.max(least)..last.min(most) + 1
        }
        _ => 0..0,
    })
}

/// The block of an hour of a check.
pub(super) fn block(
    instant: &Connection,
    table: &str,
    hour: i64,
    check: u32,
) -> Result<Option<Vec<u8>>, Fault> {
    let look = format!("SELECT block FROM {table} WHERE place = ?");
    let mut look = instant.prepare_cached(&look)?;
    let place = schema::hour(hour, check);
    Ok(look.query_row([place], |row| row.get(0)).optional()?)
}

/// All samples of a block.
pub(super) fn of_block(block: &[u8]) -> Result<Vec<Record>, Fault> {
    let groups = blocks::decode(block)?.into_iter();
    Ok(groups.flat_map(|group| group.records).collect())
}

fn ends(between: Between) -> (i64, i64) {
    let micros = blocks::microseconds;
    (micros(between.from), micros(between.to))
}

fn shown(records: &[Record], check: &CheckId, names: &mut Names<'_>) -> Result<Vec<Seen>, Fault> {
    let records = records.iter();
    records
        .map(|record| blocks::seen_of(record, check, names))
        .collect()
}
