//! What only the inside of the history can be brought to: a full disk, damaged blocks, a later
//! version, what stands in the file.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;

use super::SqliteHistory;
use crate::clock::{Moment, WallTime};
use crate::sample::{CheckId, Outcome, Phases, Sample};
use crate::store::StoreError;
use crate::store::history::{Batch, Between, History as _, Seen};

const NOW: WallTime = WallTime::since_unix_epoch(Duration::from_secs(1_800_000_000));
const ALWAYS: Between = Between {
    from: WallTime::since_unix_epoch(Duration::ZERO),
    to: WallTime::since_unix_epoch(Duration::from_secs(4_000_000_000)),
};

async fn history() -> (tempfile::TempDir, PathBuf, SqliteHistory) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    let history = SqliteHistory::open(&path).await.unwrap();
    (folder, path, history)
}

fn batch(check: &str) -> Batch {
    let sample = Sample {
        check: CheckId::new(check),
        started: Moment::ORIGIN,
        latency: Duration::from_millis(3),
        phases: Phases::default(),
        outcome: Outcome::Pass,
        fault: None,
        readings: Vec::new(),
        notes: vec!["x".repeat(100_000)],
        retries: 0,
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    };
    Batch {
        samples: vec![Seen {
            at: NOW,
            service: Arc::from("api"),
            window: Some(Arc::from(format!("window of {check}"))),
            sample,
        }],
        ..Batch::default()
    }
}

async fn pragma(history: &SqliteHistory, statement: &'static str) {
    let set = history.with(&history.writer, move |desk| {
        Ok(desk.connection.query_row(statement, [], |_| Ok(()))?)
    });
    set.await.unwrap();
}

#[tokio::test]
async fn a_full_disk_is_told_and_names_that_it_took_back_are_given_anew() {
    let (_folder, path, history) = history().await;
    history.keep(&batch("a")).await.unwrap();
    pragma(&history, "PRAGMA max_page_count = 1").await;
    let says = format!(
        "the history {}: the disk is full, nothing was written",
        path.display()
    );
    assert_eq!(
        history.keep(&batch("b")).await,
        Err(StoreError::Unusable(says))
    );
    pragma(&history, "PRAGMA max_page_count = 1000000").await;
    for check in ["c", "b"] {
        history.keep(&batch(check)).await.unwrap();
    }
    for check in ["a", "b", "c"] {
        let kept = history.samples(&CheckId::new(check), ALWAYS, 9).await;
        assert_eq!(kept.unwrap(), batch(check).samples, "{check}");
    }
}

#[tokio::test]
async fn a_block_that_is_not_understood_is_told_and_others_are_read() {
    for damage in [
        "UPDATE fresh SET block = x'02'",
        "UPDATE fresh SET block = x''",
        "UPDATE fresh SET block = substr(block, 1, length(block) - 5)",
        "DELETE FROM texts",
    ] {
        let (_folder, path, history) = history().await;
        history.keep(&batch("a")).await.unwrap();
        drop(history);
        let outside = Connection::open(&path).unwrap();
        outside.execute_batch(damage).unwrap();
        let history = SqliteHistory::open(&path).await.unwrap();
        let found = history.samples(&CheckId::new("a"), ALWAYS, 9).await;
        let Err(StoreError::Strange(text)) = found else {
            panic!("{damage}: {found:?}");
        };
        let part = "a part of it is not understood by this version: ";
        assert!(text.contains(part), "{text}");
        assert!(history.figures().await.is_ok());
    }
}

#[tokio::test]
async fn a_file_of_a_later_version_is_refused_untouched() {
    let (_folder, path, history) = history().await;
    drop(history);
    let outside = Connection::open(&path).unwrap();
    outside.pragma_update(None, "user_version", 9).unwrap();
    drop(outside);
    let before = std::fs::read(&path).unwrap();
    let Err(error) = SqliteHistory::open(&path).await else {
        panic!("it was opened");
    };
    let says = format!(
        "the history {}: it was written by a later version of smokejumper (format 9, and this one knows 1); use that version, or another file",
        path.display()
    );
    assert_eq!(error, StoreError::Strange(says));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn what_is_committed_is_on_the_disk_and_readers_do_not_wait() {
    let (_folder, _path, history) = history().await;
    let found = history.with(&history.writer, |desk| {
        let number = |name| {
            desk.connection
                .pragma_query_value(None, name, |row| row.get::<_, i64>(0))
        };
        let mode = desk
            .connection
            .pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok((mode, number("synchronous")?, number("page_size")?))
    });
    const FULL: i64 = 2;
    assert_eq!(found.await.unwrap(), ("wal".to_owned(), FULL, 16_384));
}
