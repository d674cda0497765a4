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
            "expected status 200 or 3xx, got 404 (1 more not evaluated)",
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
            r#"$.checks.database: no member `status`, expected "ok" (1 more not evaluated)"#,
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
async fn ages_cookies_and_values_of_one_header_are_told_apart() {
    let fresh = jiff_now();
    let body = format!(r#"{{"updated":"{fresh}","started":"2020-01-01T00:00:00Z"}}"#);
    let headers = [
        "set-cookie: session=canary; Path=/; Secure; HttpOnly",
        "set-cookie: theme=dark",
        "vary: accept",
        "vary: accept-encoding",
        "last-modified: Wed, 01 Jan 2020 00:00:00 GMT",
    ];
    let peer = Peer::answering(answer("200 OK", &headers, body.as_bytes())).await;
    let cases = [
        (
            json!({ "json": { "$.updated": { "age": { "lt": "10m" } }, "$.started": { "age": { "gt": "1d" } } } }),
            None,
        ),
        (
            json!({ "cookies": { "session": { "exists": true, "secure": true, "http_only": true, "path": "/" } } }),
            None,
        ),
        (
            json!({ "headers": { "vary": { "each": { "starts_with": "accept" } } } }),
            None,
        ),
        (
            json!({ "json": { "$.started": { "age": { "lt": "60s" } } } }),
            Some((
                "$.started: expected { age: { lt: 60s } }, got an age of ",
                true,
            )),
        ),
        (
            json!({ "headers": { "last-modified": { "age": { "lt": "60s" } } } }),
            Some(("header last-modified: expected { age: { lt: 60s } }", true)),
        ),
        (
            json!({ "cookies": { "theme": { "http_only": true } } }),
            Some(("cookie theme, http_only: expected true, got false", false)),
        ),
        (
            json!({ "headers": { "vary": { "any": "cookie" } }, "json": { "$.none": 1 }, "body": "x" }),
            Some(("(2 more not evaluated)", false)),
        ),
    ];
    for (expect, told) in cases {
        let sample = run(&*probe(json!({ "url": peer.url("/"), "expect": expect }))).await;
        match told {
            None => assert_pass(&sample),
            Some((part, is_dated)) => {
                assert_fault(&sample, Reason::Expectation, part);
                assert_eq!(
                    sample.fault.as_ref().map(|fault| fault.dated),
                    Some(is_dated),
                    "{part}"
                );
            }
        }
    }
}

/// The present, as services write it.
fn jiff_now() -> String {
    let since = RealClock(tokio::time::Instant::now()).wall().unix();
    let seconds = i64::try_from(since.as_secs()).expect("the clock is set");
    jiff::Timestamp::from_second(seconds)
        .expect("a time")
        .to_string()
}
