//! What is asked of a node only where it is set: peers, state of the past, traces; and the count of
//! who limits our rate.

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason};

use super::{detail, reason};
use crate::harness::anvil::Anvil;
use crate::harness::evm_node::{EvmNode, State, always, error, result, start};
use crate::harness::looking::{Looking, reading};
use crate::harness::scripted_node::Play;

#[tokio::test]
async fn a_real_node_has_its_past_and_its_traces() {
    let anvil = Anvil::start().await;
    anvil.mine(50).await;
    for capabilities in [
        json!({"archive": 40}),
        json!({"archive": 1_000_000}),
        json!({"trace": "debug"}),
    ] {
        let settings = json!({"url": anvil.url(), "capabilities": capabilities});
        let sample = Looking::with("evm", &settings).run().await;
        assert_eq!(sample.outcome, Outcome::Pass, "{capabilities}: {sample:?}");
    }
}

#[tokio::test]
async fn peers_are_asked_for_where_they_are_expected() {
    let node = EvmNode::start(State::default()).await;
    let unasked = Looking::with("evm", &json!({"url": node.url()}))
        .run()
        .await;
    assert_eq!(reading(&unasked, "peers"), None);
    for (least, expected) in [(2, None), (3, Some(Reason::FewPeers))] {
        let settings = json!({"url": node.url(), "expect": {"peers": {"ge": least}}});
        let sample = Looking::with("evm", &settings).run().await;
        assert_eq!(reason(&sample), expected, "{sample:?}");
        assert_eq!(reading(&sample, "peers"), Some(2.0));
    }
    let provider = start(|_, _, _| None).await;
    let settings = json!({"url": provider.url(), "expect": {"peers": {"ge": 1}}});
    let sample = Looking::with("evm", &settings).run().await;
    assert_eq!(
        reason(&sample),
        Some(Reason::UnsupportedMethod),
        "{sample:?}"
    );
}

#[tokio::test]
async fn what_a_node_does_not_keep_or_know_is_told() {
    type Odd = fn(&Value) -> Play;
    let cases: [(Value, Odd, Reason, &str); 7] = [
        (
            json!({"archive": 128}),
            |id| error(id, -32000, "missing trie node 5c0f (path ) <nil>"),
            Reason::MissingData,
            "no state at block 0: eth_getBalance answered error -32000: missing trie node",
        ),
        (
            json!({"archive": 20}),
            |id| error(id, -32000, "header not found"),
            Reason::MissingData,
            "no state at block 34",
        ),
        (
            json!({"archive": 20}),
            |id| error(id, -32005, "archive requests exceed your plan"),
            Reason::Throttled,
            "-32005",
        ),
        (
            json!({"archive": 20}),
            |id| result(id, Value::Null),
            Reason::Malformed,
            "a balance of the past",
        ),
        (
            json!({"trace": "debug"}),
            |id| error(id, -32601, "the method debug_traceCall does not exist"),
            Reason::UnsupportedMethod,
            "debug_traceCall",
        ),
        (
            json!({"trace": "trace"}),
            |id| result(id, json!([])),
            Reason::Malformed,
            "trace_call answered something else than a trace",
        ),
        (
            json!({"trace": "trace"}),
            |id| result(id, json!({"output": "0x", "trace": []})),
            Reason::Status,
            "",
        ),
    ];
    for (capabilities, odd, expected, says) in cases {
        let node = start(move |method, id, _| {
            let asked = ["eth_getBalance", "debug_traceCall", "trace_call"];
            asked.contains(&method).then(|| odd(id))
        })
        .await;
        let settings = json!({"url": node.url(), "capabilities": capabilities});
        let sample = Looking::with("evm", &settings).run().await;
        if says.is_empty() {
            assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
            continue;
        }
        assert_eq!(
            reason(&sample),
            Some(expected),
            "{capabilities}: {sample:?}"
        );
        assert!(detail(&sample).contains(says), "{}", detail(&sample));
    }
}

#[tokio::test]
async fn who_limits_our_rate_is_counted_apart_from_failures() {
    let page = || Play::Answer(429, "text/html", "<html>".to_owned());
    let (first, second) = (always(page()).await, always(page()).await);
    let good = EvmNode::start(State::default()).await;
    let all = json!({"endpoints": [first.url(), second.url()]});
    let sample = Looking::with("evm", &all).run().await;
    assert_eq!(sample.outcome, Outcome::Unknown);
    assert_eq!(reason(&sample), Some(Reason::Throttled));
    assert_eq!(reading(&sample, "throttled"), Some(2.0));
    let one = json!({"endpoints": [first.url(), good.url()]});
    let sample = Looking::with("evm", &one).run().await;
    assert_eq!(sample.outcome, Outcome::Pass);
    assert_eq!(reading(&sample, "throttled"), Some(1.0));
}
