//! From fresh samples to packed ones, a bucket at a time.
//!
//! A round packs all batches up to one, whatever the times of their samples. Until it is through,
//! both stand beside each other, and `packing` says which of them counts for which bucket.

use std::collections::BTreeMap;

use rusqlite::{Transaction, params};

use super::super::fault::Fault;
use super::reading;
use super::schema::{self, ALL_BUCKETS};
use super::writing::count;
use crate::store::blocks::{self, HOUR, Kept, MINUTE, Record};

/// How long after an hour its last samples are waited for: longer than a run and its way here take.
const GRACE: i64 = 5 * MINUTE;
/// So many batches are packed whatever the hour is: a question looks into each of those that are not.
const MOST_BATCHES: i64 = 20_000;
/// How many rows are taken away at once.
const AT_ONCE: i64 = 4_000;

/// Does one step of packing; says whether there was one to do.
pub(super) fn pack(
    transaction: &Transaction<'_>,
    now: i64,
    retention: &Kept,
) -> Result<bool, Fault> {
    let look = "SELECT upto, next FROM packing";
    let (upto, next): (i64, u32) =
        transaction.query_row(look, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let look = "SELECT min(number) FROM batches";
    let oldest: Option<i64> = transaction.query_row(look, [], |row| row.get(0))?;
    let Some(oldest) = oldest else {
        return Ok(false);
    };
    if oldest > upto {
        return begin(transaction, oldest, now);
    }
    if next < ALL_BUCKETS {
        bucket(transaction, upto, next, retention)?;
    } else {
        clear(transaction, upto)?;
    }
    Ok(true)
}

/// Begins a round where one is due.
fn begin(transaction: &Transaction<'_>, oldest: i64, now: i64) -> Result<bool, Fault> {
    let number = |look: &str, value: i64| -> Result<i64, Fault> {
        Ok(transaction.query_row(look, [value], |row| row.get(0))?)
    };
    let last = number("SELECT last FROM batches WHERE number = ?", oldest)?;
    let newest = number("SELECT max(number) FROM batches WHERE number >= ?", oldest)?;
    let over = (now - GRACE).div_euclid(HOUR) * HOUR;
    let upto = if newest - oldest >= MOST_BATCHES {
        newest
    } else if last < over {
        number("SELECT max(number) FROM batches WHERE first < ?", over)?
    } else {
        return Ok(false);
    };
    transaction.execute("UPDATE packing SET upto = ?, next = 0", [upto])?;
    Ok(true)
}

/// Packs the fresh samples of a bucket.
fn bucket(
    transaction: &Transaction<'_>,
    upto: i64,
    bucket: u32,
    retention: &Kept,
) -> Result<(), Fault> {
    let mut checks: BTreeMap<(u8, i64), Vec<Record>> = BTreeMap::new();
    let mut batches = transaction.prepare_cached("SELECT number FROM batches WHERE number <= ?")?;
    let mut batches = batches.query([upto])?;
    let mut get = transaction.prepare_cached("SELECT block FROM fresh WHERE place = ?")?;
    while let Some(batch) = batches.next()? {
        let mut found = get.query([schema::fresh(batch.get(0)?, bucket)])?;
        let Some(row) = found.next()? else {
            continue;
        };
        for group in blocks::decode(row.get_ref(0)?.as_blob()?)? {
            for record in group.records {
                let key = (group.place, record.at.div_euclid(HOUR));
                checks.entry(key).or_default().push(record);
            }
        }
    }
    for ((place, hour), records) in checks {
        let check = bucket * schema::BUCKET + u32::from(place);
        into_hour(transaction, hour, check, records, retention)?;
    }
    let look = "SELECT coalesce(max(number), 0) FROM checks";
    let newest: u32 = transaction.query_row(look, [], |row| row.get(0))?;
    let is_last = bucket >= schema::bucket(newest).0;
    let next = if is_last { ALL_BUCKETS } else { bucket + 1 };
    transaction.execute("UPDATE packing SET next = ?", [next])?;
    Ok(())
}

/// Adds samples to what is kept of an hour of a check.
fn into_hour(
    transaction: &Transaction<'_>,
    hour: i64,
    check: u32,
    mut records: Vec<Record>,
    retention: &Kept,
) -> Result<(), Fault> {
    let came = records.len() as i64;
    let known = reading::block(transaction, "packed", hour, check)?;
    let is_summed = known.is_none()
        && (hour < retention.samples
            || reading::block(transaction, "hours", hour, check)?.is_some());
    if is_summed {
        let records = blocks::merged(records);
        let (kept, known) = into_sums(transaction, hour, check, &records, retention)?;
        return count(transaction, kept - known - came, 0);
    }
    let mut there = 0;
    if let Some(known) = known {
        let known = reading::of_block(&known)?;
        there = known.len() as i64;
        records.extend(known);
    }
    let records = blocks::merged(records);
    let bad: Vec<Record> = records.iter().filter(|one| one.is_bad()).cloned().collect();
    add_failures(transaction, hour, check, bad)?;
    let put = "INSERT OR REPLACE INTO packed VALUES (?, ?)";
    let block = blocks::encode([(0, &*records)]);
    let place = schema::hour(hour, check);
    transaction
        .prepare_cached(put)?
        .execute(params![place, block])?;
    count(transaction, records.len() as i64 - there - came, 0)
}

/// Adds samples to the sums of an hour whose samples are not kept any more. Says how many failures of
/// that hour are kept now, and how many were before.
pub(super) fn into_sums(
    transaction: &Transaction<'_>,
    hour: i64,
    check: u32,
    records: &[Record],
    retention: &Kept,
) -> Result<(i64, i64), Fault> {
    let rolled = blocks::roll(records)?;
    let place = schema::hour(hour, check);
    let mut slices = 0;
    if hour >= retention.hours {
        let (sums, more) = joined(transaction, "hours", hour, check, rolled.hour)?;
        slices += more;
        let put = "INSERT OR REPLACE INTO hours VALUES (?, ?)";
        let block = blocks::encode_sums(&sums);
        transaction
            .prepare_cached(put)?
            .execute(params![place, block])?;
    }
    if hour >= retention.minutes {
        let (sums, more) = joined(transaction, "minutes", hour, check, rolled.minutes)?;
        slices += more;
        let put = "INSERT OR REPLACE INTO minutes VALUES (?, ?, ?)";
        let block = blocks::encode_sums(&sums);
        let number = sums.len() as i64;
        transaction
            .prepare_cached(put)?
            .execute(params![place, block, number])?;
    }
    count(transaction, 0, slices)?;
    if hour < retention.failures {
        return Ok((0, 0));
    }
    add_failures(transaction, hour, check, rolled.failures)
}

type Sums = BTreeMap<u8, blocks::Sum>;

/// The sums of an hour with more, and by how many there are more of them.
fn joined(
    transaction: &Transaction<'_>,
    table: &str,
    hour: i64,
    check: u32,
    more: Sums,
) -> Result<(Sums, i64), Fault> {
    let known = reading::block(transaction, table, hour, check)?;
    let mut sums = match known {
        Some(known) => blocks::decode_sums(&known)?,
        None => Sums::new(),
    };
    let before = sums.len();
    for (minute, sum) in more {
        sums.entry(minute).or_default().merge(&sum);
    }
    let added = (sums.len() - before) as i64;
    Ok((sums, added))
}

/// Keeps samples that did not pass once more; says how many there are of that hour now, and how many
/// there were.
fn add_failures(
    transaction: &Transaction<'_>,
    hour: i64,
    check: u32,
    mut records: Vec<Record>,
) -> Result<(i64, i64), Fault> {
    if records.is_empty() {
        return Ok((0, 0));
    }
    let mut before = 0;
    let look = "SELECT block FROM failures WHERE check_number = ? AND hour = ?";
    let mut look = transaction.prepare_cached(look)?;
    let mut rows = look.query(params![check, hour])?;
    if let Some(row) = rows.next()? {
        let known = reading::of_block(row.get_ref(0)?.as_blob()?)?;
        before = known.len() as i64;
        records.extend(known);
    }
    drop(rows);
    let records = blocks::merged(records);
    let put = "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)";
    let block = blocks::encode([(0, &*records)]);
    let number = records.len() as i64;
    let mut put = transaction.prepare_cached(put)?;
    put.execute(params![check, hour, block, number])?;
    Ok((number, before))
}

/// Takes the packed batches away, some at a time.
fn clear(transaction: &Transaction<'_>, upto: i64) -> Result<(), Fault> {
    let drop = "DELETE FROM fresh WHERE place IN
        (SELECT place FROM fresh WHERE place < ? ORDER BY place LIMIT ?)";
    let end = schema::fresh(upto + 1, 0);
    let dropped = transaction.execute(drop, [end, AT_ONCE])?;
    if (dropped as i64) < AT_ONCE {
        transaction.execute("DELETE FROM batches WHERE number <= ?", [upto])?;
    }
    Ok(())
}
