//! A watch that is killed (SIGKILL) at each recorded step of a rollback, and started again: AWS
//! accepts each changing call at most once, and the last report is true.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use smokejumper::rehearsal::ecs::{Answer, Control, Fault, Times};
use smokejumper::rehearsal::incident::Incident;
use smokejumper::rehearsal::toy::Ailment;

use super::page::until;
use super::program::{Program, ended};
use super::watch::{CONFIGURATION, program, settings, stage};

/// The way of a rollback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The release was rolled out: `UpdateService`.
    Update,
    /// It was still being rolled out: `StopServiceDeployment`.
    Stop,
    /// It paused at a hook: `ContinueServiceDeployment`.
    Continue,
}

impl Way {
    const fn operation(self) -> &'static str {
        match self {
            Self::Update => "UpdateService",
            Self::Stop => "StopServiceDeployment",
            Self::Continue => "ContinueServiceDeployment",
        }
    }
}

/// When the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Death {
    /// At its next request to AWS after this is the last entry of its journal.
    After(&'static str),
    /// As the decisive call arrives, which is carried out.
    CallDone,
    /// As the decisive call arrives, which is not carried out.
    CallLost,
    /// While the checks prove the rollback.
    Proving,
    /// With the end written down, and nothing that should come after it.
    Ending,
}

/// Between the answer to a stop and the next entry there is no request: dying there is dying as the
/// call is done.
const DEATHS: [Death; 8] = [
    Death::After("decided"),
    Death::After("intended"),
    Death::CallDone,
    Death::CallLost,
    Death::After("answered"),
    Death::After("carried"),
    Death::Proving,
    Death::Ending,
];

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_update_is_gone_on_with_and_sent_once() {
    survive(Way::Update).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_stop_is_gone_on_with_and_sent_once() {
    survive(Way::Stop).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_answer_to_a_hook_is_gone_on_with_and_sent_once() {
    survive(Way::Continue).await;
}

/// Every death on a way, side by side: most of their time is waiting.
async fn survive(way: Way) {
    let mut runs = tokio::task::JoinSet::new();
    let is_possible = |death: &Death| way == Way::Update || *death != Death::After("answered");
    for death in DEATHS.into_iter().filter(is_possible) {
        runs.spawn(die_and_go_on(way, death));
    }
    while let Some(run) = runs.join_next().await {
        run.expect("a run that ends well");
    }
}

async fn die_and_go_on(way: Way, death: Death) {
    let incident = stage(Ailment::Outage, settings()).await;
    let service = incident.service();
    match way {
        Way::Update => {}
        Way::Stop => service.hold(true).expect("held"),
        Way::Continue => service.configure(&pausing()).expect("a hook"),
    }
    incident.release().expect("deployed");
    // Eight of them at once on a busy machine: only what fails counts, not what is slow.
    let configuration = CONFIGURATION
        .replace(
            "      p95: { warning: \"> 60ms\", critical: \"> 120ms\" }\n",
            "",
        )
        .replace("every: 250ms", "every: 500ms")
        .replace("timeout: 240ms", "timeout: 490ms");
    let program = program(&incident, &configuration);
    let killed = die(&incident, &program, way, death).await;
    assert!(killed, "{way:?}, {death:?}: it was never killed");
    let ran = program.run(&["watch", "--report", "json"]).await;
    let told = format!("{way:?}, {death:?}:\n{}", ran.all());
    assert_eq!(ran.code, 10, "{told}");
    let report = ran.json();
    assert_eq!(report["verdict"], "fail", "{told}");
    assert_eq!(report["decision"]["action"], "roll_back", "{told}");
    assert_eq!(
        report["rollback"]["outcome"], "rolled_back_verified",
        "{told}"
    );
    assert_eq!(report["rollback"]["from"], "shop:3", "{told}");
    assert_eq!(report["rollback"]["to"], "shop:1", "{told}");
    let failed = report["checks"][1].clone();
    assert_eq!(failed["id"], "orders", "{told}");
    assert_eq!(failed["verdict"], "fail", "{told}");
    let serving = service.serving().expect("a service");
    assert_eq!(serving.as_deref(), Some("shop:1"), "{told}");
    assert_eq!(
        accepted(incident.ecs.control()),
        [way.operation()],
        "{told}"
    );
    assert_eq!(
        last_kind(&journal(&program)).as_deref(),
        Some("closed"),
        "{told}"
    );
}

/// Runs a watch until it dies; says whether it was killed.
async fn die(incident: &Incident, program: &Program, way: Way, death: Death) -> bool {
    let process = Arc::new(AtomicU32::new(0));
    let killed = Arc::new(AtomicBool::new(false));
    let journal = journal(program);
    let executioner = Executioner {
        process: Arc::clone(&process),
        killed: Arc::clone(&killed),
    };
    let at_requests = (executioner.clone(), journal.clone());
    incident.ecs.control().look_on(move |control, operation| {
        let (executioner, journal) = &at_requests;
        let is_due = match death {
            Death::After(kind) => last_kind(journal).as_deref() == Some(kind),
            Death::CallDone | Death::CallLost => operation == way.operation(),
            Death::Proving | Death::Ending => false,
        };
        if is_due && executioner.kill() && death == Death::CallLost {
            control.fault(operation, Fault::Reset, Times::Next(1));
        }
    });
    let child = program.start(&["watch", "--report", "json"]);
    process.store(child.id().expect("running"), Ordering::SeqCst);
    match death {
        Death::Proving => {
            until(|| has_kind(&journal, "restored")).await;
            executioner.kill();
        }
        Death::Ending => {
            until(|| has_kind(&journal, "decided")).await;
            let barred = Barred::new(&journal);
            until(|| has_kind(&journal, "ended")).await;
            executioner.kill();
            drop(barred);
        }
        Death::After(_) | Death::CallDone | Death::CallLost => {}
    }
    ended(child).await;
    killed.load(Ordering::SeqCst)
}

#[derive(Clone)]
struct Executioner {
    process: Arc<AtomicU32>,
    killed: Arc<AtomicBool>,
}

impl Executioner {
    /// Kills the process, once; says whether it did.
    fn kill(&self) -> bool {
        let process = self.process.load(Ordering::SeqCst);
        if process == 0 || self.killed.swap(true, Ordering::SeqCst) {
            return false;
        }
        let kill = std::process::Command::new("kill")
            .args(["-KILL", &process.to_string()])
            .status();
        kill.expect("kill runs").success()
    }
}

/// What was accepted by the stand-in and changes something.
fn accepted(control: &Control) -> Vec<String> {
    let calls = control.mutating_calls().into_iter();
    calls
        .filter(|call| call.answer == Answer::Done)
        .map(|call| call.operation)
        .collect()
}

/// A journal that takes nothing more once a rollback has ended, as if the process had died there.
struct Barred(Connection);

impl Barred {
    fn new(journal: &Path) -> Self {
        let connection = Connection::open(journal).expect("the journal");
        connection
            .busy_timeout(std::time::Duration::from_secs(5))
            .expect("set");
        let bar = "CREATE TRIGGER bar BEFORE INSERT ON entries \
                   WHEN NEW.kind IN ('ledger', 'closed') \
                   BEGIN SELECT RAISE(ABORT, 'barred'); END";
        connection.execute_batch(bar).expect("barred");
        Self(connection)
    }
}

impl Drop for Barred {
    fn drop(&mut self) {
        self.0.execute_batch("DROP TRIGGER bar").expect("unbarred");
    }
}

/// Where a program keeps its journal.
pub fn journal(program: &Program) -> PathBuf {
    program
        .folder
        .path()
        .join(".local/state/smokejumper/journal.sqlite")
}

/// The kind of the last entry; none while there is no journal.
fn last_kind(journal: &Path) -> Option<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(journal, flags).ok()?;
    let last = "SELECT kind FROM entries ORDER BY number DESC LIMIT 1";
    connection.query_row(last, [], |row| row.get(0)).ok()
}

/// Whether a journal has an entry of a kind; one that is not there has none.
pub fn has_kind(journal: &Path, kind: &str) -> bool {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let Ok(connection) = Connection::open_with_flags(journal, flags) else {
        return false;
    };
    let found = "SELECT 1 FROM entries WHERE kind = ?1 LIMIT 1";
    connection.query_row(found, [kind], |_| Ok(())).is_ok()
}

/// A deployment that pauses when all its tasks run, before the old ones go.
fn pausing() -> Value {
    serde_json::json!({
        "lifecycleHooks": [{
            "targetType": "PAUSE",
            "lifecycleStages": ["POST_SCALE_UP"],
            "timeoutConfiguration": { "timeoutInMinutes": 30, "timeoutAction": "ROLLBACK" },
        }],
    })
}
