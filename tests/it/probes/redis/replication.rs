//! Role, link, memory and evictions with a real primary and a real replica.

use std::time::Duration;

use serde_json::json;
use smokejumper::sample::Reason;

use super::{ask, keeps_its_secret, once_it_passes};
use crate::harness::postgres::free_port;
use crate::harness::probing::{build, clock, fault, passed, reading, run_by};
use crate::harness::redis::Redis;

async fn with_replica() -> (Redis, Redis) {
    let primary = Redis::start().await;
    let line = format!("replicaof 127.0.0.1 {}", primary.port());
    let replica = Redis::start_with(&[&line]).await;
    (primary, replica)
}

#[tokio::test]
async fn a_primary_and_its_replica_have_their_parts_and_nothing_between_them() {
    let (primary, replica) = with_replica().await;
    let sample = once_it_passes(
        &primary,
        json!({"role": "primary", "replicas": 1, "lag": {"le": 5}, "lag_bytes": {"lt": 10000}}),
    )
    .await;
    assert_eq!(reading(&sample, "replicas"), 1.0);
    let sample = once_it_passes(
        &replica,
        json!({"role": "replica", "lag": {"le": 15}, "lag_bytes": 0, "info": {"master_link_status": "up"}}),
    )
    .await;
    assert_eq!(reading(&sample, "master_link_up"), 1.0);
    for (server, expected, detail) in [
        (&primary, "replica", "role: expected replica, got primary"),
        (&replica, "primary", "role: expected primary, got replica"),
    ] {
        let sample = ask(server, json!({"role": expected})).await;
        assert_eq!(fault(&sample, Reason::Expectation).detail, detail);
        keeps_its_secret(&sample);
    }
}

#[tokio::test]
async fn a_replica_that_has_lost_its_primary_says_so() {
    let (mut primary, replica) = with_replica().await;
    once_it_passes(&replica, json!({"info": {"master_link_status": "up"}})).await;
    primary.stop();
    let sample = once_it_passes(&replica, json!({"info": {"master_link_status": "down"}})).await;
    assert_eq!(reading(&sample, "master_link_up"), 0.0);
    assert!(reading(&sample, "lag") >= 0.0);
    let never = format!("replicaof 127.0.0.1 {}", free_port());
    let never = Redis::start_with(&[&never]).await;
    let sample = ask(&never, json!({"lag": {"lt": 10}})).await;
    let told = fault(&sample, Reason::Expectation);
    assert!(
        told.detail.starts_with("lag: expected { lt: 10 }, got "),
        "{}",
        told.detail
    );
}

#[tokio::test]
async fn a_primary_without_a_replica_has_no_lag_to_expect_anything_of() {
    let server = Redis::start().await;
    let sample = ask(
        &server,
        json!({"replicas": {"ge": 1}, "lag_bytes": {"lt": 10}}),
    )
    .await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "replicas: expected { ge: 1 }, got 0 (1 more not evaluated)"
    );
}

#[tokio::test]
async fn memory_is_a_share_of_its_limit_and_evictions_are_a_rate() {
    let server = Redis::start_with(&["maxmemory 2mb", "maxmemory-policy allkeys-random"]).await;
    let expect = json!({"memory_pct": {"le": 200}});
    let settings = json!({"url": server.url(""), "expect": expect});
    let check = build("redis", settings).expect("it can work");
    let clock = clock();
    let first = run_by(&clock, &*check).await;
    passed(&first);
    assert!(reading(&first, "memory_pct") > 10.0);
    assert!(
        first
            .readings
            .iter()
            .all(|it| &*it.name != "evictions_per_second")
    );
    for key in ["a", "b", "c", "d"] {
        server.run(&["setrange", key, "900000", "x"]);
    }
    assert!(server.run(&["dbsize"]) != "4", "something was evicted");
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let next = run_by(&clock, &*check).await;
        passed(&next);
        let rate = next
            .readings
            .iter()
            .find(|it| &*it.name == "evictions_per_second");
        if let Some(rate) = rate {
            assert!(rate.value > 0.0, "{next:?}");
            break;
        }
        assert!(tokio::time::Instant::now() < deadline, "no rate ever came");
    }
    // A first run knows no rate: that is not the server's.
    let sample = ask(&server, json!({"evictions_per_second": {"lt": 10}})).await;
    assert_eq!(
        fault(&sample, Reason::NoData).detail,
        "evictions_per_second: there is none yet, a rate takes two runs"
    );
    let unlimited = Redis::start().await;
    let sample = ask(&unlimited, json!({"memory_pct": {"lt": 90}})).await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "memory_pct: expected { lt: 90 }, got nothing: `maxmemory` sets no limit"
    );
}
