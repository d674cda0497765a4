//! `resolver` and `addresses: each`, from the file to the verdict.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

use super::program::Program;
use crate::harness::http_peer::{Peer, answer};
use crate::harness::name_server::{NameServer, Says};

const CHECK: &str = r#"
defaults: { every: 10s, timeout: 3s, resolver: { servers: ["${NAME_SERVER}"] } }
checks:
  page:
    http: { url: "http://a.test:${PORT}/", addresses: "${WHO:-each}" }
"#;

/// Answers everybody who comes, and counts them.
fn answering(listener: TcpListener) -> (Arc<AtomicUsize>, JoinSet<()>) {
    let accepted = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&accepted);
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 1024];
            if stream.read(&mut request).await.is_ok() {
                // Whoever asked may be gone.
                stream.write_all(&answer("200 OK", &[], b"ok")).await.ok();
            }
        }
    });
    (accepted, serving)
}

fn samples(report: &Value) -> u64 {
    report["checks"][0]["samples"].as_u64().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_address_of_a_name_is_a_sample_and_the_one_that_refuses_is_named() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let port = peer.address().port();
    let names = NameServer::start().await;
    names.says("a.test", Says::loopback(&[1, 2, 3]), Says::NoRecord);
    let program = Program::with(CHECK)
        .env("NAME_SERVER", &names.address().to_string())
        .env("PORT", &port.to_string());
    let second = TcpListener::bind(("127.0.0.2", port))
        .await
        .expect("it is free there");
    let (accepted, _serving) = answering(second);
    let report = program
        .run(&["gate", "--report", "json"])
        .await
        .expect(1)
        .json();
    assert_eq!(report["verdict"], "fail");
    assert_eq!(samples(&report), 3);
    assert_eq!(report["checks"][0]["errored"], 1);
    assert_eq!(accepted.load(Ordering::SeqCst), 1);
    let text = report.to_string();
    assert!(text.contains("127.0.0.3: connection refused"), "{text}");
    assert_eq!(peer.asked().len(), 1, "one connection for each address");
    assert_eq!(
        names.asked("a.test"),
        (1, 1),
        "one question for all of them"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_server_that_is_away_leaves_the_verdict_open() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
    let address = silent.local_addr().expect("it is bound").to_string();
    for who in ["each", "resolved"] {
        let program = Program::with(CHECK)
            .env("NAME_SERVER", &address)
            .env("PORT", "80")
            .env("WHO", who);
        let report = program
            .run(&["gate", "--report", "json"])
            .await
            .expect(3)
            .json();
        assert_eq!(report["verdict"], "inconclusive", "{who}");
        assert_eq!(samples(&report), 1, "{who}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_does_not_exist_condemns() {
    let names = NameServer::start().await;
    let program = Program::with(CHECK)
        .env("NAME_SERVER", &names.address().to_string())
        .env("PORT", "80");
    let report = program
        .run(&["gate", "--report", "json"])
        .await
        .expect(1)
        .json();
    assert!(
        report
            .to_string()
            .contains("the name a.test does not exist"),
        "{report}"
    );
}
