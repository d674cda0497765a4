//! `serve` as it is run: against the ECS stand-in, the toy service and the real AWS SDK; signals, a death
//! in mid-window, a configuration that changes under it.

use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use smokejumper::event::Verdict;
use smokejumper::rehearsal::incident::Incident;
use smokejumper::rehearsal::toy::Ailment;
use smokejumper::sample::Outcome;
use smokejumper::store::history::{History as _, Page};
use smokejumper::store::sqlite::history::SqliteHistory;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Child;

use super::crash::{has_kind, journal};
use super::page::until;
use super::program::Program;
use super::watch::{CONFIGURATION, mutations, program, settings, stage};

/// A daemon that runs, and what it has told so far.
pub struct Serving {
    child: Child,
    told: Arc<Mutex<String>>,
}

impl Serving {
    pub fn start(program: &Program) -> Self {
        let mut command = program.command(env!("CARGO_BIN_EXE_smokejumper"));
        command.arg("serve").stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let told = Arc::new(Mutex::new(String::new()));
        let (stderr, heard) = (child.stderr.take().expect("piped"), Arc::clone(&told));
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                heard.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
        Self { child, told }
    }

    /// Everything that it has told, as one line: a line that was wrapped is still found.
    pub fn told(&self) -> String {
        let told = self.told.lock().unwrap();
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// Where it listens, as it says.
    pub fn address(&self) -> String {
        let told = self.told();
        let url = told
            .split("the page is at http://")
            .nth(1)
            .expect("it says where");
        // A slash, or what follows it in a line of JSON.
        let address = url.split(['/', ' ', '"']).next().expect("an address");
        address.to_owned()
    }

    /// Everything that it has told, line by line.
    pub fn lines(&self) -> Vec<String> {
        let told = self.told.lock().unwrap();
        told.lines().map(str::to_owned).collect()
    }

    /// What a page of it says.
    pub async fn asked(&self, path: &str) -> String {
        let address = self.address();
        let mut stream = TcpStream::connect(&address).await.expect("it listens");
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("answered");
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub async fn until_told(&self, part: &str) {
        let telling = async {
            while !self.told().contains(part) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(60), telling).await;
        assert!(told.is_ok(), "no word of \"{part}\": {}", self.told());
    }

    pub fn signal(&self, signal: &str) {
        let process = self.child.id().expect("it runs").to_string();
        let kill = std::process::Command::new("kill")
            .args([signal, &process])
            .status();
        assert!(kill.expect("kill runs").success());
    }

    pub async fn ended(mut self) -> i32 {
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        let ended = ended.expect("it ends in time").expect("waited for");
        ended.code().unwrap_or(-1)
    }
}

pub fn configuration() -> String {
    let limit = "      p95: { warning: \"> 60ms\", critical: \"> 120ms\" }\n";
    let checks = CONFIGURATION.replace(limit, "");
    // Several daemons at once: each chooses a port that is free.
    format!("{checks}server: {{ listen: \"127.0.0.1:0\" }}\n")
}

pub async fn shop(ailment: Ailment) -> (Incident, Program) {
    let incident = stage(ailment, settings()).await;
    // Several of them at once on a busy machine: only what fails counts, not what is slow.
    let program = program(&incident, &configuration());
    (incident, program)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_is_seen_and_rolled_back_by_itself_and_a_signal_ends_it_in_order() {
    let (incident, program) = shop(Ailment::Outage).await;
    let serving = Serving::start(&program);
    serving.until_told("watching 1 service with 2 checks").await;
    incident.release().expect("deployed");
    serving.until_told("shop:3 is new: window").await;
    serving.until_told("rolled back and verified").await;
    serving.until_told("is over: fail").await;
    let serving_now = incident.service().serving().expect("a service");
    assert_eq!(serving_now.as_deref(), Some("shop:1"), "{}", serving.told());
    assert_eq!(mutations(&incident).len(), 1, "{}", serving.told());
    let metrics = serving.asked("/metrics").await;
    let counted =
        "smokejumper_rollbacks_total{service=\"shop\",outcome=\"rolled_back_verified\"} 1";
    assert!(metrics.contains(counted), "{metrics}");
    let windows = serving.asked("/api/v1/windows").await;
    assert!(windows.contains("rolled_back_verified"), "{windows}");
    serving.signal("-TERM");
    let told = Arc::clone(&serving.told);
    assert_eq!(serving.ended().await, 143);
    let told = told.lock().unwrap().clone();
    assert!(told.contains("stopped; open windows are left"), "{told}");
    assert_eq!(
        told.matches("is new: window").count(),
        1,
        "its own rollback is no news: {told}"
    );
    // An ARN is never broken.
    let mut lines = told.lines().filter(|line| !line.contains("arn:"));
    assert!(lines.all(|line| line.chars().count() <= 80), "{told}");
}

/// What a daemon has written down of a rollback when it is killed.
async fn is_killed_when_it_has_written(kind: &str) {
    let (incident, program) = shop(Ailment::Outage).await;
    let serving = Serving::start(&program);
    serving.until_told("watching").await;
    incident.release().expect("deployed");
    let journal = journal(&program);
    until(|| has_kind(&journal, kind)).await;
    serving.signal("-KILL");
    serving.ended().await;
    let again = Serving::start(&program);
    again.until_told("going on with it").await;
    again.until_told("is over: fail").await;
    assert!(
        again.told().contains("rolled back and verified"),
        "{}",
        again.told()
    );
    assert_eq!(mutations(&incident).len(), 1, "{}", again.told());
    again.signal("-INT");
    assert_eq!(again.ended().await, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_before_or_while_it_rolls_back_goes_on_and_sends_nothing_twice() {
    // Meant, sent and perhaps not answered.
    tokio::join!(
        is_killed_when_it_has_written("intended"),
        is_killed_when_it_has_written("calling"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_is_killed_after_the_rollback_was_begun_goes_on_with_it() {
    // Answered, and being proven.
    tokio::join!(
        is_killed_when_it_has_written("carried"),
        is_killed_when_it_has_written("restored"),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_a_signal_interrupts_is_opened_again_by_the_next_run() {
    let (incident, program) = shop(Ailment::Healthy).await;
    let serving = Serving::start(&program);
    serving.until_told("watching").await;
    incident.release().expect("deployed");
    serving.until_told("shop:3 is new: window").await;
    serving
        .until_told("a rollback would return to shop:1")
        .await;
    serving.signal("-INT");
    assert_eq!(serving.ended().await, 130);
    let again = Serving::start(&program);
    again.until_told("shop:3 is new: window").await;
    again.until_told("is over: pass, accepted").await;
    assert_eq!(mutations(&incident), [""; 0]);
    again.signal("-INT");
    assert_eq!(again.ended().await, 130);
    let third = Serving::start(&program);
    third.until_told("watching").await;
    // Three looks, the last of them after whatever the first had led to.
    let looks = || {
        let calls = incident.ecs.control().calls().into_iter();
        calls
            .filter(|call| call.operation == "DescribeServices")
            .count()
    };
    let before = looks();
    until(|| looks() > before + 4).await;
    assert!(!third.told().contains("is new"), "{}", third.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_file_is_read_again_and_a_wrong_one_changes_nothing() {
    let (_incident, program) = shop(Ailment::Healthy).await;
    let file = program.folder.path().join("smokejumper.yaml");
    let serving = Serving::start(&program);
    serving.until_told("watching").await;
    std::fs::write(
        &file,
        configuration().replace("timeout: 240ms", "timeot: 240ms"),
    )
    .unwrap();
    serving.until_told("configuration refused").await;
    serving.until_told("timeot").await;
    let metrics = serving.asked("/metrics").await;
    for line in [
        "smokejumper_configuration_current 0\n",
        "smokejumper_configuration_reloads_total{outcome=\"loaded\"} 0\n",
        "smokejumper_configuration_reloads_total{outcome=\"refused\"} 1\n",
    ] {
        assert!(metrics.contains(line), "{line} {metrics}");
    }
    let changed = configuration().replacen("timeout: 240ms", "timeout: 230ms", 1);
    std::fs::write(&file, changed).unwrap();
    serving
        .until_told("0 checks new, 1 check changed, 0 checks gone")
        .await;
    serving.signal("-HUP");
    serving
        .until_told("(SIGHUP): no check is declared otherwise")
        .await;
    let metrics = serving.asked("/metrics").await;
    for line in [
        "smokejumper_configuration_current 1\n",
        "smokejumper_configuration_reloads_total{outcome=\"loaded\"} 2\n",
    ] {
        assert!(metrics.contains(line), "{line} {metrics}");
    }
    serving.signal("-TERM");
    assert_eq!(serving.ended().await, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_told_before_anything_runs() {
    let wrong = Program::with("checks: { home: { htp: {} } }");
    wrong.run(&["serve"]).await.expect(2);
    let none = Program::with("checks: { home: { http: { url: \"http://127.0.0.1:1/\" } } }");
    none.run(&["serve", "--only", "other"]).await.expect(4);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_daemon_on_the_same_state_folder_is_refused_until_the_first_is_gone() {
    let (_incident, program) = shop(Ailment::Healthy).await;
    let serving = Serving::start(&program);
    serving.until_told("watching").await;
    let second = Serving::start(&program);
    let process = serving.child.id().expect("it runs");
    let told = Arc::clone(&second.told);
    assert_eq!(second.ended().await, 2);
    let told = told
        .lock()
        .unwrap()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    let why = format!("another smokejumper serve (process {process}) uses the state folder");
    assert!(told.contains(&why), "{told}");
    serving.signal("-KILL");
    serving.ended().await;
    let third = Serving::start(&program);
    third.until_told("watching").await;
    third.signal("-TERM");
    assert_eq!(third.ended().await, 143);
}

/// The history of a daemon.
async fn history(program: &Program) -> SqliteHistory {
    let file = journal(program).with_file_name("history.sqlite");
    SqliteHistory::open(&file).await.expect("a history")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_daemon_has_seen_is_remembered_by_the_next() {
    let (incident, program) = shop(Ailment::Outage).await;
    let serving = Serving::start(&program);
    serving.until_told("watching").await;
    incident.release().expect("deployed");
    serving.until_told("is over: fail").await;
    let page = Page {
        limit: 9,
        ..Page::default()
    };
    let written = history(&program).await;
    let closed = async || {
        let windows = written.windows(&page).await.expect("windows");
        windows.iter().any(|one| one.closed.is_some())
    };
    let waiting = async {
        while !closed().await {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waiting).await;
    assert!(waited.is_ok(), "{}", serving.told());
    let figures = written.figures().await.expect("figures");
    serving.signal("-KILL");
    serving.ended().await;

    let again = Serving::start(&program);
    again.until_told("watching").await;
    again.signal("-TERM");
    assert_eq!(again.ended().await, 143);
    let now = written.figures().await.expect("figures");
    assert!(
        now.samples >= figures.samples && figures.samples > 0,
        "{figures:?}, {now:?}"
    );
    assert!(now.happenings > figures.happenings, "{figures:?}, {now:?}");
    let window = &written.windows(&page).await.expect("windows")[0];
    assert_eq!(window.verdict, Some(Verdict::Fail), "{window:?}");
    assert_eq!(window.rollback.as_deref(), Some("rolled_back_verified"));
    let samples = written
        .samples_of_window(&window.id)
        .await
        .expect("samples");
    assert!(
        samples
            .iter()
            .any(|seen| seen.sample.outcome != Outcome::Pass)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_of_a_later_version_is_refused_at_the_start() {
    let (_incident, program) = shop(Ailment::Healthy).await;
    drop(history(&program).await);
    let file = journal(&program).with_file_name("history.sqlite");
    let outside = rusqlite::Connection::open(&file).expect("a database");
    outside
        .pragma_update(None, "user_version", 99)
        .expect("written");
    drop(outside);
    let serving = Serving::start(&program);
    serving
        .until_told("written by a later version of smokejumper (format 99")
        .await;
    assert_eq!(serving.ended().await, 2);
}
