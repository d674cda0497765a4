//! Files that cannot be a journal: each is told in one line that names it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use smokejumper::journal::Entry;
use smokejumper::store::sqlite::{Holder, Sqlite};
use smokejumper::store::{Journal as _, StoreError};

use super::{open, wall};

async fn refusal(path: &Path) -> StoreError {
    match Sqlite::open(path, Holder::this_process()).await {
        Ok(_) => panic!("{} was opened", path.display()),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_folder_in_its_place_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let says = format!(
        "the journal {}: a folder stands in its place; name a file",
        folder.path().display()
    );
    assert_eq!(refusal(folder.path()).await, StoreError::Unusable(says));
}

#[tokio::test]
async fn a_folder_that_takes_no_files_is_told() {
    for path in ["/proc/journal.sqlite", "/proc/new/journal.sqlite"] {
        let error = refusal(Path::new(path)).await;
        let text = error.to_string();
        assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
        assert!(
            text.starts_with(&format!("the journal {path}: it")),
            "{text}"
        );
        assert!(!text.contains('\n'), "{text}");
    }
}

#[tokio::test]
async fn nobody_else_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state/journal.sqlite");
    let journal = open(&path).await;
    let entry = Entry::Left;
    journal.append("api", "w", wall(0), &entry).await.unwrap();
    let state = path.parent().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o777;
    assert_eq!(mode(state), 0o700);
    let files: Vec<_> = std::fs::read_dir(state)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert_eq!(files.len(), 3, "the log and its index stand beside it");
    for file in files {
        assert_eq!(mode(&file.path()), 0o600, "{}", file.path().display());
    }
}

#[tokio::test]
async fn a_file_where_a_folder_should_be_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "text").unwrap();
    let error = refusal(&file.join("journal.sqlite")).await;
    let text = error.to_string();
    assert!(matches!(error, StoreError::Unusable(_)), "{error:?}");
    assert!(text.contains("its folder cannot be made"), "{text}");
}

#[tokio::test]
async fn a_file_of_something_else_is_refused_untouched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    let notes = "all of this is text and no database at all\n".repeat(200);
    std::fs::write(&path, &notes).unwrap();
    let says = format!(
        "the journal {}: it is no journal; name another file",
        path.display()
    );
    assert_eq!(refusal(&path).await, StoreError::Strange(says));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
}
