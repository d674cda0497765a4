//! The state of a cluster, with real nodes of one.

use serde_json::{Value, json};
use smokejumper::sample::Reason;

use super::{ask, once_it_passes};
use crate::harness::probing::{fault, passed, reading, run};
use crate::harness::redis::Redis;

const NODE: &[&str] = &[
    "cluster-enabled yes",
    "cluster-node-timeout 2000",
    "cluster-require-full-coverage yes",
];

async fn round_trip(server: &Redis) -> smokejumper::sample::Sample {
    run("redis", json!({"url": server.url(""), "round_trip": true})).await
}

/// What a node is asked for with `nodes` in the cluster.
fn of_nodes(nodes: u32) -> Value {
    json!({"cluster": {"nodes": nodes}})
}

#[tokio::test]
async fn a_cluster_is_well_when_every_slot_has_its_node() {
    let node = Redis::start_with(NODE).await;
    node.run(&["cluster", "addslotsrange", "0", "16382"]);
    let sample = ask(&node, json!({"cluster": {}})).await;
    let told = fault(&sample, Reason::Expectation);
    assert!(
        told.detail
            .starts_with("cluster_state: expected \"ok\", got \"fail\""),
        "{}",
        told.detail
    );
    assert_eq!(reading(&sample, "cluster_slots_assigned"), 16_383.0);
    node.run(&["cluster", "addslots", "16383"]);
    let sample = once_it_passes(&node, json!({"cluster": {"nodes": 1, "primaries": 1}})).await;
    assert_eq!(reading(&sample, "cluster_slots_ok"), 16_384.0);
    let sample = ask(&node, of_nodes(3)).await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "cluster_known_nodes: expected 3, got \"1\""
    );
}

#[tokio::test]
async fn a_round_trip_takes_a_key_that_belongs_to_the_node_that_is_asked() {
    let (one, other) = (Redis::start_with(NODE).await, Redis::start_with(NODE).await);
    // One has three slots in a hundred, so that a key taken at random is seldom its own.
    one.run(&["cluster", "addslotsrange", "0", "500"]);
    other.run(&["cluster", "addslotsrange", "501", "16383"]);
    one.run(&["cluster", "meet", "127.0.0.1", &other.port().to_string()]);
    for node in [&one, &other] {
        once_it_passes(node, of_nodes(2)).await;
        for _ in 0..5 {
            passed(&round_trip(node).await);
        }
        assert_eq!(node.run(&["dbsize"]), "0");
    }
}

#[tokio::test]
async fn a_server_that_is_no_node_has_no_cluster() {
    let server = Redis::start().await;
    let sample = ask(&server, json!({"cluster": {}})).await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "cluster: the server is not a node of a cluster"
    );
}

#[tokio::test]
async fn a_login_that_may_not_ask_learns_nothing() {
    let server = Redis::start_with(&["user visitor on >visiting ~* -@all +ping +info"]).await;
    let url = format!("redis://visitor:visiting@localhost:{}", server.port());
    let sample = run("redis", json!({"url": url, "expect": {"cluster": {}}})).await;
    let told = fault(&sample, Reason::NotPermitted);
    assert!(
        told.detail.ends_with("; grant +cluster|info"),
        "{}",
        told.detail
    );
}
