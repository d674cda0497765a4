//! Writing, reading and deleting a key of our own on a real server: what is touched, what is left,
//! and what those say who do not let us.

use serde_json::json;
use smokejumper::sample::{Reason, Sample};

use super::{keeps_its_secret, once_it_passes};
use crate::harness::probing::{fault, passed, reading, run};
use crate::harness::raw_peer::{Manner, RawPeer};
use crate::harness::redis::Redis;

async fn go(url: &str) -> Sample {
    run("redis", json!({"url": url, "round_trip": true})).await
}

#[tokio::test]
async fn a_key_is_written_read_and_deleted_and_nothing_else_is_touched() {
    let server = Redis::start().await;
    server.run(&["set", "smokejumper:round-trip:theirs", "kept"]);
    server.run(&["set", "theirs", "kept"]);
    server.run(&["config", "set", "notify-keyspace-events", "KA"]);
    let sample = go(&server.url("")).await;
    passed(&sample);
    for name in ["ping_time", "write_time", "read_time", "delete_time"] {
        assert!(reading(&sample, name) > 0.0, "{name}");
    }
    assert_eq!(server.run(&["dbsize"]), "2", "nothing is left");
    assert_eq!(
        server.run(&["get", "smokejumper:round-trip:theirs"]),
        "kept"
    );
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn the_key_has_an_expiry_should_we_die_on_the_way() {
    // Whoever may not delete leaves the key, as one who dies before would.
    let user = "user half on >halving ~smokejumper:* +ping +info +set +get";
    let server = Redis::start_with(&[user]).await;
    let url = format!("redis://half:halving@localhost:{}", server.port());
    let told = go(&url).await;
    let told = fault(&told, Reason::NotPermitted);
    assert!(
        told.detail
            .contains("grant ~smokejumper:round-trip:* +set +get +del"),
        "{}",
        told.detail
    );
    let key = server.run(&["keys", "smokejumper:round-trip:*"]);
    assert_eq!(key.lines().count(), 1, "{key}");
    let left: i64 = server.run(&["ttl", &key]).parse().expect("seconds");
    assert!((1..=60).contains(&left), "{left}");
}

#[tokio::test]
async fn a_replica_takes_no_writes_and_the_message_says_what_to_do() {
    let primary = Redis::start().await;
    let line = format!("replicaof 127.0.0.1 {}", primary.port());
    let replica = Redis::start_with(&[&line]).await;
    once_it_passes(&replica, json!({"info": {"master_link_status": "up"}})).await;
    let sample = go(&replica.url("")).await;
    let told = fault(&sample, Reason::ServerFault);
    assert!(told.detail.contains("READONLY"), "{}", told.detail);
    assert!(
        told.detail
            .ends_with("let `url` name the primary, or leave `round_trip` out")
    );
}

#[tokio::test]
async fn a_server_that_is_full_takes_no_writes() {
    let server = Redis::start_with(&["maxmemory 500kb", "maxmemory-policy noeviction"]).await;
    let sample = go(&server.url("")).await;
    let told = fault(&sample, Reason::ServerFault);
    assert!(told.detail.contains("OOM"), "{}", told.detail);
}

#[tokio::test]
async fn a_slot_that_moves_to_another_node_is_left_for_one_that_stays() {
    for elsewhere in ["-MOVED 93 127.0.0.1:1\r\n", "-ASK 93 127.0.0.1:1\r\n"] {
        let nodes = "a 127.0.0.1:1@2 myself,master - 0 0 1 connected 0-16383 [93->-b]\n";
        let nodes = format!("${}\r\n{nodes}\r\n", nodes.len());
        let said = [
            "+PONG\r\n",
            "$9\r\nloading:0\r\n",
            elsewhere,
            &nodes,
            "+OK\r\n",
            "$3\r\nold\r\n",
            ":1\r\n",
        ];
        let said = said.map(|text| text.as_bytes().to_vec()).to_vec();
        let peer = RawPeer::start(Manner::Converse(said)).await;
        let sample = go(&format!("redis://127.0.0.1:{}", peer.port())).await;
        let told = fault(&sample, Reason::Expectation);
        assert!(told.detail.ends_with("read as `old`"), "{}", told.detail);
    }
}

#[tokio::test]
async fn what_comes_back_otherwise_than_written_is_a_wrong_answer() {
    let info = b"$9\r\nloading:0\r\n".to_vec();
    for (read, deleted, detail) in [
        (
            &b"$3\r\nold\r\n"[..],
            &b":1\r\n"[..],
            "round trip: what was written was read as `old`",
        ),
        (
            b"$-1\r\n",
            b":0\r\n",
            "round trip: what was written was read as nothing",
        ),
    ] {
        let said = vec![
            b"+PONG\r\n".to_vec(),
            info.clone(),
            b"+OK\r\n".to_vec(),
            read.to_vec(),
            deleted.to_vec(),
        ];
        let peer = RawPeer::start(Manner::Converse(said)).await;
        let sample = go(&format!("redis://127.0.0.1:{}", peer.port())).await;
        assert_eq!(fault(&sample, Reason::Expectation).detail, detail);
    }
}
