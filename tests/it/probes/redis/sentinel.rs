//! What a real sentinel says of the primary that it watches.

use serde_json::json;
use smokejumper::sample::Reason;

use super::{ask, once_it_passes};
use crate::harness::probing::fault;
use crate::harness::redis::Redis;

#[tokio::test]
async fn a_sentinel_tells_of_its_primary_and_of_the_quorum() {
    let primary = Redis::start().await;
    let sentinel = Redis::sentinel_of(&primary, 1).await;
    let well = json!({"sentinel": {"master": "mymaster", "sentinels": 1, "replicas": 0}});
    once_it_passes(&sentinel, well).await;
    let sample = ask(&sentinel, json!({"sentinel": {"master": "other"}})).await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "sentinel: it watches no primary called other"
    );
    let sample = ask(
        &sentinel,
        json!({"sentinel": {"master": "mymaster", "sentinels": {"ge": 3}}}),
    )
    .await;
    let told = fault(&sample, Reason::Expectation);
    assert!(
        told.detail
            .starts_with("sentinel, mymaster: master0.sentinels: expected { ge: 3 }")
    );
}

#[tokio::test]
async fn sentinels_that_could_not_agree_are_found_before_they_must() {
    let primary = Redis::start().await;
    let sentinel = Redis::sentinel_of(&primary, 2).await;
    let sample = ask(&sentinel, json!({"sentinel": {"master": "mymaster"}})).await;
    let told = fault(&sample, Reason::Expectation);
    let expected = "sentinel, mymaster: no failover is possible: the server says: NOQUORUM";
    assert!(told.detail.contains(expected), "{}", told.detail);
}

#[tokio::test]
async fn a_primary_that_is_gone_is_down_in_the_eyes_of_its_sentinel() {
    let mut primary = Redis::start().await;
    let sentinel = Redis::sentinel_of(&primary, 1).await;
    once_it_passes(&sentinel, json!({"sentinel": {"master": "mymaster"}})).await;
    primary.stop();
    let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(20);
    loop {
        let sample = ask(&sentinel, json!({"sentinel": {"master": "mymaster"}})).await;
        if let Some(told) = &sample.fault {
            assert_eq!(told.reason, Reason::Expectation);
            assert!(
                told.detail
                    .contains("master0.status: expected \"ok\", got \""),
                "{}",
                told.detail
            );
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "it is never called down"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_no_sentinel_is_told_apart() {
    let server = Redis::start().await;
    let sample = ask(&server, json!({"sentinel": {"master": "mymaster"}})).await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "sentinel: the server is no sentinel"
    );
}
