//! Files that cannot be a history, and whom a file is readable to.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use smokejumper::store::StoreError;
use smokejumper::store::sqlite::Holder;
use smokejumper::store::sqlite::Sqlite;
use smokejumper::store::sqlite::history::SqliteHistory;

use super::{File, Ground as _};

async fn refusal(path: &Path) -> StoreError {
    match SqliteHistory::open(path).await {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_journal_is_no_history_and_the_other_way_round() {
    let file = File::new();
    drop(file.open().await);
    let Err(error) = Sqlite::open(&file.path(), Holder::this_process()).await else {
        panic!("a history was opened as a journal");
    };
    let path = file.path();
    let says = format!(
        "the journal {}: it is a database of another program; name another file",
        path.display()
    );
    assert_eq!(error, StoreError::Strange(says));
    let journal = path.with_file_name("journal.sqlite");
    let opened = Sqlite::open(&journal, Holder::this_process()).await;
    drop(opened.unwrap());
    let says = format!(
        "the history {}: it is a database of another program; name another file",
        journal.display()
    );
    assert_eq!(refusal(&journal).await, StoreError::Strange(says));
}

#[tokio::test]
async fn a_text_or_a_folder_in_its_place_is_told() {
    let file = File::new();
    let text = file.path();
    std::fs::write(&text, "all of this is text\n".repeat(500)).unwrap();
    let says = format!(
        "the history {}: it is no history; name another file",
        text.display()
    );
    assert_eq!(refusal(&text).await, StoreError::Strange(says));
    let folder = text.parent().unwrap();
    let says = format!(
        "the history {}: a folder stands in its place; name a file",
        folder.display()
    );
    assert_eq!(refusal(folder).await, StoreError::Unusable(says));
}

#[tokio::test]
async fn nobody_else_can_read_it() {
    let file = File::new();
    let history = file.open().await;
    history.keep(&Default::default()).await.unwrap();
    let mode = file.path().metadata().unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
}
