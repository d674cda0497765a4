//! TLS between the kind `redis` and a real server.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Phase, Reason};

use super::keeps_its_secret;
use crate::harness::certificates::Authority;
use crate::harness::probing::{fault, passed, reading, run, run_within};
use crate::harness::redis::Redis;

#[tokio::test]
async fn over_tls_the_certificate_is_verified_against_the_declared_authority() {
    let server = Redis::start_with_tls().await;
    let other = Authority::new();
    let expect = json!({"info": {"role": "master"}});
    for tls in [json!({"ca": server.ca()}), json!({"verify": false})] {
        let settings = json!({"url": server.url(""), "expect": expect, "tls": tls});
        let sample = run("redis", settings).await;
        passed(&sample);
        assert!(sample.phases.get(Phase::Tls).is_some());
        assert!(reading(&sample, "cert_days") > 30.0);
        assert_eq!(reading(&sample, "tls_resumed"), 0.0);
        let session = sample.session.as_deref().expect("it is known");
        assert_eq!(session.tls.as_ref().expect("over TLS").version, "TLSv1.3");
    }
    for tls in [
        Value::Null,
        json!({"ca": other.ca()}),
        json!({"ca": server.ca(), "server_name": "elsewhere.test"}),
    ] {
        let sample = run("redis", json!({"url": server.url(""), "tls": tls})).await;
        fault(&sample, Reason::Certificate);
        assert!(reading(&sample, "cert_days") > 30.0);
        assert!(reading(&sample, "chain_days") > 30.0);
        keeps_its_secret(&sample);
    }
}

#[tokio::test]
async fn tls_with_a_server_that_speaks_none_fails_and_the_other_way_round() {
    let server = Redis::start().await;
    let url = server.url("").replace("redis://", "rediss://");
    let sample = run_within(Duration::from_secs(2), "redis", json!({"url": url})).await;
    let told = sample.fault.as_ref().expect("no session comes about");
    assert!(
        matches!(
            told.reason,
            Reason::Tls | Reason::Closed | Reason::Reset | Reason::Timeout
        ),
        "{told:?}"
    );
    let server = Redis::start_with_tls().await;
    let url = server.url("").replace("rediss://", "redis://");
    let sample = run_within(Duration::from_secs(2), "redis", json!({"url": url})).await;
    let told = sample.fault.as_ref().expect("nothing sensible is said");
    assert!(
        matches!(
            told.reason,
            Reason::Malformed | Reason::Closed | Reason::Reset
        ),
        "{told:?}"
    );
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn an_expired_certificate_is_refused_and_its_days_are_there() {
    let server = Redis::start_expired().await;
    let settings = json!({"url": server.url(""), "tls": {"ca": server.ca()}});
    let sample = run("redis", settings).await;
    let fault = fault(&sample, Reason::Certificate);
    assert!(fault.detail.contains("has expired"), "{}", fault.detail);
    assert!(fault.dated);
    assert!(reading(&sample, "cert_days") < 0.0);
    keeps_its_secret(&sample);
}
