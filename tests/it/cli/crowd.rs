//! Peers that accept and hang cost their own slots until their own deadlines, and nobody else.

use serde_json::Value;

use super::page::page;
use super::program::Program;
use crate::harness::http_peer::{Does, Peer};

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_hanging_peers_do_not_delay_eight_hundred_healthy_ones() {
    let hanging = Peer::start(Does::Hangs).await;
    let healthy = page("200 OK", "ok").await;
    let mut configuration = String::from("defaults: { every: 20s, timeout: 10s }\nchecks:\n");
    for number in 0..1_000 {
        let (name, url) = if number % 5 == 0 {
            ("hung", hanging.url(""))
        } else {
            ("well", healthy.url(""))
        };
        configuration.push_str(&format!(
            "  {name}-{number}: {{ http: {{ url: \"{url}/\" }} }}\n"
        ));
    }
    let ran = Program::with(&configuration)
        .run(&["gate", "--report", "json"])
        .await;
    let report = ran.expect(1).json();
    let checks = report["checks"].as_array().expect("checks");
    assert_eq!(checks.len(), 1_000);
    for check in checks {
        let id = check["id"].as_str().unwrap();
        if id.starts_with("hung") {
            assert_eq!(check["verdict"], "fail", "{check}");
            assert_eq!(check["reasons"][0]["code"], "timeout", "{check}");
        } else {
            // It passed within its own timeout, whatever the others did.
            assert_eq!(check["verdict"], "pass", "{check}");
            assert_ne!(check["latency_ms"]["max"], Value::Null, "{check}");
        }
    }
}
