//! From fresh samples to packed ones, a bucket at a time.
//!
//! A round packs all batches up to one, whatever the times of their samples; the fresh samples of a
//! bucket go in the transaction that packs them.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::super::fault::Fault;
use super::computed;
use super::hours::{self, Samples};
use super::tables::{self, number};
use crate::store::blocks::{self, HOUR, Kept, MINUTE};

/// How long after an hour its last samples are waited for: longer than a run and its way here take.
const GRACE: i64 = 5 * MINUTE;
/// So many batches are packed whatever the hour is: a question looks into each of those that are not.
const MOST_BATCHES: i64 = 20_000;

/// Does one step of packing; says whether there was one to do.
pub(super) async fn pack(client: &Client, now: i64, kept: Kept) -> Result<bool, Fault> {
    let look = "SELECT upto, next, (SELECT min(number) FROM batches) FROM packing";
    let state = client.query_typed_one(look, &[]).await?;
    let (upto, next): (i64, i32) = (state.try_get(0)?, state.try_get(1)?);
    let Some(oldest) = state.try_get::<_, Option<i64>>(2)? else {
        return Ok(false);
    };
    if oldest > upto {
        return begin(client, oldest, now).await;
    }
    let look = "SELECT min(bucket) FROM fresh WHERE bucket >= $1 AND batch <= $2";
    let place = [
        (&next as &(dyn ToSql + Sync), Type::INT4),
        (&upto, Type::INT8),
    ];
    let found = client.query_typed_one(look, &place).await?;
    match found.try_get::<_, Option<i32>>(0)? {
        Some(found) => bucket(client, upto, found, kept).await?,
        None => {
            let drop = "DELETE FROM batches WHERE number <= $1";
            client.execute_typed(drop, &[(&upto, Type::INT8)]).await?;
        }
    }
    Ok(true)
}

/// Begins a round where one is due.
async fn begin(client: &Client, oldest: i64, now: i64) -> Result<bool, Fault> {
    let over = (now - GRACE).div_euclid(HOUR) * HOUR;
    let look = "SELECT (SELECT last FROM batches WHERE number = $1),
        (SELECT max(number) FROM batches),
        (SELECT max(number) FROM batches WHERE first < $2)";
    let both = [
        (&oldest as &(dyn ToSql + Sync), Type::INT8),
        (&over, Type::INT8),
    ];
    let row = client.query_typed_one(look, &both).await?;
    let (last, newest): (i64, i64) = (row.try_get(0)?, row.try_get(1)?);
    let upto = if newest - oldest >= MOST_BATCHES {
        Some(newest)
    } else if last < over {
        row.try_get(2)?
    } else {
        None
    };
    let Some(upto) = upto else {
        return Ok(false);
    };
    let set = "UPDATE packing SET upto = $1, next = 0";
    client.execute_typed(set, &[(&upto, Type::INT8)]).await?;
    Ok(true)
}

/// Packs the fresh samples of a bucket.
async fn bucket(client: &Client, upto: i64, bucket: i32, kept: Kept) -> Result<(), Fault> {
    let take = "DELETE FROM fresh WHERE bucket = $1 AND batch <= $2 RETURNING block";
    let place = [
        (&bucket as &(dyn ToSql + Sync), Type::INT4),
        (&upto, Type::INT8),
    ];
    let rows = client.query_typed(take, &place).await?;
    let samples = computed(move || by_hour(&rows, number(bucket))).await?;
    hours::add(client, samples, kept).await?;
    let set = "UPDATE packing SET next = $1";
    client
        .execute_typed(set, &[(&(bucket + 1), Type::INT4)])
        .await?;
    Ok(())
}

/// The samples of a bucket by the hour of their check.
fn by_hour(rows: &[Row], bucket: u32) -> Result<Samples, Fault> {
    let mut samples = Samples::new();
    for row in rows {
        for group in blocks::decode(row.try_get(0)?)? {
            let check = tables::check(bucket, group.place);
            for record in group.records {
                let hour = (record.at.div_euclid(HOUR), check);
                samples.entry(hour).or_default().push(record);
            }
        }
    }
    Ok(samples)
}
