//! The part that a server has, and how far its replica is behind, with a real primary and a real
//! replica that streams from it.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::clock::Clock;
use smokejumper::probe::Probe;
use smokejumper::sample::{Reason, Sample};

use super::keeps_its_secret;
use crate::harness::postgres::Postgres;
use crate::harness::probing::{build, clock, fault, passed, reading, run, run_by};

async fn expects(server: &Postgres, expect: Value) -> Sample {
    run("postgres", json!({"url": server.url(""), "expect": expect})).await
}

/// A check, and the clock that all its runs have in common.
struct Check(Box<dyn Probe>, Arc<dyn Clock>);

fn check(server: &Postgres, expect: Value) -> Check {
    built(json!({"url": server.url(""), "expect": expect}))
}

fn built(settings: Value) -> Check {
    Check(build("postgres", settings).expect("it can work"), clock())
}

/// Runs a check until it gives a reading of which this holds; fails the test when it never does.
async fn until(check: &Check, name: &str, holds: impl Fn(f64) -> bool) -> Sample {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let sample = run_by(&check.1, &*check.0).await;
        let given = sample.readings.iter().find(|it| &*it.name == name);
        if given.is_some_and(|given| holds(given.value)) {
            return sample;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "{name} never is: {sample:?}"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_primary_is_told_from_its_replica() {
    let primary = Postgres::start().await;
    let replica = primary.replica().await;
    passed(&expects(&primary, json!({"role": "primary"})).await);
    passed(&expects(&replica, json!({"role": "replica"})).await);
    for (server, expected, detail) in [
        (&primary, "replica", "role: expected replica, got primary"),
        (&replica, "primary", "role: expected primary, got replica"),
    ] {
        let sample = expects(server, json!({"role": expected})).await;
        assert_eq!(fault(&sample, Reason::Expectation).detail, detail);
        assert!(
            sample.readings.iter().all(|it| &*it.name != "rows"),
            "no query was asked"
        );
        keeps_its_secret(&sample);
    }
}

#[tokio::test]
async fn a_replica_that_has_nothing_to_replay_has_no_lag_however_long_ago_it_replayed() {
    let primary = Postgres::start().await;
    let replica = primary.replica().await;
    primary.run("create table t (n int)");
    replica
        .until("select to_regclass('t') is not null", "t")
        .await;
    // What was replayed last grows older by a second; nothing came after it.
    replica
        .until(
            "select now() - pg_last_xact_replay_timestamp() > interval '1 second'",
            "t",
        )
        .await;
    let none = json!({"role": "replica", "lag": {"lt": 0.5}, "lag_bytes": 0});
    let sample = until(&check(&replica, none), "lag_bytes", |bytes| bytes == 0.0).await;
    passed(&sample);
    assert_eq!(reading(&sample, "lag"), 0.0);
    let follows = check(&primary, json!({"replicas": 1, "lag": {"lt": 5}}));
    passed(&until(&follows, "lag_bytes", |bytes| bytes == 0.0).await);
}

#[tokio::test]
async fn a_replica_that_replays_nothing_falls_behind_on_both_sides() {
    let primary = Postgres::start().await;
    let replica = primary.replica().await;
    let at_primary = check(
        &primary,
        json!({"lag": {"lt": 0.3}, "lag_bytes": {"ge": 0}}),
    );
    let at_replica = check(
        &replica,
        json!({"lag": {"lt": 0.3}, "lag_bytes": {"ge": 0}}),
    );
    for check in [&at_primary, &at_replica] {
        until(check, "lag_bytes", |bytes| bytes == 0.0).await;
    }
    replica.run("select pg_wal_replay_pause()");
    primary.run("create table t as select generate_series(1, 1000) as n");
    for check in [&at_primary, &at_replica] {
        let sample = until(check, "lag", |lag| lag > 0.3).await;
        assert!(reading(&sample, "lag_bytes") > 10_000.0, "{sample:?}");
        let told = fault(&sample, Reason::Expectation);
        assert!(
            told.detail.starts_with("lag: expected { lt: 0.3 }, got "),
            "{}",
            told.detail
        );
    }
    replica.run("select pg_wal_replay_resume()");
    for check in [&at_primary, &at_replica] {
        let sample = until(check, "lag_bytes", |bytes| bytes == 0.0).await;
        assert_eq!(reading(&sample, "lag"), 0.0);
    }
}

#[tokio::test]
async fn a_replica_that_has_lost_its_primary_is_as_old_as_what_it_replayed_last() {
    let mut primary = Postgres::start().await;
    let replica = primary.replica().await;
    primary.run("create table t (n int)");
    replica
        .until("select to_regclass('t') is not null", "t")
        .await;
    primary.stop();
    replica
        .until("select count(*) from pg_stat_wal_receiver", "0")
        .await;
    let near = check(&replica, json!({"role": "replica", "lag": {"lt": 0.3}}));
    let sample = until(&near, "lag", |lag| lag > 0.3).await;
    fault(&sample, Reason::Expectation);
    assert_eq!(
        sample.notes[0],
        "the replica is not connected to its primary: its lag is the age of what it replayed last"
    );
}

#[tokio::test]
async fn a_primary_without_a_replica_has_no_lag_to_expect_anything_of() {
    let server = Postgres::start().await;
    let sample = expects(&server, json!({"lag": {"lt": 10}})).await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "lag: expected { lt: 10 }, got nothing: no replica is connected"
    );
    passed(&expects(&server, json!({"replicas": 0, "lag": {"exists": false}})).await);
}

#[tokio::test]
async fn a_role_that_may_not_see_replicas_learns_nothing_and_is_told_what_to_grant() {
    let primary = Postgres::start().await;
    let _replica = primary.replica().await;
    primary.run("create role reader login password 'reading'");
    let url = primary.url_of("reader", "reading");
    let settings = json!({"url": url, "expect": {"replicas": 1, "lag": {"lt": 30}}});
    let sample = run("postgres", settings.clone()).await;
    let told = fault(&sample, Reason::NotPermitted);
    assert_eq!(
        told.detail,
        "lag cannot be seen; grant pg_monitor to reader"
    );
    assert_eq!(
        reading(&sample, "replicas"),
        1.0,
        "that there is one everybody sees"
    );
    primary.run("grant pg_monitor to reader");
    let lag = built(settings);
    passed(&until(&lag, "lag_bytes", |bytes| bytes >= 0.0).await);
}
