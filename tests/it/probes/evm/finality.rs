//! Which blocks a node calls final: read where the chain tells, judged where something is expected.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason};

use super::{detail, reason};
use crate::harness::anvil::Anvil;
use crate::harness::evm_node::{EvmNode, State, block, error, result, start};
use crate::harness::looking::{Looking, reading};
use crate::harness::scripted_node::Play;

#[tokio::test]
async fn finality_of_a_real_node_is_read() {
    let anvil = Anvil::start().await;
    anvil.mine(100).await;
    let settings = json!({"url": anvil.url(), "expect": {"finality_lag": {"le": 64}}});
    let sample = Looking::with("evm", &settings).run().await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    let lag = reading(&sample, "finality_lag").expect("anvil knows the mark");
    assert!((1.0..=64.0).contains(&lag), "{lag}");
}

#[tokio::test]
async fn a_lag_is_the_node_s_unless_the_references_have_it_too() {
    let state = |finalized| State {
        finalized: Some(finalized),
        ..State::default()
    };
    let expect = json!({"finality_lag": {"le": 100}});
    // final block of a head at 1000, of two references, the reason
    let cases = [
        (936, None, None),
        (899, None, Some(Reason::FinalityStalled)),
        (899, Some(936), Some(Reason::FinalityStalled)),
        (899, Some(899), Some(Reason::ChainHalted)),
    ];
    for (own, theirs, expected) in cases {
        let node = EvmNode::start(state(own)).await;
        let mut settings = json!({"url": node.url(), "expect": expect});
        let finalized = theirs.unwrap_or(936);
        let a = EvmNode::start(state(finalized)).await;
        let b = EvmNode::start(state(finalized)).await;
        if theirs.is_some() {
            settings["references"] = json!([a.url(), b.url()]);
        }
        let sample = Looking::with("evm", &settings).run().await;
        assert_eq!(reason(&sample), expected, "{own} {theirs:?}: {sample:?}");
        assert_eq!(reading(&sample, "finality_lag"), Some((1_000 - own) as f64));
    }
}

#[tokio::test]
async fn a_chain_that_knows_no_mark_is_blamed_only_where_one_is_expected() {
    type Odd = fn(&Value) -> Play;
    let refusals: [Odd; 5] = [
        |id| error(id, -32000, "finalized block not found"),
        |id| error(id, -32602, "'finalized' is not a supported block tag"),
        |id| error(id, -32601, "unsupported"),
        |id| error(id, -39001, "Unknown block"),
        |id| result(id, Value::Null),
    ];
    for odd in refusals {
        let node = start(move |_, id, asked| asked.body.contains("finalized").then(|| odd(id)));
        let node = node.await;
        let sample = Looking::with("evm", &json!({"url": node.url()}))
            .run()
            .await;
        assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
        assert_eq!(reading(&sample, "finality_lag"), None);
        assert!(sample.notes.is_empty(), "{:?}", sample.notes);
        let settings = json!({"url": node.url(), "expect": {"finality_lag": {"le": 100}}});
        let demanded = Looking::with("evm", &settings).run().await;
        assert_eq!(
            reason(&demanded),
            Some(Reason::UnsupportedMethod),
            "{demanded:?}"
        );
    }
}

#[tokio::test]
async fn marks_out_of_order_contradict_the_node_unless_a_block_came_between() {
    let odd = |safe: u64, latest: u64| {
        start(move |method, id, asked| {
            let of = |mark: &str| asked.body.contains(mark);
            let height = match method {
                "eth_getBlockByNumber" if of("finalized") => 50,
                "eth_getBlockByNumber" if of("safe") => safe,
                "eth_getBlockByNumber" => latest,
                _ => return None,
            };
            Some(result(id, block(height, 3)))
        })
    };
    // Out of order by one block: two nodes may stand behind the address.
    let node = odd(49, 54).await;
    let sample = Looking::with("evm", &json!({"url": node.url()}))
        .run()
        .await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    let note = "its finalized block 50 is above its safe block 49: several nodes may stand";
    assert!(sample.notes.concat().contains(note), "{sample:?}");
    let node = odd(47, 54).await;
    let sample = Looking::with("evm", &json!({"url": node.url()}))
        .run()
        .await;
    assert_eq!(reason(&sample), Some(Reason::Malformed), "{sample:?}");
    assert!(detail(&sample).contains("its finalized block 50 is above its safe block 47"));
    let node = odd(50, 45).await;
    let sample = Looking::with("evm", &json!({"url": node.url()}))
        .run()
        .await;
    assert!(
        detail(&sample).contains("above its latest block 45"),
        "{sample:?}"
    );
    let unasked = Looking::with("evm", &json!({"url": node.url(), "finality": false}));
    assert_eq!(unasked.run().await.outcome, Outcome::Pass);

    // Final at once, and one block further with every question.
    let asked = std::sync::atomic::AtomicU64::new(0);
    let moving = start(move |method, id, _| {
        let next = || asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        (method == "eth_getBlockByNumber").then(|| result(id, block(100 + next(), 1)))
    })
    .await;
    let sample = Looking::with("evm", &json!({"url": moving.url()}))
        .run()
        .await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
}

#[tokio::test]
async fn finality_that_is_not_told_in_time_or_limited_is_a_note() {
    let page = Play::Answer(429, "text/html", "<html>".to_owned());
    for (play, throttled, reason_of_demand) in [
        (Play::Hang, 0.0, Reason::Timeout),
        (page, 1.0, Reason::Throttled),
    ] {
        let node = start(move |_, _, asked| asked.body.contains("finalized").then(|| play.clone()));
        let node = node.await;
        let looking = Looking::with("evm", &json!({"url": node.url()}));
        let sample = looking.run_within(Duration::from_secs(1)).await;
        assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
        assert!(
            sample.notes[0].contains("no hint about finality"),
            "{:?}",
            sample.notes
        );
        assert_eq!(reading(&sample, "throttled"), Some(throttled));
        let settings = json!({"url": node.url(), "expect": {"finality_lag": {"le": 100}}});
        let looking = Looking::with("evm", &settings);
        let demanded = looking.run_within(Duration::from_secs(1)).await;
        assert_eq!(reason(&demanded), Some(reason_of_demand), "{demanded:?}");
    }
}
