//! The kind `tezos`, against a small node of our own that answers in the shapes of a real one.

mod depth;

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason, Sample};

use crate::harness::looking::{Looking, build, reading};
use crate::harness::scripted_node::{Play, closed_port};
use crate::harness::tezos_node::{MAINNET, State, TezosNode};

fn reason(sample: &Sample) -> Option<Reason> {
    sample.fault.as_ref().map(|fault| fault.reason)
}

fn detail(sample: &Sample) -> &str {
    sample.fault.as_ref().map_or("", |fault| &fault.detail)
}

#[tokio::test]
async fn a_node_in_step_passes_with_its_readings() {
    let node = TezosNode::start(State::default()).await;
    let looking = Looking::with("tezos", &json!({"url": node.url(), "chain_id": "mainnet"}));
    let first = looking.run().await;
    assert_eq!(first.outcome, Outcome::Pass, "{first:?}");
    assert_eq!(reading(&first, "head"), Some(11_000_000.0));
    assert_eq!(reading(&first, "bootstrapped"), Some(1.0));
    assert_eq!(reading(&first, "endpoint"), Some(1.0));
    assert!((3.0..20.0).contains(&reading(&first, "head_age").unwrap()));
    assert!(first.notes.is_empty(), "{:?}", first.notes);
    let paths: Vec<String> = node
        .peer
        .asked()
        .into_iter()
        .map(|asked| asked.path)
        .collect();
    assert_eq!(
        paths,
        [
            "/chains/main/chain_id",
            "/chains/main/blocks/head/header",
            "/chains/main/is_bootstrapped",
            "/chains/main/blocks/head/context/constants"
        ]
    );
    assert_eq!(node.peer.connections(), 1);

    looking.clock().pass(Duration::from_secs(15));
    node.set(|state| state.level += 2);
    let second = looking.run().await;
    assert_eq!(reading(&second, "head_advance"), Some(2.0));
    assert_eq!(reading(&second, "since_advance"), Some(0.0));
}

#[tokio::test]
async fn each_state_of_a_node_has_its_outcome() {
    type Change = fn(&mut State);
    let cases: [(Change, Option<Reason>, &str); 8] = [
        (
            |state| state.bootstrapped = false,
            Some(Reason::Syncing),
            "not bootstrapped",
        ),
        (
            |state| state.sync_state = "unsynced",
            Some(Reason::Syncing),
            "lags behind its peers",
        ),
        (
            |state| state.sync_state = "stuck",
            Some(Reason::ChainHalted),
            "calls the chain stuck",
        ),
        (
            |state| state.age = 600,
            Some(Reason::Stale),
            "10 times the block time of 10s",
        ),
        (
            |state| state.chain_id = "NetXnHfVqm9iesp",
            Some(Reason::WrongChain),
            "NetXnHfVqm9iesp",
        ),
        (
            |state| state.chain_id = "canary<html>",
            Some(Reason::Malformed),
            "a chain id that is none",
        ),
        (|state| state.age = 60, None, "more than 40s"),
        (
            |state| state.sync_state = "napping",
            None,
            "does not say whether it is in step",
        ),
    ];
    for (change, expected, says) in cases {
        let mut state = State::default();
        change(&mut state);
        let node = TezosNode::start(state).await;
        let settings = json!({"url": node.url(), "chain_id": MAINNET});
        let sample = Looking::with("tezos", &settings).run().await;
        assert_eq!(reason(&sample), expected, "{sample:?}");
        let outcome = expected.map_or(Outcome::Pass, Reason::outcome);
        assert_eq!(sample.outcome, outcome, "{says}");
        let said = format!("{} {}", detail(&sample), sample.notes.concat());
        assert!(said.contains(says), "{said}");
        assert!(!said.contains("canary"), "{said}");
    }
}

#[tokio::test]
async fn a_halted_chain_gives_no_age_that_a_threshold_could_condemn() {
    let node = TezosNode::start(State {
        sync_state: "stuck",
        age: 7_200,
        ..State::default()
    })
    .await;
    let sample = Looking::with("tezos", &json!({"url": node.url()}))
        .run()
        .await;
    assert_eq!(sample.outcome, Outcome::Unknown);
    assert_eq!(reading(&sample, "head_age"), None);
    assert!(detail(&sample).contains("is 2h old"), "{}", detail(&sample));
}

#[tokio::test]
async fn a_stale_and_a_standing_head_do_not_hold() {
    let node = TezosNode::start(State::default()).await;
    let settings = json!({
        "url": node.url(),
        "expect": {"head_age": {"lt": "90s"}, "since_advance": {"le": "1m"}, "head": {"ge": 100}},
    });
    let looking = Looking::with("tezos", &settings);
    assert_eq!(looking.run().await.outcome, Outcome::Pass);
    node.set(|state| state.age = 95);
    let stale = looking.run().await;
    assert_eq!(reason(&stale), Some(Reason::Stale));
    assert!(
        detail(&stale).contains("expected less than 1m30s"),
        "{}",
        detail(&stale)
    );
    assert!(reading(&stale, "head_age").unwrap() >= 95.0);

    looking.clock().pass(Duration::from_secs(61));
    node.set(|state| state.age = -61);
    let standing = looking.run().await;
    assert_eq!(reason(&standing), Some(Reason::Stale));
    assert!(
        detail(&standing).contains("has not advanced for 1m"),
        "{}",
        detail(&standing)
    );
    node.set(|state| state.level = 99);
    assert_eq!(reason(&looking.run().await), Some(Reason::Expectation));
}

#[tokio::test]
async fn each_misbehaviour_has_its_reason() {
    let errors = |kind: &str| json!([{"kind": kind, "id": "node.validator.busy"}]).to_string();
    let answer = |status, body: &str| Play::Answer(status, "application/json", body.to_owned());
    let cases = [
        (Play::Hang, Reason::Timeout, true),
        (Play::Reset, Reason::Reset, true),
        (
            Play::Garbage(b"220 mail.example ESMTP\r\n"),
            Reason::Malformed,
            false,
        ),
        (Play::Endless(200_000_000), Reason::TooLarge, false),
        (answer(429, "<html>"), Reason::Throttled, true),
        (answer(402, ""), Reason::Throttled, true),
        (answer(403, ""), Reason::Unauthorized, false),
        (answer(404, "no"), Reason::Status, false),
        (answer(502, "<html>"), Reason::Status, true),
        (answer(500, &errors("temporary")), Reason::ServerFault, true),
        (
            answer(500, &errors("permanent")),
            Reason::ServerFault,
            false,
        ),
        (answer(200, "<html>"), Reason::Malformed, false),
        (answer(200, "null"), Reason::Malformed, false),
        (answer(200, r#"{"level":"one"}"#), Reason::Malformed, false),
    ];
    for (play, expected, transient) in cases {
        for end in ["header", "is_bootstrapped"] {
            let node = TezosNode::start(State {
                instead: vec![(end, play.clone())],
                ..State::default()
            })
            .await;
            let looking = Looking::with("tezos", &json!({"url": node.url()}));
            let sample = looking.run_within(Duration::from_secs(1)).await;
            assert_eq!(
                reason(&sample),
                Some(expected),
                "{end} {play:?}: {sample:?}"
            );
            assert_eq!(sample.outcome, expected.outcome());
            assert_eq!(sample.fault.unwrap().transient, transient, "{play:?}");
        }
    }
}

#[tokio::test]
async fn a_fallback_serves_where_the_first_does_not() {
    let good = TezosNode::start(State::default()).await;
    let lagging = TezosNode::start(State {
        sync_state: "unsynced",
        ..State::default()
    })
    .await;
    let halted = TezosNode::start(State {
        sync_state: "stuck",
        ..State::default()
    })
    .await;
    let hangs = TezosNode::start(State {
        instead: vec![("header", Play::Hang)],
        ..State::default()
    })
    .await;
    let dead = format!("http://{}", closed_port().await);
    for first in [lagging.url(), halted.url(), hangs.url(), dead.clone()] {
        let looking = Looking::with("tezos", &json!({"endpoints": [first, good.url()]}));
        let sample = looking.run_within(Duration::from_secs(2)).await;
        assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
        assert_eq!(reading(&sample, "endpoint"), Some(2.0));
        assert!(
            sample.notes[0].contains("fallback used"),
            "{:?}",
            sample.notes
        );
    }
    let looking = Looking::with("tezos", &json!({"endpoints": [dead.clone(), dead]}));
    let sample = looking.run().await;
    assert_eq!(sample.outcome, Outcome::Error);
    assert_eq!(reason(&sample), Some(Reason::Refused));
    assert!(detail(&sample).ends_with("the other endpoint failed too (refused)"));
}

#[tokio::test]
async fn the_address_of_a_node_is_never_told() {
    let node = TezosNode::start(State {
        instead: vec![(
            "header",
            Play::Answer(
                500,
                "application/json",
                json!([{"kind": "permanent", "id": "bad.key.canary-key"}]).to_string(),
            ),
        )],
        ..State::default()
    })
    .await;
    let place = node.peer.place.clone();
    let url = format!("http://canary-user:canary-pass@{place}/v1/canary-key/?k=canary-query");
    let sample = Looking::with("tezos", &json!({"url": url})).run().await;
    assert_eq!(reason(&sample), Some(Reason::ServerFault));
    assert!(detail(&sample).starts_with(&place), "{}", detail(&sample));
    let told = format!("{sample:?}");
    assert!(!told.contains("canary"), "{told}");
    let asked = &node.peer.asked()[0];
    let path = "/v1/canary-key/chains/main/blocks/head/header?k=canary-query";
    assert_eq!(asked.path, path);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let url = "http://127.0.0.1:1";
    let cases: [(Value, &[&str]); 8] = [
        (json!({}), &["endpoints"]),
        (json!({"url": url, "chain_id": "ghostnet"}), &["chain_id"]),
        (json!({"url": url, "chain_id": "NetX"}), &["chain_id"]),
        (json!({"url": url, "expect": {}}), &["expect"]),
        (
            json!({"url": url, "expect": {"head_age": {}}}),
            &["expect", "head_age"],
        ),
        (
            json!({"url": url, "references": ["http://127.0.0.1:2"]}),
            &["references"],
        ),
        (json!({"url": url, "capabilities": {}}), &["capabilities"]),
        (
            json!({"url": url, "expect": {"lag": {"le": 3}}}),
            &["expect", "lag"],
        ),
    ];
    for (settings, path) in cases {
        let misfits = build("tezos", &settings).err().expect("a misfit");
        assert_eq!(misfits.len(), 1, "{settings}: {misfits:?}");
        assert_eq!(misfits[0].path, path, "{settings}");
    }
}
