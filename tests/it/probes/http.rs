//! The kind `http` against servers that are well, wrong, and hostile.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::probe::{Misfit, Probe, Surroundings, attempt, registry};
use smokejumper::sample::{CheckId, Outcome, Phase, Reason, Sample};

use crate::harness::certificates::Authority;
use crate::harness::http_peer::{Asked, Does, Peer, answer};

mod keep_alive;
mod misbehaving;
mod redirects;
mod tls;

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
    build(settings).unwrap_or_else(|misfits| panic!("{misfits:?}"))
}

/// Runs once under a deadline that no healthy exchange on loopback comes near.
async fn run(probe: &dyn Probe) -> Sample {
    run_within(probe, Duration::from_secs(20), false).await
}

async fn run_within(probe: &dyn Probe, timeout: Duration, fresh: bool) -> Sample {
    let clock = Arc::new(RealClock(tokio::time::Instant::now()));
    attempt::run(probe, &CheckId::new("check"), clock, timeout, fresh).await
}

#[track_caller]
fn assert_fault(sample: &Sample, reason: Reason, part: &str) {
    let fault = sample
        .fault
        .as_ref()
        .unwrap_or_else(|| panic!("{part}: {sample:?}"));
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
async fn a_wrong_answer_says_what_was_expected_and_what_came() {
    let ok = |headers: &[&str], body: &[u8]| answer("200 OK", headers, body);
    let degraded = br#"{"status":"degraded","checks":{"database":{}}}"#;
    let cases = [
        (
            answer("503 Service Unavailable", &[], b""),
            json!({ "status": 200 }),
            Reason::Status,
            "expected status 200, got 503",
        ),
        (
            answer("404 Not Found", &[], b""),
            json!({ "status": [200, "3xx"], "json": { "$.a": 1 } }),
            Reason::Status,
            "expected status 200 or 3xx, got 404 (and 1 more)",
        ),
        (
            ok(&[], degraded),
            json!({ "json": { "$.status": "ok" } }),
            Reason::Expectation,
            r#"$.status: expected "ok", got "degraded""#,
        ),
        (
            ok(&[], degraded),
            json!({ "json": { "$.checks.database.status": "ok", "$.status": "ok" } }),
            Reason::Expectation,
            r#"$.checks.database: no member `status`, expected "ok" (and 1 more)"#,
        ),
        (
            ok(&[], b"<html>"),
            json!({ "json": { "$.status": { "not": "bad" } } }),
            Reason::Expectation,
            "the body is not JSON",
        ),
        (
            ok(&[], "[".repeat(50_000).as_bytes()),
            json!({ "json": { "$": { "exists": false } } }),
            Reason::Expectation,
            "recursion limit",
        ),
        (
            ok(&[], b"caf\xe9"),
            json!({ "body": { "contains": "caf" } }),
            Reason::Expectation,
            "not UTF-8 text",
        ),
        (
            ok(&["content-encoding: br"], b"??"),
            json!({ "text": { "not_contains": "x" } }),
            Reason::Expectation,
            "encoded as br",
        ),
        (
            ok(&[], b""),
            json!({ "headers": { "x-version": "2" } }),
            Reason::Expectation,
            r#"header x-version: expected "2", got nothing"#,
        ),
        (
            ok(&["cache-control: no-cache", "Cache-Control: private"], b""),
            json!({ "headers": { "cache-control": { "contains": "no-store" } } }),
            Reason::Expectation,
            r#"got "no-cache, private""#,
        ),
    ];
    for (answer, expect, reason, detail) in cases {
        let peer = Peer::answering(answer).await;
        let sample = run(&*probe(json!({ "url": peer.url("/"), "expect": expect }))).await;
        assert_fault(&sample, reason, detail);
        peer.all_closed().await;
    }
}

#[tokio::test]
async fn a_status_by_which_the_target_asks_for_patience_is_transient() {
    for (status, transient) in [
        ("429 x", true),
        ("503 x", true),
        ("504 x", true),
        ("500 x", false),
    ] {
        let peer = Peer::answering(answer(status, &[], b"")).await;
        let sample = run(&*probe(json!({ "url": peer.url("/") }))).await;
        let fault = sample.fault.expect("it is a fault");
        assert_eq!(
            (fault.reason, fault.transient),
            (Reason::Status, transient),
            "{status}"
        );
    }
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
async fn secrets_reach_the_target_and_nothing_else() {
    let peer = Peer::answering(answer("500 Oops", &[], b"canary-in-body")).await;
    let host = peer.address();
    let sample = run(&*probe(json!({
        "url": format!("http://smoke:canary%2Dpassword@{host}/?key=canary-query"),
        "headers": { "x-api-key": "canary-header" },
        "method": "POST",
        "body": "canary-sent"
    })))
    .await;
    assert_fault(&sample, Reason::Status, "got 500");
    let printed = format!("{sample:?}");
    assert!(!printed.contains("canary"), "{printed}");
    let asked = &peer.asked()[0];
    // "smoke:canary-password"
    assert_eq!(
        asked.header("authorization"),
        Some("Basic c21va2U6Y2FuYXJ5LXBhc3N3b3Jk")
    );
    assert_eq!(asked.header("x-api-key"), Some("canary-header"));
    assert_eq!(asked.path(), "/?key=canary-query");
    assert_eq!(asked.body, b"canary-sent");
}

#[test]
fn settings_that_cannot_work_are_named() {
    let url = "http://127.0.0.1:1/";
    let cases = [
        (
            json!({ "url": url, "expect": {} }),
            "expect",
            "an empty expectation",
        ),
        (
            json!({ "url": url, "body": "a", "json": 1 }),
            "json",
            "has one body",
        ),
        (
            json!({ "url": url, "headers": { "a b": "c" } }),
            "headers.a b",
            "not the name",
        ),
        (
            json!({ "url": url, "headers": { "a": "c\nd" } }),
            "headers.a",
            "no header can carry",
        ),
        (
            json!({ "url": url, "headers": { "content-length": "1" } }),
            "headers.content-length",
            "by the protocol",
        ),
        (
            json!({ "url": url, "headers": { "a": "1", "A": "2" } }),
            "headers.a",
            "twice",
        ),
        (
            json!({ "url": url, "body_limit": "65MiB" }),
            "body_limit",
            "not read",
        ),
        (
            json!({ "url": url, "expect": { "headers": { "a b": 1 } } }),
            "expect.headers.a b",
            "not the name",
        ),
        (
            json!({ "url": url, "tls": { "ca": "/nowhere/ca.pem" } }),
            "tls.ca",
            "cannot read",
        ),
    ];
    for (settings, path, message) in cases {
        let misfits = build(settings.clone())
            .err()
            .unwrap_or_else(|| panic!("{settings}"));
        assert_eq!(misfits.len(), 1, "{misfits:?}");
        assert_eq!(misfits[0].path.join("."), path);
        assert!(misfits[0].message.contains(message), "{misfits:?}");
    }
}

#[test]
fn settings_that_cannot_be_read_say_what_to_write() {
    let url = "http://127.0.0.1:1/";
    let cases = [
        (json!({ "url": "example.com" }), "not an address"),
        (
            json!({ "url": "ftp://example.com" }),
            "write http:// or https://",
        ),
        (json!({ "url": url, "method": "CONNECT" }), "tunnel"),
        (json!({ "url": url, "redirects": "never" }), "follow"),
        (
            json!({ "url": url, "expect": { "status": 20 } }),
            "write 200, [200, 204] or 2xx",
        ),
        (
            json!({ "url": url, "expect": { "status": "ok" } }),
            "write 200, [200, 204] or 2xx",
        ),
        (
            json!({ "url": url, "expect": { "status": [] } }),
            "expects nothing",
        ),
        (
            json!({ "url": url, "expect": { "json": { "status": 1 } } }),
            "starts with `$`",
        ),
        (
            json!({ "url": url, "expect": { "body": { "contain": 1 } } }),
            "not_contains",
        ),
    ];
    for (settings, message) in cases {
        let error = registry::build("http", settings.clone(), &Surroundings::default())
            .expect("the kind is registered")
            .err()
            .unwrap_or_else(|| panic!("{settings}"))
            .to_string();
        assert!(error.contains(message), "{settings}: {error}");
    }
}
