//! Hours of checks as they are kept when they are over: packed samples, sums, copies of what did not
//! pass. Many are read, changed and written back together.

use std::collections::BTreeMap;

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::super::fault::Fault;
use super::computed;
use super::reading::of_block;
use super::tables::{column, number};
use super::writing::tally;
use crate::store::blocks::{self, Kept, Record, Sum};

/// An hour of a check: the hour, and the check's number.
pub(super) type Hour = (i64, u32);
/// Samples by the hour of their check.
pub(super) type Samples = BTreeMap<Hour, Vec<Record>>;
/// The sums of an hour by minute, or of all of it under the number 0.
type Sums = BTreeMap<Hour, BTreeMap<u8, Sum>>;

/// How many samples that did not pass are kept of some hours now, and how many were before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Failures {
    pub(super) now: i64,
    pub(super) before: i64,
}

/// Adds fresh samples to what is kept of their hours.
pub(super) async fn add(client: &Client, samples: Samples, kept: Kept) -> Result<(), Fault> {
    let keys: Vec<Hour> = samples.keys().copied().collect();
    let packed = by_hour(&of(client, "packed", &keys).await?)?;
    let summed = by_hour(&of(client, "hours", &keys).await?)?;
    let (mut into_sums, mut into_packed) = (Samples::new(), Samples::new());
    for (hour, records) in samples {
        let is_summed =
            !packed.contains_key(&hour) && (hour.0 < kept.samples || summed.contains_key(&hour));
        match is_summed {
            true => into_sums.insert(hour, records),
            false => into_packed.insert(hour, records),
        };
    }
    add_to_packed(client, into_packed, packed).await?;
    let came = count(&into_sums);
    let merged = computed(move || {
        let merged = into_sums.into_iter();
        Ok(merged
            .map(|(hour, records)| (hour, blocks::merged(records)))
            .collect())
    });
    let failures = sum_up(client, merged.await?, kept).await?;
    tally(client, failures.now - failures.before - came, 0).await
}

/// Adds samples to packed hours, and those that did not pass to their copies.
async fn add_to_packed(
    client: &Client,
    samples: Samples,
    packed: BTreeMap<Hour, Vec<u8>>,
) -> Result<(), Fault> {
    let came = count(&samples);
    let packing = computed(move || {
        let (mut bad, mut rows, mut more) = (Samples::new(), Rows::default(), 0);
        for (hour, mut records) in samples {
            if let Some(block) = packed.get(&hour) {
                let there = of_block(block)?;
                more -= length(&there);
                records.extend(there);
            }
            let records = blocks::merged(records);
            more += length(&records);
            let failed: Vec<Record> = records.iter().filter(|one| one.is_bad()).cloned().collect();
            if !failed.is_empty() {
                bad.insert(hour, failed);
            }
            rows.push(hour, blocks::encode([(0, &*records)]), length(&records));
        }
        Ok((bad, rows, more))
    });
    let (bad, rows, more) = packing.await?;
    add_failures(client, bad).await?;
    rows.put(client, "packed").await?;
    tally(client, more - came, 0).await
}

/// Adds samples, each once, to the sums of hours whose samples are not kept any more.
pub(super) async fn sum_up(
    client: &Client,
    samples: Samples,
    kept: Kept,
) -> Result<Failures, Fault> {
    let rolling = computed(move || {
        let (mut hours, mut minutes, mut bad) = (Sums::new(), Sums::new(), Samples::new());
        for (hour, records) in samples {
            let rolled = blocks::roll(&records)?;
            if hour.0 >= kept.hours {
                hours.insert(hour, rolled.hour);
            }
            if hour.0 >= kept.minutes {
                minutes.insert(hour, rolled.minutes);
            }
            if hour.0 >= kept.failures && !rolled.failures.is_empty() {
                bad.insert(hour, rolled.failures);
            }
        }
        Ok((hours, minutes, bad))
    });
    let (hours, minutes, bad) = rolling.await?;
    let more =
        add_sums(client, "hours", hours).await? + add_sums(client, "minutes", minutes).await?;
    tally(client, 0, more).await?;
    add_failures(client, bad).await
}

/// Adds sums to those that are there; says by how many there are more.
async fn add_sums(client: &Client, table: &str, sums: Sums) -> Result<i64, Fault> {
    let keys: Vec<Hour> = sums.keys().copied().collect();
    let there = by_hour(&of(client, table, &keys).await?)?;
    let joining = computed(move || {
        let (mut rows, mut more) = (Rows::default(), 0);
        for (hour, added) in sums {
            let mut all = match there.get(&hour) {
                Some(block) => blocks::decode_sums(block)?,
                None => BTreeMap::new(),
            };
            let before = all.len();
            for (minute, sum) in added {
                all.entry(minute).or_default().merge(&sum);
            }
            more += i64::try_from(all.len() - before).unwrap_or(0);
            let members = i64::try_from(all.len()).unwrap_or(i64::MAX);
            rows.push(hour, blocks::encode_sums(&all), members);
        }
        Ok((rows, more))
    });
    let (rows, more) = joining.await?;
    rows.put(client, table).await?;
    Ok(more)
}

/// Keeps samples that did not pass once more.
async fn add_failures(client: &Client, samples: Samples) -> Result<Failures, Fault> {
    let keys: Vec<Hour> = samples.keys().copied().collect();
    let there = by_hour(&of(client, "failures", &keys).await?)?;
    let joining = computed(move || {
        let (mut rows, mut failures) = (Rows::default(), Failures::default());
        for (hour, mut records) in samples {
            if let Some(block) = there.get(&hour) {
                let there = of_block(block)?;
                failures.before += length(&there);
                records.extend(there);
            }
            let records = blocks::merged(records);
            failures.now += length(&records);
            rows.push(hour, blocks::encode([(0, &*records)]), length(&records));
        }
        Ok((rows, failures))
    });
    let (rows, failures) = joining.await?;
    rows.put(client, "failures").await?;
    Ok(failures)
}

/// What a table has of hours.
async fn of(client: &Client, table: &str, hours: &[Hour]) -> Result<Vec<Row>, Fault> {
    if hours.is_empty() {
        return Ok(Vec::new());
    }
    let look = format!(
        "SELECT check_number, hour, block FROM {table}
         JOIN unnest($1, $2) AS wanted (check_number, hour) USING (check_number, hour)"
    );
    let (checks, hours) = columns(hours);
    let values = [
        (&checks as &(dyn ToSql + Sync), Type::INT4_ARRAY),
        (&hours, Type::INT8_ARRAY),
    ];
    Ok(client.query_typed(&look, &values).await?)
}

/// Takes hours away.
pub(super) async fn take_away(client: &Client, table: &str, hours: &[Hour]) -> Result<(), Fault> {
    let drop = format!(
        "DELETE FROM {table} USING unnest($1, $2) AS gone (check_number, hour)
         WHERE {table}.check_number = gone.check_number AND {table}.hour = gone.hour"
    );
    let (checks, hours) = columns(hours);
    let values = [
        (&checks as &(dyn ToSql + Sync), Type::INT4_ARRAY),
        (&hours, Type::INT8_ARRAY),
    ];
    client.execute_typed(&drop, &values).await?;
    Ok(())
}

fn columns(hours: &[Hour]) -> (Vec<i32>, Vec<i64>) {
    let checks = hours.iter().map(|(_, check)| column(*check)).collect();
    (checks, hours.iter().map(|(hour, _)| *hour).collect())
}

/// The block of each hour.
pub(super) fn by_hour(rows: &[Row]) -> Result<BTreeMap<Hour, Vec<u8>>, Fault> {
    let row = |row: &Row| Ok(((row.try_get(1)?, number(row.try_get(0)?)), row.try_get(2)?));
    rows.iter().map(row).collect()
}

/// Rows to be put into a table of hours.
#[derive(Default)]
struct Rows {
    checks: Vec<i32>,
    hours: Vec<i64>,
    blocks: Vec<Vec<u8>>,
    members: Vec<i32>,
}

impl Rows {
    fn push(&mut self, (hour, check): Hour, block: Vec<u8>, members: i64) {
        self.checks.push(column(check));
        self.hours.push(hour);
        self.blocks.push(block);
        self.members
            .push(i32::try_from(members).unwrap_or(i32::MAX));
    }

    /// Puts them in the place of those that are there.
    async fn put(self, client: &Client, table: &str) -> Result<(), Fault> {
        if self.checks.is_empty() {
            return Ok(());
        }
        let put = format!(
            "INSERT INTO {table} (check_number, hour, block, members)
             SELECT * FROM unnest($1, $2, $3, $4)
             ON CONFLICT (check_number, hour)
             DO UPDATE SET block = excluded.block, members = excluded.members"
        );
        let values = [
            (&self.checks as &(dyn ToSql + Sync), Type::INT4_ARRAY),
            (&self.hours, Type::INT8_ARRAY),
            (&self.blocks, Type::BYTEA_ARRAY),
            (&self.members, Type::INT4_ARRAY),
        ];
        client.execute_typed(&put, &values).await?;
        Ok(())
    }
}

fn length(records: &[Record]) -> i64 {
    i64::try_from(records.len()).unwrap_or(i64::MAX)
}

/// How many samples there are.
pub(super) fn count(samples: &Samples) -> i64 {
    samples.values().map(|records| length(records)).sum()
}
