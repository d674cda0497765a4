//! What a journal promises, of one that is used by one process.

use smokejumper::journal::Entry;
use smokejumper::store::Journal as _;

use super::{entries, open, wall};

#[tokio::test]
async fn every_entry_comes_back_as_it_was_and_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("some/new/folders/journal.sqlite");
    let journal = open(&path).await;
    let mut numbers = Vec::new();
    for (at, entry) in entries().iter().enumerate() {
        let number = journal.append("arn:api", "w-1", wall(at as u64), entry);
        numbers.push(number.await.unwrap());
    }
    drop(journal);
    let kept = open(&path).await.of_service("arn:api").await.unwrap();
    let found: Vec<Entry> = kept.iter().map(|one| one.entry.clone()).collect();
    assert_eq!(found, entries());
    for (at, one) in kept.iter().enumerate() {
        assert_eq!((one.number, one.at), (numbers[at], wall(at as u64)));
        assert_eq!(one.window, "w-1");
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
}

#[tokio::test]
async fn services_are_kept_apart_and_numbers_grow_over_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("journal.sqlite")).await;
    let mut numbers = Vec::new();
    for service in ["api", "web", "api", "' OR 1 = 1 --"] {
        let number = journal.append(service, "w", wall(0), &Entry::Left);
        numbers.push(number.await.unwrap());
    }
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    for (service, expected) in [
        ("api", vec![numbers[0], numbers[2]]),
        ("web", vec![numbers[1]]),
        ("' OR 1 = 1 --", vec![numbers[3]]),
        ("ap", vec![]),
    ] {
        let kept = journal.of_service(service).await.unwrap();
        let found: Vec<u64> = kept.iter().map(|one| one.number).collect();
        assert_eq!(found, expected, "{service}");
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_changes_no_order() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(&folder.path().join("journal.sqlite")).await;
    for seconds in [100, 50, 75] {
        let appended = journal.append("api", "w", wall(seconds), &Entry::Left);
        appended.await.unwrap();
    }
    let kept = journal.of_service("api").await.unwrap();
    let found: Vec<_> = kept.iter().map(|one| one.at).collect();
    assert_eq!(found, [wall(100), wall(50), wall(75)]);
}
