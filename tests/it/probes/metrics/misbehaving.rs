//! Endpoints that refuse, hang, reset, lie and flood, and what is never repeated of what we send.

use super::*;
use crate::harness::certificates::Authority;

/// A check of one series, with a secret in its headers and in its address.
fn settings(url: &str) -> Value {
    json!({
        "url": url.replace("//", "//reader:canary-password@"),
        "headers": { "x-token": "canary-token" },
        "read": { "up": "up", "rps": { "rate": "up" } },
        "body_limit": "64KiB",
    })
}

#[tokio::test]
async fn what_an_endpoint_does_wrong_is_named() {
    let says = |text: &str| Does::Says(text.as_bytes().to_vec());
    let page = |status: &str, kind: &str, body: &str| {
        says(&format!(
            "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    let open = "application/openmetrics-text; version=1.0.0";
    let cases = [
        (Does::Hangs, Reason::Timeout, "waiting for the answer"),
        (Does::Resets, Reason::Reset, "connection reset"),
        (Does::Closes, Reason::Closed, "connection closed"),
        (
            Does::Drips("HTTP/1.1 200 OK\r\n\r\n"),
            Reason::Timeout,
            "reading the answer",
        ),
        (
            says("220 mail.example ESMTP\r\n"),
            Reason::Malformed,
            "is not HTTP",
        ),
        (
            page("200 OK", "text/html", "<html></html>"),
            Reason::Malformed,
            "line 1 is no line of metrics",
        ),
        (
            page("200 OK", "application/json", "{\"up\": 1}"),
            Reason::Malformed,
            "something else than metrics",
        ),
        (
            page("200 OK", "application/vnd.google.protobuf", "x"),
            Reason::Malformed,
            "as protobuf",
        ),
        (
            page("200 OK", open, "up 1\n"),
            Reason::Malformed,
            "may have been cut off",
        ),
        (
            page("200 OK", "text/plain", &"up 1\n".repeat(20_000)),
            Reason::TooLarge,
            "larger than allowed",
        ),
        (
            page("500 Oops", "text/plain", "boom canary-token"),
            Reason::Status,
            "500 Internal Server Error: boom ***",
        ),
        (
            page("503 Busy", "text/plain", ""),
            Reason::Status,
            "got 503",
        ),
        (
            page("404 Nothing", "text/plain", ""),
            Reason::Status,
            "got 404",
        ),
        (
            page("401 No", "text/plain", ""),
            Reason::Unauthorized,
            "refused our credentials",
        ),
        (
            page("429 Slowly", "text/html", ""),
            Reason::Throttled,
            "limits our rate",
        ),
        (
            page("302 Found", "text/plain", ""),
            Reason::Status,
            "redirects are not followed",
        ),
    ];
    for (does, reason, says) in cases {
        let peer = Peer::start(does).await;
        let looking = Looking::with("metrics", &settings(&peer.url("/metrics")));
        let sample = looking.run_within(Duration::from_millis(700)).await;
        let detail = &fault(&sample, reason).detail;
        assert!(detail.contains(says), "{says}: {detail}");
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
        peer.all_closed().await;
    }
    let dead = format!("http://{}/", closed_port().await);
    fault(
        &Looking::with("metrics", &settings(&dead)).run().await,
        Reason::Refused,
    );
}

#[tokio::test]
async fn a_hostile_endpoint_is_held_to_its_bounds() {
    let many: String = (0..20_000)
        .map(|n| format!("up{{n=\"{n}\"}} 1\n"))
        .collect();
    let endpoint = Endpoint::start(&many).await;
    let looking = endpoint.looking(json!({ "read": { "rps": { "rate": "up" } } }));
    let sample = looking.run().await;
    assert!(
        fault(&sample, Reason::TooLarge)
            .detail
            .contains("narrow `up` by labels")
    );
    // A label of many values gives so many readings and no more.
    let few: String = (0..5_000).map(|n| format!("up{{n=\"{n}\"}} 1\n")).collect();
    endpoint.set(&few);
    let looking = endpoint.looking(json!({ "read": { "up": { "series": "up", "each": "n" } } }));
    let sample = looking.run().await;
    passed(&sample);
    assert_eq!(names(&sample).len(), 100);
}

#[tokio::test]
async fn certificates_are_checked() {
    let authority = Authority::new();
    let ok = Does::Answers(Arc::new(|_| exposed("up 1\n")));
    let peer = Peer::start_tls(ok.clone(), &authority.server()).await;
    let mut settings = settings(&peer.url_by_name("/"));
    settings["tls"] = json!({ "ca": authority.ca() });
    let sample = Looking::with("metrics", &settings).run().await;
    passed(&sample);
    assert!(reading(&sample, "cert_days").is_some());
    let expired = Peer::start_tls(ok, &authority.expired()).await;
    settings["url"] = json!(expired.url_by_name("/"));
    fault(
        &Looking::with("metrics", &settings).run().await,
        Reason::Certificate,
    );
}
