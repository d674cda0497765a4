//! The kind `prometheus`, against a real Prometheus server that scrapes an endpoint of ours, and against
//! servers of our own for the shapes that a real one gives seldom.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason, Sample};

use crate::harness::certificates::Authority;
use crate::harness::http_peer::{Does, Peer};
use crate::harness::looking::{Looking, build, reading};
use crate::harness::probing::{fault, passed};
use crate::harness::prometheus::Prometheus;
use crate::harness::scripted_node::closed_port;

/// What a service exposes.
const EXPOSED: &str = "active_users{app=\"web\"} 40\nactive_users{app=\"api\"} 2\nodd NaN\n";

fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A service and a server that has scraped it.
async fn scraped() -> (Peer, Prometheus) {
    let service = Peer::answering(answer("200 OK", EXPOSED).as_slice()).await;
    let server = Prometheus::scraping(&[service.address().to_string()]).await;
    server.has("active_users").await;
    (service, server)
}

fn settings(url: &str, read: Value) -> Value {
    json!({ "url": url, "read": read })
}

fn detail(sample: &Sample) -> &str {
    sample.fault.as_ref().map_or("", |fault| &fault.detail)
}

#[tokio::test]
async fn queries_to_a_real_server_become_readings() {
    let (_service, server) = scraped().await;
    let mut settings = settings(
        &server.url(""),
        json!({
            "users": "sum(active_users)",
            "one": "active_users{app=\"web\"}",
            "most": { "query": "active_users", "take": "max" },
            "by_app": { "query": "active_users", "each": "app" },
            "answer": "scalar(sum(active_users)) + 1",
            "share": { "query": "active_users / on() group_left sum(active_users)", "take": "max", "unit": "share" },
            "nothing": { "query": "no_such_series", "absent": 0 },
            "odd": "odd",
        }),
    );
    settings["expect"] = json!({ "users": 42 });
    let looking = Looking::with("prometheus", &settings);
    let sample = looking.run().await;
    passed(&sample);
    for (name, value) in [
        ("users", 42.0),
        ("one", 40.0),
        ("most", 40.0),
        ("by_app.web", 40.0),
        ("by_app.api", 2.0),
        ("answer", 43.0),
        ("nothing", 0.0),
    ] {
        assert_eq!(reading(&sample, name), Some(value), "{name}");
    }
    assert!((reading(&sample, "share").unwrap() - 40.0 / 42.0).abs() < 1e-9);
    assert_eq!(reading(&sample, "odd"), None, "not a number is no reading");
    assert!(
        sample.notes.iter().any(|note| note.contains("no odd")),
        "{:?}",
        sample.notes
    );
    // What was answered long ago says nothing of now.
    looking.clock().pass(Duration::from_secs(600));
    assert!(
        fault(&looking.run().await, Reason::NoData)
            .detail
            .contains("10m")
    );
}

#[tokio::test]
async fn what_a_real_server_refuses_or_does_not_know_is_told() {
    let (_service, server) = scraped().await;
    for (query, absent, reason, says) in [
        (
            "sum(active_users",
            "unknown",
            Reason::NoData,
            "refuses the query (bad_data)",
        ),
        ("active_users", "unknown", Reason::NoData, "gives 2 series"),
        (
            "active_users[5m]",
            "unknown",
            Reason::NoData,
            "range of values",
        ),
        ("\"text\"", "unknown", Reason::NoData, "a text"),
        (
            "up + on() active_users",
            "unknown",
            Reason::NoData,
            "cannot be carried out",
        ),
        (
            "no_such_series",
            "unknown",
            Reason::NoData,
            "say what that means with `absent`",
        ),
        (
            "no_such_series",
            "fail",
            Reason::Expectation,
            "finds nothing",
        ),
    ] {
        let mut settings = settings(&server.url("/"), json!({ "it": query }));
        settings["absent"] = json!(absent);
        let sample = Looking::with("prometheus", &settings).run().await;
        let detail = &fault(&sample, reason).detail;
        assert!(
            detail.contains(says) && detail.contains("it: "),
            "{query}: {detail}"
        );
    }
    let mut wrong = settings(&server.url(""), json!({ "users": "sum(active_users)" }));
    wrong["expect"] = json!({ "users": { "lt": 10 } });
    let sample = Looking::with("prometheus", &wrong).run().await;
    assert_eq!(detail(&sample), "users: expected { lt: 10 }, got 42");
    assert_eq!(sample.outcome, Outcome::Fail);
}

/// An answer to an instant query, as of now.
fn scalar(more: &Value) -> String {
    let now = jiff::Timestamp::now().as_second();
    let mut answer =
        json!({ "status": "success", "data": { "resultType": "scalar", "result": [now, "1"] } });
    for (key, value) in more.as_object().expect("a mapping") {
        answer[key] = value.clone();
    }
    answer.to_string()
}

#[tokio::test]
async fn an_answer_of_which_a_part_is_missing_is_no_whole_one() {
    let warned = scalar(&json!({ "warnings": ["no store matched: 10.0.0.7 canary-token"] }));
    let remarked =
        scalar(&json!({ "warnings": ["PromQL warning: odd"], "infos": ["PromQL info: so"] }));
    for (body, partial, reason, note) in [
        (&warned, "unknown", Some(Reason::NoData), ""),
        (
            &warned,
            "accept",
            None,
            "a part of the data is missing: no store matched: 10.0.0.7 ***",
        ),
        (&remarked, "unknown", None, "PromQL info: so"),
    ] {
        let peer = Peer::answering(answer("200 OK", body)).await;
        let mut settings = settings(&peer.url(""), json!({ "it": "1" }));
        settings["partial"] = json!(partial);
        settings["headers"] = json!({ "authorization": "Bearer canary-token" });
        let sample = Looking::with("prometheus", &settings).run().await;
        assert_eq!(
            sample.fault.as_ref().map(|fault| fault.reason),
            reason,
            "{sample:?}"
        );
        assert!(sample.notes.concat().contains(note), "{:?}", sample.notes);
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
        assert_eq!(
            peer.asked()[0].header("authorization"),
            Some("Bearer canary-token")
        );
    }
}

#[tokio::test]
async fn a_server_that_refuses_hangs_resets_or_sends_garbage_teaches_nothing() {
    let says = |text: &str| Does::Says(text.as_bytes().to_vec());
    let error = |kind: &str| {
        json!({ "status": "error", "errorType": kind, "error": "canary-token" }).to_string()
    };
    let page = |status: &str, body: &str| Does::Says(answer(status, body));
    for (does, reason, part) in [
        (
            Does::Hangs,
            Reason::SourceDown,
            "Prometheus: no whole answer",
        ),
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
            says("220 mail.example ESMTP\r\n"),
            Reason::SourceDown,
            "is not HTTP",
        ),
        (
            page("200 OK", "<html>"),
            Reason::SourceDown,
            "something else than Prometheus",
        ),
        (
            page("200 OK", "{\"status\":\"success\"}"),
            Reason::SourceDown,
            "something else",
        ),
        (page("404 Nothing", "no"), Reason::SourceDown, "got 404"),
        (
            page("302 Found", ""),
            Reason::SourceDown,
            "redirects are not followed",
        ),
        (page("500 Oops", ""), Reason::SourceDown, "got 500"),
        (
            page("503 Busy", &error("timeout")),
            Reason::SourceDown,
            "gave the query up (timeout): ***",
        ),
        (
            page("401 No", ""),
            Reason::SourceDenied,
            "refused our credentials",
        ),
        (
            page("403 No", "<html>"),
            Reason::SourceDenied,
            "refused our credentials",
        ),
        (page("429 Slowly", ""), Reason::Throttled, "limits our rate"),
        (
            page("400 Bad", &error("bad_data")),
            Reason::NoData,
            "refuses the query",
        ),
    ] {
        let peer = Peer::start(does).await;
        let mut settings = settings(
            &peer.url("").replace("//", "//reader:canary-password@"),
            json!({ "it": "up" }),
        );
        settings["headers"] = json!({ "x-token": "canary-token" });
        let looking = Looking::with("prometheus", &settings);
        let sample = looking.run_within(Duration::from_millis(700)).await;
        let detail = &fault(&sample, reason).detail;
        assert!(detail.contains(part), "{part}: {detail}");
        assert_eq!(sample.outcome, Outcome::Unknown);
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    }
    let dead = format!("http://{}", closed_port().await);
    let sample = Looking::with("prometheus", &settings(&dead, json!({ "it": "up" })))
        .run()
        .await;
    assert!(
        fault(&sample, Reason::SourceDown)
            .detail
            .contains("refused")
    );
}

#[tokio::test]
async fn several_queries_share_one_connection_and_its_certificate_is_checked() {
    let authority = Authority::new();
    let does = Does::Answers(Arc::new(|_| answer("200 OK", &scalar(&json!({})))));
    let peer = Peer::start_tls(does.clone(), &authority.server()).await;
    let mut settings = settings(
        &peer.url_by_name(""),
        json!({ "a": "1", "b": "2", "c": "3" }),
    );
    settings["tls"] = json!({ "ca": authority.ca() });
    let sample = Looking::with("prometheus", &settings).run().await;
    passed(&sample);
    assert_eq!(peer.accepted(), 1);
    assert_eq!(peer.asked().len(), 3);
    let expired = Peer::start_tls(does, &authority.expired()).await;
    settings["url"] = json!(expired.url_by_name(""));
    let sample = Looking::with("prometheus", &settings).run().await;
    assert!(
        fault(&sample, Reason::SourceDown)
            .detail
            .contains("expired"),
        "{sample:?}"
    );
}

#[test]
fn settings_that_cannot_work_are_named() {
    for (read, expect, path) in [
        (json!({}), json!(null), "read"),
        (json!({ "p95": "up" }), json!(null), "read.p95"),
        (json!({ "it": " " }), json!(null), "read.it"),
        (json!({ "it": "up" }), json!({ "other": 1 }), "expect.other"),
    ] {
        let mut settings = settings("http://127.0.0.1:1", read);
        settings["expect"] = expect;
        let misfits = build("prometheus", &settings).err().expect("a misfit");
        assert_eq!(misfits.len(), 1, "{settings}: {misfits:?}");
        assert_eq!(misfits[0].path.join("."), path, "{settings}");
    }
}
