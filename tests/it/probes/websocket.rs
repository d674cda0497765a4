//! The kind `websocket` against a real server, and against peers that misbehave.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Phase, Reason, Sample};

use crate::harness::certificates::Authority;
use crate::harness::http_peer::Peer;
use crate::harness::postgres::free_port;
use crate::harness::probing::{build, fault, passed, reading, run, run_within};
use crate::harness::python::PythonServer;
use crate::harness::raw_peer::{Manner, RawPeer};
use crate::harness::talk_peer::{Step, TalkPeer, begins_tls};

fn url(server: &PythonServer) -> String {
    format!("ws://{}/socket?room=1", server.address())
}

/// Holds a dialogue with the server, after its greeting.
async fn talk(server: &PythonServer, dialogue: Value) -> Sample {
    let mut steps = vec![json!({"expect_json": {"$.type": "hello"}})];
    steps.extend(dialogue.as_array().expect("steps").iter().cloned());
    run("websocket", json!({"url": url(server), "dialogue": steps})).await
}

#[tokio::test]
async fn messages_are_sent_and_judged() {
    let server = PythonServer::start("websocket_server.py", &[]);
    let sample = talk(
        &server,
        json!([
            {"send": "hello there"},
            {"expect": {"starts_with": "hello"}},
            {"send": {"hex": "00ff"}},
            {"expect": "00ff", "as": "hex"},
            {"send_json": {"type": "subscribe", "n": 3}},
            {"expect_json": {"$.type": "subscribe", "$.n": {"ge": 3}}},
            {"send": "busy"},
            {"expect_json": {"$.type": "done"}, "skip": 3}
        ]),
    )
    .await;
    passed(&sample);
    assert_eq!(reading(&sample, "messages"), 8.0);
    for phase in [Phase::Connect, Phase::Request, Phase::Ttfb] {
        assert!(sample.phases.get(phase).is_some(), "{phase:?}");
    }
    let path = json!({"$.path": "/socket?room=1"});
    let settings = json!({"url": url(&server), "dialogue": [{"expect_json": path}]});
    passed(&run("websocket", settings).await);
    // The handshake alone.
    passed(&run("websocket", json!({"url": url(&server)})).await);
}

#[tokio::test]
async fn a_wrong_message_is_told_with_its_step() {
    let server = PythonServer::start("websocket_server.py", &[]);
    for (dialogue, detail) in [
        (
            json!([{"send": "a"}, {"expect": "b"}]),
            r#"step 3: expected "b", got "a""#,
        ),
        (
            json!([{"send": {"hex": "00"}}, {"expect": "b"}]),
            "step 3: expected \"b\", got a binary message of 1 bytes",
        ),
        (
            json!([{"send_json": {"n": 1}}, {"expect_json": {"$.n": 2}}]),
            "step 3: $.n: expected 2, got 1",
        ),
        (
            json!([{"send": "busy"}, {"expect_json": {"$.type": "done"}, "skip": 2}]),
            r#"step 3: $.type: expected "done", got "heartbeat""#,
        ),
    ] {
        let sample = talk(&server, dialogue).await;
        let told = fault(&sample, Reason::Expectation);
        assert!(told.detail.starts_with(detail), "{}", told.detail);
    }
}

#[tokio::test]
async fn a_connection_that_stays_open_is_watched_and_one_that_closes_says_why() {
    let server = PythonServer::start("websocket_server.py", &[]);
    let settings = json!({"url": url(&server), "ping": true, "stays_open": "300ms"});
    let sample = run("websocket", settings).await;
    passed(&sample);
    assert!(reading(&sample, "open_for") >= 0.3);
    assert!(reading(&sample, "pong") < 5.0);
    // What was watched is no latency.
    assert!(sample.latency.as_secs_f64() < sample.phases.total().as_secs_f64() + 0.001);
    assert!(sample.phases.get(Phase::Body).is_none());
    // The greeting was there, and of the second too little is left.
    let settings = json!({"url": url(&server), "stays_open": "1s"});
    let sample = run_within(Duration::from_secs(1), "websocket", settings).await;
    let detail = &fault(&sample, Reason::Timeout).detail;
    assert!(detail.contains("stay open for 1s"), "{detail}");
    let closing = json!([{"send": "expire"}]);
    let settings = json!({"url": url(&server), "dialogue": closing, "stays_open": "4s"});
    let sample = run("websocket", settings).await;
    let told = fault(&sample, Reason::Closed);
    assert_eq!(
        told.detail,
        "localhost closes with 4001 while it had to stay open for 4s: token expired"
    );
    assert!(reading(&sample, "open_for") < 4.0);
    let sample = talk(&server, json!([{"send": "restart"}, {"expect": "x"}])).await;
    let detail = &fault(&sample, Reason::Closed).detail;
    assert!(detail.contains("1012 (service restarts)"), "{detail}");
}

#[tokio::test]
async fn a_message_that_is_too_large_is_not_read() {
    let server = PythonServer::start("websocket_server.py", &[]);
    for (limit, size, reason) in [("1KiB", 1000, None), ("1KiB", 1025, Some(Reason::TooLarge))] {
        let settings = json!({
            "url": url(&server),
            "limit": limit,
            "dialogue": [
                {"send": format!("large {size}")},
                {"expect": {"starts_with": "xx"}, "skip": 1}
            ]
        });
        let sample = run("websocket", settings).await;
        let told = sample.fault.as_ref().map(|fault| fault.reason);
        assert_eq!(told, reason, "{sample:?}");
    }
}

#[tokio::test]
async fn a_subprotocol_is_agreed_on() {
    let server = PythonServer::start("websocket_server.py", &[]);
    let offering = |names: Value| json!({"url": url(&server), "subprotocols": names});
    passed(&run("websocket", offering(json!(["chat.v1"]))).await);
    passed(&run("websocket", offering(json!(["chat.v9", "chat.v2"]))).await);
    let sample = run("websocket", offering(json!(["chat.v9"]))).await;
    let detail = &fault(&sample, Reason::Expectation).detail;
    assert!(detail.contains("no subprotocol is agreed on"), "{detail}");
}

#[tokio::test]
async fn credentials_let_us_in_and_are_shown_to_nobody() {
    let server = PythonServer::start("websocket_server.py", &["--token", "canary-token"]);
    let asked = |token: &str| {
        let headers = json!({"authorization": format!("Bearer {token}")});
        json!({"url": url(&server), "headers": headers, "dialogue": [
            {"expect": {"exists": true}},
            {"send": "login canary-message"},
            {"expect": "welcome"}
        ]})
    };
    let sample = run("websocket", asked("canary-token")).await;
    let detail = &fault(&sample, Reason::Expectation).detail;
    assert!(
        detail.ends_with(r#"expected "welcome", got "***""#),
        "{detail}"
    );
    assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    let sample = run("websocket", asked("canary-wrong")).await;
    let detail = &fault(&sample, Reason::Unauthorized).detail;
    assert!(detail.contains("status 401"), "{detail}");
    assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
}

#[tokio::test]
async fn over_tls_the_certificate_is_verified() {
    let authority = Authority::new();
    let server = authority.server();
    let files = [server.certificate, server.key].map(|it| it.display().to_string());
    let server = PythonServer::start("websocket_server.py", &[&files[0], &files[1]]);
    let address = format!("wss://{}/", server.address());
    let settings = |url: &str, tls: Value| json!({"url": url, "tls": tls});
    let trusting = json!({"ca": authority.ca()});
    let sample = run("websocket", settings(&address, trusting.clone())).await;
    passed(&sample);
    assert!(reading(&sample, "cert_days") > 30.0);
    let sample = run("websocket", settings(&address, json!({}))).await;
    fault(&sample, Reason::Certificate);
    let expired = TalkPeer::start(vec![begins_tls(&authority.expired())]).await;
    let address = format!("wss://{}/", expired.address());
    let sample = run("websocket", settings(&address, trusting)).await;
    fault(&sample, Reason::Certificate);
    assert!(reading(&sample, "cert_days") < 0.0);
}

#[tokio::test]
async fn whoever_answers_otherwise_is_called_what_it_is() {
    let nobody = format!("ws://127.0.0.1:{}/", free_port());
    fault(
        &run("websocket", json!({"url": nobody})).await,
        Reason::Refused,
    );
    for (answer, reason) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            Reason::Status,
        ),
        (
            "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n",
            Reason::Status,
        ),
        (
            "HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n",
            Reason::Unauthorized,
        ),
        (
            "HTTP/1.1 101 Go\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
            Reason::Malformed,
        ),
    ] {
        let peer = Peer::answering(answer).await;
        let settings = json!({"url": format!("ws://{}/", peer.address())});
        let sample = run("websocket", settings).await;
        fault(&sample, reason);
    }
}

#[tokio::test]
async fn a_peer_that_misbehaves_is_called_what_it_is() {
    for (manner, reason) in [
        (Manner::Hang, Reason::Timeout),
        (Manner::Reset, Reason::Reset),
        (Manner::Close, Reason::Closed),
        (
            Manner::Say(b"SSH-2.0-OpenSSH\r\n\r\n".to_vec()),
            Reason::Malformed,
        ),
        (Manner::Say(vec![0xff; 100]), Reason::Malformed),
        (
            Manner::Say(b"HTTP/1.1 101 Go\r\n".to_vec()),
            Reason::Timeout,
        ),
        (
            Manner::Flood(b"HTTP/1.1 101 Go\r\nx: ".to_vec(), vec![b'x'; 65_536]),
            Reason::TooLarge,
        ),
    ] {
        let peer = RawPeer::start(manner.clone()).await;
        let settings = json!({"url": format!("ws://127.0.0.1:{}/", peer.port())});
        let sample = run_within(Duration::from_millis(800), "websocket", settings).await;
        let told = sample.fault.as_ref().expect("there is no WebSocket");
        assert_eq!(told.reason, reason, "{manner:?}: {told:?}");
        peer.sees_the_connection_end().await;
    }
    let drip = Step::Drips(
        b"HTTP/1.1 101 Go\r\nx: yyyyyyyyyyyyy".to_vec(),
        Duration::from_millis(30),
    );
    let peer = TalkPeer::start(vec![drip]).await;
    let settings = json!({"url": format!("ws://{}/", peer.address())});
    let sample = run_within(Duration::from_millis(500), "websocket", settings).await;
    fault(&sample, Reason::Timeout);
}

#[test]
fn settings_that_cannot_work_are_all_named() {
    let misfits = build(
        "websocket",
        json!({
            "url": "ws://a.test/",
            "headers": {"sec-websocket-key": "canary", "upgrade": "h2c", "x": "canary\n"},
            "subprotocols": ["a b"],
            "limit": "17MiB",
            "dialogue": [{"send": "canary", "expect": "b"}]
        }),
    );
    let misfits = misfits.err().expect("it cannot work");
    let paths: Vec<String> = misfits.iter().map(|it| it.path.join(".")).collect();
    assert_eq!(
        paths,
        [
            "headers.sec-websocket-key",
            "headers.upgrade",
            "headers.x",
            "subprotocols",
            "limit",
            "dialogue.0"
        ]
    );
    assert!(!format!("{misfits:?}").contains("canary"));
    let probe = build(
        "websocket",
        json!({"url": "wss://a.test/", "stays_open": "7s"}),
    );
    let probe = probe.expect("it can work");
    assert_eq!(probe.lasts(), Duration::from_secs(7));
    let target = probe.target().expect("it asks one place");
    assert_eq!(&*target.name, "wss://a.test:443");
}
