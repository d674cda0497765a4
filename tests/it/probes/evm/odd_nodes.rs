//! Nodes that answer wrongly or not at all: each fault has its reason.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason};

use super::{detail, reason};
use crate::harness::evm_node::{always, block, error, result, start};
use crate::harness::looking::Looking;
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
    let cases: [(&str, Odd, Reason); 17] = [
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
        // No chain is zero's: that is no mistake of ours in the configuration.
        ("eth_chainId", |id| result(id, "0x"), Reason::Malformed),
        ("eth_chainId", |id| result(id, "0x0"), Reason::Malformed),
        (
            "eth_chainId",
            |id| result(id, Value::Null),
            Reason::Malformed,
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
async fn one_connection_serves_a_look_and_a_closed_one_is_opened_again() {
    let keeps = start(|_, _, _| None).await;
    let sample = Looking::with("evm", &json!({"url": keeps.url()}))
        .run()
        .await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert_eq!(keeps.connections(), 1);
    assert_eq!(keeps.asked().len(), 5);

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
    assert_eq!(closes.connections(), 5);
}

#[tokio::test]
async fn an_answer_that_broke_off_is_not_asked_for_again() {
    let breaks = start(|method, id, _| match method {
        "eth_getBlockByNumber" => Some(Play::BreakOff(format!(
            "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"resu"
        ))),
        _ => None,
    })
    .await;
    let sample = Looking::with("evm", &json!({"url": breaks.url()}))
        .run()
        .await;
    assert_eq!(reason(&sample), Some(Reason::Closed), "{sample:?}");
    assert_eq!(breaks.connections(), 1);
    assert_eq!(breaks.asked().len(), 2);
}
