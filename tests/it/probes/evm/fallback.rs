//! Several endpoints: which one is used, what a person is told, what stays secret.

use std::time::Duration;

use serde_json::json;
use smokejumper::sample::{Outcome, Reason};

use super::{detail, reason};
use crate::harness::anvil::Anvil;
use crate::harness::evm_node::{EvmNode, State, always, block, result, start};
use crate::harness::looking::{Looking, reading};
use crate::harness::scripted_node::{Play, ScriptedNode, closed_port};

/// A node of anvil's chain whose head is so old.
async fn old_node(age: i64) -> ScriptedNode {
    start(move |method, id, _| match method {
        "eth_chainId" => Some(result(id, "0x7a69")),
        "eth_getBlockByNumber" => Some(result(id, block(54, age))),
        _ => None,
    })
    .await
}

#[tokio::test]
async fn the_second_is_used_when_the_first_does_not_serve() {
    let anvil = Anvil::start().await;
    anvil.mine(7).await;
    let hangs = always(Play::Hang).await;
    let throttles = always(Play::Answer(429, "text/html", "<html>".to_owned())).await;
    let lies = start(|_, _, _| None).await;
    let stale = old_node(3_600).await;
    let cases = [
        (
            format!("http://{}", closed_port().await),
            "connection refused",
        ),
        (hangs.url(), "its share of the timeout"),
        (throttles.url(), "HTTP status 429"),
        (lies.url(), "it serves chain 1, and chain 31337 is declared"),
        (stale.url(), "old, expected less than 1m30s"),
    ];
    for (first, told) in cases {
        let settings = json!({
            "endpoints": [first, anvil.url()],
            "chain_id": 31337,
            "expect": {"head_age": {"lt": "90s"}},
        });
        let looking = Looking::with("evm", &settings);
        let sample = looking.run_within(Duration::from_secs(3)).await;
        assert_eq!(sample.outcome, Outcome::Pass, "{told}: {sample:?}");
        assert_eq!(reading(&sample, "endpoint"), Some(2.0));
        assert_eq!(reading(&sample, "head"), Some(7.0));
        assert_eq!(sample.notes.len(), 1, "{:?}", sample.notes);
        let note = &sample.notes[0];
        assert!(
            note.contains("fallback used: endpoint 2 (127.0.0.1:"),
            "{note}"
        );
        assert!(note.contains(told), "{note}");
        let heads = sample
            .readings
            .iter()
            .filter(|reading| &*reading.name == "head");
        assert_eq!(
            heads.count(),
            1,
            "readings of the endpoint that serves alone"
        );
    }
    assert_eq!(throttles.asked().len(), 1, "no endpoint is asked twice");
}

#[tokio::test]
async fn the_first_is_used_alone_while_it_serves() {
    let anvil = Anvil::start().await;
    let idle = start(|_, _, _| None).await;
    let settings = json!({"endpoints": [anvil.url(), idle.url()]});
    let sample = Looking::with("evm", &settings).run().await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert_eq!(reading(&sample, "endpoint"), Some(1.0));
    assert_eq!(idle.connections(), 0);
}

#[tokio::test]
async fn when_none_serves_the_first_fault_is_told_and_the_others_counted() {
    let (dead, hangs) = (closed_port().await, always(Play::Hang).await);
    let stale = old_node(3_600).await;
    let settings = json!({
        "endpoints": [format!("http://{dead}"), hangs.url(), stale.url()],
        "expect": {"head_age": {"lt": "90s"}},
    });
    let looking = Looking::with("evm", &settings);
    let sample = looking.run_within(Duration::from_secs(2)).await;
    assert_eq!(sample.outcome, Outcome::Error);
    assert_eq!(reason(&sample), Some(Reason::Refused));
    let detail = detail(&sample);
    assert!(detail.starts_with(&dead), "{detail}");
    assert!(
        detail.ends_with("; the other 2 endpoints failed too (timeout, stale)"),
        "{detail}"
    );
    assert_eq!(reading(&sample, "head"), None, "{sample:?}");
}

#[tokio::test]
async fn where_one_could_not_be_looked_at_nobody_knows_that_none_serves() {
    let (dead, hangs) = (closed_port().await, always(Play::Hang).await);
    let throttles = always(Play::Answer(429, "text/html", "<html>".to_owned())).await;
    let foreign = start(|_, _, _| None).await;
    let stale = old_node(3_600).await;
    for (odd, expected, told) in [
        (&throttles, Reason::Throttled, "HTTP status 429"),
        (&foreign, Reason::WrongChain, "it serves chain 1"),
    ] {
        let settings = json!({
            "endpoints": [stale.url(), format!("http://{dead}"), odd.url(), hangs.url()],
            "chain_id": 31337,
            "expect": {"head_age": {"lt": "90s"}},
        });
        let looking = Looking::with("evm", &settings);
        let sample = looking.run_within(Duration::from_secs(2)).await;
        assert_eq!(reason(&sample), Some(expected));
        assert_eq!(sample.outcome, Outcome::Unknown);
        let detail = detail(&sample);
        assert!(
            detail.starts_with(&odd.place) && detail.contains(told),
            "{detail}"
        );
        assert!(
            detail.ends_with("; the other 3 endpoints failed too (stale, refused, timeout)"),
            "{detail}"
        );
        // The age of a head that does not count could breach a threshold all the same.
        assert_eq!(reading(&sample, "head_age"), None, "{sample:?}");
    }
}

#[tokio::test]
async fn a_stale_head_is_read_even_where_no_endpoint_serves() {
    let (stale, dead) = (old_node(3_600).await, closed_port().await);
    let settings = json!({
        "endpoints": [stale.url(), format!("http://{dead}")],
        "expect": {"head_age": {"lt": "90s"}},
    });
    let sample = Looking::with("evm", &settings).run().await;
    assert_eq!(reason(&sample), Some(Reason::Stale));
    assert_eq!(sample.outcome, Outcome::Fail);
    assert!(reading(&sample, "head_age").unwrap() >= 3_600.0);
    assert!(detail(&sample).ends_with("; the other endpoint failed too (refused)"));
}

#[tokio::test]
async fn two_that_hang_end_with_our_account_before_the_deadline() {
    let (first, second) = (always(Play::Hang).await, always(Play::Hang).await);
    let settings = json!({"endpoints": [first.url(), second.url()]});
    let looking = Looking::with("evm", &settings);
    let sample = looking.run_within(Duration::from_secs(2)).await;
    assert_eq!(reason(&sample), Some(Reason::Timeout));
    let detail = detail(&sample);
    assert!(detail.contains("its share of the timeout"), "{detail}");
    assert!(
        detail.ends_with("; the other endpoint failed too (timeout)"),
        "{detail}"
    );
    assert!(
        sample.latency < Duration::from_secs(2),
        "{:?}",
        sample.latency
    );
    assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
}

#[tokio::test]
async fn no_part_of_an_address_but_host_and_port_is_ever_told() {
    let echoing = |status: u16| {
        ScriptedNode::start(move |asked| {
            let error = json!({"code": -32603, "message": asked.head.clone()});
            let body = json!({"jsonrpc": "2.0", "id": 1, "error": error}).to_string();
            Play::Answer(status, "application/json", body)
        })
    };
    let (echoes, refuses, stale) = (
        echoing(200).await,
        echoing(401).await,
        old_node(3_600).await,
    );
    for place in [
        &echoes.place,
        &refuses.place,
        &stale.place,
        &closed_port().await,
    ] {
        let secret = format!("http://canary-user:canary-pass@{place}/v3/canary-key?k=canary-query");
        let settings = json!({
            "endpoints": [secret, secret],
            "headers": {"x-api-key": "canary-header"},
            "block_time": "12s",
        });
        let sample = Looking::with("evm", &settings).run().await;
        assert_ne!(sample.outcome, Outcome::Pass);
        assert!(
            detail(&sample).contains(place.as_str()),
            "{}",
            detail(&sample)
        );
        let told = format!("{sample:?}");
        assert!(!told.to_lowercase().contains("canary"), "{told}");
    }
    let asked = &echoes.asked()[0];
    assert_eq!(asked.path, "/v3/canary-key?k=canary-query");
    // base64 of canary-user:canary-pass
    let sent = asked
        .head
        .contains("authorization: Basic Y2FuYXJ5LXVzZXI6Y2FuYXJ5LXBhc3M=");
    assert!(
        sent && asked.head.contains("x-api-key: canary-header"),
        "{}",
        asked.head
    );
}

/// A node of a chain at this height.
async fn node_of(chain: u64, head: u64) -> EvmNode {
    let state = State {
        chain,
        head,
        finalized: Some(head - 64),
        ..State::default()
    };
    EvmNode::start(state).await
}

#[tokio::test]
async fn a_fallback_of_another_chain_is_our_own_fault_and_lends_no_head() {
    let broken = || {
        vec![(
            "eth_getBlockByNumber",
            Play::Answer(500, "text/plain", "broken".to_owned()),
        )]
    };
    for declared in [Some(1), None] {
        let (first, other) = (node_of(1, 1_000).await, node_of(137, 9_000).await);
        let mut settings = json!({"endpoints": [first.url(), other.url()]});
        if let Some(chain) = declared {
            settings["chain_id"] = json!(chain);
        }
        let looking = Looking::with("evm", &settings);
        let well = looking.run().await;
        assert_eq!(well.outcome, Outcome::Pass, "{well:?}");
        assert!(well.notes.is_empty(), "{:?}", well.notes);

        first.set(|state| state.instead = broken());
        let fallen = looking.run().await;
        assert_eq!(reason(&fallen), Some(Reason::WrongChain), "{fallen:?}");
        assert_eq!(fallen.outcome, Outcome::Unknown);
        assert!(
            detail(&fallen).contains("it serves chain 137"),
            "{fallen:?}"
        );
        for name in ["head", "head_age", "head_advance", "lag", "endpoint"] {
            assert_eq!(reading(&fallen, name), None, "{name}");
        }

        first.set(|state| {
            state.instead.clear();
            state.head += 2;
        });
        let again = looking.run().await;
        assert_eq!(again.outcome, Outcome::Pass, "{again:?}");
        assert_eq!(reading(&again, "head_advance"), Some(2.0));
    }
}

#[tokio::test]
async fn what_a_fallback_of_another_chain_showed_is_forgotten_once_the_first_tells() {
    let (first, other) = (node_of(1, 1_000).await, node_of(137, 9_000).await);
    first.set(|state| {
        state.instead = vec![(
            "eth_chainId",
            Play::Answer(500, "text/plain", "broken".to_owned()),
        )]
    });
    let looking = Looking::with("evm", &json!({"endpoints": [first.url(), other.url()]}));
    // Nobody declares the chain, and the first was never heard: the other's may be it.
    let alone = looking.run().await;
    assert_eq!(reading(&alone, "head"), Some(9_000.0), "{alone:?}");

    first.set(|state| state.instead.clear());
    let told = looking.run().await;
    assert_eq!(told.outcome, Outcome::Pass, "{told:?}");
    assert_eq!(reading(&told, "head"), Some(1_000.0));
    assert_eq!(reading(&told, "head_advance"), Some(0.0), "the first head");
    assert!(told.notes.is_empty(), "{:?}", told.notes);
}
