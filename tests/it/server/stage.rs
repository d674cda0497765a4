//! A server on a free port, with a daemon behind it that says and does what a test tells it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Method;
use smokejumper::clock::{Clock as _, Moment, WallTime};
use smokejumper::engine::clock::SystemClock;
use smokejumper::engine::in_force::InForce;
use smokejumper::engine::serve::handle::{Asked, Done, Handle, Order, Refused, Whose};
use smokejumper::engine::serve::live::{
    CheckNow, ConfigurationNow, Live, NotifierNow, ServiceNow, SilenceNow, StoreNow, WindowCheck,
    WindowNow, WindowState,
};
use smokejumper::event::{Action, Verdict};
use smokejumper::plan::server::{Scope, ServerPlan, TokenPlan};
use smokejumper::sample::{CheckId, Fault, Outcome, Phase, Phases, Reading, Reason, Sample, Unit};
use smokejumper::secret::{Mask, Secret};
use smokejumper::server::auth::Doors;
use smokejumper::server::{Current, Server, Shared};
use smokejumper::store::history::{Batch, Happening, Seen, StoredWindow};
use smokejumper::verdict::CheckFacts;
use smokejumper::verdict::threshold::{Limit, Subject, Threshold};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use super::client::{Answer, Asking};
use super::memory::Memory;

/// Tokens that the tests declare.
pub const READER: &str = "reader-token-0123456789";
pub const ACTOR: &str = "actor-token-0123456789";
/// The daemon's own.
pub const OWN: &str = "own-token-0123456789";
/// What no answer may hold.
pub const CANARY: &str = "canary-password";
/// The window that is open, and one that is closed.
pub const OPEN: &str = "01JD0000000000000000000002";
pub const CLOSED: &str = "01JD0000000000000000000001";

/// What the daemon has been told, and what it answers.
#[derive(Default)]
pub struct Script {
    pub live: Live,
    pub orders: Vec<(Whose, Order)>,
    pub answer: Option<Result<Done, Refused>>,
    /// Whether it does not answer at all.
    pub hangs: bool,
}

/// A running server.
pub struct Stage {
    pub address: SocketAddr,
    pub handle: Handle,
    pub history: Arc<Memory>,
    pub script: Arc<Mutex<Script>>,
    pub current: watch::Sender<Current>,
    pub shared: Shared,
    pub stop: CancellationToken,
    pub serving: Option<JoinHandle<()>>,
    daemon: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.stop.cancel();
        self.daemon.abort();
    }
}

/// On loopback, for whoever is on this machine.
pub async fn open() -> Stage {
    stage(ServerPlan::default()).await
}

/// With a token that reads and one that acts.
pub async fn guarded() -> Stage {
    stage(guarded_plan()).await
}

pub fn guarded_plan() -> ServerPlan {
    let token = |name: &str, text: &str, scope| TokenPlan {
        name: Arc::from(name),
        token: Secret::new(text),
        scope,
    };
    ServerPlan {
        tokens: vec![
            token("dashboard", READER, Scope::Read),
            token("pipeline", ACTOR, Scope::Act),
        ],
        ..ServerPlan::default()
    }
}

/// A server of these settings, on a free port.
pub async fn stage(settings: ServerPlan) -> Stage {
    let settings = ServerPlan {
        listen: SocketAddr::new(settings.listen.ip(), 0),
        ..settings
    };
    let mask = Mask::default();
    mask.hide(CANARY);
    let (current, watched) = watch::channel(Current {
        mask,
        settings: Arc::new(settings),
    });
    let (handle, questions) = Handle::new();
    let script = Arc::new(Mutex::new(Script {
        live: live(),
        ..Script::default()
    }));
    let daemon = tokio::spawn(play(questions, Arc::clone(&script)));
    let history = Arc::new(Memory::default());
    history.remember(past());
    let server = Server::bind(&current.borrow().clone())
        .await
        .expect("a free port");
    let doors = Doors::new(Some(Secret::new(OWN))).expect("random numbers");
    let clock = Arc::new(SystemClock::start());
    let shared = Shared::new(handle.clone(), history.clone(), clock, watched, doors);
    let (address, stop) = (server.address(), CancellationToken::new());
    let serving = tokio::spawn(server.serve(shared.clone(), stop.clone()));
    Stage {
        address,
        handle,
        history,
        script,
        current,
        shared,
        stop,
        serving: Some(serving),
        daemon,
    }
}

async fn play(mut questions: mpsc::Receiver<Asked>, script: Arc<Mutex<Script>>) {
    // Held, so that who asks waits.
    let mut unanswered = Vec::new();
    while let Some(asked) = questions.recv().await {
        let mut script = script.lock().expect("nobody panicked");
        if script.hangs {
            unanswered.push(asked);
            continue;
        }
        match asked {
            Asked::Live(answer) => {
                answer.send(script.live.clone()).ok();
            }
            Asked::Order(ordered) => {
                let usual = || Ok(Done::Said("done".to_owned()));
                let answer = script.answer.clone().unwrap_or_else(usual);
                script.orders.push((ordered.by, ordered.order));
                ordered.answer.send(answer).ok();
            }
        }
    }
}

impl Stage {
    pub async fn get(&self, path: &str) -> Answer {
        Asking::new(Method::GET, path).to(self.address).await
    }

    pub async fn send(&self, asking: Asking) -> Answer {
        asking.to(self.address).await
    }

    /// The daemon ends: questions on their way get no answer.
    pub async fn end_daemon(&mut self) {
        self.daemon.abort();
        // It was cancelled: that is its end.
        (&mut self.daemon).await.ok();
    }

    pub fn scripted<T>(&self, change: impl FnOnce(&mut Script) -> T) -> T {
        change(&mut self.script.lock().expect("nobody panicked"))
    }

    /// Something happens: the daemon tells it, and the history has it.
    pub fn happens(&self, happening: Happening) {
        self.history.remember(Batch {
            happenings: vec![happening.clone()],
            ..Batch::default()
        });
        self.handle.tell(happening);
    }
}

pub fn now() -> WallTime {
    SystemClock::start().wall()
}

pub fn ago(span: Duration) -> WallTime {
    WallTime::since_unix_epoch(now().unix() - span)
}

/// Something that happened so many milliseconds after an epoch of the tests.
pub fn happening(millis: u64, kind: &'static str, service: Option<&str>) -> Happening {
    let at = 1_795_250_400_000 + millis;
    Happening {
        id: Ulid::from_parts(at, u128::from(millis)).to_string(),
        at: WallTime::since_unix_epoch(Duration::from_millis(at)),
        service: service.map(Arc::from),
        window: None,
        check: None,
        kind,
        text: format!("{kind} with {CANARY}"),
        facts: serde_json::json!({ "number": millis, "url": format!("http://u:{CANARY}@h/") }),
    }
}

pub fn sample(check: &str, fault: Option<Fault>) -> Sample {
    let mut phases = Phases::default();
    phases.add(Phase::Connect, Duration::from_millis(2));
    Sample {
        check: CheckId::new(check),
        started: Moment::ORIGIN,
        latency: Duration::from_micros(31_250),
        phases,
        outcome: fault
            .as_ref()
            .map_or(Outcome::Pass, |fault| fault.reason.outcome()),
        fault,
        readings: vec![Reading::new("rows", 3.0, Unit::Number)],
        notes: Vec::new(),
        retries: 0,
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    }
}

fn live() -> Live {
    let now = now();
    Live {
        at: now,
        since: now,
        services: vec![
            service("api", Verdict::Fail, true),
            service("worker", Verdict::Pass, false),
        ],
        checks: (0..5)
            .map(|number| check(&format!("check-{number}"), number))
            .collect(),
        freeze: None,
        silences: vec![SilenceNow {
            id: "quiet".to_owned(),
            reason: "the database is being moved".to_owned(),
            by: Some("pipeline".to_owned()),
            from: now,
            to: now,
            stops_checks: false,
            about: "service api".to_owned(),
        }],
        store: StoreNow {
            place: "memory".to_owned(),
            ..StoreNow::default()
        },
        configuration: ConfigurationNow {
            loaded: now,
            refused: None,
        },
        notifiers: vec![NotifierNow {
            name: Arc::from("on-call"),
            channel: "pagerduty",
            waiting: 1,
            sent: 3,
            unsent: 0,
            trouble: Some("no answer within 10s".to_owned()),
        }],
    }
}

fn service(name: &str, verdict: Verdict, is_open: bool) -> ServiceNow {
    ServiceNow {
        name: Arc::from(name),
        verdict,
        revision: Some(format!("{name}:42")),
        unseen: None,
        is_deployed: true,
        policy: Arc::from("careful"),
        window: is_open.then(|| WindowNow {
            id: Arc::from(OPEN),
            state: WindowState::Baking,
            opened: now(),
            ends: Some(now()),
            deployment: None,
            verdict,
            would: (Action::RollBack, vec![format!("check-0: {CANARY}")]),
            samples: 7,
            checks: vec![judging(&check("check-0", 0))],
        }),
        freeze: None,
    }
}

fn check(id: &str, number: usize) -> CheckNow {
    let verdicts = [Verdict::Fail, Verdict::Pass];
    CheckNow {
        facts: CheckFacts {
            id: CheckId::new(id),
            kind: "http",
            service: Arc::from(["api", "worker"][number % 2]),
            tags: vec![Arc::from("core")],
        },
        every: Duration::from_secs(10),
        verdict: verdicts[number % 2],
        since: now(),
        because: format!("GET http://u:{CANARY}@h/ failed"),
        recent: vec![Outcome::Pass, Outcome::Fail],
        p50: Some(Duration::from_millis(20)),
        p95: None,
        sparkline: vec![
            None,
            Some((Duration::from_millis(20), Duration::from_millis(40))),
        ],
        last: Some((now(), sample(id, None))),
        declared: Arc::from(format!(
            "{id}: {{ http: {{ url: \"http://u:{CANARY}@h/\" }} }}"
        )),
        limits: Arc::from(["error_rate critical > 5%".to_owned()]),
    }
}

/// A check as an open window has it that was opened under the same declaration.
pub fn judging(check: &CheckNow) -> WindowCheck {
    let threshold = |typed: &String| {
        let mut words = typed.splitn(3, ' ');
        let subject = Subject::parse(words.next().expect("a subject")).expect("a summary");
        let is_critical = words.next() == Some("critical");
        let limit = Limit::parse(words.next().expect("a limit"), subject.measure());
        let limit = limit.expect("a limit");
        Threshold {
            subject,
            warning: (!is_critical).then_some(limit),
            critical: is_critical.then_some(limit),
            lasting: None,
            consecutive: None,
        }
    };
    WindowCheck {
        in_force: Arc::new(InForce {
            facts: check.facts.clone(),
            thresholds: check.limits.iter().map(threshold).collect(),
            before: None,
        }),
        every: check.every,
        verdict: check.verdict,
        because: check.because.clone(),
    }
}

/// Two windows, and samples of the last minutes.
fn past() -> Batch {
    let window = |id: &str, is_closed: bool| StoredWindow {
        id: Arc::from(id),
        service: Arc::from("api"),
        opened: ago(Duration::from_secs(600)),
        closed: is_closed.then(now),
        verdict: is_closed.then_some(Verdict::Fail),
        revision: Some("api:42".to_owned()),
        action: is_closed.then(|| "roll_back".to_owned()),
        rollback: is_closed.then(|| "rolled_back_verified".to_owned()),
        detected_after: is_closed.then(|| Duration::from_millis(12_500)),
        report: is_closed.then(|| {
            serde_json::json!({
                "schema": "smokejumper.report/1", "verdict": "fail", "checks": [],
                "decision": { "action": "roll_back", "because": [format!("said {CANARY}")] }
            })
        }),
    };
    let seen = |number: u64| {
        let fault = number
            .is_multiple_of(3)
            .then(|| Fault::new(Reason::Status, format!("got 500 of http://u:{CANARY}@h/")));
        Seen {
            at: ago(Duration::from_secs(600 - number * 10)),
            service: Arc::from("api"),
            window: (number < 10).then(|| Arc::from(CLOSED)),
            sample: sample("check-0", fault),
        }
    };
    Batch {
        samples: (0..30).map(seen).collect(),
        happenings: (1..=7)
            .map(|number| {
                happening(
                    number,
                    ["decided", "check_judged"][number as usize % 2],
                    Some("api"),
                )
            })
            .collect(),
        windows: vec![window(CLOSED, true), window(OPEN, false)],
    }
}
