//! A collector that hangs, refuses, limits, lies: what is told of it, what is given up, and that nobody
//! who probes notices.

use std::sync::Arc;
use std::time::Duration;

use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::engine::clock::SystemClock;
use smokejumper::engine::instruments::{Instruments, Outbound, Signal};
use smokejumper::plan::telemetry::OtlpPlan;
use smokejumper::sample::{CheckId, Fault, Outcome, Phases, Reason, Sample, Trace};
use smokejumper::secret::Mask;
use smokejumper::store::history::Seen;
use smokejumper::telemetry::otlp::{Around, Exporter, Instrumented, Traced};

use super::collector::{Answers, Collector, metrics, resource};
use crate::cli::page::{page, until};
use crate::cli::program::Program;
use crate::cli::serve::Serving;
use crate::config::compile_text;

/// As many spans as go in one message: it is sent at once.
const WHOLE_MESSAGE: u64 = 512;
/// More than may wait.
const TOO_MANY: u64 = 20_000;

/// A collector as it is declared, asked more often than anybody may declare.
fn plan(url: &str, more: &str) -> OtlpPlan {
    let text = format!(
        "services: {{ web: {{}} }}\nchecks: {{ home: {{ http: {{ url: \"http://h/\" }} }} }}\n\
         telemetry: {{ otlp: {{ endpoint: \"{url}\", timeout: 300ms, {more} }} }}\n"
    );
    let (_, compiled) = compile_text(&text);
    let plan = compiled.expect("a plan").plan.telemetry.otlp;
    OtlpPlan {
        every: Duration::from_millis(50),
        ..plan.expect("a collector")
    }
}

/// An exporter beside a collector.
struct Beside {
    collector: Collector,
    outbound: Arc<Outbound>,
    exporter: Exporter,
    traced: Traced,
}

impl Beside {
    async fn begin(answers: Answers, more: &str) -> Self {
        let collector = Collector::start(answers).await;
        let (exporter, traced, outbound) = exporter(&plan(&collector.url(), more));
        Self {
            collector,
            outbound,
            exporter,
            traced,
        }
    }

    async fn until_refused(&self, signal: Signal) {
        until(|| self.outbound.refused(signal) > 0).await;
    }

    fn hand_in(&self, spans: u64) {
        for number in 0..spans {
            self.traced.ran(&failed(number));
        }
    }
}

fn exporter(plan: &OtlpPlan) -> (Exporter, Traced, Arc<Outbound>) {
    let outbound = Arc::new(Outbound::default());
    let instruments = Instruments::default().with_outbound(&outbound).sent(true);
    let instruments = Arc::new(instruments);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let instruments = Instrumented(Arc::new(move || Arc::clone(&instruments)));
    let around = Around::new(instruments, Arc::clone(&outbound), clock, Mask::default());
    let traced = Traced::default();
    let exporter = Exporter::start(plan, &around, &traced);
    (exporter, traced, outbound)
}

fn failed(number: u64) -> Seen {
    Seen {
        at: WallTime::since_unix_epoch(Duration::from_secs(1_700_000_000)),
        service: "web".into(),
        window: None,
        sample: Sample {
            check: CheckId::new("home"),
            started: Moment::ORIGIN,
            latency: Duration::from_millis(10),
            phases: Phases::default(),
            outcome: Outcome::Fail,
            fault: Some(Fault::new(Reason::Status, "so")),
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: Some(Trace::new(u128::from(number), number, false)),
        },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_acceptance_is_counted_and_what_follows_is_sent_all_the_same() {
    let http = "protocol: http/protobuf";
    let grpc = "protocol: grpc";
    for (answers, protocol) in [
        (Answers::Hangs, http),
        (Answers::Hangs, grpc),
        (Answers::Status(503, None), http),
        (Answers::Status(400, None), http),
        (Answers::Status(429, Some("0")), http),
        (Answers::Status(429, Some("tomorrow")), http),
        (Answers::Status(500, None), grpc),
        (Answers::Grpc(14), grpc),
        (Answers::Grpc(3), grpc),
        (Answers::Grpc(8), grpc),
        (Answers::Exhausted(0), grpc),
        (Answers::Page, http),
        (Answers::Garbage, http),
        (Answers::Garbage, grpc),
        (Answers::Partly(2, "too old"), http),
        (Answers::Partly(2, "too old"), grpc),
    ] {
        let beside = Beside::begin(answers.clone(), protocol).await;
        beside.until_refused(Signal::Metrics).await;
        beside.collector.answers(Answers::Well);
        let so_far = beside.collector.received(|it| it.metrics.len());
        beside
            .collector
            .until(|it| it.metrics.len() > so_far + 1)
            .await;
        let told = beside.collector.received(|it| {
            let all = metrics(it.metrics.last().expect("one")).into_iter();
            all.map(|one| one.name.clone()).collect::<Vec<_>>()
        });
        let counted = "smokejumper_otlp_refused_total".to_owned();
        assert!(told.contains(&counted), "{answers:?}: {told:?}");
        beside.exporter.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acceptance_is_one_in_every_form() {
    for (answers, more) in [
        (Answers::Well, "protocol: http/protobuf"),
        (
            Answers::Gzipped,
            "protocol: http/protobuf, compression: gzip",
        ),
        (Answers::Well, "protocol: grpc, compression: gzip"),
        (Answers::Partly(0, "that was close"), "protocol: grpc"),
    ] {
        let beside = Beside::begin(answers.clone(), more).await;
        beside.collector.until(|it| it.metrics.len() > 2).await;
        beside.hand_in(WHOLE_MESSAGE);
        beside.collector.until(|it| !it.traces.is_empty()).await;
        let outbound = Arc::clone(&beside.outbound);
        beside.exporter.finish().await;
        let refused = Signal::ALL.map(|signal| outbound.refused(signal));
        assert_eq!((refused, outbound.lost_spans()), ([0, 0], 0), "{answers:?}");
        assert_eq!(beside.collector.spans().len() as u64, WHOLE_MESSAGE);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_to_be_left_alone_is_left_alone() {
    for (answers, more) in [
        (Answers::Status(503, Some("3600")), ""),
        (Answers::Exhausted(100), "protocol: grpc"),
    ] {
        is_left_alone(answers, more).await;
    }
}

async fn is_left_alone(answers: Answers, more: &str) {
    let beside = Beside::begin(answers, more).await;
    beside.until_refused(Signal::Metrics).await;
    let asked = beside.collector.received(|it| it.asked);
    assert_eq!(asked, 1);
    beside.hand_in(WHOLE_MESSAGE);
    beside.collector.until(|it| it.asked == 2).await;
    // The end is the last occasion: of the metrics, and of spans that have waited for another one.
    beside.exporter.finish().await;
    let asked = beside.collector.received(|it| it.asked);
    assert!((3..=4).contains(&asked), "{asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_collector_has_no_room_for_is_given_up_unless_it_wants_it_again() {
    let beside = Beside::begin(Answers::Grpc(8), "protocol: grpc").await;
    beside.hand_in(WHOLE_MESSAGE);
    until(|| beside.outbound.lost_spans() > 0).await;
    assert_eq!(beside.outbound.lost_spans(), WHOLE_MESSAGE);
    beside.collector.answers(Answers::Exhausted(0));
    beside.hand_in(WHOLE_MESSAGE);
    let asked = beside.collector.received(|it| it.asked);
    beside.collector.until(|it| it.asked > asked + 1).await;
    beside.collector.answers(Answers::Well);
    beside.collector.until(|it| !it.traces.is_empty()).await;
    assert_eq!(beside.collector.spans().len() as u64, WHOLE_MESSAGE);
    assert_eq!(beside.outbound.lost_spans(), WHOLE_MESSAGE);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_a_collector_does_not_take_yet_are_sent_again() {
    let beside = Beside::begin(Answers::Status(503, None), "").await;
    beside.hand_in(WHOLE_MESSAGE);
    beside.until_refused(Signal::Metrics).await;
    beside.collector.until(|it| it.asked > 3).await;
    beside.collector.answers(Answers::Well);
    beside.collector.until(|it| !it.traces.is_empty()).await;
    assert_eq!(beside.collector.spans().len() as u64, WHOLE_MESSAGE);
    assert_eq!(beside.outbound.lost_spans(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_collector_that_hangs_only_so_many_spans_wait_and_nobody_else() {
    let beside = Beside::begin(Answers::Hangs, "").await;
    beside.hand_in(TOO_MANY);
    let lost = beside.outbound.lost_spans();
    // What waits, and some messages that were taken out while it was handed in.
    assert!(lost > TOO_MANY / 2, "{lost}");
    let outbound = Arc::clone(&beside.outbound);
    beside.collector.answers(Answers::Well);
    beside.hand_in(1);
    let told_of = || beside.collector.spans().len() as u64 + outbound.lost_spans();
    until(|| told_of() > TOO_MANY).await;
    assert_eq!(told_of(), TOO_MANY + 1, "each is sent or counted, once");
    assert!(beside.collector.spans().len() as u64 > WHOLE_MESSAGE);
    beside.exporter.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_listens_an_exporter_ends_in_time_and_says_so() {
    let (exporter, traced, outbound) = exporter(&plan("http://127.0.0.1:1", ""));
    until(|| outbound.refused(Signal::Metrics) > 1).await;
    traced.ran(&failed(1));
    exporter.finish().await;
    assert_eq!(outbound.lost_spans(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_collector_hangs_probes_on_and_tells_it() {
    let (web, collector) = (
        page("200 OK", "ok").await,
        Collector::start(Answers::Hangs).await,
    );
    let configuration = format!(
        "services: {{ web: {{}} }}\n\
         checks: {{ home: {{ http: {{ url: \"{}\" }}, every: 500ms, timeout: 490ms }} }}\n\
         server: {{ listen: \"127.0.0.1:0\" }}\n\
         telemetry: {{ otlp: {{ endpoint: \"{}\", every: 1s, timeout: 1s }} }}\n",
        web.url("/"),
        collector.url()
    );
    let program = Program::with(&configuration);
    let serving = Serving::start(&program);
    serving
        .until_told("the collector does not take metrics: no answer within")
        .await;
    let asked = web.asked().len();
    collector.until(|it| it.asked > 2).await;
    assert!(web.asked().len() > asked, "it is probed meanwhile");
    let metrics = serving.asked("/metrics").await;
    for line in [
        "smokejumper_otlp_refused_total{signal=\"metrics\"} ",
        "smokejumper_samples_lost_total 0",
    ] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let told = serving.told();
    assert_eq!(told.matches("no answer within").count(), 1, "once: {told}");
    collector.answers(Answers::Well);
    serving
        .until_told("the collector takes metrics again")
        .await;
    serving.signal("-TERM");
    assert_eq!(serving.ended().await, 143);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_collector_is_sent_to_as_soon_as_it_is_declared() {
    let web = page("500 Internal Server Error", "no").await;
    let (first, second) = (
        Collector::start(Answers::Well).await,
        Collector::start(Answers::Well).await,
    );
    let configuration = |telemetry: &str| {
        format!(
            "services: {{ web: {{}} }}\n\
             checks: {{ home: {{ http: {{ url: \"{}\" }}, every: 500ms, timeout: 490ms }} }}\n\
             server: {{ listen: \"127.0.0.1:0\" }}\n{telemetry}",
            web.url("/")
        )
    };
    let to = |collector: &Collector| {
        let url = collector.url();
        configuration(&format!(
            "telemetry: {{ otlp: {{ endpoint: \"{url}\", every: 1s }} }}\n"
        ))
    };
    let program = Program::with(&configuration(""));
    let file = program.folder.path().join("smokejumper.yaml");
    let serving = Serving::start(&program);
    serving.until_told("watching").await;
    let none = serving.asked("/metrics").await;
    assert!(!none.contains("smokejumper_otlp_"), "{none}");
    std::fs::write(&file, to(&first)).expect("written");
    first
        .until(|it| !it.metrics.is_empty() && !it.traces.is_empty())
        .await;
    std::fs::write(&file, to(&second)).expect("written");
    second
        .until(|it| !it.metrics.is_empty() && !it.traces.is_empty())
        .await;
    let speaks = |collector: &Collector| collector.received(|it| resource(&it.metrics[0]).clone());
    assert_eq!(speaks(&first), speaks(&second), "it is the same process");
    serving.signal("-TERM");
    assert_eq!(serving.ended().await, 143);
    let spans: Vec<Vec<u8>> = [first.spans(), second.spans()]
        .concat()
        .into_iter()
        .map(|span| span.span_id)
        .collect();
    let once: std::collections::BTreeSet<&Vec<u8>> = spans.iter().collect();
    assert_eq!(once.len(), spans.len(), "none is sent twice");
}
