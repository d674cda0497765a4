//! The kind `redis` against a real server, and against peers that misbehave.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::probe::redis::Settings;
use smokejumper::sample::{Phase, Reason, Sample};

use crate::harness::postgres::free_port;
use crate::harness::probing::{build, fault, passed, reading, run};
use crate::harness::redis::{PASSWORD, PASSWORD_IN_URL, Redis};

mod cluster;
mod connections;
mod misbehaving;
mod replication;
mod round_trip;
mod sentinel;
mod tls;

async fn ask(server: &Redis, expect: Value) -> Sample {
    run("redis", json!({"url": server.url(""), "expect": expect})).await
}

/// Neither the sample nor its parts show the password, in the clear or as in the URL.
#[track_caller]
fn keeps_its_secret(sample: &Sample) {
    for shown in [
        format!("{sample:?}"),
        serde_json::to_string(sample).expect("a sample is JSON"),
    ] {
        assert!(!shown.contains(PASSWORD), "{shown}");
        assert!(!shown.contains(PASSWORD_IN_URL), "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn the_check_of_the_contract_passes_and_gives_readings() {
    let server = Redis::start_with(&["maxmemory 64mb"]).await;
    let sample = ask(
        &server,
        json!({"ping": true, "info": {"role": "master", "loading": 0}}),
    )
    .await;
    passed(&sample);
    assert_eq!(reading(&sample, "maxmemory"), 64.0 * 1024.0 * 1024.0);
    assert_eq!(reading(&sample, "connected_clients"), 1.0);
    assert_eq!(
        reading(&sample, "loading"),
        0.0,
        "a named field that is a number"
    );
    assert!(reading(&sample, "used_memory") > 100_000.0);
    assert!(
        sample.readings.iter().all(|it| &*it.name != "role"),
        "a text is no reading"
    );
    for phase in [Phase::Connect, Phase::Request, Phase::Ttfb, Phase::Body] {
        assert!(sample.phases.get(phase).is_some(), "{phase:?}");
    }
    assert!(sample.latency >= sample.phases.total());
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn without_expectations_an_answer_to_ping_will_do() {
    let server = Redis::start().await;
    let sample = run("redis", json!({"url": server.url("/3")})).await;
    passed(&sample);
    assert!(sample.notes.is_empty(), "{:?}", sample.notes);
}

#[tokio::test]
async fn parts_of_a_field_can_be_expected_and_read() {
    let server = Redis::start().await;
    server.run(&["set", "a", "1"]);
    server.run(&["set", "b", "2"]);
    let sample = ask(
        &server,
        json!({"info": {"db0.keys": {"ge": 2}, "db0": {"contains": "keys"}}}),
    )
    .await;
    passed(&sample);
    assert_eq!(reading(&sample, "db0.keys"), 2.0);
}

#[tokio::test]
async fn a_field_that_is_a_date_has_an_age() {
    let server = Redis::start().await;
    let aged = |limit: Value| json!({"info": {"rdb_last_save_time": {"age": limit}}});
    passed(&ask(&server, aged(json!({"lt": "1h"}))).await);
    let sample = ask(&server, aged(json!({"gt": "1h"}))).await;
    let told = fault(&sample, Reason::Expectation);
    let part = "INFO's rdb_last_save_time: expected { age: { gt: 1h } }, got an age of ";
    assert!(told.detail.starts_with(part), "{}", told.detail);
    assert!(told.dated);
}

#[tokio::test]
async fn a_wrong_answer_fails_and_says_what_was_expected_and_what_came() {
    let server = Redis::start().await;
    for (info, detail) in [
        (
            json!({"role": "slave"}),
            "INFO's role: expected \"slave\", got \"master\"",
        ),
        (
            json!({"connected_clients": {"gt": 5}}),
            "INFO's connected_clients: ",
        ),
        (json!({"absent": 1}), "INFO's absent: "),
        (
            json!({"role": "slave", "loading": 1}),
            "(1 more not evaluated)",
        ),
    ] {
        let sample = ask(&server, json!({"info": info})).await;
        let fault = fault(&sample, Reason::Expectation);
        assert!(fault.detail.contains(detail), "{}", fault.detail);
        assert!(
            !sample.readings.is_empty(),
            "the readings stand all the same"
        );
    }
    passed(&ask(&server, json!({"info": {"absent": {"exists": false}}})).await);
}

#[tokio::test]
async fn a_replica_is_told_from_its_master() {
    let master = Redis::start().await;
    let line = format!("replicaof 127.0.0.1 {}", master.port());
    let replica = Redis::start_with(&[&line]).await;
    let expect = json!({"info": {"role": "slave", "master_link_status": "up"}});
    let sample = once_it_passes(&replica, expect).await;
    assert!(reading(&sample, "master_last_io_seconds_ago") >= 0.0);
    fault(
        &ask(&replica, json!({"info": {"role": "master"}})).await,
        Reason::Expectation,
    );
    // The master calls it online only when it has heard from it.
    let expect = json!({"info": {"connected_slaves": 1, "slave0.state": "online"}});
    once_it_passes(&master, expect).await;
}

/// Asks until the answer is as expected; fails the test when it never is.
async fn once_it_passes(server: &Redis, expect: Value) -> Sample {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    loop {
        let sample = ask(server, expect.clone()).await;
        if sample.fault.is_none() || tokio::time::Instant::now() > deadline {
            passed(&sample);
            return sample;
        }
    }
}

#[tokio::test]
async fn a_replica_without_its_master_that_serves_nothing_may_mend() {
    let line = format!("replicaof 127.0.0.1 {}", free_port());
    let replica = Redis::start_with(&[&line, "replica-serve-stale-data no"]).await;
    let sample = ask(&replica, json!({"ping": true})).await;
    let fault = fault(&sample, Reason::ServerFault);
    assert!(fault.detail.contains("MASTERDOWN"), "{}", fault.detail);
    assert!(fault.transient);
}

#[tokio::test]
async fn whoever_may_not_come_in_is_unauthorized() {
    let server = Redis::start_with(&["user visitor on >visiting ~* -@all +ping"]).await;
    let port = server.port();
    for (login, expect, code) in [
        (":canary-wrong@", json!({"ping": true}), "WRONGPASS"),
        ("nobody:canary-wrong@", json!({"ping": true}), "WRONGPASS"),
        ("", json!({"ping": true}), "NOAUTH"),
    ] {
        let url = format!("redis://{login}localhost:{port}");
        let sample = run("redis", json!({"url": url, "expect": expect})).await;
        let fault = fault(&sample, Reason::Unauthorized);
        assert!(fault.detail.contains(code), "{login}: {}", fault.detail);
        keeps_its_secret(&sample);
    }
    let url = format!("redis://visitor:visiting@localhost:{port}");
    let sample = run("redis", json!({"url": url})).await;
    passed(&sample);
    let names: Vec<&str> = sample.readings.iter().map(|it| &*it.name).collect();
    assert_eq!(names, ["reused", "ping_time"], "none of INFO");
    assert!(sample.notes[0].contains("NOPERM"), "{:?}", sample.notes);
    for expect in [
        json!({"info": {"role": "master"}}),
        json!({"role": "primary"}),
    ] {
        let sample = run("redis", json!({"url": url, "expect": expect})).await;
        let told = fault(&sample, Reason::NotPermitted);
        assert!(told.detail.ends_with("; grant +info"), "{}", told.detail);
    }
}

#[tokio::test]
async fn a_password_where_none_is_asked_for_is_refused() {
    let server = Redis::start_with(&["requirepass \"\""]).await;
    let sample = ask(&server, json!({"ping": true})).await;
    fault(&sample, Reason::Unauthorized);
    keeps_its_secret(&sample);
    let url = format!("redis://localhost:{}", server.port());
    passed(&run("redis", json!({"url": url})).await);
}

#[tokio::test]
async fn a_database_that_is_absent_is_the_servers_fault() {
    let server = Redis::start().await;
    let sample = run("redis", json!({"url": server.url("/99")})).await;
    let fault = fault(&sample, Reason::ServerFault);
    assert!(
        fault.detail.contains("DB index is out of range"),
        "{}",
        fault.detail
    );
}

#[test]
fn settings_that_cannot_work_are_all_named_and_show_no_password() {
    for (settings, number) in [
        (
            json!({"url": "redis://canary@h/x", "expect": {}, "tls": {"verify": false}}),
            4,
        ),
        (
            json!({"url": "redis://:canary@h", "expect": {"ping": false}}),
            1,
        ),
        (
            json!({"url": "rediss://:canary@h", "tls": {"ca": "/no/such/file"}}),
            1,
        ),
        (
            json!({"url": "redis://:canary@h", "max_connections": 1001}),
            1,
        ),
        (json!({"url": "canary"}), 1),
    ] {
        let Err(misfits) = build("redis", settings.clone()) else {
            panic!("{settings} is accepted")
        };
        let shown = format!("{misfits:?}");
        assert_eq!(misfits.len(), number, "{shown}");
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[test]
fn settings_do_not_print_their_secret() {
    let settings: Settings = serde_json::from_value(json!({"url": "redis://:canary@h"})).unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
}
