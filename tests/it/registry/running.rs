//! Examples of kinds, run as they stand by `gate` against real servers: all of their checks pass.

use std::path::Path;

use tokio::process::Command;

use super::root;
use crate::harness::certificates::Authority;
use crate::harness::dnsmasq::Dnsmasq;
use crate::harness::prometheus::Prometheus;
use crate::harness::python::PythonServer;
use crate::harness::talk_peer::{TalkPeer, begins_tls};

/// Runs `smokejumper gate` of a kind's example with nothing but this in the environment.
async fn gate(kind: &str, environment: &[(&str, &str)]) {
    let example = root().join(format!("checks/{kind}.yaml"));
    let output = Command::new(env!("CARGO_BIN_EXE_smokejumper"))
        .arg("gate")
        .arg(&example)
        .env_clear()
        .envs(environment.iter().copied())
        .current_dir(root())
        .output()
        .await
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let problems = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{kind}:\n{said}\n{problems}");
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

#[tokio::test]
async fn dns() {
    let server = Dnsmasq::start().await;
    let address = server.address().to_string();
    gate("dns", &[("DNS_SERVER", &address), ("DNS_NAME", "api.test")]).await;
}

#[tokio::test]
async fn grpc() {
    let server = PythonServer::start("grpc_server.py", &[]);
    let address = server.address();
    gate(
        "grpc",
        &[
            ("GRPC_ADDRESS", &address),
            ("GRPC_SERVICE", "shop.v1.Orders"),
        ],
    )
    .await;
}

#[tokio::test]
async fn websocket() {
    let server = PythonServer::start("websocket_server.py", &[]);
    let url = format!("ws://{}/", server.address());
    gate("websocket", &[("WEBSOCKET_URL", &url)]).await;
}

#[tokio::test]
async fn tls() {
    let authority = Authority::new();
    let server = authority.server();
    let port = TalkPeer::start(vec![begins_tls(&server)]).await;
    let files = [text(&server.certificate), text(&server.key)];
    let mail = PythonServer::start("smtp.py", &[&files[0], &files[1]]);
    let environment = [
        ("TLS_ADDRESS", port.address()),
        ("SMTP_ADDRESS", mail.address()),
        // The system's authorities, where the program looks for them.
        ("SSL_CERT_FILE", text(&authority.ca())),
    ];
    gate(
        "tls",
        &environment
            .each_ref()
            .map(|(name, value)| (*name, value.as_str())),
    )
    .await;
}

#[tokio::test]
async fn tcp() {
    let mail = PythonServer::start("smtp.py", &[]);
    gate("tcp", &[("TCP_ADDRESS", &mail.address())]).await;
}

#[tokio::test]
async fn metrics() {
    let server = Prometheus::scraping(&[]).await;
    gate("metrics", &[("METRICS_URL", &server.url("/metrics"))]).await;
}
