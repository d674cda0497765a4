//! Several that use one file at the same time, and one that dies in the middle.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use smokejumper::journal::Entry;
use smokejumper::store::Journal as _;
use smokejumper::store::sqlite::{Holder, Sqlite};

use super::{entries, open, wall};

/// Where a child of this very binary finds the file that it writes to.
const PATH: &str = "SMOKEJUMPER_TEST_JOURNAL";

/// Starts this binary again, as the child of the first test.
fn child_writes_to(path: &Path) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::processes::what_a_killed_process_wrote_is_whole_and_the_file_goes_on",
        ])
        .args(["--test-threads", "1"])
        .env(PATH, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the child does, until it is killed.
async fn write_for_ever(path: &Path) {
    let journal = open(path).await;
    for entry in entries().iter().cycle() {
        let appended = journal.append("api", "child", wall(0), entry).await;
        appended.unwrap();
    }
}

async fn count(journal: &Sqlite) -> usize {
    journal.of_service("api").await.unwrap().len()
}

/// Waits until the journal holds this many entries of the child.
async fn holds(journal: &Sqlite, least: usize) {
    let patience = Duration::from_secs(60);
    let grown = async {
        while count(journal).await < least {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(patience, grown).await.unwrap();
}

#[tokio::test]
async fn what_a_killed_process_wrote_is_whole_and_the_file_goes_on() {
    if let Some(path) = std::env::var_os(PATH) {
        return write_for_ever(Path::new(&path)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = open(&path).await;
    for round in 1..=3 {
        let mut child = child_writes_to(&path);
        holds(&journal, round * 40).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    drop(journal);
    let journal = open(&path).await;
    let kept = journal.of_service("api").await.unwrap();
    assert!(kept.len() >= 120);
    let known = entries();
    for one in &kept {
        assert!(known.contains(&one.entry), "{}", one.number);
    }
    let number = journal.append("api", "ours", wall(1), &Entry::Left);
    assert!(number.await.unwrap() > kept[kept.len() - 1].number);
}

#[tokio::test]
async fn two_processes_write_at_once_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let journal = open(&path).await;
    let mut child = child_writes_to(&path);
    holds(&journal, 1).await;
    let mut ours = Vec::new();
    for _ in 0..60 {
        let number = journal.append("api", "ours", wall(1), &Entry::Left);
        ours.push(number.await.unwrap());
    }
    let before = count(&journal).await;
    holds(&journal, before + 10).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let kept = journal.of_service("api").await.unwrap();
    let mine = kept.iter().filter(|one| one.window == "ours");
    let mine: Vec<u64> = mine.map(|one| one.number).collect();
    assert_eq!(mine, ours);
    assert!(kept.is_sorted_by(|a, b| a.number < b.number));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_open_a_new_file_in_the_same_instant() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal.sqlite");
    let mut openers = tokio::task::JoinSet::new();
    for writer in 0..16_u64 {
        let path = path.clone();
        openers.spawn(async move {
            let journal = Sqlite::open(&path, Holder::this_process()).await.unwrap();
            let number = journal.append("api", "w", wall(writer), &Entry::Left);
            number.await.unwrap()
        });
    }
    let mut numbers = openers.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, (1..=16).collect::<Vec<u64>>());
}
