//! The write-behind over real files: one that somebody keeps locked, one whose disk is full, one
//! that is taken away, one that was not there at the start.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use smokejumper::engine::clock::SystemClock;
use smokejumper::secret::Mask;
use smokejumper::store::StoreError;
use smokejumper::store::behind::{Behind, Bounds};
use smokejumper::store::history::{Batch, History, Seen};
use smokejumper::store::reopened::Reopened;
use smokejumper::store::sqlite::history::SqliteHistory;

use super::past::{RETENTION, always, check, closed, happening, pass};
use super::{File, Ground};
use crate::harness::namespace::rights;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

const BOUNDS: Bounds = Bounds {
    batch: 100,
    linger: Duration::from_millis(5),
    linger_little: Duration::from_millis(5),
    waiting: 10_000,
    patience: Duration::from_millis(200),
    again_after: Duration::from_millis(20),
    again_at_most: Duration::from_millis(100),
    thin_every: PATIENCE,
};

/// A history that is written behind, with the bounds of these tests.
pub fn over(below: Arc<dyn History>, place: String) -> Behind {
    let clock = Arc::new(SystemClock::start());
    Behind::start(below, place, RETENTION, BOUNDS, Mask::default(), clock)
}

fn behind(path: &Path) -> Behind {
    let path: PathBuf = path.to_owned();
    let place = path.display().to_string();
    let reopened = Reopened::new(move || {
        let path = path.clone();
        Box::pin(async move {
            let history = SqliteHistory::open(&path).await?;
            Ok(Arc::new(history) as Arc<dyn History>)
        })
    });
    over(Arc::new(reopened), place)
}

pub fn samples(from: u64, to: u64) -> Vec<Seen> {
    let one = |second: u64| pass("a", second as f64, Duration::from_millis(1));
    (from..to).map(one).collect()
}

/// Waits until the state of the history is such.
pub async fn until(behind: &Behind, is: impl Fn(&smokejumper::store::behind::State) -> bool) {
    let waiting = async {
        while !is(&behind.state()) {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "{:?}", behind.state());
}

pub async fn hand_in(behind: &Behind, from: u64, to: u64) {
    let batch = Batch {
        samples: samples(from, to),
        happenings: vec![happening(&format!("{from:04}"), "decided")],
        windows: vec![closed("01W")],
    };
    behind.keep(&batch).await.unwrap();
}

pub async fn all_is_there(ground: &dyn Ground, to: u64, happenings: u64) {
    let history = ground.open().await;
    let found = history
        .samples(&check("a"), always(), usize::MAX)
        .await
        .unwrap();
    assert_eq!(found, samples(0, to));
    let figures = history.figures().await.unwrap();
    assert_eq!((figures.happenings, figures.windows), (happenings, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_another_program_keeps_locked_is_told_and_caught_up() {
    let file = File::new();
    let behind = behind(&file.path());
    hand_in(&behind, 0, 10).await;
    until(&behind, |state| state.waiting == 0).await;
    let locking = rusqlite::Connection::open(file.path()).unwrap();
    locking.execute_batch("BEGIN IMMEDIATE").unwrap();
    hand_in(&behind, 10, 300).await;
    until(&behind, |state| state.trouble.is_some()).await;
    let found = behind
        .samples(&check("a"), always(), usize::MAX)
        .await
        .unwrap();
    assert_eq!(found, samples(0, 300), "what waits is found");
    until(&behind, |state| {
        let trouble = state.trouble.as_deref().unwrap_or_default();
        trouble.contains("another program has kept it locked for 5s")
    })
    .await;
    locking.execute_batch("ROLLBACK").unwrap();
    behind.finish(PATIENCE).await;
    assert_eq!((behind.state().trouble, behind.state().lost), (None, 0));
    all_is_there(&file, 300, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_taken_away_is_told_and_made_anew() {
    let file = File::new();
    let behind = behind(&file.path());
    hand_in(&behind, 0, 10).await;
    until(&behind, |state| state.waiting == 0).await;
    let folder = file.path().parent().unwrap().to_owned();
    for entry in std::fs::read_dir(&folder).unwrap() {
        std::fs::remove_file(entry.unwrap().path()).unwrap();
    }
    hand_in(&behind, 0, 20).await;
    behind.finish(PATIENCE).await;
    assert_eq!(behind.state().trouble, None);
    all_is_there(&file, 20, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_not_there_at_the_start_is_waited_for() {
    let file = File::new();
    let folder = file.path().parent().unwrap().join("disk");
    std::fs::write(&folder, "no disk is here yet").unwrap();
    let behind = behind(&folder.join("history.sqlite"));
    hand_in(&behind, 0, 20).await;
    until(&behind, |state| state.trouble.is_some()).await;
    let trouble = behind.state().trouble.unwrap();
    assert!(trouble.contains("its folder cannot be made"), "{trouble}");
    assert!(matches!(
        behind.figures().await,
        Err(StoreError::Unusable(_))
    ));
    std::fs::remove_file(&folder).unwrap();
    behind.finish(PATIENCE).await;
    let history = SqliteHistory::open(&folder.join("history.sqlite"))
        .await
        .unwrap();
    assert_eq!(history.figures().await.unwrap().samples, 20);
}

/// Where a child of this very binary finds the folder that it writes to.
const FOLDER: &str = "SMOKEJUMPER_TEST_FULL_DISK";

/// A disk of four megabytes, mounted in a mount namespace of its own, on which a child works.
#[test]
fn a_disk_that_is_full_is_told_and_caught_up_when_there_is_room() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return runtime.block_on(on_a_small_disk(Path::new(&folder)));
    }
    let folder = tempfile::tempdir().unwrap();
    let name =
        "store::history::behind::a_disk_that_is_full_is_told_and_caught_up_when_there_is_room";
    let script = "mount -t tmpfs -o size=4m none \"$0\" && exec \"$@\"";
    let child = std::process::Command::new("unshare")
        .args(rights())
        .args(["--mount", "--", "sh", "-c", script])
        .arg(folder.path())
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stderr);
    let ran = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && ran.contains("1 passed"),
        "{ran}\n{told}"
    );
}

async fn on_a_small_disk(folder: &Path) {
    let path = folder.join("history.sqlite");
    let behind = behind(&path);
    hand_in(&behind, 0, 10).await;
    until(&behind, |state| state.waiting == 0).await;
    let ballast = folder.join("ballast");
    // As much as there is room for.
    let filled = std::fs::write(&ballast, vec![1; 8 << 20]);
    assert!(filled.is_err(), "the disk is not full");
    hand_in(&behind, 10, 4_000).await;
    until(&behind, |state| {
        let trouble = state.trouble.as_deref().unwrap_or_default();
        trouble.contains("the disk is full, nothing was written")
    })
    .await;
    assert_eq!(behind.state().lost, 0);
    std::fs::remove_file(&ballast).unwrap();
    behind.finish(PATIENCE).await;
    assert_eq!((behind.state().trouble, behind.state().waiting), (None, 0));
    let history = SqliteHistory::open(&path).await.unwrap();
    let found = history
        .samples(&check("a"), always(), usize::MAX)
        .await
        .unwrap();
    assert_eq!(found, samples(0, 4_000));
}
