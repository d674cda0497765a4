//! The server's own figures and its part in replication, with a real primary and a real replica.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Reason, Sample};

use super::keeps_its_secret;
use crate::harness::mariadb::MariaDb;
use crate::harness::probing::{fault, passed, reading, run};

async fn expects(server: &MariaDb, expect: Value) -> Sample {
    run("mysql", json!({"url": server.url(""), "expect": expect})).await
}

/// Asks until the answer is as expected; fails the test when it never is.
async fn once_it_passes(server: &MariaDb, expect: Value) -> Sample {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
    loop {
        let sample = expects(server, expect.clone()).await;
        if sample.fault.is_none() || tokio::time::Instant::now() > deadline {
            passed(&sample);
            return sample;
        }
    }
}

#[tokio::test]
async fn a_primary_is_told_from_its_replica_and_the_replica_has_a_lag() {
    let primary = MariaDb::start().await;
    let replica = primary.replica().await;
    passed(&expects(&primary, json!({"role": "primary", "read_only": false})).await);
    let sample = once_it_passes(&replica, json!({"role": "replica", "lag": {"le": 1}})).await;
    assert_eq!(reading(&sample, "replication_running"), 1.0);
    let sample = expects(&replica, json!({"role": "primary"})).await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "role: expected primary, got replica"
    );
    let sample = expects(&replica, json!({"read_only": true})).await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "read_only: expected true, got false"
    );
    replica.run("set global read_only = 1");
    passed(&expects(&replica, json!({"read_only": true})).await);
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn a_replica_that_applies_nothing_falls_behind_and_one_that_stopped_has_no_lag() {
    let primary = MariaDb::start().await;
    let replica = primary.replica().await;
    primary.run("create table t (n int)");
    let there = "select count(*) from information_schema.tables where table_name = 't'";
    replica.until(there, "1").await;
    once_it_passes(&replica, json!({"lag": 0})).await;
    // It waits for the lock while it applies what the primary wrote.
    let holds = replica.hold("lock tables t read; select sleep(600)");
    replica
        .until(
            "select count(*) from information_schema.processlist where state = 'User sleep'",
            "1",
        )
        .await;
    primary.run("insert into t values (1)");
    let behind = once_it_passes(&replica, json!({"lag": {"ge": 1}})).await;
    assert!(reading(&behind, "lag") >= 1.0);
    drop(holds);
    once_it_passes(&replica, json!({"lag": 0})).await;
    replica.run("stop slave");
    let sample = expects(&replica, json!({"role": "replica", "lag": {"le": 10}})).await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "lag: expected { le: 10 }, got nothing: replication is not running"
    );
    assert_eq!(reading(&sample, "replication_running"), 0.0);
}

#[tokio::test]
async fn connections_transactions_and_waits_for_locks_are_seen() {
    let server = MariaDb::start_with(None, &["--max-connections=20"]).await;
    server.run("create table t (n int primary key) engine = innodb; insert into t values (1)");
    let quiet = json!({"longest_transaction": 0, "locks_waiting": 0, "connections": 1, "connections_pct": 5});
    once_it_passes(&server, quiet).await;
    let _holds = server.hold("begin; update t set n = 2; select sleep(600)");
    server
        .until(
            "select count(*) from information_schema.innodb_trx where trx_rows_modified > 0",
            "1",
        )
        .await;
    let _waits = server.hold("set innodb_lock_wait_timeout = 600; update t set n = 3");
    server
        .until(
            "select count(*) from information_schema.innodb_lock_waits",
            "1",
        )
        .await;
    let sample = once_it_passes(&server, json!({"longest_transaction": {"ge": 1}})).await;
    assert!(reading(&sample, "longest_transaction") >= 1.0);
    let sample = expects(
        &server,
        json!({"locks_waiting": 0, "connections": {"le": 3}}),
    )
    .await;
    assert_eq!(
        fault(&sample, Reason::Expectation).detail,
        "locks_waiting: expected 0, got 1"
    );
    assert_eq!(reading(&sample, "connections"), 3.0);
}

#[tokio::test]
async fn what_a_login_may_not_see_is_noted_and_where_expected_nothing_is_learnt() {
    let server = MariaDb::start().await;
    server.run("create user reader identified by 'reading'; grant select on shop.* to reader");
    let url = server.url_of("reader", "reading");
    let sample = run("mysql", json!({"url": url, "metrics": "standard"})).await;
    passed(&sample);
    let expected = "not visible: lag, replication_running, longest_transaction; \
                    grant process, replica monitor on *.* to reader@%";
    assert_eq!(sample.notes, [expected]);
    assert!(reading(&sample, "connections") >= 1.0);
    assert!((0.0..=100.0).contains(&reading(&sample, "cache_hit_pct")));
    let expect = json!({"longest_transaction": {"lt": 60}});
    let sample = run("mysql", json!({"url": url, "expect": expect})).await;
    let told = fault(&sample, Reason::NotPermitted);
    assert!(
        told.detail
            .starts_with("longest_transaction cannot be seen; grant process"),
        "{}",
        told.detail
    );
    server.run("grant process, replica monitor on *.* to reader");
    passed(&run("mysql", json!({"url": url, "expect": expect_again()})).await);
}

fn expect_again() -> Value {
    json!({"longest_transaction": {"lt": 60}, "role": "primary"})
}

#[tokio::test]
async fn a_replica_of_several_primaries_is_as_far_as_its_worst_channel() {
    let primary = MariaDb::start().await;
    let replica = primary.replica().await;
    once_it_passes(&replica, json!({"role": "replica", "lag": {"le": 1}})).await;
    let other = "master_host = '127.0.0.1', master_port = 1, master_user = 'nobody'";
    replica.run(&format!("change master 'other' to {other}"));
    let sample = expects(&replica, json!({"lag": {"le": 10}})).await;
    let told = fault(&sample, Reason::Expectation);
    assert_eq!(
        told.detail,
        "lag: expected { le: 10 }, got nothing: replication is not running on each of its channels"
    );
    assert_eq!(reading(&sample, "replication_running"), 0.0);
    // One that follows over a channel with a name alone is a replica as well.
    primary.run(&format!("change master 'other' to {other}"));
    passed(&expects(&primary, json!({"role": "replica"})).await);
}

#[tokio::test]
async fn a_part_that_a_login_may_not_see_is_neither() {
    let server = MariaDb::start().await;
    server.run("create user reader identified by 'reading'; grant select on shop.* to reader");
    let url = server.url_of("reader", "reading");
    for role in ["primary", "replica"] {
        let sample = run("mysql", json!({"url": url, "expect": {"role": role}})).await;
        let told = fault(&sample, Reason::NotPermitted);
        let grant = "grant process, replica monitor on *.* to reader@%";
        assert!(told.detail.ends_with(grant), "{}", told.detail);
    }
    // What takes no writes is no primary, whomever it follows.
    server.run("set global read_only = 1");
    let replica = json!({"url": url, "expect": {"role": "replica"}});
    passed(&run("mysql", replica).await);
}
