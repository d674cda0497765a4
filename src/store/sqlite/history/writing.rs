//! Keeping a batch: one transaction, appended and not sorted in.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::super::fault::Fault;
use super::super::nanoseconds;
use super::names::{Known, Names};
use super::schema;
use crate::store::blocks::{self, Record};
use crate::store::history::{Batch, Happening, Seen, StoredWindow};

/// Samples of a batch by bucket, then by the place of their check there.
type Buckets = BTreeMap<u32, BTreeMap<u8, Vec<Record>>>;

/// Keeps a batch whole, or nothing of it.
pub(super) fn keep(
    connection: &mut Connection,
    known: &mut Known,
    batch: &Batch,
) -> Result<(), Fault> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let learnt = keep_samples(&transaction, known, &batch.samples)?;
    for happening in &batch.happenings {
        keep_happening(&transaction, happening)?;
    }
    for window in &batch.windows {
        keep_window(&transaction, window)?;
    }
    transaction.commit()?;
    known.learn(learnt);
    Ok(())
}

fn keep_samples(
    transaction: &Transaction<'_>,
    known: &Known,
    samples: &[Seen],
) -> Result<Known, Fault> {
    let mut names = Names::new(transaction, known);
    let mut buckets = Buckets::new();
    let mut spans: BTreeMap<u32, (i64, i64)> = BTreeMap::new();
    let mut span: Option<(i64, i64)> = None;
    for seen in samples {
        let check = names.check(&seen.sample.check)?;
        let record = blocks::record_of(seen, &mut names)?;
        span = Some(widened(span, record.at));
        if record.window > 0 {
            names.member(record.window, check)?;
            let known = spans.get(&record.window).copied();
            spans.insert(record.window, widened(known, record.at));
        }
        let (bucket, place) = schema::bucket(check);
        let of_bucket = buckets.entry(bucket).or_default();
        of_bucket.entry(place).or_default().push(record);
    }
    if let Some((first, last)) = span {
        append(transaction, &buckets, first, last)?;
        count(transaction, samples.len() as i64, 0)?;
    }
    for (window, (first, last)) in spans {
        let widen = "INSERT INTO spans VALUES (?, ?, ?) ON CONFLICT (window) DO UPDATE SET
            first = min(first, excluded.first), last = max(last, excluded.last)";
        let mut widen = transaction.prepare_cached(widen)?;
        widen.execute(params![window, first, last])?;
    }
    Ok(names.learnt())
}

fn append(
    transaction: &Transaction<'_>,
    buckets: &Buckets,
    first: i64,
    last: i64,
) -> Result<(), Fault> {
    let add = "INSERT INTO batches (first, last) VALUES (?, ?)";
    transaction.prepare_cached(add)?.execute([first, last])?;
    let batch = transaction.last_insert_rowid();
    let mut add = transaction.prepare_cached("INSERT INTO fresh VALUES (?, ?)")?;
    for (bucket, checks) in buckets {
        let groups = checks.iter().map(|(place, records)| (*place, &**records));
        let block = blocks::encode(groups);
        add.execute(params![schema::fresh(batch, *bucket), block])?;
    }
    Ok(())
}

/// Counts samples and slices that came, or went.
pub(super) fn count(connection: &Connection, samples: i64, slices: i64) -> Result<(), Fault> {
    let add = "UPDATE counts SET samples = samples + ?, slices = slices + ?";
    connection.prepare_cached(add)?.execute([samples, slices])?;
    Ok(())
}

fn widened(span: Option<(i64, i64)>, at: i64) -> (i64, i64) {
    span.map_or((at, at), |(first, last)| (first.min(at), last.max(at)))
}

/// What is kept already under the same name stays: it happened once.
fn keep_happening(transaction: &Transaction<'_>, happening: &Happening) -> Result<(), Fault> {
    let add = "INSERT OR IGNORE INTO happenings
        (id, at, service, window, check_name, kind, text, facts) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    transaction.prepare_cached(add)?.execute(params![
        happening.id,
        nanoseconds(happening.at),
        happening.service.as_deref(),
        happening.window.as_deref(),
        happening.check.as_ref().map(|check| check.as_str()),
        happening.kind,
        happening.text,
        happening.facts.to_string(),
    ])?;
    Ok(())
}

fn keep_window(transaction: &Transaction<'_>, window: &StoredWindow) -> Result<(), Fault> {
    let put = "INSERT INTO windows (id, service, opened, closed, verdict, revision, action,
            rollback, detected_after, report) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (id) DO UPDATE SET service = excluded.service, opened = excluded.opened,
            closed = excluded.closed, verdict = excluded.verdict, revision = excluded.revision,
            action = excluded.action, rollback = excluded.rollback,
            detected_after = excluded.detected_after, report = excluded.report";
    transaction.prepare_cached(put)?.execute(params![
        &*window.id,
        &*window.service,
        nanoseconds(window.opened),
        window.closed.map(nanoseconds),
        window.verdict.map(crate::event::Verdict::name),
        window.revision,
        window.action,
        window.rollback,
        window.detected_after.map(whole_nanoseconds),
        window.report.as_ref().map(serde_json::Value::to_string),
    ])?;
    Ok(())
}

fn whole_nanoseconds(span: Duration) -> i64 {
    i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)
}
