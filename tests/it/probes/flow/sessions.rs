//! One login for several checks, and again when it has expired.

use super::*;

const SHARED: &str = r#"
checks:
  settings:
    session: user
    http: { url: "${BASE_URL}/api/v1/settings", headers: { authorization: "Bearer {{ token }}" }, expect: { status: 200 } }
  orders:
    session: user
    http: { url: "${BASE_URL}/api/v1/orders", headers: { authorization: "Bearer {{ token }}" }, expect: { json: { $.items: [] } } }
  way:
    session: user
    flow:
      steps:
        - name: look
          http: { url: "${BASE_URL}/api/v1/products", headers: { authorization: "Bearer {{ token }}" } }
          capture: { product: "$.items[0].id" }
        - name: order
          http: { method: POST, url: "${BASE_URL}/api/v1/orders", headers: { authorization: "Bearer {{ token }}" }, json: { product: "{{ product }}" }, expect: { status: 201 } }
sessions:
  user:
    steps:
      - name: log in
        http: { method: POST, url: "${BASE_URL}/api/v1/auth/login", json: { username: smoke, password: "${SMOKE_PASSWORD}" } }
        capture: { token: { json: $.token, secret: true } }
"#;

const TIME: Duration = Duration::from_secs(20);

#[tokio::test]
async fn checks_of_one_session_share_one_login_also_when_they_run_at_once() {
    let shop = Shop::open().await;
    let probes = probes(SHARED, &shop.peer.url(""));
    let runs = probes.values().map(|probe| run_probe(TIME, &**probe));
    for sample in futures_util::future::join_all(runs).await {
        passed(&sample);
    }
    passed(&run_probe(TIME, &*probes["settings"]).await);
    assert_eq!(shop.books().logins, 1);
    assert_eq!(shop.books().orders.len(), 1);
}

#[tokio::test]
async fn an_expired_login_is_renewed_once_and_costs_the_target_nothing() {
    let shop = Shop::open().await;
    let probes = probes(SHARED, &shop.peer.url(""));
    passed(&run_probe(TIME, &*probes["settings"]).await);
    shop.books().tokens.clear();
    let sample = run_probe(TIME, &*probes["settings"]).await;
    passed(&sample);
    assert_eq!(
        sample.notes,
        ["session \"user\" had expired: logged in anew"]
    );
    assert_eq!(reading(&sample, "status"), 200.0);
    assert_eq!(sample.phases.total(), sample.latency);
    passed(&run_probe(TIME, &*probes["orders"]).await);
    shop.books().tokens.clear();
    passed(&run_probe(TIME, &*probes["way"]).await);
    assert_eq!(shop.books().logins, 3);
    // Whoever is refused with a new login as well is refused.
    shop.breaks(
        "/settings",
        said("403 Forbidden", json!({ "why": "canary-token-3" })),
    );
    let sample = run_probe(TIME, &*probes["settings"]).await;
    let detail = &fault(&sample, Reason::Status).detail;
    assert_eq!(detail, "expected status 200, got 403");
    assert_eq!(shop.books().logins, 4);
}

#[tokio::test]
async fn a_login_that_fails_is_the_fault_of_every_check_that_needs_it() {
    let shop = Shop::open().await;
    shop.breaks(
        "/login",
        said(
            "503 Service Unavailable",
            json!({ "say": "canary-password" }),
        ),
    );
    let probes = probes(SHARED, &shop.peer.url(""));
    let runs = probes.values().map(|probe| run_probe(TIME, &**probe));
    for sample in futures_util::future::join_all(runs).await {
        let fault = fault(&sample, Reason::Status);
        assert_eq!(
            fault.detail,
            "session \"user\": step \"log in\": expected status 2xx, got 503"
        );
        assert!(fault.transient);
    }
    assert_eq!(
        shop.asked().len(),
        1,
        "who waits for a login does not repeat it"
    );
}

#[tokio::test]
async fn a_login_that_hangs_is_an_error_that_names_it() {
    let peer = crate::harness::http_peer::Peer::start(crate::harness::http_peer::Does::Hangs).await;
    let probes = probes(SHARED, &peer.url(""));
    let sample = run_probe(Duration::from_secs(1), &*probes["settings"]).await;
    let detail = &fault(&sample, Reason::Timeout).detail;
    assert!(
        detail.starts_with("session \"user\": step \"log in\": no whole answer"),
        "{detail}"
    );
}

#[tokio::test]
async fn the_sign_of_an_expired_login_can_be_declared() {
    let shop = Shop::open().await;
    let sign = "    expired: { json: { $.error: expired } }\n";
    let probes = probes(&format!("{SHARED}{sign}"), &shop.peer.url(""));
    passed(&run_probe(TIME, &*probes["settings"]).await);
    shop.breaks("/settings", said("200 OK", json!({ "error": "expired" })));
    // As long as the check passes nothing is asked.
    passed(&run_probe(TIME, &*probes["settings"]).await);
    assert_eq!(shop.books().logins, 1);
    shop.breaks(
        "/settings",
        said("400 Bad Request", json!({ "error": "expired" })),
    );
    let sample = run_probe(TIME, &*probes["settings"]).await;
    fault(&sample, Reason::Status);
    assert_eq!(shop.books().logins, 2);
    // 401 is no sign any more.
    shop.breaks("/settings", said("401 Unauthorized", json!({})));
    fault(&run_probe(TIME, &*probes["settings"]).await, Reason::Status);
    assert_eq!(shop.books().logins, 2);
}

#[tokio::test]
async fn the_cookies_of_a_login_are_sent_by_every_check() {
    let shop = Shop::open().await;
    shop.books().tokens.push("canary-cookie".to_owned());
    let set = "set-cookie: sid=canary-cookie; Path=/; HttpOnly";
    shop.breaks("/login", answer("204 No Content", &[set], b""));
    let text = r#"
checks:
  settings:
    session: user
    http: { url: "${BASE_URL}/api/v1/settings" }
sessions:
  user:
    steps:
      - { name: log in, http: { method: POST, url: "${BASE_URL}/api/v1/auth/login" } }
"#;
    let probes = probes(text, &shop.peer.url(""));
    for _ in 0..2 {
        passed(&run_probe(TIME, &*probes["settings"]).await);
    }
    assert_eq!(shop.asked().len(), 3);
}
