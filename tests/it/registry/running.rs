//! Examples of kinds, run as they stand by `gate` against real servers: all of their checks pass.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tokio::process::Command;

use super::root;
use crate::harness::anvil::Anvil;
use crate::harness::certificates::Authority;
use crate::harness::dnsmasq::Dnsmasq;
use crate::harness::http_peer::{self, Does, Peer};
use crate::harness::prometheus::Prometheus;
use crate::harness::python::PythonServer;
use crate::harness::talk_peer::{TalkPeer, begins_tls};
use crate::harness::tezos_node::{State, TezosNode};
use crate::harness::{bitcoin_node, solana_node};

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

#[tokio::test]
async fn prometheus() {
    let server = Prometheus::scraping(&[]).await;
    // A rate takes two scrapes.
    server.has("prometheus_http_requests_total offset 1s").await;
    gate("prometheus", &[("PROMETHEUS_URL", &server.url(""))]).await;
}

#[tokio::test]
async fn datadog_and_sentry() {
    let now = jiff::Timestamp::now().as_millisecond();
    let answers = Does::Answers(Arc::new(move |asked| {
        let body = match asked.path() {
            path if path.contains("/monitor/") => json!({ "overall_state": "OK" }),
            path if path.contains("/api/v1/query") => {
                json!({ "status": "ok", "series": [{ "scope": "*", "pointlist": [[now, 0.01]] }] })
            }
            _ => json!({ "data": [{
                "count()": 0, "count_unique(issue)": 0, "count_unique(user)": 0,
            }] }),
        };
        http_peer::answer("200 OK", &[], body.to_string().as_bytes())
    }));
    let peer = Peer::start(answers).await;
    gate("sentry", &[("SENTRY_URL", &peer.url(""))]).await;
    gate("datadog", &[("DD_URL", &peer.url(""))]).await;
}

#[tokio::test]
async fn evm() {
    let anvil = Anvil::start().await;
    anvil.mine(100).await;
    gate("evm", &[("EVM_RPC_URL", &anvil.url())]).await;
}

#[tokio::test]
async fn tezos() {
    let node = TezosNode::start(State::default()).await;
    gate("tezos", &[("TEZOS_RPC_URL", &node.url())]).await;
}

#[tokio::test]
async fn solana() {
    let node = solana_node::start(166_974_442, 1, &[]).await;
    gate("solana", &[("SOLANA_RPC_URL", &node.url())]).await;
}

#[tokio::test]
async fn bitcoin() {
    let node = bitcoin_node::start(936_616, 300, &[]).await;
    gate("bitcoin", &[("BITCOIN_RPC_URL", &node.url())]).await;
}
