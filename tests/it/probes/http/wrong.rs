//! Servers that answer well-formed and wrongly: the fault says what was expected and what came.

use super::*;

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
