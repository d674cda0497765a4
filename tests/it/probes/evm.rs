//! The kind `evm`, against a real anvil and against nodes that misbehave.

mod abilities;
mod fallback;
mod finality;
mod odd_nodes;
mod references;
mod tls;
mod tolerance;

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Outcome, Reason, Sample};

use crate::harness::anvil::Anvil;
use crate::harness::looking::{Looking, build, reading};

/// The reason of a sample that did not pass.
fn reason(sample: &Sample) -> Option<Reason> {
    sample.fault.as_ref().map(|fault| fault.reason)
}

/// What the sample says to a person.
fn detail(sample: &Sample) -> &str {
    sample.fault.as_ref().map_or("", |fault| &fault.detail)
}

#[tokio::test]
async fn a_node_that_makes_blocks_passes_with_its_readings() {
    let anvil = Anvil::start().await;
    anvil.mine(3).await;
    let looking = Looking::with("evm", &json!({"url": anvil.url(), "chain_id": 31337}));
    let sample = looking.run().await;
    assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}");
    assert_eq!(reading(&sample, "head"), Some(3.0));
    assert_eq!(reading(&sample, "syncing"), Some(0.0));
    assert_eq!(reading(&sample, "endpoint"), Some(1.0));
    assert_eq!(reading(&sample, "head_advance"), Some(0.0));
    assert_eq!(reading(&sample, "throttled"), Some(0.0));
    assert!(reading(&sample, "head_age").unwrap() < 30.0);
    assert!(sample.notes.is_empty(), "{:?}", sample.notes);
    assert!(sample.phases.total() > Duration::ZERO);
}

#[tokio::test]
async fn a_chain_that_stops_grows_old_and_one_that_moves_is_young_again() {
    let anvil = Anvil::start().await;
    anvil.mine(1).await;
    let looking = Looking::with(
        "evm",
        &json!({"url": anvil.url(), "expect": {"since_advance": {"lt": "60s"}}}),
    );
    let first = looking.run().await;
    assert_eq!(first.outcome, Outcome::Pass, "{first:?}");

    looking.clock().pass(Duration::from_secs(45));
    let standing = looking.run().await;
    assert_eq!(standing.outcome, Outcome::Pass, "{standing:?}");
    let since = reading(&standing, "since_advance").unwrap();
    assert!((45.0..60.0).contains(&since), "{since}");
    let grown = reading(&standing, "head_age").unwrap() - reading(&first, "head_age").unwrap();
    assert!((44.0..60.0).contains(&grown), "{grown}");

    looking.clock().pass(Duration::from_secs(45));
    let stopped = looking.run().await;
    assert_eq!(reason(&stopped), Some(Reason::Stale));
    assert!(
        detail(&stopped).contains("has not advanced for 1m3"),
        "{}",
        detail(&stopped)
    );

    anvil.mine(2).await;
    let moved = looking.run().await;
    assert_eq!(moved.outcome, Outcome::Pass, "{moved:?}");
    assert_eq!(reading(&moved, "head_advance"), Some(2.0));
    assert_eq!(reading(&moved, "since_advance"), Some(0.0));
}

#[tokio::test]
async fn a_head_of_an_hour_ago_is_stale_by_whatever_limit_there_is() {
    let anvil = Anvil::behind(3_600).await;
    anvil.mine(1).await;
    // settings, what the message says of the limit
    let cases = [
        (
            json!({"expect": {"head_age": {"lt": "90s"}}}),
            Some("expected less than 1m30s"),
        ),
        (
            json!({"block_time": "12s"}),
            Some("more than 2m (10 times the block time of 12s)"),
        ),
        (json!({"block_time": "1s"}), Some("more than 30s")),
        (json!({"expect": {"head_age": {"le": "2h"}}}), None),
        (json!({}), None),
    ];
    for (mut settings, says) in cases {
        settings["url"] = json!(anvil.url());
        let sample = Looking::with("evm", &settings).run().await;
        let age = reading(&sample, "head_age").unwrap();
        assert!((3_500.0..3_700.0).contains(&age), "{settings}: {age}");
        match says {
            Some(says) => {
                assert_eq!(reason(&sample), Some(Reason::Stale), "{settings}");
                assert_eq!(sample.outcome, Outcome::Fail);
                assert!(detail(&sample).contains(says), "{}", detail(&sample));
            }
            None => assert_eq!(sample.outcome, Outcome::Pass, "{sample:?}"),
        }
    }
}

#[tokio::test]
async fn another_chain_is_a_fault_of_the_configuration() {
    let anvil = Anvil::start().await;
    for (declared, outcome) in [
        (json!(31337), Outcome::Pass),
        (json!("31337"), Outcome::Pass),
        (json!("0x7a69"), Outcome::Pass),
        (json!(1), Outcome::Unknown),
        (json!("0xc72dd9d5e883e"), Outcome::Unknown),
    ] {
        let settings = json!({"url": anvil.url(), "chain_id": declared});
        let sample = Looking::with("evm", &settings).run().await;
        assert_eq!(sample.outcome, outcome, "{sample:?}");
        if outcome == Outcome::Unknown {
            assert_eq!(reason(&sample), Some(Reason::WrongChain));
            assert!(detail(&sample).contains("it serves chain 31337"));
            assert_eq!(reading(&sample, "head"), None, "a head of another chain");
        }
    }
}

#[tokio::test]
async fn a_node_that_dies_is_refused_in_one_line() {
    let mut anvil = Anvil::start().await;
    let looking = Looking::with("evm", &json!({"url": anvil.url()}));
    assert_eq!(looking.run().await.outcome, Outcome::Pass);
    anvil.kill();
    let sample = looking.run().await;
    assert_eq!(sample.outcome, Outcome::Error);
    assert_eq!(reason(&sample), Some(Reason::Refused));
    assert!(detail(&sample).contains("connection refused"));
    assert_eq!(detail(&sample).lines().count(), 1);
    assert!(sample.fault.unwrap().transient);
}

#[tokio::test]
async fn a_low_head_does_not_hold() {
    let anvil = Anvil::start().await;
    anvil.mine(1).await;
    let settings = json!({"url": anvil.url(), "expect": {"head": {"ge": 100}}});
    let sample = Looking::with("evm", &settings).run().await;
    assert_eq!(reason(&sample), Some(Reason::Expectation));
    assert!(detail(&sample).contains("the head is block 1, expected at least 100"));
}

#[test]
fn settings_that_cannot_work_are_named() {
    let url = "http://127.0.0.1:1";
    let (a, b) = ("http://127.0.0.1:2", "http://127.0.0.1:3");
    let cases: [(Value, &[&str]); 16] = [
        (json!({}), &["endpoints"]),
        (json!({"endpoints": []}), &["endpoints"]),
        (json!({"url": url, "endpoints": [url]}), &["url"]),
        (json!({"endpoints": [url, "ws://x/"]}), &["endpoints", "1"]),
        (json!({"url": url, "block_time": "0s"}), &["block_time"]),
        (json!({"url": url, "expect": {}}), &["expect"]),
        (
            json!({"url": url, "expect": {"head": {}}}),
            &["expect", "head"],
        ),
        (
            json!({"url": url, "tls": {"ca": "/no/such/file"}}),
            &["tls", "ca"],
        ),
        (json!({"url": url, "references": [a]}), &["references"]),
        (
            json!({"url": url, "references": [a, url]}),
            &["references", "1"],
        ),
        (
            json!({"url": url, "references": [a, a]}),
            &["references", "1"],
        ),
        (json!({"url": url, "capabilities": {}}), &["capabilities"]),
        (
            json!({"url": url, "expect": {"lag": {"le": 3}}}),
            &["expect", "lag"],
        ),
        (
            json!({"url": url, "references": [a, b], "expect": {"lag": {}}}),
            &["expect", "lag"],
        ),
        (
            json!({"url": url, "expect": {"peers": {}}}),
            &["expect", "peers"],
        ),
        (
            json!({"url": url, "finality": false, "expect": {"finality_lag": {"le": 9}}}),
            &["expect", "finality_lag"],
        ),
    ];
    for (settings, path) in cases {
        let misfits = build("evm", &settings).err().expect("a misfit");
        assert_eq!(misfits.len(), 1, "{settings}: {misfits:?}");
        assert_eq!(misfits[0].path, path, "{settings}");
    }
}
