//! What a check did: its samples as they came, and sums of them. Each question is answered from one
//! instant, whatever is written meanwhile.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::super::fault::Fault;
use super::super::session::Session;
use super::computed;
use super::names::{Known, Naming, clean, names_of_records, names_of_sums, number_of};
use super::tables::{self, bucket, column, number};
use crate::sample::CheckId;
use crate::store::blocks::{self, Damaged, Grid, HOUR, MINUTE, Record, Sum};
use crate::store::history::{Between, Seen, Slice};

/// Samples by the number of their check.
type Found = BTreeMap<u32, Vec<Record>>;

/// The samples of a check, the oldest first.
pub(super) async fn samples(
    session: &mut Session,
    check: &CheckId,
    between: Between,
    limit: usize,
) -> Result<Vec<Seen>, Fault> {
    let Some(number) = number_of(&session.client, check).await? else {
        return Ok(Vec::new());
    };
    let (from, to) = ends(between);
    let mut found = kept(&session.client, &[number], from, to).await?;
    let mut records = found.remove(&number).unwrap_or_default();
    records.truncate(limit);
    shown(session, vec![(check.clone(), records)]).await
}

/// The samples of a window, the oldest first.
pub(super) async fn samples_of_window(
    session: &mut Session,
    window: &str,
) -> Result<Vec<Seen>, Fault> {
    let client = &session.client;
    let look = "SELECT number, first, last FROM spans JOIN texts USING (number)
        WHERE md5(texts.name) = md5($1) AND texts.name = $1";
    let name = clean(window);
    let span = client.query_typed_opt(look, &[(&name, Type::TEXT)]).await?;
    let Some(span) = span else {
        return Ok(Vec::new());
    };
    let (own, first, last): (i32, i64, i64) =
        (span.try_get(0)?, span.try_get(1)?, span.try_get(2)?);
    let look = "SELECT checks.number, checks.name FROM members
        JOIN checks ON checks.number = members.check_number WHERE members.number = $1";
    let members = client.query_typed(look, &[(&own, Type::INT4)]).await?;
    let mut names: BTreeMap<u32, CheckId> = BTreeMap::new();
    for row in members {
        let name: &str = row.try_get(1)?;
        names.insert(number(row.try_get(0)?), CheckId::new(name));
    }
    // The fresh samples of a bucket stand together: each bucket is read once.
    let mut buckets: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for check in names.keys() {
        buckets.entry(bucket(*check).0).or_default().push(*check);
    }
    let mut all = Vec::new();
    for checks in buckets.into_values() {
        for (check, mut records) in kept(client, &checks, first, last + 1).await? {
            records.retain(|record| record.window == number(own));
            if let Some(name) = names.get(&check) {
                all.push((name.clone(), records));
            }
        }
    }
    let mut seen = shown(session, all).await?;
    seen.sort_by_key(|seen| seen.at);
    Ok(seen)
}

/// The last samples of a check that did not pass, the newest first.
pub(super) async fn failures(
    session: &mut Session,
    check: &CheckId,
    limit: usize,
) -> Result<Vec<Seen>, Fault> {
    let client = &session.client;
    let Some(number) = number_of(client, check).await? else {
        return Ok(Vec::new());
    };
    let fresh = fresh(client, bucket(number).0, i64::MIN, i64::MAX).await?;
    // As many hours as it takes, from the newest on.
    let look = "SELECT block FROM (
            SELECT block, sum(members) OVER (ORDER BY hour DESC) - members AS newer
            FROM failures WHERE check_number = $1) AS hours
        WHERE newer < $2";
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let packed = [(&column(number) as _, Type::INT4), (&most as _, Type::INT8)];
    let packed = client.query_typed(look, &packed).await?;
    let records = computed(move || {
        let mut records = of_bucket(&fresh, &[number])?
            .remove(&number)
            .unwrap_or_default();
        records.retain(Record::is_bad);
        for row in packed {
            records.extend(of_block(row.try_get(0)?)?);
        }
        let mut records = blocks::merged(records);
        records.reverse();
        records.truncate(limit);
        Ok(records)
    });
    let records = records.await?;
    shown(session, vec![(check.clone(), records)]).await
}

/// What a check did in slices, the oldest first.
pub(super) async fn slices(
    session: &mut Session,
    check: &CheckId,
    grid: Grid,
) -> Result<Vec<Slice>, Fault> {
    let client = &session.client;
    let Some(number) = number_of(client, check).await? else {
        return Ok(Vec::new());
    };
    let fresh = fresh(client, bucket(number).0, grid.from, grid.to).await?;
    let mut hours = Vec::new();
    let (mut packed, mut minutes) = (Vec::new(), Vec::new());
    if let Some(within) = blocks::hours(grid.from, grid.to) {
        packed = blocks_of(client, "packed", &[number], within).await?;
        if grid.step % HOUR != 0 {
            minutes = blocks_of(client, "minutes", &[number], within).await?;
        }
        hours = blocks_of(client, "hours", &[number], within).await?;
    }
    let summing = computed(move || {
        let mut records = of_bucket(&fresh, &[number])?
            .remove(&number)
            .unwrap_or_default();
        for row in &packed {
            records.extend(of_block(row.try_get(2)?)?);
        }
        records.retain(|record| (grid.from..grid.to).contains(&record.at));
        let mut sums = blocks::Sums::new(grid);
        for record in blocks::merged(records) {
            sums.add(&record)?;
        }
        // By minute where that is asked for and kept, else by hour.
        let mut found: BTreeMap<i64, &[u8]> = BTreeMap::new();
        for row in hours.iter().chain(&minutes) {
            found.insert(row.try_get(1)?, row.try_get(2)?);
        }
        for (hour, block) in found {
            for (minute, sum) in blocks::decode_sums(block)? {
                sums.merge(hour * HOUR + i64::from(minute) * MINUTE, &sum);
            }
        }
        Ok(sums.done())
    });
    told(session, summing.await?).await
}

/// Sums with the names of their readings.
async fn told(session: &mut Session, sums: BTreeMap<i64, Sum>) -> Result<Vec<Slice>, Fault> {
    let names = names_of_sums(sums.values());
    session.known.learn_texts(&session.client, names).await?;
    let mut naming = Naming::new(&session.known);
    let slices = sums.into_iter();
    let slices = slices.map(|(at, sum)| blocks::slice_of(at, sum, &mut naming));
    Ok(slices.collect::<Result<_, Damaged>>()?)
}

/// Samples with their names.
async fn shown(
    session: &mut Session,
    all: Vec<(CheckId, Vec<Record>)>,
) -> Result<Vec<Seen>, Fault> {
    let names = names_of_records(all.iter().flat_map(|(_, records)| records));
    session.known.learn_texts(&session.client, names).await?;
    let known = std::mem::take(&mut session.known);
    let (known, seen) = computed(move || {
        let seen = all_seen(&all, &known)?;
        Ok((known, seen))
    })
    .await?;
    session.known = known;
    Ok(seen)
}

fn all_seen(all: &[(CheckId, Vec<Record>)], known: &Known) -> Result<Vec<Seen>, Damaged> {
    let mut naming = Naming::new(known);
    let records = all.iter();
    let records = records.flat_map(|(check, records)| records.iter().map(move |one| (check, one)));
    records
        .map(|(check, record)| blocks::seen_of(record, check, &mut naming))
        .collect()
}

/// The samples of checks of one bucket in a span, as far as they are kept, in their order, each once.
async fn kept(client: &Client, checks: &[u32], from: i64, to: i64) -> Result<Found, Fault> {
    let (Some(first), Some(within)) = (checks.first(), blocks::hours(from, to)) else {
        return Ok(Found::new());
    };
    let fresh = fresh(client, bucket(*first).0, from, to).await?;
    let mut rows = blocks_of(client, "packed", checks, within).await?;
    // Of hours whose samples were dropped, those that did not pass.
    rows.extend(blocks_of(client, "failures", checks, within).await?);
    let checks = checks.to_vec();
    computed(move || {
        let mut found = of_bucket(&fresh, &checks)?;
        for row in &rows {
            let of_check = found.entry(number(row.try_get(0)?)).or_default();
            of_check.extend(of_block(row.try_get(2)?)?);
        }
        for records in found.values_mut() {
            records.retain(|record| (from..to).contains(&record.at));
            *records = blocks::merged(std::mem::take(records));
        }
        Ok(found)
    })
    .await
}

/// The blocks of a bucket that are not packed yet.
async fn fresh(client: &Client, bucket: u32, from: i64, to: i64) -> Result<Vec<Row>, Fault> {
    let look = "SELECT block FROM fresh JOIN batches ON batches.number = fresh.batch
        WHERE bucket = $1 AND last >= $2 AND first < $3";
    let values: [(&(dyn ToSql + Sync), Type); 3] = [
        (&column(bucket), Type::INT4),
        (&from, Type::INT8),
        (&to, Type::INT8),
    ];
    Ok(client.query_typed(look, &values).await?)
}

/// The check, the hour and the block of what a table has of checks in hours, the last one included.
async fn blocks_of(
    client: &Client,
    table: &str,
    checks: &[u32],
    (first, last): (i64, i64),
) -> Result<Vec<Row>, Fault> {
    let look = format!(
        "SELECT check_number, hour, block FROM {table}
         WHERE check_number = ANY ($1) AND hour BETWEEN $2 AND $3"
    );
    let checks: Vec<i32> = checks.iter().copied().map(column).collect();
    let values: [(&(dyn ToSql + Sync), Type); 3] = [
        (&checks, Type::INT4_ARRAY),
        (&first, Type::INT8),
        (&last, Type::INT8),
    ];
    Ok(client.query_typed(&look, &values).await?)
}

/// The fresh samples of some checks of a bucket.
fn of_bucket(rows: &[Row], checks: &[u32]) -> Result<Found, Fault> {
    let wanted: BTreeSet<u32> = checks.iter().copied().collect();
    let mut found = Found::new();
    let bucket = checks.first().map_or(0, |check| bucket(*check).0);
    for row in rows {
        for group in blocks::decode(row.try_get(0)?)? {
            let check = tables::check(bucket, group.place);
            if wanted.contains(&check) {
                found.entry(check).or_default().extend(group.records);
            }
        }
    }
    Ok(found)
}

/// All samples of a block.
pub(super) fn of_block(block: &[u8]) -> Result<Vec<Record>, Damaged> {
    let groups = blocks::decode(block)?.into_iter();
    Ok(groups.flat_map(|group| group.records).collect())
}

fn ends(between: Between) -> (i64, i64) {
    let micros = blocks::microseconds;
    (micros(between.from), micros(between.to))
}
