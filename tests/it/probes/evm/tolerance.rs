//! Nodes that answer oddly and well enough: the sample passes, and a note says what was odd.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason};

use super::reason;
use crate::harness::evm_node::{block, error, result, start};
use crate::harness::looking::{Looking, reading};
use crate::harness::scripted_node::Play;

#[tokio::test]
async fn what_is_merely_sloppy_passes_with_a_note() {
    type Odd = fn(&str, &Value) -> Option<Play>;
    let cases: [(Odd, &str); 5] = [
        (
            |method, id| (method == "eth_chainId").then(|| result(id, "0x01")),
            "not canonical",
        ),
        (
            |method, id| {
                (method == "eth_chainId").then(|| Play::json(json!({"id": id, "result": "0x1"})))
            },
            "does not mark its answers",
        ),
        (
            |method, id| (method == "eth_chainId").then(|| result(&json!(id.to_string()), "0x1")),
            "its id as a text",
        ),
        (
            |method, id| (method == "eth_getBlockByNumber").then(|| result(id, block(54, -60))),
            "ahead of this machine's clock",
        ),
        (
            |method, id| (method == "eth_getBlockByNumber").then(|| result(id, block(54, 90))),
            "more than 48s (4 times the block time of 12s)",
        ),
    ];
    for (odd, note) in cases {
        let node = start(move |method, id, _| odd(method, id)).await;
        let settings = json!({"url": node.url(), "chain_id": 1});
        let sample = Looking::with("evm", &settings).run().await;
        assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
        assert_eq!(sample.notes.len(), 1, "{:?}", sample.notes);
        assert!(sample.notes[0].contains(note), "{:?}", sample.notes);
        assert_eq!(reading(&sample, "head"), Some(54.0));
    }
}

#[tokio::test]
async fn syncing_is_a_hint_unless_something_is_expected_of_it() {
    type Odd = fn(&Value) -> Play;
    let behind: Odd = |id| {
        result(
            id,
            json!({"startingBlock": "0x0", "currentBlock": "0x10", "highestBlock": "0x1a"}),
        )
    };
    // answer, the reading, the note, the reason where `syncing: false` is expected
    let cases: [(Odd, Option<f64>, &str, Option<Reason>); 7] = [
        (|id| result(id, false), Some(0.0), "", None),
        (|id| result(id, "false"), Some(0.0), "", None),
        (behind, Some(1.0), "10 blocks behind", Some(Reason::Syncing)),
        (
            |id| result(id, json!({"batchSeen": 4})),
            Some(1.0),
            "is syncing",
            Some(Reason::Syncing),
        ),
        (
            |id| result(id, json!({"Ok": true})),
            None,
            "says nothing",
            Some(Reason::Expectation),
        ),
        (
            |id| error(id, -32601, "no"),
            None,
            "no hint about syncing",
            Some(Reason::UnsupportedMethod),
        ),
        (
            |_| Play::Answer(429, "text/html", String::new()),
            None,
            "no hint about syncing",
            Some(Reason::Throttled),
        ),
    ];
    for (odd, value, note, expected) in cases {
        let node = start(move |method, id, _| (method == "eth_syncing").then(|| odd(id))).await;
        let hinted = Looking::with("evm", &json!({"url": node.url()}))
            .run()
            .await;
        assert_eq!(hinted.outcome, Outcome::Pass, "{hinted:?}");
        assert_eq!(reading(&hinted, "syncing"), value, "{hinted:?}");
        assert_eq!(hinted.notes.is_empty(), note.is_empty(), "{hinted:?}");
        assert!(hinted.notes.concat().contains(note), "{hinted:?}");
        let settings = json!({"url": node.url(), "expect": {"syncing": false}});
        let demanded = Looking::with("evm", &settings).run().await;
        assert_eq!(reason(&demanded), expected, "{demanded:?}");
    }
}

#[tokio::test]
async fn a_hint_that_never_comes_costs_half_of_the_time_and_not_the_sample() {
    let node = start(|method, _, _| (method == "eth_syncing").then_some(Play::Hang)).await;
    let looking = Looking::with("evm", &json!({"url": node.url()}));
    let sample = looking.run_within(Duration::from_secs(1)).await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert!(sample.notes[0].contains("eth_syncing was not answered in time"));
    assert_eq!(reading(&sample, "head"), Some(54.0));
}

#[tokio::test]
async fn a_node_without_a_chain_id_is_noted_unless_one_is_declared() {
    let node =
        start(|method, id, _| (method == "eth_chainId").then(|| error(id, -32601, "no"))).await;
    let free = Looking::with("evm", &json!({"url": node.url()}))
        .run()
        .await;
    assert_eq!(free.outcome, Outcome::Pass, "{free:?}");
    assert!(free.notes[0].contains("eth_chainId answered error -32601"));
    let bound = Looking::with("evm", &json!({"url": node.url(), "chain_id": 1}))
        .run()
        .await;
    assert_eq!(reason(&bound), Some(Reason::UnsupportedMethod));
}
