//! Keeping a batch: one transaction, appended and not sorted in; a few statements, however much it
//! brings.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::super::fault::Fault;
use super::super::session::Session;
use super::computed;
use super::names::{Known, Missing, Naming, clean};
use super::tables::{bucket, column};
use crate::clock::WallTime;
use crate::event::Verdict;
use crate::store::blocks::{self, Damaged, Record};
use crate::store::history::{Batch, Happening, Seen, StoredWindow};

/// Keeps a batch whole, or nothing of it.
pub(super) async fn keep(session: &mut Session, batch: &Batch) -> Result<(), Fault> {
    if !batch.samples.is_empty() {
        keep_samples(session, Arc::from(&*batch.samples)).await?;
    }
    if !batch.happenings.is_empty() {
        keep_happenings(&session.client, &batch.happenings).await?;
    }
    if !batch.windows.is_empty() {
        keep_windows(&session.client, &batch.windows).await?;
    }
    Ok(())
}

/// What the samples of a batch are in the tables.
struct Sorted {
    /// Each bucket and its block.
    buckets: Vec<i32>,
    blocks: Vec<Vec<u8>>,
    /// From when to when they started.
    span: (i64, i64),
    /// The same by window.
    spans: BTreeMap<u32, (i64, i64)>,
    /// Which checks are in which windows.
    members: BTreeSet<(u32, u32)>,
}

async fn keep_samples(session: &mut Session, samples: Arc<[Seen]>) -> Result<(), Fault> {
    let count = i64::try_from(samples.len()).unwrap_or(i64::MAX);
    let sorted = loop {
        let known = std::mem::take(&mut session.known);
        let shared = Arc::clone(&samples);
        let (known, sorted) = computed(move || {
            let sorted = sorted(&shared, &known)?;
            Ok((known, sorted))
        })
        .await?;
        session.known = known;
        match sorted {
            Ok(sorted) => break sorted,
            Err(missing) => session.known.learn(&session.client, missing).await?,
        }
    };
    let client = &session.client;
    append(client, &sorted).await?;
    tally(client, count, 0).await?;
    if !sorted.spans.is_empty() {
        widen(client, &sorted.spans).await?;
    }
    let new = sorted.members.into_iter();
    let new: Vec<(u32, u32)> = new
        .filter(|(window, check)| !session.known.has_member(*window, *check))
        .collect();
    if !new.is_empty() {
        join(client, &new).await?;
        session.known.learn_members(new);
    }
    Ok(())
}

/// Sorts samples into buckets, or says which names have no numbers yet.
fn sorted(samples: &[Seen], known: &Known) -> Result<Result<Sorted, Missing>, Damaged> {
    let mut naming = Naming::new(known);
    let mut buckets: BTreeMap<u32, BTreeMap<u8, Vec<Record>>> = BTreeMap::new();
    let mut spans: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
    let mut members = BTreeSet::new();
    let mut span = (i64::MAX, i64::MIN);
    for seen in samples {
        let check = naming.check(&seen.sample.check);
        let record = blocks::record_of(seen, &mut naming)?;
        span = widened(span, record.at);
        if record.window > 0 {
            members.insert((record.window, check));
            let of_window = spans.entry(record.window).or_insert((record.at, record.at));
            *of_window = widened(*of_window, record.at);
        }
        let (bucket, place) = bucket(check);
        let of_bucket = buckets.entry(bucket).or_default();
        of_bucket.entry(place).or_default().push(record);
    }
    if !naming.missing.is_empty() {
        return Ok(Err(naming.missing));
    }
    let block = |checks: BTreeMap<u8, Vec<Record>>| {
        blocks::encode(checks.iter().map(|(place, records)| (*place, &**records)))
    };
    Ok(Ok(Sorted {
        buckets: buckets.keys().copied().map(column).collect(),
        blocks: buckets.into_values().map(block).collect(),
        span,
        spans,
        members,
    }))
}

fn widened((first, last): (i64, i64), at: i64) -> (i64, i64) {
    (first.min(at), last.max(at))
}

async fn append(client: &Client, sorted: &Sorted) -> Result<(), Fault> {
    let add = "WITH batch AS (INSERT INTO batches (first, last) VALUES ($1, $2) RETURNING number)
        INSERT INTO fresh (batch, bucket, block)
        SELECT batch.number, blocks.bucket, blocks.block
        FROM batch, unnest($3, $4) AS blocks (bucket, block)";
    let (first, last) = sorted.span;
    client
        .execute_typed(
            add,
            &[
                (&first, Type::INT8),
                (&last, Type::INT8),
                (&sorted.buckets, Type::INT4_ARRAY),
                (&sorted.blocks, Type::BYTEA_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

/// Counts samples and slices that came, or went.
pub(super) async fn tally(client: &Client, samples: i64, slices: i64) -> Result<(), Fault> {
    if (samples, slices) != (0, 0) {
        let add = "UPDATE counts SET samples = samples + $1, slices = slices + $2";
        let both = [(&samples as _, Type::INT8), (&slices as _, Type::INT8)];
        client.execute_typed(add, &both).await?;
    }
    Ok(())
}

async fn widen(client: &Client, spans: &BTreeMap<u32, (i64, i64)>) -> Result<(), Fault> {
    let put = "INSERT INTO spans AS known (number, first, last)
        SELECT * FROM unnest($1, $2, $3)
        ON CONFLICT (number) DO UPDATE SET first = least(known.first, excluded.first),
            last = greatest(known.last, excluded.last)";
    let windows: Vec<i32> = spans.keys().copied().map(column).collect();
    let first: Vec<i64> = spans.values().map(|(first, _)| *first).collect();
    let last: Vec<i64> = spans.values().map(|(_, last)| *last).collect();
    client
        .execute_typed(
            put,
            &[
                (&windows, Type::INT4_ARRAY),
                (&first, Type::INT8_ARRAY),
                (&last, Type::INT8_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

async fn join(client: &Client, members: &[(u32, u32)]) -> Result<(), Fault> {
    let add = "INSERT INTO members (number, check_number) SELECT * FROM unnest($1, $2)
        ON CONFLICT DO NOTHING";
    let windows: Vec<i32> = members.iter().map(|(window, _)| column(*window)).collect();
    let checks: Vec<i32> = members.iter().map(|(_, check)| column(*check)).collect();
    let both = [
        (&windows as _, Type::INT4_ARRAY),
        (&checks as _, Type::INT4_ARRAY),
    ];
    client.execute_typed(add, &both).await?;
    Ok(())
}

/// What is kept already under the same name stays: it happened once.
async fn keep_happenings(client: &Client, all: &[Happening]) -> Result<(), Fault> {
    let add = "WITH added AS (
            INSERT INTO happenings (id, at, service, of_window, check_name, kind, line, facts)
            SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
            ON CONFLICT (id) DO NOTHING RETURNING 1)
        UPDATE counts SET happenings = happenings + (SELECT count(*) FROM added)";
    let ids: Vec<_> = all.iter().map(|one| clean(&one.id)).collect();
    let at: Vec<i64> = all.iter().map(|one| nanoseconds(one.at)).collect();
    let services: Vec<_> = all
        .iter()
        .map(|one| one.service.as_deref().map(clean))
        .collect();
    let windows: Vec<_> = all
        .iter()
        .map(|one| one.window.as_deref().map(clean))
        .collect();
    let check = |one: &'_ Happening| {
        one.check
            .as_ref()
            .map(|check| clean(check.as_str()).into_owned())
    };
    let checks: Vec<Option<String>> = all.iter().map(check).collect();
    let kinds: Vec<&str> = all.iter().map(|one| one.kind).collect();
    let lines: Vec<_> = all.iter().map(|one| clean(&one.text)).collect();
    let facts: Vec<String> = all.iter().map(|one| one.facts.to_string()).collect();
    client
        .execute_typed(
            add,
            &[
                (&ids, Type::TEXT_ARRAY),
                (&at, Type::INT8_ARRAY),
                (&services, Type::TEXT_ARRAY),
                (&windows, Type::TEXT_ARRAY),
                (&checks, Type::TEXT_ARRAY),
                (&kinds, Type::TEXT_ARRAY),
                (&lines, Type::TEXT_ARRAY),
                (&facts, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

async fn keep_windows(client: &Client, all: &[StoredWindow]) -> Result<(), Fault> {
    let put =
        "INSERT INTO windows (id, service, opened, closed, verdict, revision, action, rollback,
            detected_after, report)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (id) DO UPDATE SET service = excluded.service, opened = excluded.opened,
            closed = excluded.closed, verdict = excluded.verdict, revision = excluded.revision,
            action = excluded.action, rollback = excluded.rollback,
            detected_after = excluded.detected_after, report = excluded.report";
    // The last of a name counts.
    let by_name: BTreeMap<&str, &StoredWindow> = all.iter().map(|one| (&*one.id, one)).collect();
    let all: Vec<&StoredWindow> = by_name.into_values().collect();
    let ids: Vec<_> = all.iter().map(|one| clean(&one.id)).collect();
    let services: Vec<_> = all.iter().map(|one| clean(&one.service)).collect();
    let opened: Vec<i64> = all.iter().map(|one| nanoseconds(one.opened)).collect();
    let closed: Vec<_> = all.iter().map(|one| one.closed.map(nanoseconds)).collect();
    let verdicts: Vec<_> = all
        .iter()
        .map(|one| one.verdict.map(Verdict::name))
        .collect();
    let revisions: Vec<_> = all
        .iter()
        .map(|one| one.revision.as_deref().map(clean))
        .collect();
    let actions: Vec<_> = all
        .iter()
        .map(|one| one.action.as_deref().map(clean))
        .collect();
    let rollbacks: Vec<_> = all
        .iter()
        .map(|one| one.rollback.as_deref().map(clean))
        .collect();
    let detected: Vec<_> = all
        .iter()
        .map(|one| one.detected_after.map(whole))
        .collect();
    let report = |one: &&StoredWindow| one.report.as_ref().map(ToString::to_string);
    let reports: Vec<Option<String>> = all.iter().map(report).collect();
    client
        .execute_typed(
            put,
            &[
                (&ids, Type::TEXT_ARRAY),
                (&services, Type::TEXT_ARRAY),
                (&opened, Type::INT8_ARRAY),
                (&closed, Type::INT8_ARRAY),
                (&verdicts, Type::TEXT_ARRAY),
                (&revisions, Type::TEXT_ARRAY),
                (&actions, Type::TEXT_ARRAY),
                (&rollbacks, Type::TEXT_ARRAY),
                (&detected, Type::INT8_ARRAY),
                (&reports, Type::TEXT_ARRAY),
            ],
        )
        .await?;
    Ok(())
}

/// Wall time as it is kept; what lies after the year 2262 is kept as its last moment.
fn nanoseconds(at: WallTime) -> i64 {
    whole(at.unix())
}

fn whole(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}
