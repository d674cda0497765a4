//! Peers that misbehave in the middle of a flow: the step is named, the outcome is that of its kind,
//! and what always runs still has its time.

use super::*;

use crate::harness::http_peer::{Does, Peer};

/// A flow of a step that works, one that asks whoever misbehaves, and one that cleans up.
const THREE: &str = r#"
checks:
  way:
    flow:
      steps:
        - name: log in
          http: { method: POST, url: "${BASE_URL}/api/v1/auth/login", json: { username: smoke, password: "${SMOKE_PASSWORD}" } }
          capture: { token: { json: $.token, secret: true } }
        - name: odd one
          http: { url: "${ODD_URL}/?t={{ token }}", headers: { authorization: "Bearer {{ token }}" }, body_limit: 1KiB }
        - name: never asked
          http: { url: "${BASE_URL}/api/v1/settings" }
      always:
        - name: log out
          http: { method: POST, url: "${BASE_URL}/api/v1/auth/logout", headers: { authorization: "Bearer {{ token }}" } }
"#;

async fn with_odd(timeout: Duration, odd: &str) -> (Shop, Sample) {
    let shop = Shop::open().await;
    let base = shop.peer.url("");
    let variables = [
        ("BASE_URL", base.as_str()),
        ("ODD_URL", odd),
        ("SMOKE_PASSWORD", "canary-password"),
    ];
    let probes = planned(THREE, &variables).unwrap_or_else(|problems| panic!("{problems}"));
    let sample = run_probe(timeout, &*probes["way"]).await;
    (shop, sample)
}

#[tokio::test]
async fn each_misbehaviour_names_its_step_and_the_clean_up_still_runs() {
    let cases = [
        (Does::Resets, Reason::Reset),
        (Does::Closes, Reason::Closed),
        (
            Does::Says(b"\x00\x01 canary\r\n\r\n".to_vec()),
            Reason::Malformed,
        ),
        (Does::Floods("HTTP/1.1 200 OK\r\n\r\n", 2), Reason::TooLarge),
    ];
    for (does, reason) in cases {
        let peer = Peer::start(does).await;
        let (shop, sample) = with_odd(Duration::from_secs(20), &peer.url("")).await;
        let fault = fault(&sample, reason);
        assert!(
            fault.detail.starts_with("step \"odd one\": "),
            "{}",
            fault.detail
        );
        assert!(
            fault.detail.ends_with("; skipped: \"never asked\""),
            "{}",
            fault.detail
        );
        assert!(!words(&sample).contains("canary"), "{}", words(&sample));
        assert_eq!(
            shop.asked(),
            ["POST /api/v1/auth/login", "POST /api/v1/auth/logout"]
        );
    }
    let (_, sample) = with_odd(Duration::from_secs(20), "http://127.0.0.1:1").await;
    let fault = fault(&sample, Reason::Refused);
    assert!(
        fault.detail.starts_with("step \"odd one\": "),
        "{}",
        fault.detail
    );
}

#[tokio::test]
async fn a_deadline_that_passes_names_the_step_and_leaves_time_to_clean_up() {
    for does in [Does::Hangs, Does::Drips("HTTP/1.1 200 OK\r\n\r\n")] {
        let peer = Peer::start(does).await;
        let (shop, sample) = with_odd(Duration::from_secs(2), &peer.url("")).await;
        let fault = fault(&sample, Reason::Timeout);
        assert!(
            fault
                .detail
                .starts_with("step \"odd one\": no whole answer within 1."),
            "{}",
            fault.detail
        );
        assert!(shop.books().tokens.is_empty(), "it logged out");
        assert_eq!(reading(&sample, "steps"), 2.0);
        assert!(sample.latency < Duration::from_secs(2));
    }
}

#[tokio::test]
async fn a_step_has_a_deadline_of_its_own_where_it_says_so() {
    let peer = Peer::start(Does::Hangs).await;
    let text = r#"
checks:
  way:
    flow:
      steps:
        - { name: slow one, timeout: 300ms, http: { url: "${BASE_URL}/" } }
"#;
    let sample = run(text, &peer.url("")).await;
    let fault = fault(&sample, Reason::Timeout);
    assert!(
        fault
            .detail
            .starts_with("step \"slow one\": no whole answer within 300ms"),
        "{}",
        fault.detail
    );
}
