//! Taking away what is older than it is kept: samples become sums, then each goes in its time.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::super::fault::Fault;
use super::packing::{into_sums, pack};
use super::writing::count;
use super::{reading, schema};
use crate::store::blocks::Kept;

/// How many hours of checks are summed up in one step: some ten milliseconds of work.
const SUMMED_AT_ONCE: i64 = 200;
/// How many rows are taken away in one step.
const DROPPED_AT_ONCE: i64 = 2_000;

/// Does one step; says whether there was one to do.
pub(super) fn thin(connection: &mut Connection, now: i64, kept: &Kept) -> Result<bool, Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = pack(&transaction, now, kept)?
        || sum_up(&transaction, kept)?
        || drop_sums(&transaction, "minutes", "sums", kept.minutes)?
        || drop_sums(&transaction, "hours", "1", kept.hours)?
        || drop_failures(&transaction, kept)?;
    transaction.commit()?;
    Ok(done)
}

/// Makes sums of packed samples that are old enough.
fn sum_up(transaction: &Transaction<'_>, kept: &Kept) -> Result<bool, Fault> {
    let look = "SELECT place, block FROM packed WHERE place < ? ORDER BY place LIMIT ?";
    let mut look = transaction.prepare_cached(look)?;
    let mut rows = look.query([schema::hour(kept.samples, 0), SUMMED_AT_ONCE])?;
    let mut last = None;
    while let Some(row) = rows.next()? {
        let place = row.get(0)?;
        let records = reading::of_block(row.get_ref(1)?.as_blob()?)?;
        let (hour, check) = schema::of_place(place);
        // The failures of a packed hour were copies: from here on they count.
        let (failures, _) = into_sums(transaction, hour, check, &records, kept)?;
        count(transaction, failures - records.len() as i64, 0)?;
        last = Some(place);
    }
    drop(rows);
    if let Some(last) = last {
        transaction.execute("DELETE FROM packed WHERE place <= ?", [last])?;
    }
    Ok(last.is_some())
}

fn drop_sums(
    transaction: &Transaction<'_>,
    table: &str,
    sums: &str,
    before: i64,
) -> Result<bool, Fault> {
    let old = format!(
        "SELECT max(place), sum(sums) FROM
         (SELECT place, {sums} AS sums FROM {table} WHERE place < ? ORDER BY place LIMIT ?)"
    );
    let found = transaction.query_row(&old, [schema::hour(before, 0), DROPPED_AT_ONCE], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let (Some(last), Some(sums)): (Option<i64>, Option<i64>) = found else {
        return Ok(false);
    };
    let drop = format!("DELETE FROM {table} WHERE place <= ?");
    transaction.execute(&drop, [last])?;
    count(transaction, 0, -sums)?;
    Ok(true)
}

fn drop_failures(transaction: &Transaction<'_>, kept: &Kept) -> Result<bool, Fault> {
    // Those whose hour is still packed are copies, and were not counted.
    let before = kept.failures.min(kept.samples);
    let old = "SELECT check_number, hour, samples FROM failures WHERE hour < ? LIMIT ?";
    let mut old = transaction.prepare_cached(old)?;
    let rows = old.query_map([before, DROPPED_AT_ONCE], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let rows: Vec<(u32, i64, i64)> = rows.collect::<Result<_, _>>()?;
    let mut drop =
        transaction.prepare_cached("DELETE FROM failures WHERE check_number = ? AND hour = ?")?;
    for (check, hour, samples) in &rows {
        drop.execute((check, hour))?;
        count(transaction, -samples, 0)?;
    }
    Ok(!rows.is_empty())
}
