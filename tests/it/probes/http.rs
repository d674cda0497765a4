//! The kind `http` against servers that are well, wrong, and hostile.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::probe::attempt::{self, Conditions};
use smokejumper::probe::{Misfit, Probe, Surroundings, registry};
use smokejumper::sample::{CheckId, Outcome, Phase, Reason, Sample};

use crate::harness::certificates::{Authority, Manner};
use crate::harness::http_peer::{Asked, Does, Peer, answer};

mod expiry;
mod keep_alive;
mod misbehaving;
mod phases;
mod protocol;
mod redirects;
mod secrets;
mod sessions;
mod settings;
mod tls;
mod trust;
mod who;
mod wrong;

/// Real time.
#[derive(Debug)]
struct RealClock(tokio::time::Instant);

impl Clock for RealClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "certificates are judged by real time"
    )]
    fn wall(&self) -> WallTime {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        WallTime::since_unix_epoch(since.expect("the clock is set"))
    }
}

fn build(settings: Value) -> Result<Box<dyn Probe>, Vec<Misfit>> {
    registry::build("http", settings, &Surroundings::default())
        .expect("the kind is registered")
        .expect("the settings can be read")
}

fn probe(settings: Value) -> Box<dyn Probe> {
    build(settings).expect("the settings work")
}

/// Runs once under a deadline that no healthy exchange on loopback comes near.
async fn run(probe: &dyn Probe) -> Sample {
    run_within(probe, Duration::from_secs(20), false).await
}

async fn run_within(probe: &dyn Probe, timeout: Duration, fresh: bool) -> Sample {
    let conditions = Conditions {
        fresh,
        ..Conditions::default()
    };
    run_under(probe, timeout, conditions).await
}

async fn run_under(probe: &dyn Probe, timeout: Duration, conditions: Conditions) -> Sample {
    let clock = Arc::new(RealClock(tokio::time::Instant::now()));
    attempt::run(probe, &CheckId::new("check"), clock, timeout, conditions).await
}

#[track_caller]
fn assert_fault(sample: &Sample, reason: Reason, part: &str) {
    let fault = sample.fault.as_ref().expect(part);
    assert_eq!(fault.reason, reason, "{fault:?}");
    assert!(fault.detail.contains(part), "{part}: {}", fault.detail);
    assert!(!fault.detail.contains('\n'), "{}", fault.detail);
    assert_eq!(sample.outcome, reason.outcome());
}

#[track_caller]
fn assert_pass(sample: &Sample) {
    assert_eq!(sample.outcome, Outcome::Pass, "{:?}", sample.fault);
    assert_eq!(sample.fault, None);
}

fn reading(sample: &Sample, name: &str) -> Option<f64> {
    let found = sample.readings.iter().find(|one| &*one.name == name)?;
    Some(found.value)
}

#[tokio::test]
async fn an_answer_as_expected_passes_with_its_readings_and_phases() {
    let body = br#"{"status":"ok","checks":{"database":{"status":"ok","responseTime":12.5}}}"#;
    let peer = Peer::answering(answer("200 OK", &["content-type: application/json"], body)).await;
    let sample = run(&*probe(json!({
        "url": peer.url_by_name("/health?full=1"),
        "expect": {
            "status": 200,
            "json": {
                "$.status": "ok",
                "$.checks.database.status": "ok",
                "$.checks.database.responseTime": { "lt": 100 }
            },
            "headers": { "Content-Type": { "contains": "json" } },
            "body": { "starts_with": "{" }
        }
    })))
    .await;
    assert_pass(&sample);
    assert_eq!(reading(&sample, "status"), Some(200.0));
    assert_eq!(reading(&sample, "body_bytes"), Some(body.len() as f64));
    assert_eq!(reading(&sample, "cert_days"), None);
    for phase in [
        Phase::Dns,
        Phase::Connect,
        Phase::Request,
        Phase::Ttfb,
        Phase::Body,
    ] {
        assert!(sample.phases.get(phase).is_some(), "{phase:?}");
    }
    assert_eq!(sample.phases.get(Phase::Tls), None);
    assert!(sample.phases.total() <= sample.latency);
    peer.all_closed().await;
    let asked = &peer.asked()[0];
    assert_eq!(asked.path(), "/health?full=1");
    let host = format!("localhost:{}", peer.address().port());
    assert_eq!(asked.header("host"), Some(host.as_str()));
}

#[tokio::test]
async fn method_headers_and_body_are_sent_as_declared() {
    let peer = Peer::answering(answer("201 Created", &[], b"")).await;
    let sample = run(&*probe(json!({
        "method": "post",
        "url": peer.url("/login"),
        "headers": { "X-Request-Source": "smoke" },
        "json": { "user": "smoke", "n": 1 }
    })))
    .await;
    assert_pass(&sample);
    let asked = &peer.asked()[0];
    assert!(
        asked.head.starts_with("POST /login HTTP/1.1\r\n"),
        "{}",
        asked.head
    );
    assert_eq!(asked.header("x-request-source"), Some("smoke"));
    assert_eq!(asked.header("content-type"), Some("application/json"));
    assert_eq!(asked.body, br#"{"user":"smoke","n":1}"#);
}

#[tokio::test]
async fn the_time_ends_at_the_last_byte_though_the_connection_stays() {
    let peer = Peer::answering(answer("200 OK", &["connection: keep-alive"], b"ok")).await;
    let settings = json!({ "url": peer.url("/"), "method": "HEAD", "expect": { "status": 200 } });
    // An answer to HEAD has a length and no body: whoever waits for one waits in vain.
    let head = Peer::answering("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n").await;
    let mut of_head = settings.clone();
    of_head["url"] = json!(head.url("/"));
    assert_pass(&run(&*probe(json!({ "url": peer.url("/") }))).await);
    assert_pass(&run(&*probe(of_head)).await);
}

#[tokio::test]
async fn a_large_request_is_written_whole_before_the_answer_is_waited_for() {
    let peer = Peer::answering(answer("204 No Content", &[], b"")).await;
    let body = "x".repeat(8 << 20);
    let settings = json!({ "method": "PUT", "url": peer.url("/"), "body": body });
    let sample = run(&*probe(settings)).await;
    assert_pass(&sample);
    assert_eq!(peer.asked()[0].body.len(), body.len());
    assert!(sample.phases.get(Phase::Request) > Some(Duration::ZERO));
}
