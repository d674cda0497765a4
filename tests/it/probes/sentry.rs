//! The kind `sentry`, against a server of ours with the shapes of Sentry's documentation, the odd ones
//! included.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::clock::Moment;
use smokejumper::probe::attempt::Conditions;
use smokejumper::sample::{Outcome, Reason};

use crate::harness::certificates::Authority;
use crate::harness::http_peer::{Does, Peer};
use crate::harness::looking::{Looking, build, reading};
use crate::harness::probing::{fault, passed, run_under};
use crate::harness::scripted_node::closed_port;

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// An answer with counts, as documented.
fn counts(events: u32, issues: u32, users: u32) -> String {
    json!({
        "data": [{ "count()": events, "count_unique(issue)": issues, "count_unique(user)": users }],
        "meta": { "fields": { "count()": "integer" }, "units": {}, "isMetricsData": false },
        "confidence": [],
    })
    .to_string()
}

fn settings(url: &str) -> Value {
    json!({
        "url": url, "token": "canary-token", "organization": "acme", "project": "shop",
        "release": "shop@1.4.2", "environment": "production",
    })
}

/// The parameters of a request.
fn parameters(path: &str) -> Vec<(String, String)> {
    let url: url::Url = format!("http://s{path}").parse().expect("a path");
    url.query_pairs().into_owned().collect()
}

fn seconds(parameters: &[(String, String)]) -> i64 {
    let moment = |key: &str| {
        let (_, text) = parameters
            .iter()
            .find(|(name, _)| name == key)
            .expect("it is there");
        let moment: jiff::Timestamp = format!("{text}Z").parse().expect("a moment");
        moment.as_second()
    };
    moment("end") - moment("start")
}

#[tokio::test]
async fn errors_of_a_release_are_counted() {
    let peer = Peer::answering(answer("200 OK", "", &counts(120, 3, 50))).await;
    let mut settings = settings(&peer.url(""));
    settings["query"] = json!("level:fatal");
    settings["expect"] = json!({ "issues": { "lt": 5 } });
    let sample = Looking::with("sentry", &settings).run().await;
    passed(&sample);
    for (name, value) in [
        ("events", 120.0),
        ("issues", 3.0),
        ("users", 50.0),
        ("events_per_minute", 12.0),
    ] {
        assert_eq!(reading(&sample, name), Some(value), "{name}");
    }
    let asked = &peer.asked()[0];
    assert_eq!(asked.header("authorization"), Some("Bearer canary-token"));
    assert!(
        asked
            .path()
            .starts_with("/api/0/organizations/acme/events/?")
    );
    let parameters = parameters(asked.path());
    let search = parameters
        .iter()
        .find(|(name, _)| name == "query")
        .expect("a search");
    assert_eq!(
        search.1,
        "event.type:error project:shop release:\"shop@1.4.2\" level:fatal"
    );
    assert_eq!(seconds(&parameters), 600);
    assert!(!format!("{sample:?}").contains("canary"));

    settings["expect"] = json!({ "issues": 0 });
    let sample = Looking::with("sentry", &settings).run().await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "issues: expected 0, got 3"
    );
}

#[tokio::test]
async fn in_a_bake_nothing_from_before_it_counts() {
    let peer = Peer::answering(answer("200 OK", "", &counts(6, 1, 1))).await;
    let probe = build("sentry", &settings(&peer.url(""))).expect("it can work");
    let conditions = Conditions {
        in_window: true,
        opened_since: Moment::ORIGIN,
        ..Conditions::default()
    };
    let sample = run_under(conditions, Duration::from_secs(5), &*probe).await;
    passed(&sample);
    // The window has just begun: a second at least, and a minute for the rate.
    assert!(seconds(&parameters(peer.asked()[0].path())) < 60);
    assert_eq!(reading(&sample, "events_per_minute"), Some(6.0));
}

#[tokio::test]
async fn a_sentry_that_refuses_hangs_resets_or_sends_garbage_teaches_nothing() {
    let page = |status: &str, headers: &str, body: &str| Does::Says(answer(status, headers, body));
    let detail = |words: &str| json!({ "detail": words }).to_string();
    let reset = jiff::Timestamp::now().as_second() + 600;
    let limits = format!("x-sentry-rate-limit-limit: 40\r\nx-sentry-rate-limit-reset: {reset}\r\n");
    for (does, reason, part) in [
        (Does::Hangs, Reason::SourceDown, "Sentry: no whole answer"),
        (Does::Resets, Reason::SourceDown, "connection reset"),
        (Does::Closes, Reason::SourceDown, "connection closed"),
        (
            Does::Drips("HTTP/1.1 200 OK\r\n\r\n"),
            Reason::SourceDown,
            "no whole answer",
        ),
        (
            Does::Floods("HTTP/1.1 200 OK\r\n\r\n", 64),
            Reason::SourceDown,
            "larger than allowed",
        ),
        (
            Does::Says(b"garbage\r\n".to_vec()),
            Reason::SourceDown,
            "is not HTTP",
        ),
        (
            page("200 OK", "", "<html>"),
            Reason::SourceDown,
            "something else than Sentry",
        ),
        (
            page("200 OK", "", "{\"data\":[{}]}"),
            Reason::SourceDown,
            "something else than Sentry",
        ),
        (page("502 Bad", "", "<html>"), Reason::SourceDown, "got 502"),
        (
            page("302 Found", "location: /auth/\r\n", ""),
            Reason::SourceDown,
            "redirects are not followed",
        ),
        (
            page("401 No", "", &detail("Invalid token canary-token")),
            Reason::SourceDenied,
            "(Invalid token ***)",
        ),
        (
            page("403 No", "", &detail("No permission")),
            Reason::SourceDenied,
            "org:read and event:read",
        ),
        (
            page("429 Slowly", &limits, &detail("Slow")),
            Reason::Throttled,
            "it may be asked again in",
        ),
        (
            page("400 Bad", "", &detail("Invalid query")),
            Reason::NoData,
            "(Invalid query)",
        ),
        (
            page("404 None", "", &detail("Not there")),
            Reason::NoData,
            "`organization`, `project`",
        ),
        (
            page("404 None", "", "no"),
            Reason::NoData,
            "(status 404 Not Found)",
        ),
    ] {
        let peer = Peer::start(does).await;
        let looking = Looking::with("sentry", &settings(&peer.url("")));
        let sample = looking.run_within(Duration::from_millis(700)).await;
        let detail = &fault(&sample, reason).detail;
        assert!(detail.contains(part), "{part}: {detail}");
        assert_eq!(sample.outcome, Outcome::Unknown);
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    }
    let dead = format!("http://{}", closed_port().await);
    let sample = Looking::with("sentry", &settings(&dead)).run().await;
    assert!(
        fault(&sample, Reason::SourceDown)
            .detail
            .contains("refused")
    );
    let authority = Authority::new();
    let expired = Peer::start_tls(Does::Hangs, &authority.expired()).await;
    let mut settings = settings(&expired.url_by_name(""));
    settings["tls"] = json!({ "ca": authority.ca() });
    let sample = Looking::with("sentry", &settings).run().await;
    assert!(
        fault(&sample, Reason::SourceDown)
            .detail
            .contains("expired"),
        "{sample:?}"
    );
}

#[test]
fn settings_that_cannot_work_are_named() {
    for (key, value, path) in [
        ("organization", json!("acme/x"), "organization"),
        ("project", json!(""), "project"),
        ("over", json!("0s"), "over"),
        ("expect", json!({ "crashes": 0 }), "expect.crashes"),
    ] {
        let mut settings = settings("http://127.0.0.1:1");
        settings[key] = value;
        let misfits = build("sentry", &settings).err().expect("a misfit");
        assert_eq!(misfits.len(), 1, "{settings}: {misfits:?}");
        assert_eq!(misfits[0].path.join("."), path, "{settings}");
    }
}
