//! Peers that accept and hang cost their own slots until their own deadlines, and nobody else:
//! every kind, over every way of connecting.

use std::time::Duration;

use serde_json::json;
use smokejumper::probe::registry::KINDS;

use super::page::page;
use super::program::Program;
use crate::harness::http_peer::{Does, Peer};
use crate::probes::slots::ways_to;

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_hanging_peers_do_not_delay_eight_hundred_healthy_ones() {
    let hanging = Peer::start(Does::Hangs).await;
    let healthy = page("200 OK", "ok").await;
    let place = hanging.address().to_string();
    let well = format!("{{ http: {{ url: \"{}/\" }} }}", healthy.url(""));
    let mut hung = KINDS
        .iter()
        .flat_map(|kind| {
            let ways = ways_to(kind.name, &place).into_iter();
            ways.map(|mut way| {
                if matches!(kind.name, "postgres" | "mysql" | "redis") {
                    // Told to open them all: otherwise few at a time would ask, and hang in turn.
                    way["max_connections"] = json!(1_000);
                }
                json!({ (kind.name): way }).to_string()
            })
        })
        .collect::<Vec<_>>()
        .into_iter()
        .cycle();
    let mut configuration = String::from("defaults: { every: 20s, timeout: 10s }\nchecks:\n");
    for number in 0..1_000 {
        let (name, check) = if number % 5 == 0 {
            ("hung", hung.next().expect("kinds without end"))
        } else {
            ("well", well.clone())
        };
        configuration.push_str(&format!("  {name}-{number}: {check}\n"));
    }
    let started = tokio::time::Instant::now();
    let ran = Program::with(&configuration)
        .run(&["gate", "--report", "json"])
        .await;
    let took = started.elapsed();
    let report = ran.expect(1).json();
    // All hang side by side: the slots are released together, at one deadline.
    assert!(took < Duration::from_secs(20), "{took:?}");
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
            let latency = check["latency_ms"]["max"].as_f64();
            assert!(latency.is_some_and(|it| it < 10_000.0), "{check}");
        }
    }
    hanging.all_closed().await;
}
