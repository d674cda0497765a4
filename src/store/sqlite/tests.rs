//! What only the inside of the store can be brought to: a full disk, entries that were damaged.

use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;

use super::{Holder, Sqlite};
use crate::clock::WallTime;
use crate::journal::Entry;
use crate::store::{Journal as _, StoreError};

const NOW: WallTime = WallTime::since_unix_epoch(Duration::from_secs(1_800_000_000));

async fn journal() -> (tempfile::TempDir, PathBuf, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = Sqlite::open(&path, Holder::this_process()).await.unwrap();
    (folder, path, journal)
}

fn outside(path: &PathBuf, statement: &str) {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(statement).unwrap();
}

fn long() -> Entry {
    Entry::Decided {
        action: crate::event::Action::Hold,
        because: vec!["x".repeat(20_000)],
        judged: crate::journal::Judged::default(),
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_keeps_what_was_there() {
    let (_folder, path, journal) = journal().await;
    journal.append("api", "w", NOW, &Entry::Left).await.unwrap();
    let pages = "PRAGMA max_page_count = 8";
    journal
        .with(move |connection| Ok(connection.query_row(pages, [], |_| Ok(()))?))
        .await
        .unwrap();
    let error = journal.append("api", "w", NOW, &long()).await.unwrap_err();
    let expected = format!(
        "the journal {}: the disk is full, nothing was written",
        path.display()
    );
    assert_eq!(error, StoreError::Unusable(expected));
    let kept = journal.of_service("api").await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].entry, Entry::Left);
}

#[tokio::test]
async fn an_entry_that_is_not_understood_is_named_and_never_passed_over() {
    for damage in [
        "UPDATE entries SET entry = '{\"kind\":\"unheard_of\"}' WHERE number = 2",
        "UPDATE entries SET entry = '{\"kind\":\"clo' WHERE number = 2",
        "UPDATE entries SET entry = '' WHERE number = 2",
        "UPDATE entries SET entry = '{\"kind\":\"closed\"}' WHERE number = 2",
    ] {
        let (_folder, path, journal) = journal().await;
        for _ in 0..3 {
            journal.append("api", "w", NOW, &Entry::Left).await.unwrap();
        }
        outside(&path, damage);
        let error = journal.of_service("api").await.unwrap_err();
        let begins = format!(
            "the journal {}: entry 2 is not understood by this version: ",
            path.display()
        );
        let StoreError::Strange(text) = &error else {
            panic!("{damage}: {error:?}");
        };
        assert!(text.starts_with(&begins), "{text}");
        assert!(journal.of_service("web").await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_lease_whose_holder_is_not_understood_is_nobodys_to_take() {
    let (_folder, path, journal) = journal().await;
    outside(&path, "INSERT INTO leases VALUES ('api', '?', 0)");
    let span = Duration::from_secs(60);
    let error = journal.lease("api", NOW, span).await.unwrap_err();
    assert!(matches!(error, StoreError::Strange(_)), "{error:?}");
}

#[tokio::test]
async fn a_file_of_a_later_version_or_of_another_program_is_refused_untouched() {
    for (statement, says) in [
        (
            "PRAGMA user_version = 7",
            "it was written by a later version of smokejumper (format 7, and this one knows 1); use that version, or another file",
        ),
        (
            "PRAGMA application_id = 1",
            "it is a database of another program; name another file",
        ),
    ] {
        let (_folder, path, journal) = journal().await;
        drop(journal);
        outside(&path, statement);
        let before = std::fs::read(&path).unwrap();
        let Err(error) = Sqlite::open(&path, Holder::this_process()).await else {
            panic!("{statement}: it was opened");
        };
        let expected = format!("the journal {}: {says}", path.display());
        assert_eq!(error, StoreError::Strange(expected));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn what_is_committed_is_on_the_disk_and_shared() {
    let (_folder, _path, journal) = journal().await;
    let pragmas = |connection: &mut Connection| {
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
        Ok((mode, number("synchronous")?, number("busy_timeout")?))
    };
    let found = journal.with(pragmas).await.unwrap();
    const FULL: i64 = 2;
    assert_eq!(found, ("wal".to_owned(), FULL, 5_000));
}
