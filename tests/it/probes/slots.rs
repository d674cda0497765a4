//! A slot, and the descriptors of a run, belong to it until its deadline and not longer: whatever
//! the kind, whatever hangs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use smokejumper::engine::clock::SystemClock;
use smokejumper::engine::context::{Context, Events};
use smokejumper::engine::control::Control;
use smokejumper::engine::sampling;
use smokejumper::engine::slots::Slots;
use smokejumper::engine::threads::ProbeThreads;
use smokejumper::plan::CheckPlan;
use smokejumper::probe::attempt::Conditions;
use smokejumper::probe::registry::KINDS;
use smokejumper::probe::{Attempt, Probe};
use smokejumper::sample::{CheckId, Fault, Outcome, Reason, Sample};
use smokejumper::verdict::CheckFacts;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::harness::http_peer::{Does, Peer};
use crate::harness::probing::build;

/// The settings under which a kind meets a peer at `place`, once for each way of connecting. A new
/// kind is added here, or this fails.
pub fn ways_to(kind: &str, place: &str) -> Vec<Value> {
    match kind {
        "http" => vec![
            json!({"url": format!("http://{place}/")}),
            json!({"url": format!("https://{place}/")}),
            json!({"url": format!("http://{place}/"), "connection": "keep_alive"}),
        ],
        "postgres" => vec![
            json!({"url": format!("postgres://u:p@{place}/x?sslmode=disable")}),
            json!({"url": format!("postgres://u:p@{place}/x")}),
        ],
        "redis" => vec![
            json!({"url": format!("redis://:p@{place}")}),
            json!({"url": format!("rediss://:p@{place}")}),
        ],
        "evm" | "tezos" | "solana" | "bitcoin" => vec![
            json!({"url": format!("http://{place}/")}),
            json!({"endpoints": [format!("http://{place}/"), format!("https://{place}/")]}),
        ],
        "mysql" => vec![
            json!({"url": format!("mysql://u:p@{place}/x?ssl-mode=disabled")}),
            json!({"url": format!("mysql://u:p@{place}/x")}),
        ],
        "tcp" => vec![
            json!({"address": place, "dialogue": [{"expect": {"exists": true}}]}),
            json!({"address": place, "tls": {}}),
        ],
        "tls" => vec![
            json!({"address": place}),
            json!({"address": place, "starttls": "smtp"}),
        ],
        "dns" => vec![json!({"name": "a.test", "server": place, "transport": "tcp"})],
        "grpc" => vec![
            json!({"address": place}),
            json!({"address": place, "tls": {}}),
        ],
        "websocket" => vec![
            json!({"url": format!("ws://{place}/")}),
            json!({"url": format!("wss://{place}/")}),
        ],
        "metrics" => vec![json!({
            "url": format!("http://{place}/metrics"),
            "read": {"users": {"series": "active_users"}},
        })],
        // The steps of a flow are of the other kinds, a program meets no peer,
        // and an echo request opens no connection.
        "flow" | "exec" | "icmp" => Vec::new(),
        // What hangs there is somebody else and not the target: nothing is learnt.
        "cloudwatch" | "datadog" | "ecs" | "logs" | "prometheus" | "sentry" | "target_health" => {
            Vec::new()
        }
        other => panic!("say how the kind {other} meets a peer that hangs"),
    }
}

fn context(slots: usize) -> Context {
    let clock = Arc::new(SystemClock::start());
    let (events, _) = Events::queue(clock.clone());
    Context {
        clock,
        events,
        slots: Arc::new(Slots::new(slots)),
        threads: ProbeThreads::here(),
        stop: CancellationToken::new(),
        control: Control::default(),
        instruments: Arc::default(),
        tape: None,
        traces: Arc::default(),
    }
}

fn check(kind: &'static str, timeout: Duration, probe: Arc<dyn Probe>) -> CheckPlan {
    CheckPlan {
        facts: CheckFacts {
            id: CheckId::new(kind),
            kind,
            service: Arc::from("api"),
            tags: Vec::new(),
        },
        every: Duration::from_secs(30),
        timeout,
        pace: None,
        max_in_flight: None,
        resolver: None,
        thresholds: Arc::new([]),
        tolerances: Arc::new([]),
        declared_thresholds: false,
        probe,
    }
}

/// How many descriptors this process holds.
fn descriptors() -> usize {
    std::fs::read_dir("/dev/fd")
        .expect("the descriptors are listed")
        .count()
}

fn start(running: &mut JoinSet<Sample>, context: &Context, check: CheckPlan) {
    let context = context.clone();
    running.spawn(async move { sampling::sample(&context, &check, Conditions::default()).await });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_hangs_holds_the_slot_of_no_kind_beyond_the_deadline() {
    const SLOTS: usize = 200;
    // One target may hold a quarter of all slots, and here all ask the same.
    const OVERALL: usize = 4 * SLOTS;
    let peer = Peer::start(Does::Hangs).await;
    let place = peer.address().to_string();
    let context = context(OVERALL);
    let before = descriptors();
    let ways: Vec<(&'static str, Value)> = KINDS
        .iter()
        .flat_map(|kind| {
            ways_to(kind.name, &place).into_iter().map(|mut way| {
                if matches!(kind.name, "postgres" | "mysql" | "redis") {
                    // Told to open them all: otherwise few at a time would ask.
                    way["max_connections"] = json!(1_000);
                }
                (kind.name, way)
            })
        })
        .collect();
    let mut running = JoinSet::new();
    let started = tokio::time::Instant::now();
    for (kind, settings) in ways.iter().cycle().take(SLOTS) {
        let probe = build(kind, settings.clone()).expect("the settings work");
        start(
            &mut running,
            &context,
            check(kind, Duration::from_secs(2), Arc::from(probe)),
        );
    }
    while let Some(sample) = running.join_next().await {
        let sample = sample.expect("nothing panics");
        let reason = sample.fault.as_ref().map(|fault| fault.reason);
        assert_eq!(reason, Some(Reason::Timeout), "{sample:?}");
        assert_eq!(sample.outcome, Outcome::Error, "{sample:?}");
    }
    let took = started.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    assert_eq!(context.slots.free(), OVERALL);
    assert!(peer.accepted() >= SLOTS, "{}", peer.accepted());
    peer.all_closed().await;
    let left = descriptors();
    assert!(left <= before, "{before} before, {left} after");
}

#[tokio::test]
async fn a_run_that_finds_no_slot_in_time_says_so_and_blames_nobody_else() {
    let peer = Peer::start(Does::Hangs).await;
    let context = context(1);
    let hanging = |milliseconds| {
        let settings = json!({"url": peer.url("/")});
        let probe = build("http", settings).expect("the settings work");
        check(
            "http",
            Duration::from_millis(milliseconds),
            Arc::from(probe),
        )
    };
    let mut first = JoinSet::new();
    start(&mut first, &context, hanging(1_500));
    while context.slots.free() > 0 {
        tokio::task::yield_now().await;
    }
    let sample = sampling::sample(&context, &hanging(300), Conditions::default()).await;
    assert_eq!(sample.outcome, Outcome::Unknown);
    assert_eq!(sample.fault.unwrap().reason, Reason::Exhausted);
    assert_eq!(
        sample.latency,
        Duration::ZERO,
        "waiting for us is no latency"
    );
    // Who waits as long as it takes is run, and the waiting does not count.
    let sample = sampling::sample(&context, &hanging(2_000), Conditions::default()).await;
    assert_eq!(sample.fault.unwrap().reason, Reason::Timeout);
    assert!(
        sample.latency < Duration::from_millis(2_600),
        "{:?}",
        sample.latency
    );
}

struct Panics;

#[async_trait]
impl Probe for Panics {
    async fn run(&self, _: &mut Attempt) -> Result<(), Fault> {
        panic!("a bug of ours");
    }
}

#[tokio::test]
async fn a_probe_that_panics_gives_its_slot_back() {
    let context = context(1);
    for _ in 0..3 {
        let check = check("http", Duration::from_secs(1), Arc::new(Panics));
        let sample = sampling::sample(&context, &check, Conditions::default()).await;
        assert_eq!(sample.outcome, Outcome::Unknown);
        assert_eq!(sample.fault.unwrap().reason, Reason::Panic);
        assert_eq!(context.slots.free(), 1);
    }
}
