//! The kind `grpc` against a real server with the health service, and against peers that misbehave
//! or speak no gRPC.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Phase, Reason, Sample};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::harness::certificates::Authority;
use crate::harness::http_peer::Peer;
use crate::harness::postgres::free_port;
use crate::harness::probing::{build, fault, passed, reading, run, run_within};
use crate::harness::python::PythonServer;
use crate::harness::raw_peer::{Manner, RawPeer};
use crate::harness::talk_peer::{Step, TalkPeer, begins_tls};

async fn ask(address: &str, service: &str) -> Sample {
    run("grpc", json!({"address": address, "service": service})).await
}

#[tokio::test]
async fn a_server_is_asked_for_its_health_and_for_that_of_a_service() {
    let server = PythonServer::start("grpc_server.py", &[]);
    for service in ["", "shop.v1.Orders"] {
        let sample = ask(&server.address(), service).await;
        passed(&sample);
        assert_eq!(reading(&sample, "serving"), 1.0);
        assert_eq!(reading(&sample, "grpc_status"), 0.0);
        assert!(sample.phases.get(Phase::Ttfb).is_some());
    }
    let sample = ask(&server.address(), "shop.v1.Billing").await;
    let told = fault(&sample, Reason::Status);
    assert!(told.transient);
    assert_eq!(
        told.detail,
        r#"the health of shop.v1.Billing: expected "SERVING", got "NOT_SERVING""#
    );
    assert_eq!(reading(&sample, "serving"), 0.0);
    let settings = json!({
        "address": server.address(),
        "service": "shop.v1.Billing",
        "expect": {"status": {"in": ["SERVING", "NOT_SERVING"]}}
    });
    passed(&run("grpc", settings).await);
    let sample = ask(&server.address(), "shop.v1.Nobody").await;
    let detail = &fault(&sample, Reason::Status).detail;
    assert!(detail.contains("NOT_FOUND"), "{detail}");
    assert_eq!(reading(&sample, "grpc_status"), 5.0);
}

#[tokio::test]
async fn each_status_of_a_call_is_told_by_whose_fault_it_is() {
    let server = PythonServer::start("grpc_server.py", &[]);
    for (status, reason, outcome) in [
        ("UNAVAILABLE", Reason::NotReady, Outcome::Error),
        ("DEADLINE_EXCEEDED", Reason::Timeout, Outcome::Error),
        ("UNAUTHENTICATED", Reason::Unauthorized, Outcome::Fail),
        ("PERMISSION_DENIED", Reason::Unauthorized, Outcome::Fail),
        ("UNIMPLEMENTED", Reason::UnsupportedMethod, Outcome::Fail),
        ("RESOURCE_EXHAUSTED", Reason::ServerFault, Outcome::Fail),
        ("INTERNAL", Reason::ServerFault, Outcome::Fail),
    ] {
        let settings = json!({
            "address": server.address(),
            "service": format!("end:{status}"),
            "metadata": {"authorization": "Bearer canary-of-the-call"}
        });
        let sample = run("grpc", settings).await;
        let told = fault(&sample, reason);
        assert!(told.detail.contains(status), "{}", told.detail);
        assert!(told.detail.contains("asked to, by ***"), "{}", told.detail);
        assert_eq!(sample.outcome, outcome, "{status}");
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    }
}

#[tokio::test]
async fn metadata_lets_us_in_and_is_shown_to_nobody() {
    let server = PythonServer::start("grpc_server.py", &["--token", "canary-token"]);
    let asked = |token: &str| {
        let metadata = json!({"authorization": format!("Bearer {token}")});
        json!({"address": server.address(), "metadata": metadata})
    };
    passed(&run("grpc", asked("canary-token")).await);
    for settings in [asked("canary-wrong"), json!({"address": server.address()})] {
        let sample = run("grpc", settings).await;
        let detail = &fault(&sample, Reason::Unauthorized).detail;
        assert!(detail.contains("UNAUTHENTICATED"), "{detail}");
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    }
}

#[tokio::test]
async fn over_tls_the_certificate_is_verified() {
    let authority = Authority::new();
    let server = authority.server();
    let files = [server.certificate, server.key].map(|it| it.display().to_string());
    let server = PythonServer::start("grpc_server.py", &[&files[0], &files[1]]);
    let settings = |tls: Value| json!({"address": server.address(), "tls": tls});
    let sample = run("grpc", settings(json!({"ca": authority.ca()}))).await;
    passed(&sample);
    assert!(reading(&sample, "cert_days") > 30.0);
    let sample = run("grpc", settings(json!({}))).await;
    fault(&sample, Reason::Certificate);
    assert!(reading(&sample, "cert_days") > 30.0);
    let expired = TalkPeer::start(vec![begins_tls(&authority.expired())]).await;
    let tls = json!({"ca": authority.ca()});
    let sample = run("grpc", json!({"address": expired.address(), "tls": tls})).await;
    fault(&sample, Reason::Certificate);
    // In the clear with a server that speaks TLS.
    let sample = run_within(
        Duration::from_secs(2),
        "grpc",
        json!({"address": server.address()}),
    )
    .await;
    let told = sample.fault.as_ref().expect("nothing sensible is said");
    assert!(
        matches!(
            told.reason,
            Reason::Malformed | Reason::Closed | Reason::Reset
        ),
        "{told:?}"
    );
}

/// A server of HTTP/2 that answers every call with this, whatever it was.
async fn answering(
    body: &'static [u8],
    trailers: &'static [(&'static str, &'static str)],
) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("it is bound").to_string();
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |request: Request<Incoming>| async move {
                // A client that gives up while it sends is for the test to notice.
                drop(request.into_body().collect().await);
                let pairs = trailers.iter().map(|(name, value)| {
                    let value = http::HeaderValue::from_static(value);
                    (http::HeaderName::from_static(name), value)
                });
                let trailers: HeaderMap = pairs.collect();
                let body = Full::new(Bytes::from_static(body))
                    .with_trailers(async move { Some(Ok::<_, Infallible>(trailers)) });
                Ok::<_, Infallible>(Response::new(body))
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            drop(server.serve_connection(TokioIo::new(stream), service).await);
        }
    });
    (address, serving)
}

#[tokio::test]
async fn an_answer_that_is_no_health_is_called_what_it_is() {
    const OK: &[(&str, &str)] = &[("grpc-status", "0")];
    static LARGE: [u8; 10_000] = [0; 10_000];
    for (body, trailers, reason) in [
        (&b"\0\0\0\0\x02\x08\x01"[..], OK, None),
        (b"\0\0\0\0\x02\x08\x01", &[][..], Some(Reason::Malformed)),
        (b"", OK, Some(Reason::Malformed)),
        (b"\x01\0\0\0\x02\x08\x01", OK, Some(Reason::Malformed)),
        (b"\0\0\0\0\x05<html", OK, Some(Reason::Malformed)),
        (b"\0\0\0\0\0", OK, Some(Reason::Status)),
        (b"", &[("grpc-status", "14")], Some(Reason::NotReady)),
        (&LARGE, OK, Some(Reason::TooLarge)),
    ] {
        let (address, _serving) = answering(body, trailers).await;
        let sample = ask(&address, "").await;
        let told = sample.fault.as_ref().map(|fault| fault.reason);
        assert_eq!(told, reason, "{body:?} {trailers:?}: {sample:?}");
    }
    // A server of HTTP/2 that knows no gRPC.
    let peer = Peer::start_http_2_in_the_clear().await;
    let sample = ask(&peer.address().to_string(), "").await;
    fault(&sample, Reason::Malformed);
}

#[tokio::test]
async fn a_peer_that_misbehaves_is_called_what_it_is() {
    let nobody = format!("127.0.0.1:{}", free_port());
    fault(&ask(&nobody, "").await, Reason::Refused);
    // The settings of a session that then goes on for ever: HTTP/2, section 6.5.
    let settings = b"\0\0\0\x04\0\0\0\0\0".to_vec();
    for (manner, reason) in [
        (Manner::Hang, Reason::Timeout),
        (Manner::Reset, Reason::Reset),
        (Manner::Close, Reason::Closed),
        (
            Manner::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            Reason::Malformed,
        ),
        (Manner::Say(settings.clone()), Reason::Timeout),
        (
            Manner::Flood(settings, b"\0\0\x08\x06\0\0\0\0\0pingpong".repeat(1000)),
            Reason::TooLarge,
        ),
    ] {
        let peer = RawPeer::start(manner.clone()).await;
        let address = format!("127.0.0.1:{}", peer.port());
        let settings = json!({"address": address});
        let sample = run_within(Duration::from_millis(800), "grpc", settings).await;
        let told = sample.fault.as_ref().expect("there is no answer");
        let met = (told.reason, reason);
        // A flood is left at its limit, or at the deadline of a busy machine; and a peer that closes
        // before it has read all that was sent resets the connection.
        let fits = met.0 == met.1
            || met == (Reason::Timeout, Reason::TooLarge)
            || met == (Reason::Reset, Reason::Closed);
        assert!(fits, "{manner:?}: {told:?}");
        peer.sees_the_connection_end().await;
    }
    let drip = Step::Drips(
        b"\0\0\0\x04\0\0\0\0\0".repeat(100),
        Duration::from_millis(20),
    );
    let peer = TalkPeer::start(vec![drip]).await;
    let settings = json!({"address": peer.address()});
    let sample = run_within(Duration::from_millis(500), "grpc", settings).await;
    fault(&sample, Reason::Timeout);
    peer.sees_the_connection_end().await;
}

#[test]
fn settings_that_cannot_work_are_all_named() {
    let misfits = build(
        "grpc",
        json!({
            "address": "a.test",
            "metadata": {"grpc-timeout": "1S", "a b": "canary", "x": "canary\n", "te": "trailers"}
        }),
    );
    let misfits = misfits.err().expect("it cannot work");
    let paths: Vec<String> = misfits.iter().map(|it| it.path.join(".")).collect();
    assert_eq!(
        paths,
        [
            "metadata.a b",
            "metadata.grpc-timeout",
            "metadata.te",
            "metadata.x",
            "address"
        ]
    );
    assert!(!format!("{misfits:?}").contains("canary"));
    let probe = build(
        "grpc",
        json!({"address": "[::1]:50051", "tls": {"verify": false}}),
    );
    let target = probe
        .expect("it can work")
        .target()
        .expect("it asks one place");
    assert_eq!(&*target.name, "https://[::1]:50051");
}
