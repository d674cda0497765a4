//! A process that is killed while it writes: what `keep` returned from is there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use smokejumper::store::history::{Batch, History};
use smokejumper::store::sqlite::history::SqliteHistory;

use super::database::{self, Database};
use super::past::{RETENTION, always, at, check, happening, pass};
use super::{File, Ground};

/// Where a child of this very binary finds the file that it writes to.
const PATH: &str = "SMOKEJUMPER_TEST_HISTORY";
/// Where it finds the port of the server that it writes to.
const PORT: &str = "SMOKEJUMPER_TEST_HISTORY_PORT";

fn child_runs(test: &str, name: &str, value: &std::ffi::OsStr) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("store::history::killed::{test}")])
        .args(["--test-threads", "1", "--nocapture"])
        .env(name, value)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// What the child does, until it is killed: it keeps, says what was kept, and thins in between.
async fn write_for_ever(history: &dyn History) {
    let first = history.figures().await.unwrap().happenings;
    for number in first.. {
        let batch = Batch {
            samples: vec![pass("a", number as f64 * 400.0, Duration::from_millis(1))],
            happenings: vec![happening(&format!("{number:08}"), "decided")],
            ..Batch::default()
        };
        history.keep(&batch).await.unwrap();
        let mut out = std::io::stdout();
        writeln!(out, "kept {number}").unwrap();
        out.flush().unwrap();
        let now = at(number as f64 * 400.0);
        history.thin(now, &RETENTION).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_kept_survives() {
    const NAME: &str = "what_was_kept_survives";
    if let Some(path) = std::env::var_os(PATH) {
        let history = SqliteHistory::open(Path::new(&path)).await.unwrap();
        return write_for_ever(&history).await;
    }
    let file = File::new();
    drop(file.open().await);
    survives(&file, || child_runs(NAME, PATH, file.path().as_os_str())).await;
}

#[tokio::test]
async fn what_was_kept_in_a_database_survives() {
    const NAME: &str = "what_was_kept_in_a_database_survives";
    if let Some(port) = std::env::var_os(PORT) {
        let port = port.to_str().unwrap().parse().unwrap();
        let history = database::at_port(port);
        return write_for_ever(&history).await;
    }
    let database = Database::start().await;
    drop(database.open().await);
    let port = database.port().to_string();
    survives(&database, || child_runs(NAME, PORT, port.as_ref())).await;
}

async fn survives(ground: &dyn Ground, child: impl Fn() -> Child) {
    let mut last = 0;
    for round in 1..=3 {
        let mut child = child();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Whatever it does at the moment of the last line: keeping, thinning, writing its log back.
        while last < round * 60 {
            let line = lines.next().unwrap().unwrap();
            if let Some(number) = line.strip_prefix("kept ") {
                last = number.parse().unwrap();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in lines.map_while(Result::ok) {
            if let Some(number) = line.strip_prefix("kept ").and_then(|it| it.parse().ok()) {
                last = number;
            }
        }
        let history = ground.open().await;
        let (kept, passed) = counted(&*history).await;
        assert!(kept > last, "{kept} after {last}");
        assert_eq!(passed, kept, "both of a batch, or none");
    }
}

/// How many batches are kept, by what happened and by samples. A server may still commit what was sent
/// before the process was killed: both are counted while it does not.
async fn counted(history: &dyn History) -> (u64, u64) {
    let happenings = async || history.figures().await.unwrap().happenings;
    loop {
        let before = happenings().await;
        let hour = Duration::from_secs(3_600);
        let slices = history.slices(&check("a"), always(), hour).await.unwrap();
        let passed = slices.iter().map(|slice| slice.passed).sum();
        if happenings().await == before {
            return (before, passed);
        }
    }
}
