//! What Slack, PagerDuty and a webhook are sent, and what is made of what they answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::notify::{Effect, Notice, Unsent};

use super::{notifier, slack, trouble};
use crate::harness::http_peer::{Does, Peer, answer};

const KEY: &str = "canaryR0123456789ABCDEF012345678";

fn sent(peer: &Peer, at: usize) -> Value {
    serde_json::from_slice(&peer.asked()[at].body).expect("JSON")
}

/// What became of a sending, in one word.
fn word(came: &Result<(), Unsent>) -> &'static str {
    match came {
        Ok(()) => "arrived",
        Err(Unsent::Refused(_)) => "refused",
        Err(Unsent::Throttled { .. }) => "throttled",
        Err(Unsent::Passing(_)) => "passing",
    }
}

#[tokio::test]
async fn each_answer_of_a_webhook_of_slack_is_somebodys_fault() {
    let cases: [(&str, &[&str], &str, &str, &str); 10] = [
        ("200 OK", &[], "ok", "arrived", ""),
        ("400 Bad Request", &[], "no_text", "refused", "no_text"),
        (
            "400 Bad Request",
            &[],
            "invalid_payload",
            "refused",
            "invalid_payload",
        ),
        (
            "403 Forbidden",
            &[],
            "action_prohibited",
            "refused",
            "administrator",
        ),
        (
            "404 Not Found",
            &[],
            "channel_not_found",
            "refused",
            "identifier",
        ),
        (
            "404 Not Found",
            &[],
            "no_service",
            "refused",
            "make a new one",
        ),
        (
            "410 Gone",
            &[],
            "channel_is_archived",
            "refused",
            "not archived",
        ),
        (
            "429 Too Many Requests",
            &["retry-after: 30"],
            "rate_limited",
            "throttled",
            "429",
        ),
        (
            "500 Internal Server Error",
            &[],
            "rollup_error",
            "passing",
            "500",
        ),
        (
            "200 OK",
            &[],
            "<html>sign in</html>",
            "passing",
            "no answer of Slack",
        ),
    ];
    for (status, headers, body, expected, part) in cases {
        let peer = Peer::answering(answer(status, headers, body.as_bytes())).await;
        let came = slack(&peer.url("/services/T0/B0/canary"))
            .send(&trouble())
            .await;
        assert_eq!(word(&came), expected, "{status} {body}: {came:?}");
        let text = format!("{came:?}");
        assert!(
            text.contains(part) && !text.contains("canary"),
            "{status} {body}: {text}"
        );
    }
}

#[tokio::test]
async fn what_a_bot_is_told_with_status_200_is_somebodys_fault_as_well() {
    let cases = [
        (json!({ "ok": true, "ts": "1.2" }), "arrived"),
        (
            json!({ "ok": false, "error": "channel_not_found" }),
            "refused",
        ),
        (json!({ "ok": false, "error": "invalid_auth" }), "refused"),
        (
            json!({ "ok": false, "error": "missing_scope", "needed": "chat:write" }),
            "refused",
        ),
        (json!({ "ok": false, "error": "ratelimited" }), "throttled"),
        (json!({ "ok": false, "error": "internal_error" }), "passing"),
        (
            json!({ "ok": false, "error": "thread_not_found" }),
            "passing",
        ),
        (json!({ "ok": false }), "refused"),
        (json!([]), "passing"),
    ];
    for (said, expected) in cases {
        let body = said.to_string();
        let peer = Peer::answering(answer("200 OK", &[], body.as_bytes())).await;
        let bot = json!({ "token": "xoxb-canary", "channel": "#x", "api": peer.url("/api") });
        let came = notifier("slack", bot).send(&trouble()).await;
        assert_eq!(word(&came), expected, "{said}: {came:?}");
        assert!(!format!("{came:?}").contains("canary"));
        let asked = &peer.asked()[0];
        assert_eq!(asked.path(), "/api/chat.postMessage");
        assert_eq!(asked.header("authorization"), Some("Bearer xoxb-canary"));
    }
}

#[tokio::test]
async fn the_messages_of_one_deployment_stand_in_one_thread() {
    let count = Arc::new(AtomicUsize::new(0));
    let peer = Peer::start(Does::Answers(Arc::new(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        let said = match number {
            2 => json!({ "ok": false, "error": "thread_not_found" }),
            _ => json!({ "ok": true, "ts": format!("{number}.0") }),
        };
        answer("200 OK", &[], said.to_string().as_bytes())
    })))
    .await;
    let bot = json!({ "token": "xoxb-canary", "channel": "C1", "api": peer.url("/api") });
    let bot = notifier("slack", bot);
    let mut other = trouble();
    other.thread = "another deployment".to_owned();
    assert_eq!(bot.send(&trouble()).await, Ok(()));
    assert_eq!(bot.send(&trouble()).await, Ok(()));
    // Somebody deleted the first message: the next try begins anew.
    assert_eq!(word(&bot.send(&trouble()).await), "passing");
    assert_eq!(bot.send(&trouble()).await, Ok(()));
    assert_eq!(bot.send(&trouble()).await, Ok(()));
    assert_eq!(bot.send(&other).await, Ok(()));
    let threads: Vec<Value> = (0..6)
        .map(|at| sent(&peer, at)["thread_ts"].clone())
        .collect();
    let none = Value::Null;
    assert_eq!(
        threads,
        [
            none.clone(),
            json!("0.0"),
            json!("0.0"),
            none.clone(),
            json!("3.0"),
            none
        ]
    );
    assert_eq!(
        sent(&peer, 1)["reply_broadcast"],
        true,
        "what is urgent is for all"
    );
}

#[tokio::test]
async fn each_answer_of_pagerduty_is_somebodys_fault() {
    let invalid =
        r#"{"status":"invalid event","message":"Event object is invalid","errors":["bad"]}"#;
    let taken = r#"{"status":"success","message":"Event processed","dedup_key":"k"}"#;
    let cases: [(&str, &[&str], &str, &str); 6] = [
        ("202 Accepted", &[], taken, "arrived"),
        ("200 OK", &[], "<html>", "passing"),
        ("400 Bad Request", &[], invalid, "refused"),
        ("403 Forbidden", &[], "", "refused"),
        ("429 Too Many Requests", &[], "", "throttled"),
        ("503 Service Unavailable", &[], "", "passing"),
    ];
    for (status, headers, body, expected) in cases {
        let peer = Peer::answering(answer(status, headers, body.as_bytes())).await;
        let pager = json!({ "routing_key": KEY, "url": peer.url("/v2/enqueue") });
        let came = notifier("pagerduty", pager).send(&trouble()).await;
        assert_eq!(word(&came), expected, "{status}: {came:?}");
        assert!(!format!("{came:?}").contains(KEY));
    }
}

#[tokio::test]
async fn an_incident_is_triggered_acknowledged_and_resolved_under_one_key() {
    let peer = Peer::answering(answer("202 Accepted", &[], b"{}")).await;
    let pager = json!({ "routing_key": KEY, "url": peer.url("/v2/enqueue") });
    let pager = notifier("pagerduty", pager);
    let of = |effect| Notice {
        effect,
        ..trouble()
    };
    for effect in [Effect::Opens, Effect::Acknowledges, Effect::Resolves] {
        assert!(pager.takes(&of(effect)));
        assert_eq!(pager.send(&of(effect)).await, Ok(()));
    }
    assert!(
        !pager.takes(&of(Effect::Tells)),
        "a pager says nothing else"
    );
    let actions: Vec<Value> = (0..3)
        .map(|at| sent(&peer, at)["event_action"].clone())
        .collect();
    assert_eq!(
        actions,
        [json!("trigger"), json!("acknowledge"), json!("resolve")]
    );
    let event = sent(&peer, 0);
    assert_eq!(event["dedup_key"], "smokejumper/api/d1");
    assert_eq!(event["routing_key"], KEY);
    assert_eq!(event["payload"]["severity"], "critical");
    assert_eq!(event["payload"]["source"], "api");
    assert_eq!(event["payload"]["custom_details"]["revision"], "api:42");
    assert_eq!(
        event["links"][0]["href"],
        "https://smokejumper.test/windows/1"
    );
}

#[tokio::test]
async fn a_webhook_sends_what_its_templates_say_and_signs_it() {
    let peer = Peer::answering(answer("204 No Content", &[], b"")).await;
    let hook = notifier(
        "webhook",
        json!({
            "url": peer.url("/hook/{{ service | urlencode }}?token=canary"),
            "method": "PUT",
            "headers": { "x-severity": "{{ severity }}", "content-type": "application/json" },
            "body": "{\"line\": {{ headline | tojson }}, \"all\": [{% for one in details %}{{ one | tojson }}{% endfor %}]}",
            "sign": { "secret": "canary-of-a-signature" },
        }),
    );
    assert_eq!(hook.send(&trouble()).await, Ok(()));
    let asked = &peer.asked()[0];
    assert!(
        asked.head.starts_with("PUT /hook/api?token=canary "),
        "{}",
        asked.head
    );
    assert_eq!(asked.header("x-severity"), Some("critical"));
    let body = sent(&peer, 0);
    assert_eq!(body["line"], trouble().headline);
    assert_eq!(body["all"][0], trouble().details[0]);
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"canary-of-a-signature");
    let signature = asked.header("x-smokejumper-signature").expect("signed");
    let hex = signature
        .strip_prefix("sha256=")
        .expect("the kind of signature");
    let bytes: Vec<u8> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("digits"))
        .collect();
    aws_lc_rs::hmac::verify(&key, &asked.body, &bytes).expect("the signature holds");
}

#[tokio::test]
async fn without_a_template_the_whole_notice_is_sent() {
    let peer = Peer::answering(answer("200 OK", &[], b"")).await;
    let hook = notifier("webhook", json!({ "url": peer.url("/") }));
    assert_eq!(hook.send(&trouble()).await, Ok(()));
    let body = sent(&peer, 0);
    assert_eq!(body["schema"], "smokejumper.notice/1");
    assert_eq!(
        (&body["kind"], &body["service"]),
        (&json!("check_failing"), &json!("api"))
    );
    assert_eq!(hook.deadline(), Duration::from_secs(10));
}
