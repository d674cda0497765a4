//! The server's own figures: connections, transactions, locks and counters of a real server, and what
//! a role sees of them that may not see all.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Reason, Sample, Unit};

use super::keeps_its_secret;
use crate::harness::postgres::Postgres;
use crate::harness::probing::{build, clock, fault, passed, reading, run, run_by};

async fn expects(server: &Postgres, expect: Value) -> Sample {
    run("postgres", json!({"url": server.url(""), "expect": expect})).await
}

fn names(sample: &Sample) -> Vec<&str> {
    sample.readings.iter().map(|it| &*it.name).collect()
}

#[tokio::test]
async fn the_standard_metrics_are_there_and_rates_take_two_runs() {
    let server = Postgres::start().await;
    let settings = json!({"url": server.url(""), "metrics": "standard"});
    let check = build("postgres", settings).expect("it can work");
    let clock = clock();
    assert_eq!(check.limits().len(), 2, "connections and locks are judged");
    let first = run_by(&clock, &*check).await;
    passed(&first);
    assert_eq!(
        names(&first),
        [
            "reused",
            "connections",
            "connections_pct",
            "longest_transaction",
            "idle_in_transaction",
            "locks_waiting",
            "longest_lock_wait",
            "replicas",
            "cache_hit_pct",
            "dead_tuples",
            "dead_tuples_pct"
        ]
    );
    assert!(first.notes.is_empty(), "{:?}", first.notes);
    assert_eq!(reading(&first, "connections"), 1.0);
    assert_eq!(reading(&first, "connections_pct"), 1.0, "one of a hundred");
    assert!((1.0..=100.0).contains(&reading(&first, "cache_hit_pct")));
    let unit = |name: &str| {
        first
            .readings
            .iter()
            .find(|it| &*it.name == name)
            .map(|it| it.unit)
    };
    assert_eq!(unit("longest_transaction"), Some(Unit::Seconds));
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let next = run_by(&clock, &*check).await;
        passed(&next);
        if names(&next).contains(&"deadlocks_per_second") {
            assert_eq!(reading(&next, "deadlocks_per_second"), 0.0);
            assert!(reading(&next, "rollbacks_per_second") >= 0.0);
            keeps_its_secret(&next);
            return;
        }
        assert!(
            tokio::time::Instant::now() < deadline,
            "no rate ever came: {next:?}"
        );
    }
}

#[tokio::test]
async fn a_transaction_that_stays_open_and_who_waits_for_its_lock_are_seen() {
    let server = Postgres::start().await;
    server.run("create table t (n int)");
    let quiet = json!({"longest_transaction": 0, "idle_in_transaction": 0, "locks_waiting": 0});
    passed(&expects(&server, quiet.clone()).await);
    let _holds = server.hold("lock table t; select pg_sleep(600)");
    server
        .until(
            "select count(*) from pg_locks where relation = 't'::regclass and granted",
            "1",
        )
        .await;
    let _waits = server.hold("select count(*) from t");
    server
        .until("select count(*) from pg_locks where not granted", "1")
        .await;
    let sample = expects(&server, quiet).await;
    let told = fault(&sample, Reason::Expectation);
    assert!(
        told.detail
            .starts_with("longest_transaction: expected 0, got 0."),
        "{}",
        told.detail
    );
    assert!(
        told.detail.ends_with("(2 more not evaluated)"),
        "{}",
        told.detail
    );
    assert_eq!(reading(&sample, "locks_waiting"), 1.0);
    assert_eq!(reading(&sample, "idle_in_transaction"), 0.0);
    assert!(reading(&sample, "longest_lock_wait") <= reading(&sample, "longest_transaction"));
    passed(
        &expects(
            &server,
            json!({"locks_waiting": {"le": 1}, "longest_transaction": {"lt": 60}}),
        )
        .await,
    );
}

#[tokio::test]
async fn connections_are_counted_and_held_against_the_most_there_may_be() {
    let server = Postgres::start().await;
    let _held: Vec<_> = (0..4)
        .map(|_| server.hold("select pg_sleep(600)"))
        .collect();
    server
        .until(
            "select count(*) from pg_stat_activity where application_name = 'held'",
            "4",
        )
        .await;
    let sample = expects(
        &server,
        json!({"connections": {"le": 5}, "connections_pct": {"lt": 3}}),
    )
    .await;
    let told = fault(&sample, Reason::Expectation);
    assert_eq!(told.detail, "connections_pct: expected { lt: 3 }, got 5");
    assert_eq!(reading(&sample, "connections"), 5.0);
}

#[tokio::test]
async fn a_deadlock_is_a_rate_in_the_run_after_it() {
    let server = Postgres::start().await;
    server.run("create table a (n int); create table b (n int)");
    let settings = json!({"url": server.url(""), "metrics": "standard"});
    let check = build("postgres", settings).expect("it can work");
    let clock = clock();
    passed(&run_by(&clock, &*check).await);
    let _one = server.hold("lock table a; select pg_sleep(0.5); lock table b; select pg_sleep(1)");
    let _other =
        server.hold("lock table b; select pg_sleep(0.5); lock table a; select pg_sleep(1)");
    let counted = "select deadlocks from pg_stat_database where datname = 'postgres'";
    server.until(counted, "1").await;
    let sample = run_by(&clock, &*check).await;
    passed(&sample);
    assert!(reading(&sample, "deadlocks_per_second") > 0.0);
}

#[tokio::test]
async fn row_versions_that_are_left_behind_are_counted() {
    let server =
        Postgres::start_with(crate::harness::postgres::Tls::Off, &[("autovacuum", "off")]).await;
    server.run("create table t as select generate_series(1, 20000) as n");
    server.run("delete from t where n % 4 = 0");
    server
        .until(
            "select n_dead_tup from pg_stat_user_tables where relname = 't'",
            "5000",
        )
        .await;
    let sample = run(
        "postgres",
        json!({"url": server.url(""), "metrics": "standard"}),
    )
    .await;
    passed(&sample);
    assert_eq!(reading(&sample, "dead_tuples"), 5_000.0);
    assert_eq!(reading(&sample, "dead_tuples_pct"), 25.0);
}

#[tokio::test]
async fn what_a_role_may_not_see_is_noted_and_where_expected_nothing_is_learnt() {
    let server = Postgres::start().await;
    server.run("create role reader login password 'reading'");
    let url = server.url_of("reader", "reading");
    let _open = server.hold("select pg_sleep(600)");
    server
        .until(
            "select count(*) from pg_stat_activity where application_name = 'held'",
            "1",
        )
        .await;
    let sample = run("postgres", json!({"url": url, "metrics": "standard"})).await;
    passed(&sample);
    assert_eq!(
        sample.notes,
        ["not visible: longest_transaction, idle_in_transaction; grant pg_monitor to reader"]
    );
    assert!(!names(&sample).contains(&"longest_transaction"));
    assert_eq!(
        reading(&sample, "connections"),
        2.0,
        "how many there are everybody sees"
    );
    let expect = json!({"longest_transaction": {"lt": 60}});
    let sample = run("postgres", json!({"url": url, "expect": expect})).await;
    let told = fault(&sample, Reason::NotPermitted);
    assert_eq!(
        told.detail,
        "longest_transaction cannot be seen; grant pg_monitor to reader"
    );
    // What is seen and wrong outweighs what is not seen.
    let expect = json!({"longest_transaction": {"lt": 60}, "connections": 0});
    let sample = run("postgres", json!({"url": url, "expect": expect})).await;
    fault(&sample, Reason::Expectation);
}

#[tokio::test]
async fn a_server_that_refuses_even_to_look_hides_its_figures_and_answers_the_query() {
    let server = Postgres::start().await;
    server.run("create role reader login password 'reading'");
    server.run("revoke select on pg_locks from public");
    let url = server.url_of("reader", "reading");
    let settings = json!({"url": url, "metrics": "standard", "query": "select 42 as answer"});
    let sample = run("postgres", settings).await;
    passed(&sample);
    assert_eq!(reading(&sample, "answer"), 42.0);
    assert!(
        sample.notes[0].starts_with("not visible: connections, "),
        "{:?}",
        sample.notes
    );
    let expect = json!({"locks_waiting": 0});
    let sample = run("postgres", json!({"url": url, "expect": expect})).await;
    fault(&sample, Reason::NotPermitted);
}
