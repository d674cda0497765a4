//! A node beside its references: behind, on another branch, or part of a chain that stands still;
//! and references that are of no use, which is never the node's fault.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason, Sample};

use super::{detail, reason};
use crate::harness::anvil::Anvil;
use crate::harness::evm_node::{EvmNode, State, always, error};
use crate::harness::looking::{Looking, build, reading};
use crate::harness::scripted_node::{Play, closed_port};

/// A node of chain 1 at this height, whose head is so old.
fn at(head: u64, age: i64) -> State {
    State {
        head,
        age,
        finalized: Some(head.saturating_sub(64)),
        ..State::default()
    }
}

/// Runs a check of a node beside references, all in these states.
async fn beside(node: State, references: &[State], more: Value) -> Sample {
    let node = EvmNode::start(node).await;
    let mut running = Vec::new();
    for state in references {
        running.push(EvmNode::start(state.clone()).await);
    }
    let urls: Vec<String> = running.iter().map(EvmNode::url).collect();
    let mut settings = json!({"url": node.url(), "references": urls});
    for (name, value) in more.as_object().expect("settings") {
        settings[name] = value.clone();
    }
    Looking::with("evm", &settings).run().await
}

#[tokio::test]
async fn a_node_is_judged_by_how_many_blocks_it_lacks() {
    let none = || json!({});
    let two = || json!({"expect": {"lag": {"le": 2}}});
    // the node's head, the references' heads, settings, the lag, the reason
    type Case<'a> = (u64, &'a [u64], Value, Option<f64>, Option<Reason>);
    let cases: [Case<'_>; 9] = [
        (1_000, &[1_000, 1_001], none(), Some(0.0), None),
        (1_000, &[1_008, 1_009], none(), Some(8.0), None),
        (
            1_000,
            &[1_009, 1_010],
            none(),
            Some(9.0),
            Some(Reason::Behind),
        ),
        (
            1_000,
            &[1_003, 1_003],
            two(),
            Some(3.0),
            Some(Reason::Behind),
        ),
        (1_000, &[900, 901], none(), Some(0.0), None),
        (1_000, &[1_000, 9_000, 1_001], none(), Some(0.0), None),
        (
            1_000,
            &[1_060, 1_061],
            json!({"block_time": "250ms"}),
            Some(60.0),
            None,
        ),
        (1_000, &[1_000, 9_000], none(), None, None),
        (
            1_000,
            &[1_000, 9_000],
            two(),
            None,
            Some(Reason::NoReference),
        ),
    ];
    for (head, references, more, lag, expected) in cases {
        let states: Vec<State> = references.iter().map(|head| at(*head, 3)).collect();
        let sample = beside(at(head, 3), &states, more).await;
        assert_eq!(reason(&sample), expected, "{references:?}: {sample:?}");
        assert_eq!(reading(&sample, "lag"), lag, "{references:?}: {sample:?}");
        assert_eq!(
            reading(&sample, "references"),
            Some(references.len() as f64)
        );
        if lag.is_none() {
            assert!(sample.notes.concat().contains("no 2 of them agree"));
        }
    }
}

#[tokio::test]
async fn a_real_node_is_beside_real_ones() {
    let (node, a, b) = (
        Anvil::start().await,
        Anvil::start().await,
        Anvil::start().await,
    );
    a.mine(20).await;
    b.mine(21).await;
    let settings = json!({"url": node.url(), "references": [a.url(), b.url()], "chain_id": 31337});
    let looking = Looking::with("evm", &settings);
    let behind = looking.run().await;
    assert_eq!(reason(&behind), Some(Reason::Behind), "{behind:?}");
    assert!(detail(&behind).contains("block 0, 20 behind the references, which agree on 20"));
    node.mine(20).await;
    let level = looking.run().await;
    assert_eq!(reading(&level, "lag"), Some(0.0), "{level:?}");
}

#[tokio::test]
async fn a_chain_that_stands_still_everywhere_is_nobody_s_fault() {
    let hour = 3_600;
    // the node, the references, the reason
    let cases = [
        (
            at(1_000, hour),
            [at(1_000, hour), at(1_000, hour)],
            Reason::ChainHalted,
        ),
        (
            at(1_000, hour),
            [at(999, hour), at(999, hour)],
            Reason::ChainHalted,
        ),
        (
            at(1_000, hour),
            [at(1_002, hour), at(1_002, hour)],
            Reason::ChainHalted,
        ),
        (at(1_000, hour), [at(1_005, 3), at(1_005, 3)], Reason::Stale),
        (
            at(1_000, hour),
            [at(1_300, 3), at(1_300, 3)],
            Reason::Behind,
        ),
        (
            at(1_000, hour),
            [at(1_300, hour), at(1_300, hour)],
            Reason::Behind,
        ),
        (
            at(1_000, hour),
            [at(1_000, hour), at(9_000, 3)],
            Reason::Stale,
        ),
    ];
    for (node, references, expected) in cases {
        for limit in [json!({}), json!({"expect": {"head_age": {"lt": "5m"}}})] {
            let sample = beside(node.clone(), &references, limit).await;
            assert_eq!(
                reason(&sample),
                Some(expected),
                "{references:?}: {sample:?}"
            );
            assert_eq!(sample.outcome, expected.outcome());
            // A threshold on an age would condemn the node for what the whole chain does.
            let halted = expected == Reason::ChainHalted;
            assert_eq!(reading(&sample, "head_age").is_none(), halted, "{sample:?}");
        }
    }
}

#[tokio::test]
async fn a_node_that_no_longer_advances_is_told_from_a_chain_that_does_not() {
    let (node, a, b) = (at(1_000, 3), at(1_000, 3), at(1_000, 3));
    let node = EvmNode::start(node).await;
    let (a, b) = (EvmNode::start(a).await, EvmNode::start(b).await);
    let settings = json!({
        "url": node.url(),
        "references": [a.url(), b.url()],
        "expect": {"since_advance": {"lt": "1m"}, "head_age": {"lt": "1h"}},
    });
    let looking = Looking::with("evm", &settings);
    assert_eq!(looking.run().await.outcome, Outcome::Pass);
    looking.clock().pass(Duration::from_secs(61));
    let halted = looking.run().await;
    assert_eq!(reason(&halted), Some(Reason::ChainHalted), "{halted:?}");
    assert_eq!(reading(&halted, "since_advance"), None);
    a.set(|state| state.head += 3);
    b.set(|state| state.head += 3);
    let stands = looking.run().await;
    assert_eq!(reason(&stands), Some(Reason::Stale), "{stands:?}");
}

#[tokio::test]
async fn a_node_on_another_branch_is_told_where_nobody_shares_it() {
    let other = State {
        branch: 'b',
        ..at(1_001, 3)
    };
    let own = at(1_000, 3);
    let forked = beside(own.clone(), &[other.clone(), other.clone()], json!({})).await;
    assert_eq!(reason(&forked), Some(Reason::Forked), "{forked:?}");
    assert_eq!(forked.outcome, Outcome::Fail);
    let told = "the node's block 999 is another one than that of the references";
    assert!(detail(&forked).contains(told), "{}", detail(&forked));

    let disputed = beside(own.clone(), &[other, own.clone()], json!({})).await;
    assert_eq!(disputed.outcome, Outcome::Pass, "{disputed:?}");
    assert!(disputed.notes[0].contains("not all have the same block"));
    let shared = beside(own.clone(), &[own.clone(), own], json!({})).await;
    assert!(shared.notes.is_empty(), "{:?}", shared.notes);
}

#[tokio::test]
async fn a_reference_of_no_use_is_never_the_node_s_fault() {
    let node = EvmNode::start(at(1_000, 3)).await;
    let good = EvmNode::start(at(1_000, 3)).await;
    let foreign = EvmNode::start(State {
        chain: 137,
        ..at(9_000, 3)
    })
    .await;
    let page = |status| Play::Answer(status, "text/html", "<html>".to_owned());
    let (hangs, throttles) = (always(Play::Hang).await, always(page(429)).await);
    let (garbage, down) = (
        always(Play::Garbage(b"x\r\n\r\n")).await,
        closed_port().await,
    );
    // a reference, why it is of no use
    let cases = [
        (foreign.url(), "it serves chain 137, not 1"),
        (hangs.url(), "the references' share of the timeout"),
        (throttles.url(), "HTTP status 429"),
        (garbage.url(), "no use as a reference"),
        (format!("http://{down}"), "connection refused"),
    ];
    for (odd, says) in cases {
        let settings = json!({"url": node.url(), "references": [odd, good.url()]});
        let looking = Looking::with("evm", &settings);
        let sample = looking.run_within(Duration::from_secs(2)).await;
        assert_eq!(sample.outcome, Outcome::Pass, "{says}: {sample:?}");
        assert_eq!(
            reading(&sample, "lag"),
            None,
            "one reference proves nothing"
        );
        assert_eq!(reading(&sample, "references"), Some(1.0));
        assert_eq!(
            reading(&sample, "throttled"),
            Some(0.0),
            "of endpoints only"
        );
        let notes = sample.notes.concat();
        assert!(notes.contains(says), "{says}: {notes}");
        assert!(notes.contains("1 of 2 references were of use"), "{notes}");
        // The time of a reference is not the node's.
        assert!(
            sample.latency < Duration::from_secs(1),
            "{:?}",
            sample.latency
        );
    }
}

#[tokio::test]
async fn nothing_of_a_reference_but_its_place_is_told_and_no_header_goes_there() {
    let node = EvmNode::start(at(1_000, 3)).await;
    let a = always(Play::Answer(500, "text/plain", "canary-key".to_owned())).await;
    let b = EvmNode::start(at(1_000, 3)).await;
    let secret = |place: &str| format!("http://u:canary-pass@{place}/v3/canary-key?k=canary-query");
    let settings = json!({
        "url": node.url(),
        "headers": {"x-api-key": "canary-header"},
        "references": [secret(&a.place), secret(&b.peer.place)],
    });
    let sample = Looking::with("evm", &settings).run().await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    let told = format!("{sample:?}");
    assert!(
        told.contains(&a.place) && !told.contains("canary"),
        "{told}"
    );
    assert!(
        node.peer.asked()[0]
            .head
            .contains("x-api-key: canary-header")
    );
    for asked in b.peer.asked() {
        assert!(!asked.head.contains("canary-header"), "{}", asked.head);
        assert!(asked.path.starts_with("/v3/canary-key"), "{}", asked.path);
    }
}

#[tokio::test]
async fn a_reference_has_headers_of_its_own_and_shows_them_to_nobody() {
    let node = EvmNode::start(at(1_000, 3)).await;
    let a = always(Play::Answer(
        401,
        "text/plain",
        "no key canary-a".to_owned(),
    ))
    .await;
    let b = EvmNode::start(at(1_000, 3)).await;
    let c = EvmNode::start(at(1_000, 3)).await;
    let settings = json!({
        "url": node.url(),
        "headers": {"x-api-key": "canary-node"},
        "references": [
            {"url": a.url(), "headers": {"x-api-key": "canary-a"}},
            {"url": b.url(), "headers": {"authorization": "Bearer canary-b"}},
            c.url(),
        ],
    });
    let sample = Looking::with("evm", &settings).run().await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert_eq!(reading(&sample, "references"), Some(2.0));
    assert_eq!(reading(&sample, "lag"), Some(0.0));
    assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    let keys = |asked: &[String], own: &str| {
        for head in asked {
            assert!(head.contains(own), "{head}");
            assert_eq!(
                head.matches("canary").count(),
                own.matches("canary").count()
            );
        }
    };
    let heads = |peer: &crate::harness::scripted_node::ScriptedNode| {
        let asked = peer.asked().into_iter();
        asked.map(|asked| asked.head).collect::<Vec<String>>()
    };
    keys(&heads(&a), "x-api-key: canary-a");
    keys(&heads(&b.peer), "authorization: Bearer canary-b");
    keys(&heads(&c.peer), "");
    keys(&heads(&node.peer), "x-api-key: canary-node");
}

#[test]
fn a_reference_that_cannot_work_is_named_where_it_stands() {
    let url = "http://127.0.0.1:1";
    let good = "http://127.0.0.1:2";
    let cases: [(Value, &[&str]); 3] = [
        (json!({"url": "canary"}), &["references", "1"]),
        (
            json!({"url": "http://127.0.0.1:3", "headers": {"bad name": "x"}}),
            &["references", "1", "headers", "bad name"],
        ),
        (json!({"url": url}), &["references", "1"]),
    ];
    for (odd, path) in cases {
        let settings = json!({"url": url, "references": [good, odd]});
        let misfits = build("evm", &settings).err().expect("a misfit");
        assert_eq!(misfits.len(), 1, "{misfits:?}");
        assert_eq!(misfits[0].path, path);
        assert!(!format!("{misfits:?}").contains("canary"));
    }
}

#[tokio::test]
async fn references_of_another_chain_agree_on_nothing_that_counts() {
    let foreign = State {
        chain: 137,
        branch: 'b',
        ..at(9_000, 3)
    };
    // Just as high, so that they could be taken for another branch.
    let beside_it = State {
        head: 1_000,
        ..foreign.clone()
    };
    let untold = State {
        instead: vec![("eth_chainId", unknown_method())],
        ..at(1_000, 3)
    };
    let lag = || json!({"expect": {"lag": {"le": 2}}});
    let declared = || json!({"chain_id": 1, "expect": {"lag": {"le": 2}}});
    // the node, both references, settings, what comes of it, a part of the notes
    let cases = [
        (at(1_000, 3), &foreign, json!({}), None, "chain 137, not 1"),
        (
            at(1_000, 3),
            &beside_it,
            json!({}),
            None,
            "chain 137, not 1",
        ),
        (at(1_000, 3), &foreign, lag(), Some(Reason::NoReference), ""),
        (
            at(1_000, 3),
            &foreign,
            declared(),
            Some(Reason::NoReference),
            "",
        ),
        (
            untold.clone(),
            &foreign,
            json!({}),
            None,
            "does not tell which chain",
        ),
        (
            untold.clone(),
            &beside_it,
            json!({}),
            None,
            "does not tell which chain",
        ),
        (
            untold.clone(),
            &foreign,
            lag(),
            Some(Reason::NoReference),
            "",
        ),
        // Not even those of the right chain: nobody knows that they are.
        (
            untold,
            &at(1_000, 3),
            json!({}),
            None,
            "does not tell which chain",
        ),
    ];
    for (node, reference, more, expected, says) in cases {
        let told = format!("{node:?} beside {reference:?} with {more}");
        let references = [reference.clone(), reference.clone()];
        let sample = beside(node, &references, more).await;
        assert_eq!(reason(&sample), expected, "{told}: {sample:?}");
        let outcome = expected.map_or(Outcome::Pass, |_| Outcome::Unknown);
        assert_eq!(sample.outcome, outcome, "{told}");
        assert_eq!(reading(&sample, "lag"), None, "{told}");
        assert_eq!(reading(&sample, "references"), Some(0.0), "{told}");
        assert!(sample.notes.concat().contains(says), "{told}: {sample:?}");
    }
}

/// What a node answers that does not know the method of the first request.
fn unknown_method() -> Play {
    error(&json!(1), -32601, "the method does not exist")
}
