//! The kind `tezos` beyond its head: the block time of the protocol, references, peers, history.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason};

use super::{detail, reason};
use crate::harness::looking::{Looking, reading};
use crate::harness::scripted_node::{Play, closed_port};
use crate::harness::tezos_node::{MAINNET, State, TezosNode};

fn constants_asked(node: &TezosNode) -> usize {
    let asked = node.peer.asked().into_iter();
    asked
        .filter(|asked| asked.path.ends_with("head/context/constants"))
        .count()
}

#[tokio::test]
async fn the_block_time_is_the_protocol_s_and_read_once_a_protocol() {
    let node = TezosNode::start(State {
        delay: "8",
        age: 70,
        ..State::default()
    })
    .await;
    let looking = Looking::with("tezos", &json!({"url": node.url()}));
    for _ in 0..3 {
        let sample = looking.run().await;
        assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
        assert!(
            sample.notes[0].contains("4 times the block time of 8s"),
            "{sample:?}"
        );
    }
    assert_eq!(constants_asked(&node), 1);
    node.set(|state| (state.protocol, state.delay) = ("PsNEXT", "5"));
    let stale = looking.run().await;
    assert_eq!(reason(&stale), Some(Reason::Stale), "{stale:?}");
    assert!(
        detail(&stale).contains("10 times the block time of 5s"),
        "{}",
        detail(&stale)
    );
    assert_eq!(constants_asked(&node), 2);

    let declared = Looking::with("tezos", &json!({"url": node.url(), "block_time": "30s"}));
    assert_eq!(declared.run().await.outcome, Outcome::Pass);
    assert_eq!(
        constants_asked(&node),
        2,
        "what is declared is not asked for"
    );
}

#[tokio::test]
async fn a_node_that_does_not_tell_its_block_time_is_noted() {
    let page = |status| Play::Answer(status, "text/html", "<html>".to_owned());
    let odd = Play::json(json!({"minimal_block_delay": "soon"}));
    for (play, throttled) in [
        (page(403), 0.0),
        (page(429), 1.0),
        (odd, 0.0),
        (Play::Hang, 0.0),
    ] {
        let node = TezosNode::start(State {
            instead: vec![("context/constants", play)],
            ..State::default()
        })
        .await;
        let looking = Looking::with("tezos", &json!({"url": node.url()}));
        let sample = looking.run_within(Duration::from_secs(1)).await;
        assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
        assert!(
            sample.notes[0].contains("no hint about the block time"),
            "{sample:?}"
        );
        assert_eq!(reading(&sample, "throttled"), Some(throttled));
    }
}

#[tokio::test]
async fn a_node_is_judged_beside_its_references() {
    let at = |level: u64, age: i64| State {
        level,
        age,
        ..State::default()
    };
    let other = State {
        branch: 'b',
        ..at(101, 3)
    };
    let foreign = State {
        chain_id: "NetXnHfVqm9iesp",
        ..at(900, 3)
    };
    let stuck = |state| State {
        sync_state: "stuck",
        ..state
    };
    // the node, the references, the lag, the reason
    let cases = [
        (at(100, 3), [at(100, 3), at(101, 3)], Some(0.0), None),
        (
            at(100, 3),
            [at(109, 3), at(110, 3)],
            Some(9.0),
            Some(Reason::Behind),
        ),
        (
            at(100, 900),
            [at(100, 900), at(100, 900)],
            Some(0.0),
            Some(Reason::ChainHalted),
        ),
        (
            at(100, 900),
            [at(103, 3), at(103, 3)],
            Some(3.0),
            Some(Reason::Stale),
        ),
        (
            at(100, 3),
            [other.clone(), other],
            Some(1.0),
            Some(Reason::Forked),
        ),
        (at(100, 3), [foreign.clone(), at(109, 3)], None, None),
        // What it says of the whole chain is held against the others.
        (
            stuck(at(100, 900)),
            [at(100, 900), at(100, 900)],
            Some(0.0),
            Some(Reason::ChainHalted),
        ),
        (
            stuck(at(100, 900)),
            [at(103, 3), at(103, 3)],
            Some(3.0),
            Some(Reason::Stale),
        ),
        (
            stuck(at(100, 900)),
            [at(190, 3), at(190, 3)],
            Some(90.0),
            Some(Reason::Behind),
        ),
        (
            stuck(at(100, 900)),
            [foreign.clone(), at(190, 3)],
            None,
            Some(Reason::ChainHalted),
        ),
        (stuck(at(100, 3)), [at(100, 3), at(100, 3)], Some(0.0), None),
    ];
    for (node, references, lag, expected) in cases {
        let said = format!("{references:?}");
        let node = TezosNode::start(node).await;
        let [a, b] = references;
        let (a, b) = (TezosNode::start(a).await, TezosNode::start(b).await);
        let settings = json!({"url": node.url(), "references": [a.url(), b.url()]});
        let sample = Looking::with("tezos", &settings).run().await;
        assert_eq!(reason(&sample), expected, "{said}: {sample:?}");
        assert_eq!(reading(&sample, "lag"), lag, "{said}: {sample:?}");
        let halted = expected == Some(Reason::ChainHalted);
        assert_eq!(reading(&sample, "head_age").is_none(), halted, "{sample:?}");
    }
    let dead = format!("http://{}", closed_port().await);
    let (node, good) = (
        TezosNode::start(at(100, 3)).await,
        TezosNode::start(at(100, 3)).await,
    );
    let expect = json!({"lag": {"le": 2}});
    let settings = json!({"url": node.url(), "references": [dead, good.url()], "expect": expect});
    let sample = Looking::with("tezos", &settings).run().await;
    assert_eq!(reason(&sample), Some(Reason::NoReference), "{sample:?}");
    assert_eq!(sample.outcome, Outcome::Unknown);
}

#[tokio::test]
async fn peers_and_history_are_asked_for_where_they_are_set() {
    let node = TezosNode::start(State::default()).await;
    let unasked = Looking::with("tezos", &json!({"url": node.url()}))
        .run()
        .await;
    assert_eq!(reading(&unasked, "peers"), None);
    let cases: [(Value, Option<Reason>, &str); 4] = [
        (json!({"expect": {"peers": {"ge": 2}}}), None, ""),
        (
            json!({"expect": {"peers": {"ge": 3}}}),
            Some(Reason::FewPeers),
            "the node has 2 peers, expected at least 3",
        ),
        (json!({"capabilities": {"archive": 900}}), None, ""),
        (
            json!({"capabilities": {"archive": 1_001}}),
            Some(Reason::MissingData),
            "no state at block 10998999",
        ),
    ];
    for (mut settings, expected, says) in cases {
        settings["url"] = json!(node.url());
        let sample = Looking::with("tezos", &settings).run().await;
        assert_eq!(reason(&sample), expected, "{settings}: {sample:?}");
        assert!(detail(&sample).contains(says), "{}", detail(&sample));
    }
}

#[tokio::test]
async fn endpoints_and_references_of_another_chain_lend_no_head() {
    const OTHER: &str = "NetXnHfVqm9iesp";
    let at = |level: u64| State {
        level,
        ..State::default()
    };
    let foreign = |level: u64| State {
        chain_id: OTHER,
        branch: 'b',
        ..at(level)
    };
    for declared in [true, false] {
        let (first, other) = (
            TezosNode::start(at(100)).await,
            TezosNode::start(foreign(900)).await,
        );
        let mut settings = json!({"endpoints": [first.url(), other.url()]});
        if declared {
            settings["chain_id"] = json!(MAINNET);
        }
        let looking = Looking::with("tezos", &settings);
        let well = looking.run().await;
        assert_eq!(well.outcome, Outcome::Pass, "{well:?}");
        first.set(|state| state.instead = vec![("header", Play::Hang)]);
        let fallen = looking.run_within(Duration::from_secs(2)).await;
        assert_eq!(reason(&fallen), Some(Reason::WrongChain), "{fallen:?}");
        assert_eq!(fallen.outcome, Outcome::Unknown);
        assert_eq!(reading(&fallen, "head"), None, "{fallen:?}");
        first.set(|state| {
            state.instead.clear();
            state.level += 2;
        });
        let again = looking.run().await;
        assert_eq!(reading(&again, "head_advance"), Some(2.0), "{again:?}");
    }
    // References whose headers do not say of which chain they are: they are asked.
    let untold = |level: u64| {
        let mut state = foreign(level);
        let mut header = state.header();
        header.as_object_mut().expect("a header").remove("chain_id");
        state.instead = vec![("header", Play::json(header))];
        state
    };
    for level in [100, 900] {
        let node = TezosNode::start(at(100)).await;
        let (a, b) = (
            TezosNode::start(untold(level)).await,
            TezosNode::start(untold(level)).await,
        );
        let settings = json!({"url": node.url(), "references": [a.url(), b.url()]});
        let sample = Looking::with("tezos", &settings).run().await;
        assert_eq!(sample.outcome, Outcome::Pass, "{level}: {sample:?}");
        assert_eq!(reading(&sample, "lag"), None, "{sample:?}");
        assert_eq!(reading(&sample, "references"), Some(0.0), "{sample:?}");
        assert!(sample.notes.concat().contains(OTHER), "{sample:?}");
    }
}
