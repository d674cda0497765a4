//! What can be ordered: each order reaches the daemon in the name of its token, and what came of it
//! comes back.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};
use smokejumper::engine::serve::handle::{Done, Order, Refused, Silence};

use super::client::Asking;
use super::stage::{ACTOR, CANARY, OPEN, Stage, guarded, now};

fn post(path: &str) -> Asking {
    Asking::new(Method::POST, path).token(ACTOR)
}

/// The one order that was given, in whose name.
fn ordered(stage: &Stage) -> (String, Order) {
    let mut orders = stage.scripted(|script| std::mem::take(&mut script.orders));
    assert_eq!(orders.len(), 1, "{orders:?}");
    let (whose, order) = orders.remove(0);
    (whose.name, order)
}

#[tokio::test]
async fn each_order_reaches_the_daemon_in_the_name_of_its_token() {
    let stage = guarded().await;
    let window = || OPEN.to_owned();
    let reason = || Some("known".to_owned());
    let because = json!({ "reason": "known" });
    let at = |action: &str| format!("/api/v1/windows/{OPEN}/{action}");
    let cases: Vec<(Asking, Order)> = vec![
        (
            post("/api/v1/windows").json(&json!({ "service": "api" })),
            Order::Open {
                service: "api".to_owned(),
                deployment: None,
            },
        ),
        (
            post("/api/v1/windows").json(&json!({ "service": "api", "deployment": "ecs-svc/1" })),
            Order::Open {
                service: "api".to_owned(),
                deployment: Some("ecs-svc/1".to_owned()),
            },
        ),
        (
            post(&at("hold")),
            Order::Hold {
                window: window(),
                reason: None,
            },
        ),
        (
            post(&at("hold")).json(&because),
            Order::Hold {
                window: window(),
                reason: reason(),
            },
        ),
        (
            post(&at("accept")).json(&because),
            Order::Accept {
                window: window(),
                reason: reason(),
            },
        ),
        (
            post(&at("rollback")).json(&because),
            Order::RollBack {
                window: window(),
                reason: reason(),
            },
        ),
        (
            post("/api/v1/freeze").json(&json!({ "frozen": true, "reason": "known" })),
            Order::Freeze {
                service: None,
                on: true,
                reason: reason(),
            },
        ),
        (
            post("/api/v1/freeze").json(&json!({ "frozen": false, "reason": "  " })),
            Order::Freeze {
                service: None,
                on: false,
                reason: None,
            },
        ),
        (
            post("/api/v1/freeze").json(&json!({ "frozen": true, "service": "api" })),
            Order::Freeze {
                service: Some("api".to_owned()),
                on: true,
                reason: None,
            },
        ),
        (post("/api/v1/reload"), Order::Reload),
        (
            Asking::new(Method::DELETE, "/api/v1/silences/quiet").token(ACTOR),
            Order::Lift {
                silence: "quiet".to_owned(),
            },
        ),
    ];
    for (asking, expected) in cases {
        let answer = stage.send(asking).await;
        assert_eq!(
            answer.status,
            StatusCode::OK,
            "{expected:?}: {}",
            answer.text
        );
        assert_eq!(answer.json(), json!({ "done": "done" }));
        assert_eq!(ordered(&stage), ("pipeline".to_owned(), expected));
    }
}

#[tokio::test]
async fn a_silence_ends_at_a_time_or_after_a_span() {
    let stage = guarded().await;
    stage.scripted(|script| script.answer = Some(Ok(Done::Silence("s1".to_owned()))));
    let make = |body: Value| stage.send(post("/api/v1/silences").json(&body));
    let answer = make(
        json!({ "tag": "core", "until": "2030-01-01T00:00:00Z", "reason": "moving",
                              "stops_checks": true }),
    )
    .await;
    assert_eq!(answer.json()["silence"], json!("s1"));
    assert_eq!(answer.header("location"), "/api/v1/silences/s1");
    let until = smokejumper::clock::WallTime::since_unix_epoch(Duration::from_secs(1_893_456_000));
    let expected = Silence {
        service: None,
        tag: Some("core".to_owned()),
        check: None,
        until,
        reason: "moving".to_owned(),
        stops_checks: true,
    };
    assert_eq!(ordered(&stage).1, Order::Silence(expected));
    make(json!({ "check": "check-0", "for": "2h", "reason": "moving" })).await;
    let Order::Silence(silence) = ordered(&stage).1 else {
        panic!("a silence was ordered");
    };
    let left = silence.until.since(now());
    assert!(
        left > Duration::from_secs(7_000) && left <= Duration::from_secs(7_200),
        "{left:?}"
    );
    assert!(!silence.stops_checks);
}

#[tokio::test]
async fn what_came_of_an_order_comes_back() {
    let stage = guarded().await;
    let open = || stage.send(post("/api/v1/windows").json(&json!({ "service": "api" })));
    stage.scripted(|script| script.answer = Some(Ok(Done::Window(OPEN.to_owned()))));
    let answer = open().await;
    assert_eq!(answer.json()["window"], json!(OPEN));
    assert_eq!(answer.header("location"), format!("/api/v1/windows/{OPEN}"));
    let why = || format!("said {CANARY}");
    let cases = [
        (Refused::Unknown(why()), 404, "unknown"),
        (Refused::Conflict(why()), 409, "conflict"),
        (Refused::Senseless(why()), 422, "senseless"),
        (Refused::Failed(why()), 503, "failed"),
    ];
    for (refused, status, code) in cases {
        stage.scripted(|script| script.answer = Some(Err(refused)));
        let answer = open().await;
        assert_eq!(answer.status.as_u16(), status);
        assert_eq!(answer.json()["code"], json!(code));
        assert_eq!(answer.json()["detail"], json!("said ***"));
    }
}

#[tokio::test]
async fn a_foul_body_orders_nothing() {
    let stage = guarded().await;
    let long = "x".repeat(1_001);
    let silence = |body: Value| post("/api/v1/silences").json(&body);
    let window = || post("/api/v1/windows");
    let json_type = |text: &'static str| {
        window()
            .header("content-type", "application/json")
            .body(text)
    };
    let cases: Vec<(Asking, u16, &str)> = vec![
        (window(), 415, "bad_type"),
        (
            window().header("content-type", "text/plain").body("{}"),
            415,
            "bad_type",
        ),
        (json_type("{"), 400, "bad_request"),
        (json_type(""), 400, "bad_request"),
        (json_type("[]"), 422, "senseless"),
        (json_type(r#"{"service":""}"#), 422, "senseless"),
        (
            json_type(r#"{"service":"api","deployment":""}"#),
            422,
            "senseless",
        ),
        (json_type("{}"), 422, "senseless"),
        (json_type(r#"{"service":7}"#), 422, "senseless"),
        (
            json_type(r#"{"service":"api","servce":"b"}"#),
            422,
            "senseless",
        ),
        (
            post(&format!("/api/v1/windows/{OPEN}/hold")).json(&json!({ "reason": long })),
            422,
            "senseless",
        ),
        (
            post(&format!("/api/v1/windows/{OPEN}/hold")).body("reason=x"),
            415,
            "bad_type",
        ),
        (silence(json!({ "reason": "x" })), 422, "senseless"),
        (
            silence(json!({ "reason": "x", "for": "2h", "until": "2030-01-01T00:00:00Z" })),
            422,
            "senseless",
        ),
        (
            silence(json!({ "reason": "x", "for": "0s" })),
            422,
            "senseless",
        ),
        (
            silence(json!({ "reason": "x", "until": "soon" })),
            422,
            "senseless",
        ),
        (
            silence(json!({ "reason": " ", "for": "2h" })),
            422,
            "senseless",
        ),
        (silence(json!({ "for": "2h" })), 422, "senseless"),
        (json_type("").body(" ".repeat(70_000)), 413, "too_large"),
    ];
    for (number, (asking, status, code)) in cases.into_iter().enumerate() {
        let answer = stage.send(asking).await;
        assert_eq!(answer.status.as_u16(), status, "{number}: {}", answer.text);
        assert_eq!(
            answer.json()["code"],
            json!(code),
            "{number}: {}",
            answer.text
        );
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    stage.scripted(|script| assert_eq!(script.orders, []));
}

#[tokio::test]
async fn who_ordered_sees_what_came_of_it_at_once() {
    let stage = guarded().await;
    let status = || stage.send(Asking::new(Method::GET, "/api/v1/status").token(ACTOR));
    assert_eq!(status().await.json()["freeze"], Value::Null);
    stage.scripted(|script| {
        script.live.freeze = Some(smokejumper::engine::serve::live::Freeze {
            by: Some("pipeline".to_owned()),
            reason: "moving".to_owned(),
            since: None,
        });
    });
    stage
        .send(post("/api/v1/freeze").json(&json!({ "frozen": true })))
        .await;
    assert_eq!(status().await.json()["freeze"]["by"], json!("pipeline"));
}
