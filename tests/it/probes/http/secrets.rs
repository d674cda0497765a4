//! What a check sends reaches its target and no message, not even when the target sends it back.

use super::*;

#[tokio::test]
async fn secrets_reach_the_target_and_nothing_else() {
    let peer = Peer::answering(answer("500 Oops", &[], b"canary-in-body")).await;
    let host = peer.address();
    let sample = run(&*probe(json!({
        "url": format!("http://smoke:canary%2Dpassword@{host}/?key=canary-query"),
        "headers": { "x-api-key": "canary-header" },
        "method": "POST",
        "body": "canary-sent"
    })))
    .await;
    assert_fault(&sample, Reason::Status, "got 500");
    let printed = format!("{sample:?}");
    assert!(!printed.contains("canary"), "{printed}");
    let asked = &peer.asked()[0];
    // "smoke:canary-password"
    assert_eq!(
        asked.header("authorization"),
        Some("Basic c21va2U6Y2FuYXJ5LXBhc3N3b3Jk")
    );
    assert_eq!(asked.header("x-api-key"), Some("canary-header"));
    assert_eq!(asked.path(), "/?key=canary-query");
    assert_eq!(asked.body, b"canary-sent");
}

#[tokio::test]
async fn a_target_that_echoes_its_request_leaks_nothing() {
    // The secret lies across the place where a long value is cut off.
    let echo = |asked: &Asked| {
        let told = format!(
            "{}{}",
            "x".repeat(60),
            asked.header("authorization").unwrap_or("")
        );
        let body = json!({ "told": told, "key": asked.header("x-api-key") }).to_string();
        let header = format!("x-echo: {told}");
        answer("200 OK", &[&header], body.as_bytes())
    };
    let peer = Peer::start(Does::Answers(Arc::new(echo))).await;
    let expects = [
        json!({ "json": { "$.told": "ok" } }),
        json!({ "json": { "$.key": "ok" } }),
        json!({ "body": "ok" }),
        json!({ "headers": { "x-echo": "ok" } }),
    ];
    for expect in expects {
        let sample = run(&*probe(json!({
            "url": format!("http://smoke:canary-password-of-the-smoke-test@{}/", peer.address()),
            "headers": { "x-api-key": "canary-key" },
            "expect": expect
        })))
        .await;
        assert_fault(&sample, Reason::Expectation, "***");
        let detail = sample.fault.expect("it is a fault").detail;
        // "c21va2U6Y2FuYXJ5" is the beginning of the encoded pair.
        for leak in ["canary", "c21va2U6", "c21va"] {
            assert!(!detail.contains(leak), "{detail}");
        }
    }
}

#[tokio::test]
async fn a_redirect_that_repeats_a_credential_does_not_make_us_repeat_it() {
    // The secret lies across the place where a long path is cut off.
    let away = |asked: &Asked| {
        let token = asked.header("x-api-key").unwrap_or("");
        let location = format!("location: /{}{token}", "x".repeat(70));
        answer("302 Found", &[&location], b"")
    };
    let peer = Peer::start(Does::Answers(Arc::new(away))).await;
    for redirects in ["follow", "refuse"] {
        let sample = run(&*probe(json!({
            "url": peer.url("/"),
            "headers": { "x-api-key": "canary-key-of-the-smoke-test" },
            "redirects": redirects
        })))
        .await;
        assert_fault(&sample, Reason::Redirect, "xxx***");
        let printed = format!("{sample:?}");
        assert!(!printed.contains("canary"), "{printed}");
    }
}
