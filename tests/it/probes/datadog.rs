//! The kind `datadog`, against a server of ours with the shapes of Datadog's documentation, the odd ones
//! included.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason};

use crate::harness::certificates::Authority;
use crate::harness::http_peer::{Does, Peer};
use crate::harness::looking::{Looking, build, reading};
use crate::harness::probing::{fault, passed};
use crate::harness::scripted_node::closed_port;

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Points a minute apart, the last of them so many seconds ago.
fn points(ago: i64, values: &[Value]) -> Value {
    let newest = jiff::Timestamp::now().as_millisecond() - ago * 1_000;
    let count = i64::try_from(values.len()).expect("a few");
    let points = (0..count).zip(values);
    points
        .map(|(at, value)| json!([newest - (count - 1 - at) * 60_000, value]))
        .collect()
}

/// An answer to a query, as documented.
fn series(series: &[(&str, Value)]) -> String {
    let series: Vec<Value> = series
        .iter()
        .map(|(scope, points)| {
            json!({
                "metric": "system.load.1", "display_name": "system.load.1", "unit": null,
                "scope": scope, "expression": "avg:system.load.1{*}", "aggr": "avg",
                "interval": 60, "length": points.as_array().map(Vec::len), "tag_set": [],
                "query_index": 0, "pointlist": points,
            })
        })
        .collect();
    json!({
        "status": "ok", "res_type": "time_series", "resp_version": 1, "query": "avg:system.load.1{*}",
        "from_date": 1, "to_date": 2, "message": "", "group_by": [], "series": series,
    })
    .to_string()
}

fn settings(url: &str, read: Value) -> Value {
    json!({
        "url": url, "read": read,
        "api_key": "canary-api-key", "application_key": "canary-application-key",
    })
}

#[tokio::test]
async fn queries_and_monitors_become_readings() {
    let two = series(&[
        (
            "env:prod,host:a",
            points(30, &[json!(1.0), json!(3.0), json!(null)]),
        ),
        ("env:prod,host:b", points(30, &[json!(2.0), json!(8.0)])),
    ]);
    let one = series(&[(
        "service:api",
        points(30, &[json!(1.0), json!(null), json!(5.0)]),
    )]);
    let does = Does::Answers(std::sync::Arc::new(move |asked| {
        let body = match asked.path() {
            path if path.starts_with("/v2/api/v1/monitor/42") => {
                json!({ "id": 42, "overall_state": "Warn", "name": "errors" }).to_string()
            }
            path if path.contains("by+%7Bhost%7D") => two.clone(),
            _ => one.clone(),
        };
        answer("200 OK", "", &body)
    }));
    let peer = Peer::start(does).await;
    let by_host = "avg:system.load.1{*} by {host}";
    let read = json!({
        "load": "avg:system.load.1{service:api}",
        "peak": { "query": by_host, "of": "max", "take": "max" },
        "by_host": { "query": by_host, "each": "host" },
        "total": { "query": "sum:errors{*}.as_count()", "of": "sum" },
        "alarm": { "monitor": 42 },
    });
    let mut settings = settings(&peer.url("/v2"), read);
    settings["expect"] = json!({ "load": { "lt": 6 } });
    let sample = Looking::with("datadog", &settings).run().await;
    passed(&sample);
    for (name, value) in [
        ("load", 5.0),
        ("peak", 8.0),
        ("by_host.a", 3.0),
        ("by_host.b", 8.0),
        ("total", 6.0),
        ("alarm", 1.0),
    ] {
        assert_eq!(reading(&sample, name), Some(value), "{name}: {sample:?}");
    }
    let asked = peer.asked();
    assert_eq!(peer.accepted(), 1, "all over one connection");
    assert_eq!(asked[0].header("dd-api-key"), Some("canary-api-key"));
    assert_eq!(
        asked[0].header("dd-application-key"),
        Some("canary-application-key")
    );
    assert!(!format!("{sample:?}").contains("canary"));

    settings["expect"] = json!({ "load": { "lt": 5 } });
    let sample = Looking::with("datadog", &settings).run().await;
    let detail = &fault(&sample, Reason::Expectation).detail;
    assert_eq!(detail, "load: expected { lt: 5 }, got 5");
}

#[tokio::test]
async fn what_datadog_has_no_value_of_means_what_the_check_says() {
    let monitor = json!({ "id": 1, "overall_state": "No Data" }).to_string();
    for (body, read, absent, reason, part) in [
        (
            series(&[]),
            json!("q"),
            "unknown",
            Some(Reason::NoData),
            "finds nothing",
        ),
        (
            series(&[]),
            json!("q"),
            "fail",
            Some(Reason::Expectation),
            "finds nothing",
        ),
        (series(&[]), json!("q"), "0", None, ""),
        (
            series(&[("*", points(30, &[json!(null), json!(null)]))]),
            json!("q"),
            "unknown",
            Some(Reason::NoData),
            "no value is younger than 5m",
        ),
        (
            series(&[("*", points(900, &[json!(7)]))]),
            json!("q"),
            "unknown",
            Some(Reason::NoData),
            "no value is younger than 5m",
        ),
        (
            series(&[
                ("host:a", points(1, &[json!(7)])),
                ("host:b", points(1, &[json!(7)])),
            ]),
            json!("q"),
            "0",
            Some(Reason::NoData),
            "gives 2 series",
        ),
        (
            json!({ "status": "error", "error": "Error parsing query: q", "series": [] })
                .to_string(),
            json!("q"),
            "0",
            Some(Reason::NoData),
            "refuses the query: Error parsing query",
        ),
        (
            monitor,
            json!({ "monitor": 1 }),
            "unknown",
            Some(Reason::NoData),
            "the state No Data",
        ),
    ] {
        let peer = Peer::answering(answer("200 OK", "", &body)).await;
        let mut settings = settings(&peer.url(""), json!({ "it": read }));
        settings["absent"] = json!(absent);
        let sample = Looking::with("datadog", &settings).run().await;
        match reason {
            Some(reason) => {
                let detail = &fault(&sample, reason).detail;
                assert!(
                    detail.contains(part) && detail.starts_with("it: "),
                    "{detail}"
                );
            }
            None => {
                passed(&sample);
                assert_eq!(reading(&sample, "it"), Some(0.0));
            }
        }
    }
}

#[tokio::test]
async fn a_datadog_that_refuses_hangs_resets_or_sends_garbage_teaches_nothing() {
    let page = |status: &str, headers: &str, body: &str| Does::Says(answer(status, headers, body));
    let errors = |words: &str| json!({ "errors": [words] }).to_string();
    let forbidden = errors("Forbidden canary-api-key");
    let limits = "x-ratelimit-limit: 100\r\nx-ratelimit-period: 60\r\nx-ratelimit-reset: 42\r\n";
    for (does, reason, part) in [
        (Does::Hangs, Reason::SourceDown, "Datadog: no whole answer"),
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
            "something else than Datadog",
        ),
        (
            page("200 OK", "", "{\"status\":\"ok\"}"),
            Reason::SourceDown,
            "something else",
        ),
        (page("500 Oops", "", ""), Reason::SourceDown, "got 500"),
        (
            page("403 No", "", &forbidden),
            Reason::SourceDenied,
            "refuses the keys (Forbidden ***)",
        ),
        (
            page("401 No", "", "<html>"),
            Reason::SourceDenied,
            "needs the scope timeseries_query",
        ),
        (
            page("429 Slowly", limits, &errors("Too many")),
            Reason::Throttled,
            "asked again in 42s",
        ),
        (
            page("429 Slowly", "", ""),
            Reason::Throttled,
            "run less often",
        ),
        (
            page("400 Bad", "", &errors("Invalid query")),
            Reason::NoData,
            "question: Invalid query",
        ),
    ] {
        let peer = Peer::start(does).await;
        let looking = Looking::with("datadog", &settings(&peer.url(""), json!({ "it": "q" })));
        let sample = looking.run_within(Duration::from_millis(700)).await;
        let detail = &fault(&sample, reason).detail;
        assert!(detail.contains(part), "{part}: {detail}");
        assert_eq!(sample.outcome, Outcome::Unknown);
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    }
    let dead = format!("http://{}", closed_port().await);
    let sample = Looking::with("datadog", &settings(&dead, json!({ "it": "q" })))
        .run()
        .await;
    assert!(
        fault(&sample, Reason::SourceDown)
            .detail
            .contains("refused")
    );
    let authority = Authority::new();
    let expired = Peer::start_tls(Does::Hangs, &authority.expired()).await;
    let mut settings = settings(&expired.url_by_name(""), json!({ "it": "q" }));
    settings["tls"] = json!({ "ca": authority.ca() });
    let sample = Looking::with("datadog", &settings).run().await;
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
        ("read", json!({}), "read"),
        ("read", json!({ "p95": "q" }), "read.p95"),
        ("read", json!({ "it": {} }), "read.it"),
        (
            "read",
            json!({ "it": { "monitor": 1, "of": "max" } }),
            "read.it",
        ),
        ("site", json!("evil.test/x"), "site"),
        ("site", json!("eu"), "site"),
        ("expect", json!({ "other": 1 }), "expect.other"),
    ] {
        let mut settings = settings("http://127.0.0.1:1", json!({ "it": "q" }));
        settings[key] = value;
        if key == "site" {
            settings.as_object_mut().expect("a mapping").remove("url");
        }
        let misfits = build("datadog", &settings).err().expect("a misfit");
        assert_eq!(misfits.len(), 1, "{settings}: {misfits:?}");
        assert_eq!(misfits[0].path.join("."), path, "{settings}");
    }
}
