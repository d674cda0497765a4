//! Checks with a rate, against servers of our own that stall, never answer, or are slow and well.

use std::time::Duration;

use serde_json::Value;

use super::program::Program;
use crate::harness::slow_peer::SlowPeer;

/// A check of a peer with these settings besides.
fn load(peer: &SlowPeer, settings: &str) -> Program {
    Program::with(&format!(
        "checks:\n  page:\n    http: {{ url: \"{}\", expect: {{ status: 200 }}, connection: keep_alive }}\n{settings}",
        peer.url()
    ))
}

fn number(report: &Value, path: &str) -> f64 {
    let value = report["checks"][0].pointer(path);
    let number = value.and_then(Value::as_f64);
    number.unwrap_or_else(|| panic!("{path} of {report}"))
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stalls_once_cannot_hide_it() {
    let peer = SlowPeer::start(|after| match after {
        after if after > SECOND && after < 2 * SECOND => 2 * SECOND - after,
        _ => Duration::ZERO,
    })
    .await;
    let program = load(&peer, "    rate: 100/s\n    max_in_flight: 5\n");
    let ran = program
        .run(&["gate", "--for", "4s", "--report", "json"])
        .await;
    let report = ran.expect(0).json();
    assert_eq!(number(&report, "/samples"), 401.0);
    assert_eq!(number(&report, "/unsent"), 0.0);
    // A hundred of four hundred were due in the stall, half of them in its first half.
    assert!(number(&report, "/latency_ms/p90") >= 400.0, "{report}");
    assert!(number(&report, "/latency_ms/p99") >= 850.0, "{report}");
    assert!(peer.peak() <= 5, "{}", peer.peak());
    assert_eq!(number(&report, "/in_flight_peak"), 5.0);
    assert_eq!(peer.asked(), 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_never_answers_fails_however_little_could_be_sent() {
    let peer = SlowPeer::start(|_| Duration::from_secs(3_600)).await;
    let program = load(
        &peer,
        "    rate: 100/s\n    max_in_flight: 10\n    timeout: 1s\n",
    );
    let ran = program
        .run(&["gate", "--for", "3s", "--report", "json"])
        .await;
    let report = ran.expect(1).json();
    assert!(number(&report, "/errored") >= 20.0, "{report}");
    assert!(number(&report, "/unsent") > 0.0, "{report}");
    let due = number(&report, "/samples") + number(&report, "/unsent");
    assert_eq!(due, 301.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_that_is_too_small_for_the_rate_is_no_failure_of_the_target() {
    let peer = SlowPeer::start(|_| Duration::from_millis(300)).await;
    let settings = "    rate: 50/s\n    max_in_flight: 3\n    timeout: 2s\n    \
                    thresholds: { p95: { critical: \"> 1500ms\" } }\n";
    let ran = load(&peer, settings)
        .run(&["gate", "--for", "3s", "--report", "json"])
        .await;
    let report = ran.expect(3).json();
    let reason = &report["checks"][0]["reasons"][0];
    assert_eq!(reason["code"], "unsent", "{report}");
    let text = reason["text"].as_str().unwrap_or_default();
    assert!(text.contains("max_in_flight"), "{text}");
    assert_eq!(number(&report, "/in_flight_peak"), 3.0);
    assert_eq!(number(&report, "/errored"), 0.0, "{report}");
    assert!(peer.peak() <= 3, "{}", peer.peak());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_is_shown_to_people_within_eighty_columns() {
    let peer = SlowPeer::start(|_| Duration::ZERO).await;
    let program = load(&peer, "    rate: 100/s\n");
    let ran = program.run(&["gate", "--samples", "50"]).await;
    let text = &ran.expect(0).stdout;
    let said: Vec<&str> = text.split_whitespace().collect();
    assert!(said.join(" ").contains("/s sent, at most"), "{text}");
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    assert_eq!(peer.asked(), 50);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_says_how_much_will_be_sent_and_warns_of_much() {
    let program = Program::with(
        "checks:\n  page:\n    http: { url: http://127.0.0.1:9/, expect: { status: 200 } }\n    \
         rate: { from: 10/s, to: 2000/s, over: 5m }\n",
    );
    let ran = program.run(&["plan"]).await;
    let shown = &ran.expect(0).stdout;
    // 1,005 a second in the middle for five minutes, and 2,000 for the other five.
    let whole = "901501 requests in a bake, up to 2000 a second, at most 500 in flight";
    let said: Vec<&str> = shown.split_whitespace().collect();
    assert!(said.join(" ").contains(whole), "{shown}");
    assert!(ran.stderr.contains("2000/s"), "{}", ran.stderr);
}
