//! The kind `bitcoin`, against a small node of our own that answers in the shapes of bitcoind.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason, Sample};

use crate::harness::bitcoin_node::{hash, info, start};
use crate::harness::certificates::Authority;
use crate::harness::http_peer::{Does, Peer, answer};
use crate::harness::looking::{Looking, build, reading};
use crate::harness::rpc_node::{RpcNode, Says};
use crate::harness::scripted_node::{Play, ScriptedNode, closed_port};

fn reason(sample: &Sample) -> Option<Reason> {
    sample.fault.as_ref().map(|fault| fault.reason)
}

fn detail(sample: &Sample) -> &str {
    sample.fault.as_ref().map_or("", |fault| &fault.detail)
}

async fn look(node: &RpcNode, more: Value) -> Sample {
    let mut settings = json!({"url": node.url()});
    for (name, value) in more.as_object().expect("settings") {
        settings[name] = value.clone();
    }
    Looking::with("bitcoin", &settings).run().await
}

#[tokio::test]
async fn a_node_in_step_passes_with_its_readings() {
    let node = start(936_616, 300, &[]).await;
    let url = node.url().replace("http://", "http://reader:canary@");
    let settings = json!({"url": url, "chain_id": "main", "expect": {"peers": {"ge": 8}}});
    let sample = Looking::with("bitcoin", &settings).run().await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert_eq!(reading(&sample, "head"), Some(936_616.0));
    assert_eq!(reading(&sample, "headers_ahead"), Some(0.0));
    assert_eq!(reading(&sample, "peers"), Some(10.0));
    assert!(reading(&sample, "verification_progress").unwrap() < 1.0);
    assert!((300.0..330.0).contains(&reading(&sample, "head_age").unwrap()));
    assert!(sample.notes.is_empty(), "{:?}", sample.notes);
    let asked = &node.peer.asked()[0];
    // base64 of reader:canary
    assert!(
        asked
            .head
            .contains("authorization: Basic cmVhZGVyOmNhbmFyeQ==")
    );
    assert!(asked.body.contains(r#""jsonrpc":"1.0""#), "{}", asked.body);
    assert!(!format!("{sample:?}").contains("canary"));
}

#[tokio::test]
async fn each_state_of_a_node_has_its_outcome() {
    type Change = fn(&mut Value);
    let none = || json!({});
    let history = |depth: u64| json!({"capabilities": {"history": depth}});
    let headers = |most: u64| json!({"expect": {"headers_ahead": {"le": most}}});
    // what differs, age, settings, the reason, a part of what is said
    let cases: [(Change, i64, Value, Option<Reason>, &str); 16] = [
        (
            |it| it["initialblockdownload"] = json!(true),
            9,
            none(),
            Some(Reason::Syncing),
            "downloads",
        ),
        (|it| it["headers"] = json!(1_003), 9, none(), None, ""),
        (
            |it| it["headers"] = json!(1_004),
            9,
            none(),
            Some(Reason::Behind),
            "headers of 4 blocks",
        ),
        (
            |it| it["headers"] = json!(1_002),
            9,
            headers(1),
            Some(Reason::Behind),
            "at most 1",
        ),
        (|it| it["headers"] = json!(1_009), 9, headers(9), None, ""),
        (|_| {}, 3_700, none(), None, "6 times the block time of 10m"),
        (
            |_| {},
            10_900,
            none(),
            Some(Reason::Stale),
            "18 times the block time of 10m",
        ),
        (|_| {}, -3_600, none(), None, ""),
        (
            |_| {},
            -7_300,
            none(),
            None,
            "ahead of this machine's clock",
        ),
        (
            |it| it["warnings"] = json!("unknown new rules"),
            9,
            none(),
            None,
            "warns: unknown new",
        ),
        (
            |it| it["warnings"] = json!(["a", "b"]),
            9,
            none(),
            None,
            "the node warns: b",
        ),
        (
            |it| it["chain"] = json!("test"),
            9,
            json!({"chain_id": "main"}),
            Some(Reason::WrongChain),
            "chain test",
        ),
        (
            |it| it["chain"] = json!("<i>"),
            9,
            json!({"chain_id": "main"}),
            Some(Reason::WrongChain),
            "no known chain",
        ),
        (
            |it| (it["chain"], it["initialblockdownload"]) = (json!("regtest"), json!(true)),
            99_999,
            none(),
            None,
            "",
        ),
        (
            |it| (it["pruned"], it["pruneheight"]) = (json!(true), json!(500)),
            9,
            history(501),
            Some(Reason::MissingData),
            "keeps blocks from 500 on, and 499 is expected",
        ),
        (
            |it| (it["pruned"], it["pruneheight"]) = (json!(true), json!(500)),
            9,
            history(500),
            None,
            "",
        ),
    ];
    for (change, age, settings, expected, part) in cases {
        let node = start(1_000, 9, &[("getblockchaininfo", info(1_000, age, change))]).await;
        let sample = look(&node, settings).await;
        assert_eq!(reason(&sample), expected, "{part}: {sample:?}");
        let outcome = expected.map_or(Outcome::Pass, Reason::outcome);
        assert_eq!(sample.outcome, outcome, "{part}");
        let said = format!("{} {}", detail(&sample), sample.notes.concat());
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[tokio::test]
async fn an_old_node_tells_the_time_of_its_header() {
    let old = info(1_000, 0, |it| it["time"] = Value::Null);
    let header = Says::Result(json!({"time": jiff::Timestamp::now().as_second() - 700}));
    let node = start(
        1_000,
        9,
        &[("getblockchaininfo", old), ("getblockheader", header)],
    )
    .await;
    let sample = look(&node, json!({})).await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert!((700.0..730.0).contains(&reading(&sample, "head_age").unwrap()));
}

#[tokio::test]
async fn errors_of_the_node_are_told_by_their_meaning() {
    let says = |status, code: i64, message: &str| {
        Says::Error(status, json!({"code": code, "message": message}))
    };
    let cases = [
        (
            says(500, -28, "Loading block index…"),
            Reason::NotReady,
            true,
        ),
        (says(200, -28, "Verifying blocks…"), Reason::NotReady, true),
        (
            says(404, -32601, "Method not found"),
            Reason::UnsupportedMethod,
            false,
        ),
        (says(500, -32603, "internal"), Reason::ServerFault, false),
        (
            says(500, -32603, "Too many requests"),
            Reason::Throttled,
            true,
        ),
    ];
    for (says, expected, transient) in cases {
        let node = start(1_000, 9, &[("getblockchaininfo", says)]).await;
        let sample = look(&node, json!({})).await;
        assert_eq!(reason(&sample), Some(expected), "{sample:?}");
        assert_eq!(sample.outcome, expected.outcome());
        assert_eq!(sample.fault.unwrap().transient, transient);
    }
}

#[tokio::test]
async fn peers_and_the_index_are_asked_for_where_they_are_set() {
    let index = |synced: bool| Says::Result(json!({"txindex": {"synced": synced}}));
    let wanted = json!({"capabilities": {"txindex": true}});
    let cases = [
        (
            Says::Result(json!({})),
            wanted.clone(),
            Some(Reason::MissingData),
        ),
        (index(false), wanted.clone(), Some(Reason::MissingData)),
        (index(true), wanted, None),
        (
            index(true),
            json!({"expect": {"peers": {"ge": 11}}}),
            Some(Reason::FewPeers),
        ),
    ];
    for (index, settings, expected) in cases {
        let node = start(1_000, 9, &[("getindexinfo", index)]).await;
        let sample = look(&node, settings).await;
        assert_eq!(reason(&sample), expected, "{sample:?}");
    }
}

#[tokio::test]
async fn a_node_is_judged_beside_its_references() {
    // the node's height and age, the references', the lag, the reason
    let cases = [
        ((1_000, 9), (1_003, 9), Some(3.0), None),
        ((1_000, 9), (1_004, 9), Some(4.0), Some(Reason::Behind)),
        (
            (1_000, 14_400),
            (1_000, 14_400),
            Some(0.0),
            Some(Reason::ChainHalted),
        ),
        ((1_000, 14_400), (1_002, 60), Some(2.0), Some(Reason::Stale)),
    ];
    for ((blocks, age), (theirs, their_age), lag, expected) in cases {
        let node = start(blocks, age, &[]).await;
        let (a, b) = (
            start(theirs, their_age, &[]).await,
            start(theirs, their_age, &[]).await,
        );
        let sample = look(&node, json!({"references": [a.url(), b.url()]})).await;
        assert_eq!(reason(&sample), expected, "{sample:?}");
        assert_eq!(reading(&sample, "lag"), lag, "{sample:?}");
    }
    let other = || [("getblockhash", Says::Result(json!(hash('b', 999))))];
    let odd = [("getblockhash 999", Says::Result(json!(hash('b', 999))))];
    let node = start(1_000, 9, &[]).await;
    let (a, b) = (start(1_001, 9, &other()).await, start(1_000, 9, &odd).await);
    let sample = look(&node, json!({"references": [a.url(), b.url()]})).await;
    assert_eq!(reason(&sample), Some(Reason::Forked), "{sample:?}");
}

#[tokio::test]
async fn each_misbehaviour_has_its_reason() {
    let page = |status, body: &str| Play::Answer(status, "text/html", body.to_owned());
    let cases = [
        (Play::Hang, Reason::Timeout),
        (Play::Reset, Reason::Reset),
        (Play::Garbage(b"SSH-2.0-OpenSSH_9.2\r\n"), Reason::Malformed),
        (Play::Endless(200_000_000), Reason::TooLarge),
        (page(401, ""), Reason::Unauthorized),
        (page(403, ""), Reason::Unauthorized),
        (page(429, "<html>"), Reason::Throttled),
        (page(503, "Work queue depth exceeded"), Reason::Status),
        (page(200, "<html>canary"), Reason::Malformed),
        (
            Play::json(json!({"result": 1, "error": null, "id": 1})),
            Reason::Malformed,
        ),
    ];
    for (play, expected) in cases {
        let name = format!("{play:?}");
        let node = ScriptedNode::start(move |_| play.clone()).await;
        let url = format!("http://u:canary-pass@{}/canary-key", node.place);
        let looking = Looking::with("bitcoin", &json!({"url": url}));
        let sample = looking.run_within(Duration::from_secs(1)).await;
        assert_eq!(reason(&sample), Some(expected), "{name}: {sample:?}");
        assert_eq!(sample.outcome, expected.outcome());
        assert!(!format!("{sample:?}").contains("canary"), "{sample:?}");
    }
    let url = format!("http://{}", closed_port().await);
    let sample = Looking::with("bitcoin", &json!({"url": url})).run().await;
    assert_eq!(reason(&sample), Some(Reason::Refused));
}

#[tokio::test]
async fn an_expired_certificate_is_told_with_its_days() {
    let authority = Authority::new();
    let ok = Does::Answers(std::sync::Arc::new(|_| answer("200 OK", &[], b"{}")));
    let peer = Peer::start_tls(ok, &authority.expired()).await;
    let settings = json!({"url": peer.url("/"), "tls": {"ca": authority.ca()}});
    let sample = Looking::with("bitcoin", &settings).run().await;
    assert_eq!(reason(&sample), Some(Reason::Certificate), "{sample:?}");
    assert!(reading(&sample, "cert_days").unwrap() < 0.0);
}

#[test]
fn settings_that_cannot_work_are_named() {
    let url = "http://127.0.0.1:1";
    let cases: [(Value, &[&str]); 5] = [
        (json!({}), &["endpoints"]),
        (json!({"url": url, "chain_id": "litecoin"}), &["chain_id"]),
        (json!({"url": url, "expect": {}}), &["expect"]),
        (
            json!({"url": url, "expect": {"headers_ahead": {}}}),
            &["expect", "headers_ahead"],
        ),
        (json!({"url": url, "capabilities": {}}), &["capabilities"]),
    ];
    for (settings, path) in cases {
        let misfits = build("bitcoin", &settings).err().expect("a misfit");
        assert_eq!(misfits.len(), 1, "{settings}: {misfits:?}");
        assert_eq!(misfits[0].path, path, "{settings}");
    }
}
