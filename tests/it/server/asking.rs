//! What can be asked: each path answers, lists come in parts, nothing secret leaves, and every error has
//! one form.

use std::sync::atomic::Ordering;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use smokejumper::engine::serve::live::ConfigurationNow;

use super::client::{Answer, Asking};
use super::stage::{CANARY, CLOSED, OPEN, Stage, happening, open};

/// Paths that answer, each with what stands in its answer.
const PATHS: &[(&str, &str)] = &[
    ("/healthz", "ok"),
    ("/readyz", "\"ready\":true"),
    ("/metrics", "smokejumper_build_info{"),
    ("/api/v1/status", "\"verdict\":\"fail\""),
    ("/api/v1/services", "\"name\":\"worker\""),
    ("/api/v1/services/api", "\"revision\":\"api:42\""),
    ("/api/v1/checks", "\"id\":\"check-4\""),
    (
        "/api/v1/checks/check-0",
        "\"limits\":[\"error_rate critical > 5%\"]",
    ),
    ("/api/v1/checks/check-0/samples", "\"latency_ms\":31.25"),
    ("/api/v1/checks/check-0/failures", "\"reason\":\"status\""),
    ("/api/v1/checks/check-0/slices", "\"passed\":"),
    ("/api/v1/windows", "\"state\":\"baking\""),
    (
        "/api/v1/windows/01JD0000000000000000000002",
        "\"action\":\"roll_back\"",
    ),
    (
        "/api/v1/windows/01JD0000000000000000000001",
        "\"detected_after_s\":12.5",
    ),
    (
        "/api/v1/windows/01JD0000000000000000000001/report",
        "smokejumper.report/1",
    ),
    (
        "/api/v1/windows/01JD0000000000000000000001/report?format=text",
        "decided: roll back",
    ),
    (
        "/api/v1/windows/01JD0000000000000000000001/report?format=samples",
        "\"window_start\"",
    ),
    ("/api/v1/decisions", "\"kind\":\"decided\""),
    (
        "/api/v1/happenings?kind=check_judged",
        "\"kind\":\"check_judged\"",
    ),
    ("/api/v1/silences", "\"about\":\"service api\""),
    ("/api/v1/silences/quiet", "\"by\":\"pipeline\""),
    ("/api/v1/openapi.json", "\"openapi\":\"3.1"),
];

#[tokio::test]
async fn every_path_answers_and_no_secret_leaves() {
    let stage = open().await;
    for (path, expected) in PATHS {
        let answer = stage.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert!(answer.text.contains(expected), "{path}: {}", answer.text);
        assert!(
            !answer.text.contains(CANARY),
            "{path} shows a secret: {}",
            answer.text
        );
        assert!(!answer.header("x-request-id").is_empty(), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
    }
}

/// Follows the links from one part of a list to the next.
async fn whole(stage: &Stage, first: &str) -> (Vec<Value>, usize) {
    let (mut items, mut parts, mut path) = (Vec::new(), 0, first.to_owned());
    loop {
        let answer = stage.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        let body = answer.json();
        items.extend(body["items"].as_array().expect("items").iter().cloned());
        parts += 1;
        let Some(next) = body["next"].as_str() else {
            assert_eq!(answer.header("link"), "");
            return (items, parts);
        };
        assert_eq!(answer.header("link"), format!("<{next}>; rel=\"next\""));
        path = next.to_owned();
    }
}

#[tokio::test]
async fn lists_come_in_parts_that_make_the_whole() {
    let stage = open().await;
    let cases = [
        ("/api/v1/checks", "id", 5),
        ("/api/v1/checks?service=api", "id", 3),
        ("/api/v1/checks?verdict=pass&tag=core", "id", 2),
        ("/api/v1/services", "name", 2),
        ("/api/v1/windows", "id", 2),
        ("/api/v1/windows?service=api", "id", 2),
        ("/api/v1/windows?service=worker", "id", 0),
        ("/api/v1/decisions", "id", 3),
        ("/api/v1/happenings", "id", 7),
        ("/api/v1/checks/check-0/samples", "at", 30),
    ];
    for (path, name, count) in cases {
        let (all, _) = whole(&stage, path).await;
        let ask = if path.contains('?') { '&' } else { '?' };
        let (items, parts) = whole(&stage, &format!("{path}{ask}limit=2")).await;
        assert_eq!(items, all, "{path}");
        assert_eq!(items.len(), count, "{path}");
        assert!(parts >= count.div_ceil(2), "{path}: {parts}");
        let mut names: Vec<&str> = items
            .iter()
            .filter_map(|item| item[name].as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{path}");
    }
}

#[tokio::test]
async fn a_window_that_the_history_does_not_know_yet_is_listed() {
    let stage = open().await;
    let newest = "01JD0000000000000000000009";
    stage.scripted(|script| {
        let window = script.live.services[0].window.as_mut().expect("it is open");
        window.id = newest.into();
    });
    let listed = stage.get("/api/v1/windows").await.json();
    let ids = |listed: &Value| -> Vec<String> {
        let items = listed["items"].as_array().expect("items").iter();
        items
            .map(|item| format!("{} {}", item["id"].as_str().unwrap(), item["state"]))
            .collect()
    };
    assert_eq!(
        ids(&listed),
        [
            format!("{newest} \"baking\""),
            format!("{OPEN} \"left\""),
            format!("{CLOSED} \"closed\"")
        ]
    );
}

#[tokio::test]
async fn one_decision_is_found_by_its_name() {
    let stage = open().await;
    let decided = happening(2, "decided", None).id;
    let judged = happening(1, "check_judged", None).id;
    let answer = stage.get(&format!("/api/v1/decisions/{decided}")).await;
    assert_eq!(answer.json()["id"], json!(decided));
    for none in [
        &*judged,
        "01JD0000000000000000000000",
        "x",
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
    ] {
        let answer = stage.get(&format!("/api/v1/decisions/{none}")).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{none}");
    }
}

#[tokio::test]
async fn samples_of_a_window_are_a_recording() {
    let stage = open().await;
    let path = format!("/api/v1/windows/{CLOSED}/report?format=samples");
    let answer = stage.get(&path).await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines: Vec<Value> = answer
        .text
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(lines.len(), 10);
    assert_eq!(lines[0]["check"], json!("check-0"));
    let times: Vec<f64> = lines
        .iter()
        .map(|line| line["t"].as_f64().expect("t"))
        .collect();
    assert!(times.is_sorted() && times[9] - times[0] > 80.0, "{times:?}");
}

/// That an answer is a problem of this status and sort.
fn is_problem(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(
        answer.header("content-type"),
        "application/problem+json",
        "{}",
        answer.text
    );
    let problem = answer.json();
    assert_eq!(problem["status"], json!(status), "{problem}");
    assert_eq!(problem["code"], json!(code), "{problem}");
    assert_eq!(problem["type"], json!("about:blank"));
    assert_eq!(problem["request"], json!(answer.header("x-request-id")));
    assert!(!problem["detail"].as_str().unwrap().is_empty());
    assert!(!problem["title"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn every_error_has_one_form() {
    let stage = open().await;
    let cases = [
        ("/nothing", 404, "unknown"),
        ("/api/v1/nothing", 404, "unknown"),
        ("/api/v1/services/none", 404, "unknown"),
        ("/api/v1/checks/none", 404, "unknown"),
        ("/api/v1/checks/none/samples", 404, "unknown"),
        ("/api/v1/windows/none", 404, "unknown"),
        ("/api/v1/windows/none/report", 404, "unknown"),
        ("/api/v1/silences/none", 404, "unknown"),
        (
            "/api/v1/windows/01JD0000000000000000000002/report",
            409,
            "conflict",
        ),
        ("/api/v1/checks?limit=0", 400, "bad_request"),
        ("/api/v1/checks?limit=1001", 400, "bad_request"),
        ("/api/v1/checks?limit=many", 400, "bad_request"),
        ("/api/v1/checks?verdict=good", 400, "bad_request"),
        ("/api/v1/checks?sevice=api", 400, "bad_request"),
        ("/api/v1/checks?after=none", 404, "unknown"),
        ("/api/v1/windows?before=none", 400, "bad_request"),
        (
            "/api/v1/windows/01JD0000000000000000000001/report?format=html",
            400,
            "bad_request",
        ),
        (
            "/api/v1/checks/check-0/samples?from=yesterday",
            400,
            "bad_request",
        ),
        (
            "/api/v1/checks/check-0/samples?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z",
            400,
            "bad_request",
        ),
        ("/api/v1/checks/check-0/slices?step=90s", 400, "bad_request"),
        (
            "/api/v1/checks/check-0/slices?from=2026-01-01T00:00:00Z&to=2026-03-01T00:00:00Z",
            400,
            "bad_request",
        ),
        ("/api/v1/checks/%FF", 400, "bad_request"),
        ("/api/v1/events?after=none", 400, "bad_request"),
    ];
    for (path, status, code) in cases {
        is_problem(&stage.get(path).await, status, code);
    }
    let answer = stage
        .send(Asking::new(Method::POST, "/api/v1/status").token(super::stage::OWN))
        .await;
    is_problem(&answer, 405, "bad_method");
    assert_eq!(answer.header("allow"), "GET,HEAD");
    let named = Asking::new(Method::GET, "/nothing").header("x-request-id", "mine-1");
    assert_eq!(stage.send(named).await.header("x-request-id"), "mine-1");
    let foul = Asking::new(Method::GET, "/nothing").header("x-request-id", "a b\tc");
    assert_ne!(stage.send(foul).await.header("x-request-id"), "a b\tc");
}

#[tokio::test]
async fn what_a_person_typed_is_masked_in_a_problem_too() {
    let stage = open().await;
    let answer = stage.get(&format!("/api/v1/checks/{CANARY}")).await;
    is_problem(&answer, 404, "unknown");
    assert!(!answer.text.contains(CANARY), "{}", answer.text);
}

#[tokio::test]
async fn a_history_that_is_lost_is_said_and_keeps_nothing_else_from_answering() {
    let stage = open().await;
    stage.history.is_lost.store(true, Ordering::SeqCst);
    for path in [
        "/api/v1/windows",
        "/api/v1/decisions",
        "/api/v1/checks/check-0/slices",
    ] {
        let answer = stage.get(path).await;
        is_problem(&answer, 503, "history");
        assert_eq!(answer.header("retry-after"), "5");
    }
    for path in ["/api/v1/status", "/api/v1/checks", "/metrics", "/healthz"] {
        assert_eq!(stage.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn readiness_says_what_is_missing() {
    let stage = open().await;
    stage.scripted(|script| {
        script.live.configuration = ConfigurationNow::default();
        script.live.store.trouble = Some(format!("locked by {CANARY}"));
        script
            .live
            .checks
            .iter_mut()
            .for_each(|check| check.last = None);
    });
    let answer = stage.get("/readyz").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        answer.json(),
        json!({ "ready": false, "waiting_for": [
            "the configuration: none is loaded",
            "the history: locked by ***",
            "probing: no check has run yet"
        ] })
    );
    assert_eq!(stage.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_daemon_that_is_gone_is_said() {
    let mut stage = open().await;
    stage.end_daemon().await;
    let answer = stage.get("/api/v1/status").await;
    is_problem(&answer, 503, "failed");
    let ready = stage.get("/readyz").await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        ready.text.contains("the daemon is ending"),
        "{}",
        ready.text
    );
}

#[tokio::test]
async fn a_long_answer_is_packed_for_who_can_unpack_it() {
    let stage = open().await;
    let plain = stage.get("/api/v1/openapi.json").await;
    let asked = Asking::new(Method::HEAD, "/api/v1/openapi.json").header("accept-encoding", "gzip");
    let packed = stage.send(asked).await;
    assert_eq!(packed.status, StatusCode::OK);
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(plain.text.len() > 10_000);
}
