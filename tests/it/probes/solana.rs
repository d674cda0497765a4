//! The kind `solana`, against a small node of our own that answers in the documented shapes.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason, Sample};

use crate::harness::certificates::Authority;
use crate::harness::http_peer::{Does, Peer, answer};
use crate::harness::looking::{Looking, build, reading};
use crate::harness::rpc_node::{RpcNode, Says};
use crate::harness::scripted_node::{Play, ScriptedNode, closed_port};
use crate::harness::solana_node::{MAINNET, start};

fn reason(sample: &Sample) -> Option<Reason> {
    sample.fault.as_ref().map(|fault| fault.reason)
}

fn detail(sample: &Sample) -> &str {
    sample.fault.as_ref().map_or("", |fault| &fault.detail)
}

fn error(code: i64, message: &str, data: Value) -> Says {
    Says::Error(200, json!({"code": code, "message": message, "data": data}))
}

async fn look(node: &RpcNode, more: Value) -> Sample {
    let mut settings = json!({"url": node.url()});
    for (name, value) in more.as_object().expect("settings") {
        settings[name] = value.clone();
    }
    Looking::with("solana", &settings).run().await
}

#[tokio::test]
async fn a_node_in_step_passes_with_its_readings() {
    let node = start(166_974_442, 1, &[]).await;
    for chain in ["mainnet", "mainnet-beta", MAINNET] {
        let sample = look(&node, json!({"chain_id": chain})).await;
        assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
        assert_eq!(reading(&sample, "head"), Some(166_974_442.0));
        assert_eq!(reading(&sample, "finality_lag"), Some(32.0));
        assert_eq!(reading(&sample, "slots_behind"), Some(0.0));
        assert_eq!(reading(&sample, "throttled"), Some(0.0));
        assert!(reading(&sample, "head_age").unwrap() < 30.0);
        assert!(sample.notes.is_empty(), "{:?}", sample.notes);
    }
}

#[tokio::test]
async fn each_state_of_a_node_has_its_outcome() {
    let behind = || {
        error(
            -32005,
            "Node is behind by 142 slots",
            json!({"numSlotsBehind": 142}),
        )
    };
    let unhealthy = || error(-32005, "Node is unhealthy", json!({"numSlotsBehind": null}));
    let allow = json!({"expect": {"slots_behind": {"le": 200}}});
    let finality = json!({"expect": {"finality_lag": {"le": 16}}});
    let history = |depth: u64| json!({"capabilities": {"history": depth}});
    let none = || json!({});
    // the method, what it says, settings, the reason, a part of what is said
    let cases: [(&str, Says, Value, Option<Reason>, &str); 14] = [
        (
            "getHealth",
            behind(),
            none(),
            Some(Reason::Behind),
            "it is 142 slots behind",
        ),
        ("getHealth", behind(), allow, None, ""),
        (
            "getHealth",
            unhealthy(),
            none(),
            Some(Reason::NotReady),
            "Node is unhealthy",
        ),
        (
            "getHealth",
            error(-32601, "no such method", json!(null)),
            none(),
            None,
            "no hint about the node's health",
        ),
        (
            "getHealth",
            Says::Plays(Play::Answer(429, "text/html", "<html>".to_owned())),
            none(),
            None,
            "no hint about the node's health",
        ),
        (
            "getBlockTime",
            Says::Result(json!(1_795_000_000)),
            none(),
            Some(Reason::Stale),
            "old",
        ),
        (
            "getSlot finalized",
            Says::Result(json!(960)),
            finality,
            Some(Reason::FinalityStalled),
            "40",
        ),
        (
            "getSlot finalized",
            Says::Result(json!(1_500)),
            none(),
            Some(Reason::Malformed),
            "1500",
        ),
        (
            "getSlot",
            Says::Result(json!("1000")),
            none(),
            Some(Reason::Malformed),
            "getSlot",
        ),
        (
            "getHealth",
            Says::Result(json!("ok")),
            history(1_000),
            None,
            "",
        ),
        ("getHealth", Says::Result(json!("ok")), history(1), None, ""),
        (
            "getFirstAvailableBlock",
            Says::Result(json!(900)),
            history(101),
            Some(Reason::MissingData),
            "oldest block is of slot 900, and 899 is expected",
        ),
        (
            "getGenesisHash",
            Says::Result(json!("EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG")),
            json!({"chain_id": "mainnet"}),
            Some(Reason::WrongChain),
            "it serves devnet, and mainnet is declared",
        ),
        (
            "getGenesisHash",
            Says::Result(json!("<html>canary")),
            json!({"chain_id": "mainnet"}),
            Some(Reason::Malformed),
            "something else than a hash",
        ),
    ];
    for (method, says, settings, expected, part) in cases {
        let node = start(1_000, 1, &[(method, says)]).await;
        let sample = look(&node, settings).await;
        assert_eq!(reason(&sample), expected, "{method}: {sample:?}");
        let outcome = expected.map_or(Outcome::Pass, Reason::outcome);
        assert_eq!(sample.outcome, outcome, "{method}");
        let said = format!("{} {}", detail(&sample), sample.notes.concat());
        assert!(said.contains(part), "{method}: {said}");
    }
}

#[tokio::test]
async fn a_skipped_slot_is_no_failure_and_a_node_without_times_is_noted() {
    let skipped = || error(-32007, "Slot 1000 was skipped, or missing", json!(null));
    let absent = || error(-32004, "Block not available for slot 999", json!(null));
    let odd = [
        ("getBlockTime 1000", skipped()),
        ("getBlockTime 999", absent()),
        ("getBlockTime 998", Says::Result(Value::Null)),
    ];
    let node = start(1_000, 1, &odd).await;
    let sample = look(&node, json!({})).await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert_eq!(reading(&sample, "head"), Some(1_000.0));
    assert!(reading(&sample, "head_age").is_some() && sample.notes.is_empty());

    let none = error(-32011, "Transaction history is not available", json!(null));
    let node = start(1_000, 1, &[("getBlockTime", none)]).await;
    let sample = look(&node, json!({})).await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert_eq!(reading(&sample, "head_age"), None);
    assert!(
        sample.notes[0].contains("does not tell when"),
        "{:?}",
        sample.notes
    );
    let sample = look(&node, json!({"expect": {"head_age": {"lt": "1m"}}})).await;
    assert_eq!(reason(&sample), Some(Reason::MissingData), "{sample:?}");
}

#[tokio::test]
async fn a_node_is_judged_beside_its_references() {
    // the node's slot and age, the references', the lag, the reason
    let cases = [
        ((1_000, 1), (1_075, 1), Some(75.0), None),
        ((1_000, 1), (1_076, 1), Some(76.0), Some(Reason::Behind)),
        (
            (1_000, 900),
            (1_000, 900),
            Some(0.0),
            Some(Reason::ChainHalted),
        ),
        ((1_000, 900), (1_040, 1), Some(40.0), Some(Reason::Stale)),
    ];
    for ((slot, age), (theirs, their_age), lag, expected) in cases {
        let node = start(slot, age, &[]).await;
        let (a, b) = (
            start(theirs, their_age, &[]).await,
            start(theirs + 4, their_age, &[]).await,
        );
        let sample = look(&node, json!({"references": [a.url(), b.url()]})).await;
        assert_eq!(reason(&sample), expected, "{sample:?}");
        assert_eq!(reading(&sample, "lag"), lag, "{sample:?}");
    }
    let node = start(1_000, 1, &[]).await;
    let devnet = Says::Result(json!("EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxPkrZBG"));
    let (a, b) = (
        start(9_000, 1, &[("getGenesisHash", devnet)]).await,
        start(1_000, 1, &[]).await,
    );
    let sample = look(&node, json!({"references": [a.url(), b.url()]})).await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert!(
        sample.notes.concat().contains("it serves devnet"),
        "{:?}",
        sample.notes
    );
    assert_eq!(reading(&sample, "lag"), None);
}

#[tokio::test]
async fn each_misbehaviour_has_its_reason() {
    let page = |status| Play::Answer(status, "text/html", "<html>canary".to_owned());
    let cases = [
        (Play::Hang, Reason::Timeout),
        (Play::Reset, Reason::Reset),
        (Play::Garbage(b"SSH-2.0-OpenSSH_9.2\r\n"), Reason::Malformed),
        (Play::Endless(200_000_000), Reason::TooLarge),
        (page(429), Reason::Throttled),
        (page(402), Reason::Throttled),
        (page(401), Reason::Unauthorized),
        (page(404), Reason::Status),
        (page(200), Reason::Malformed),
        (Play::json("[]"), Reason::Malformed),
    ];
    for (play, expected) in cases {
        let name = format!("{play:?}");
        let node = ScriptedNode::start(move |_| play.clone()).await;
        let url = format!("http://u:canary-pass@{}/canary-key", node.place);
        let looking = Looking::with("solana", &json!({"url": url}));
        let sample = looking.run_within(Duration::from_secs(1)).await;
        assert_eq!(reason(&sample), Some(expected), "{name}: {sample:?}");
        assert_eq!(sample.outcome, expected.outcome());
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    }
    let url = format!("http://{}", closed_port().await);
    let sample = Looking::with("solana", &json!({"url": url})).run().await;
    assert_eq!(reason(&sample), Some(Reason::Refused));
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_days() {
    let authority = Authority::new();
    let ok = Does::Answers(std::sync::Arc::new(|_| answer("200 OK", &[], b"{}")));
    let peer = Peer::start_tls(ok, &authority.expired()).await;
    let settings = json!({"url": peer.url("/"), "tls": {"ca": authority.ca()}});
    let sample = Looking::with("solana", &settings).run().await;
    assert_eq!(reason(&sample), Some(Reason::Certificate), "{sample:?}");
    assert!(reading(&sample, "cert_days").unwrap() < 0.0);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let url = "http://127.0.0.1:1";
    let cases: [(Value, &[&str]); 5] = [
        (json!({}), &["endpoints"]),
        (json!({"url": url, "chain_id": "localnet"}), &["chain_id"]),
        (json!({"url": url, "expect": {}}), &["expect"]),
        (
            json!({"url": url, "expect": {"slots_behind": {}}}),
            &["expect", "slots_behind"],
        ),
        (json!({"url": url, "capabilities": {}}), &["capabilities"]),
    ];
    for (settings, path) in cases {
        let misfits = build("solana", &settings).err().expect("a misfit");
        assert_eq!(misfits.len(), 1, "{settings}: {misfits:?}");
        assert_eq!(misfits[0].path, path, "{settings}");
    }
}
