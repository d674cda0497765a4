//! Nodes that answer oddly, wrongly, or not at all.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason};

use super::{detail, reason};
use crate::harness::evm_node::{always, block, error, result, start};
use crate::harness::looking::{Looking, reading};
use crate::harness::scripted_node::Play;

const PAGE: &str = "<html><body>Slow down, please.</body></html>";
const CREDITS: &str = r#"{"jsonrpc":"2.0","id":1,"error":{"code":402,"message":"Payment Required","details":"daily credit limit"}}"#;

fn page(status: u16) -> Play {
    Play::Answer(status, "text/html", PAGE.to_owned())
}

#[tokio::test]
async fn each_misbehaviour_has_its_reason() {
    let cases = [
        (Play::Hang, Reason::Timeout, true),
        (Play::Reset, Reason::Reset, true),
        (
            Play::Garbage(b"SSH-2.0-OpenSSH_9.2\r\n"),
            Reason::Malformed,
            false,
        ),
        (Play::Garbage(b""), Reason::Closed, true),
        (Play::Endless(200_000_000), Reason::TooLarge, false),
        (page(429), Reason::Throttled, true),
        (page(402), Reason::Throttled, true),
        (
            Play::Answer(402, "application/json", CREDITS.to_owned()),
            Reason::Throttled,
            true,
        ),
        (page(401), Reason::Unauthorized, false),
        (page(403), Reason::Unauthorized, false),
        (page(404), Reason::Status, false),
        (page(500), Reason::Status, false),
        (page(503), Reason::Status, true),
        (page(200), Reason::Malformed, false),
        (Play::json("[]"), Reason::Malformed, false),
        (Play::json("null"), Reason::Malformed, false),
        (Play::json(""), Reason::Malformed, false),
    ];
    for (play, expected, transient) in cases {
        let name = format!("{play:?}");
        let node = always(play).await;
        let looking = Looking::with("evm", &json!({"url": node.url()}));
        let sample = looking.run_within(Duration::from_secs(1)).await;
        assert_eq!(reason(&sample), Some(expected), "{name}: {sample:?}");
        assert_eq!(sample.outcome, expected.outcome(), "{name}");
        assert_eq!(sample.fault.unwrap().transient, transient, "{name}");
    }
}

#[tokio::test]
async fn a_peer_that_hangs_is_left_at_the_deadline() {
    let node = always(Play::Hang).await;
    let looking = Looking::with("evm", &json!({"url": node.url()}));
    let sample = looking.run_within(Duration::from_millis(300)).await;
    assert_eq!(reason(&sample), Some(Reason::Timeout));
    assert!(
        sample.latency >= Duration::from_millis(300),
        "{:?}",
        sample.latency
    );
    assert!(
        sample.latency < Duration::from_secs(3),
        "{:?}",
        sample.latency
    );
    assert!(
        detail(&sample).contains("waiting for the answer"),
        "{}",
        detail(&sample)
    );
}

#[tokio::test]
async fn errors_of_the_node_are_told_by_their_meaning() {
    type Odd = fn(&Value) -> Play;
    let cases: [(&str, Odd, Reason); 14] = [
        (
            "eth_getBlockByNumber",
            |id| error(id, -32005, "limit exceeded"),
            Reason::Throttled,
        ),
        (
            "eth_getBlockByNumber",
            |id| error(id, -32000, "Too Many Requests"),
            Reason::Throttled,
        ),
        (
            "eth_getBlockByNumber",
            |id| error(id, -32601, "no such method"),
            Reason::UnsupportedMethod,
        ),
        (
            "eth_getBlockByNumber",
            |id| error(id, -32000, "header not found"),
            Reason::NotReady,
        ),
        (
            "eth_getBlockByNumber",
            |id| error(id, -32603, "internal error"),
            Reason::ServerFault,
        ),
        (
            "eth_chainId",
            |id| error(id, -32600, "Must be authenticated!"),
            Reason::Unauthorized,
        ),
        (
            "eth_getBlockByNumber",
            |id| result(id, Value::Null),
            Reason::NotReady,
        ),
        (
            "eth_getBlockByNumber",
            |id| result(id, "0x36"),
            Reason::Malformed,
        ),
        (
            "eth_getBlockByNumber",
            |id| result(id, json!({"number": "0x36"})),
            Reason::Malformed,
        ),
        (
            "eth_getBlockByNumber",
            |id| result(id, json!({"number": "36", "timestamp": "0x1"})),
            Reason::Malformed,
        ),
        (
            "eth_getBlockByNumber",
            |id| {
                result(
                    id,
                    json!({"number": "0x1ffffffffffffffff", "timestamp": "0x1"}),
                )
            },
            Reason::Malformed,
        ),
        (
            "eth_getBlockByNumber",
            |id| result(id, json!({"number": "0x36", "timestamp": "0x1a1fed4b290"})),
            Reason::Malformed,
        ),
        (
            "eth_getBlockByNumber",
            |_| result(&json!(1), block(54, 3)),
            Reason::Malformed,
        ),
        (
            "eth_getBlockByNumber",
            |id| Play::json(json!([{"jsonrpc": "2.0", "id": id, "result": "0x1"}])),
            Reason::Malformed,
        ),
    ];
    for (odd_method, odd, expected) in cases {
        let node = start(move |method, id, _| (method == odd_method).then(|| odd(id))).await;
        let settings = json!({"url": node.url(), "chain_id": 1});
        let sample = Looking::with("evm", &settings).run().await;
        assert_eq!(reason(&sample), Some(expected), "{sample:?}");
        assert_eq!(sample.outcome, expected.outcome());
        assert!(
            detail(&sample).starts_with(&node.place),
            "{}",
            detail(&sample)
        );
    }
}

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
            |_| page(429),
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

#[tokio::test]
async fn one_connection_serves_a_look_and_a_closed_one_is_opened_again() {
    let keeps = start(|_, _, _| None).await;
    let sample = Looking::with("evm", &json!({"url": keeps.url()}))
        .run()
        .await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert_eq!(keeps.connections(), 1);
    assert_eq!(keeps.asked().len(), 3);

    let closes = start(|method, id, _| {
        let answer = match method {
            "eth_chainId" => json!("0x1"),
            "eth_getBlockByNumber" => block(54, 3),
            _ => json!(false),
        };
        let answer = json!({"jsonrpc": "2.0", "id": id, "result": answer});
        Some(Play::AnswerAndClose(answer.to_string()))
    })
    .await;
    let sample = Looking::with("evm", &json!({"url": closes.url()}))
        .run()
        .await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert!(sample.notes.is_empty(), "{:?}", sample.notes);
    assert_eq!(closes.connections(), 3);
}
