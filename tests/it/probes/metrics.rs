//! The kind `metrics`, against a real Prometheus server's own endpoint, against an endpoint of our own
//! whose numbers the test sets, and against peers that misbehave.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason, Sample, Unit};

use crate::harness::http_peer::{Does, Peer};
use crate::harness::looking::{Looking, build, reading};
use crate::harness::probing::{fault, passed};
use crate::harness::prometheus::Prometheus;
use crate::harness::scripted_node::closed_port;

mod misbehaving;

/// An endpoint whose text the test sets.
struct Endpoint {
    peer: Peer,
    text: Arc<Mutex<String>>,
}

impl Endpoint {
    async fn start(text: &str) -> Self {
        let text = Arc::new(Mutex::new(text.to_owned()));
        let shared = Arc::clone(&text);
        let does = Does::Answers(Arc::new(move |_| {
            exposed(&shared.lock().expect("nobody panicked"))
        }));
        Self {
            peer: Peer::start(does).await,
            text,
        }
    }

    fn set(&self, text: &str) {
        text.clone_into(&mut self.text.lock().expect("nobody panicked"));
    }

    fn looking(&self, mut settings: Value) -> Looking {
        settings["url"] = json!(self.peer.url("/metrics"));
        Looking::with("metrics", &settings)
    }
}

/// An answer in the older text format.
fn exposed(text: &str) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=0.0.4\r\ncontent-length:";
    format!("{head} {}\r\n\r\n{text}", text.len()).into_bytes()
}

fn names(sample: &Sample) -> Vec<&str> {
    let names = sample.readings.iter().map(|reading| &*reading.name);
    names.filter(|name| *name != "body_bytes").collect()
}

/// What a service exposes: process, users, requests by status, a histogram of two buckets.
fn service(began: u32, users: u32, good: u32, bad: u32, fast: u32, slow: u32) -> String {
    let all = fast + slow;
    format!(
        "# HELP active_users Who is there.\n# TYPE active_users gauge\n\
         process_start_time_seconds {began}\n\
         active_users{{app=\"web\"}} {users}\n\
         http_requests_total{{status=\"200\"}} {good}\n\
         http_requests_total{{status=\"503\"}} {bad}\n\
         http_request_duration_seconds_bucket{{le=\"0.1\"}} {fast}\n\
         http_request_duration_seconds_bucket{{le=\"0.5\"}} {all}\n\
         http_request_duration_seconds_bucket{{le=\"+Inf\"}} {all}\n"
    )
}

fn everything() -> Value {
    json!({ "read": {
        "users": "active_users{app=\"web\"}",
        "rps": { "rate": "http_requests_total" },
        "errors": { "increase": "http_requests_total{status=~\"5..\"}" },
        "error_share": { "ratio": { "of": "http_requests_total{status=~\"5..\"}", "over": "http_requests_total" } },
        "users_p95": { "quantile": 0.95, "histogram": "http_request_duration_seconds" },
    } })
}

const OLD: u32 = 1_700_000_000;

#[tokio::test]
async fn a_real_endpoint_is_read_in_both_formats() {
    let server = Prometheus::scraping(&[]).await;
    let url = server.url("/metrics");
    let settings = json!({ "url": url, "read": {
        "goroutines": "go_goroutines",
        "memory": "process_resident_memory_bytes",
        "up_for": { "age": "process_start_time_seconds" },
        "asked": { "rate": "prometheus_http_requests_total" },
        "share": { "ratio": {
            "of": "prometheus_http_requests_total{handler=\"/metrics\"}",
            "over": "prometheus_http_requests_total",
        } },
        "slowest": { "quantile": 1.0, "histogram": "prometheus_http_response_size_bytes" },
    }, "expect": { "goroutines": { "gt": 1 } } });
    let mut older = settings.clone();
    older["headers"] = json!({ "accept": "text/plain;version=0.0.4" });
    for settings in [settings, older] {
        let looking = Looking::with("metrics", &settings);
        let first = looking.run().await;
        passed(&first);
        assert_eq!(names(&first), ["goroutines", "memory", "up_for"]);
        assert!(reading(&first, "memory").unwrap() > 1_000_000.0);
        assert!(reading(&first, "up_for").unwrap() < 600.0);
        looking.clock().pass(Duration::from_secs(1));
        let second = looking.run().await;
        passed(&second);
        // What it answered to us at least.
        assert!(reading(&second, "asked").unwrap() > 0.0, "{second:?}");
        assert!(reading(&second, "share").unwrap() > 0.0, "{second:?}");
        assert!(reading(&second, "slowest").unwrap() > 0.0, "{second:?}");
    }
}

#[tokio::test]
async fn what_users_meet_is_measured_between_two_scrapes() {
    let endpoint = Endpoint::start(&service(OLD, 40, 1_000, 10, 900, 100)).await;
    let looking = endpoint.looking(everything());
    let first = looking.run().await;
    passed(&first);
    assert_eq!(names(&first), ["users"], "one scrape gives no rate");
    assert!(first.notes[0].contains("two scrapes"), "{:?}", first.notes);

    looking.clock().pass(Duration::from_secs(10));
    endpoint.set(&service(OLD, 35, 1_090, 20, 980, 120));
    let second = looking.run().await;
    passed(&second);
    let rps = reading(&second, "rps").unwrap();
    assert!(
        (9.0..=10.0).contains(&rps),
        "100 in 10 s and a little: {rps}"
    );
    assert_eq!(reading(&second, "users"), Some(35.0));
    assert_eq!(reading(&second, "errors"), Some(10.0));
    assert_eq!(reading(&second, "error_share"), Some(0.1));
    let p95 = reading(&second, "users_p95").unwrap();
    assert!(
        (p95 - 0.4).abs() < 1e-9,
        "three quarters into the second bucket: {p95}"
    );
    let unit = |name: &str| {
        let mut readings = second.readings.iter();
        readings
            .find(|reading| &*reading.name == name)
            .map(|reading| reading.unit)
    };
    assert_eq!(unit("users_p95"), Some(Unit::Seconds));
    assert_eq!(unit("error_share"), Some(Unit::Share));

    looking.clock().pass(Duration::from_secs(10));
    let idle = looking.run().await;
    passed(&idle);
    assert_eq!(reading(&idle, "rps"), Some(0.0));
    assert_eq!(
        names(&idle),
        ["errors", "rps", "users"],
        "nobody came: no share, no quantile"
    );
}

#[tokio::test]
async fn a_restart_and_a_long_silence_invent_nothing() {
    let endpoint = Endpoint::start(&service(OLD, 40, 1_000, 10, 900, 100)).await;
    let looking = endpoint.looking(everything());
    passed(&looking.run().await);
    // A process that began after the last scrape counts from zero.
    looking.clock().pass(Duration::from_secs(10));
    let began = u32::try_from(jiff::Timestamp::now().as_second() + 5).unwrap();
    endpoint.set(&service(began, 3, 18, 2, 10, 10));
    let restarted = looking.run().await;
    assert_eq!(
        reading(&restarted, "error_share"),
        Some(0.1),
        "{restarted:?}"
    );
    // One that is older and was never met says nothing yet.
    looking.clock().pass(Duration::from_secs(10));
    endpoint.set(&service(OLD - 7, 40, 90_000, 10, 900, 100));
    assert_eq!(names(&looking.run().await), ["users"]);
    // And neither does one that was met too long ago.
    looking.clock().pass(Duration::from_secs(301));
    endpoint.set(&service(OLD - 7, 40, 99_000, 10, 900, 100));
    assert_eq!(names(&looking.run().await), ["users"]);
}

#[tokio::test]
async fn two_processes_behind_one_name_invent_nothing() {
    let one = |requests: u32| service(OLD, 1, requests, 0, requests, 0);
    let other = |requests: u32| service(OLD + 60, 1, requests, 0, requests, 0);
    let endpoint = Endpoint::start(&one(100_000)).await;
    let looking = endpoint.looking(everything());
    for (text, grown) in [
        (one(100_000), None),
        (other(500), None),
        (one(100_010), Some(10.0)),
        (other(520), Some(20.0)),
    ] {
        endpoint.set(&text);
        looking.clock().pass(Duration::from_secs(10));
        let sample = looking.run().await;
        passed(&sample);
        let rps = reading(&sample, "rps");
        assert_eq!(rps.is_some(), grown.is_some(), "{sample:?}");
        assert!(rps.unwrap_or(0.0) <= grown.unwrap_or(0.0), "{sample:?}");
    }
    // Both began at the same moment: nothing can be said.
    endpoint.set(&service(OLD, 1, 7, 0, 7, 0));
    looking.clock().pass(Duration::from_secs(10));
    let mixed = looking.run().await;
    assert!(
        fault(&mixed, Reason::NoData)
            .detail
            .contains("addresses: tasks")
    );
}

#[tokio::test]
async fn a_series_that_is_not_there_means_what_the_check_says() {
    let endpoint = Endpoint::start("up 1\n").await;
    let read = |absent: Value| json!({ "read": { "jobs": { "series": "jobs_waiting", "absent": absent } } });
    for (absent, reason) in [
        (json!("fail"), Some(Reason::Expectation)),
        (json!("unknown"), Some(Reason::NoData)),
        (json!("0"), None),
    ] {
        let sample = endpoint.looking(read(absent.clone())).run().await;
        match reason {
            Some(reason) => {
                let detail = &fault(&sample, reason).detail;
                assert!(detail.contains("no series jobs_waiting"), "{detail}");
            }
            None => {
                passed(&sample);
                assert_eq!(reading(&sample, "jobs"), Some(0.0));
            }
        }
    }
    let usual = endpoint.looking(json!({ "read": { "jobs": "jobs_waiting" } }));
    assert_eq!(usual.run().await.outcome, Outcome::Unknown);
    // A failure goes before what cannot be told.
    let both = json!({
        "read": { "jobs": "jobs_waiting", "up": "up" },
        "expect": { "up": { "ge": 2 } },
    });
    let sample = endpoint.looking(both).run().await;
    let detail = &fault(&sample, Reason::Expectation).detail;
    assert!(detail.contains("up: expected { ge: 2 }, got 1"), "{detail}");
    // A rate is not there yet, so that nothing expected of it can be told.
    let rate = json!({ "read": { "rps": { "rate": "up" } }, "expect": { "rps": { "gt": 0 } } });
    let sample = endpoint.looking(rate).run().await;
    assert!(
        fault(&sample, Reason::NoData)
            .detail
            .contains("cannot be told")
    );
}

#[tokio::test]
async fn each_address_has_its_own_memory_and_a_kept_connection_is_used_again() {
    let endpoint = Endpoint::start(&service(OLD, 40, 1_000, 10, 900, 100)).await;
    let mut settings = everything();
    settings["connection"] = json!("keep_alive");
    let looking = endpoint.looking(settings);
    for _ in 0..3 {
        passed(&looking.run().await);
    }
    assert_eq!(endpoint.peer.accepted(), 1);
    let probe = build(
        "metrics",
        &json!({ "url": endpoint.peer.url_by_name("/"), "addresses": "each", "read": { "up": "up" } }),
    );
    assert_eq!(
        probe
            .ok()
            .and_then(|it| it.asks_addresses_of().map(str::to_owned))
            .as_deref(),
        Some("localhost")
    );
}

#[test]
fn settings_that_cannot_work_are_named() {
    let with = |more: Value| {
        let mut settings = json!({ "url": "http://127.0.0.1:1/", "read": { "up": "up" } });
        for (key, value) in more.as_object().expect("a mapping") {
            settings[key] = value.clone();
        }
        settings
    };
    for (settings, path) in [
        (with(json!({ "read": {} })), "read"),
        (with(json!({ "read": { "p95": "up" } })), "read.p95"),
        (
            with(json!({ "read": { "up": "sum(up)" } })),
            "read.up.series",
        ),
        (with(json!({ "expect": { "down": 1 } })), "expect.down"),
        (with(json!({ "max_gap": "0s" })), "max_gap"),
        (with(json!({ "body_limit": "1GiB" })), "body_limit"),
        (
            with(json!({ "headers": { "bad name": "x" } })),
            "headers.bad name",
        ),
        (
            with(json!({ "addresses": "tasks", "connection": "keep_alive" })),
            "connection",
        ),
    ] {
        let misfits = build("metrics", &settings).err().expect("a misfit");
        assert_eq!(misfits.len(), 1, "{settings}: {misfits:?}");
        assert_eq!(misfits[0].path.join("."), path, "{settings}");
    }
}
