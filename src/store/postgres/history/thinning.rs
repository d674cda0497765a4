//! Taking away what is older than it is kept: samples become sums, then each goes in its time.

use tokio_postgres::Client;
use tokio_postgres::types::{ToSql, Type};

use super::super::fault::Fault;
use super::computed;
use super::hours::{self, Hour, Samples};
use super::packing::pack;
use super::reading::of_block;
use super::writing::tally;
use crate::store::blocks::Kept;

/// How many hours of checks are summed up in one step.
const SUMMED_AT_ONCE: i64 = 200;
/// How many rows are taken away in one step.
const DROPPED_AT_ONCE: i64 = 2_000;

/// Does one step; says whether there was one to do.
pub(super) async fn thin(client: &Client, now: i64, kept: Kept) -> Result<bool, Fault> {
    if pack(client, now, kept).await? || sum_up(client, kept).await? {
        return Ok(true);
    }
    for (table, before) in [("minutes", kept.minutes), ("hours", kept.hours)] {
        let (rows, slices) = drop_old(client, table, before).await?;
        tally(client, 0, -slices).await?;
        if rows > 0 {
            return Ok(true);
        }
    }
    // Those whose hour is still packed are copies, and were not counted.
    let before = kept.failures.min(kept.samples);
    let (rows, samples) = drop_old(client, "failures", before).await?;
    tally(client, -samples, 0).await?;
    Ok(rows > 0)
}

/// Makes sums of packed samples that are old enough.
async fn sum_up(client: &Client, kept: Kept) -> Result<bool, Fault> {
    let look =
        "SELECT check_number, hour, block FROM packed WHERE hour < $1 ORDER BY hour LIMIT $2";
    let some = [
        (&kept.samples as &(dyn ToSql + Sync), Type::INT8),
        (&SUMMED_AT_ONCE, Type::INT8),
    ];
    let rows = client.query_typed(look, &some).await?;
    if rows.is_empty() {
        return Ok(false);
    }
    let samples = computed(move || {
        let blocks = hours::by_hour(&rows)?.into_iter();
        blocks
            .map(|(hour, block)| Ok((hour, of_block(&block)?)))
            .collect::<Result<Samples, Fault>>()
    });
    let samples = samples.await?;
    let done: Vec<Hour> = samples.keys().copied().collect();
    let came = hours::count(&samples);
    // The failures of a packed hour were copies: from here on they count.
    let failures = hours::sum_up(client, samples, kept).await?;
    tally(client, failures.now - came, 0).await?;
    hours::take_away(client, "packed", &done).await?;
    Ok(true)
}

/// Drops some rows of hours before one; says how many, and how many members they had.
async fn drop_old(client: &Client, table: &str, before: i64) -> Result<(i64, i64), Fault> {
    let drop = format!(
        "WITH old AS (SELECT check_number, hour FROM {table} WHERE hour < $1 ORDER BY hour LIMIT $2),
            gone AS (DELETE FROM {table} USING old
                WHERE {table}.check_number = old.check_number AND {table}.hour = old.hour
                RETURNING members)
         SELECT count(*), coalesce(sum(members), 0)::bigint FROM gone"
    );
    let some = [
        (&before as &(dyn ToSql + Sync), Type::INT8),
        (&DROPPED_AT_ONCE, Type::INT8),
    ];
    let row = client.query_typed_one(&drop, &some).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
