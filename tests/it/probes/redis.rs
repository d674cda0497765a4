//! The kind `redis` against a real server, and against peers that misbehave.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Phase, Reason, Sample};

use crate::harness::postgres::free_port;
use crate::harness::probing::{build, fault, passed, reading, run, run_within};
use crate::harness::raw_peer::{Manner, RawPeer};
use crate::harness::redis::{PASSWORD, PASSWORD_IN_URL, Redis};

async fn ask(server: &Redis, expect: Value) -> Sample {
    run("redis", json!({"url": server.url(""), "expect": expect})).await
}

/// Neither the sample nor its parts show the password, in the clear or as in the URL.
#[track_caller]
fn keeps_its_secret(sample: &Sample) {
    for shown in [
        format!("{sample:?}"),
        serde_json::to_string(sample).unwrap(),
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
        (json!({"role": "slave", "loading": 1}), "(and 1 more)"),
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
    let deadline = tokio::time::Instant::now() + Duration::from_secs(15);
    let expect = json!({"info": {"role": "slave", "master_link_status": "up"}});
    let sample = loop {
        let sample = ask(&replica, expect.clone()).await;
        if sample.fault.is_none() || tokio::time::Instant::now() > deadline {
            break sample;
        }
    };
    passed(&sample);
    assert!(reading(&sample, "master_last_io_seconds_ago") >= 0.0);
    fault(
        &ask(&replica, json!({"info": {"role": "master"}})).await,
        Reason::Expectation,
    );
    let sample = ask(
        &master,
        json!({"info": {"connected_slaves": 1, "slave0.state": "online"}}),
    )
    .await;
    passed(&sample);
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
        (
            "visitor:visiting@",
            json!({"info": {"role": "master"}}),
            "NOPERM",
        ),
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
    assert!(sample.readings.is_empty(), "{sample:?}");
    assert!(sample.notes[0].contains("NOPERM"), "{:?}", sample.notes);
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

#[tokio::test]
async fn over_tls_the_certificate_is_verified_against_the_declared_authority() {
    let server = Redis::start_with_tls().await;
    let other = crate::harness::certificates::Authority::new();
    let expect = json!({"info": {"role": "master"}});
    for tls in [json!({"ca": server.ca()}), json!({"verify": false})] {
        let settings = json!({"url": server.url(""), "expect": expect, "tls": tls});
        let sample = run("redis", settings).await;
        passed(&sample);
        assert!(sample.phases.get(Phase::Tls).is_some());
        assert!(reading(&sample, "cert_days") > 30.0);
    }
    for tls in [
        Value::Null,
        json!({"ca": other.ca()}),
        json!({"ca": server.ca(), "server_name": "elsewhere.test"}),
    ] {
        let sample = run("redis", json!({"url": server.url(""), "tls": tls})).await;
        fault(&sample, Reason::Certificate);
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
async fn a_server_that_stops_in_the_middle_is_gone() {
    let mut server = Redis::start().await;
    let url = server.url("");
    server.run(&["client", "pause", "20000"]);
    let probing = run("redis", json!({"url": url}));
    let sample = tokio::join!(probing, async {
        // The pause holds the run; the server's end is what it must report.
        tokio::task::yield_now().await;
        server.stop();
    })
    .0;
    let told = sample.fault.as_ref().expect("the run fails");
    assert!(
        matches!(
            told.reason,
            Reason::Closed | Reason::Reset | Reason::Refused
        ),
        "{told:?}"
    );
    let sample = run("redis", json!({"url": url})).await;
    assert!(fault(&sample, Reason::Refused).transient);
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn a_server_that_is_paused_is_left_at_the_deadline() {
    let server = Redis::start().await;
    server.run(&["client", "pause", "20000"]);
    let started = tokio::time::Instant::now();
    let settings = json!({"url": server.url("")});
    let sample = run_within(Duration::from_millis(300), "redis", settings).await;
    fault(&sample, Reason::Timeout);
    assert!(started.elapsed() < Duration::from_millis(1500));
}

#[tokio::test]
async fn nobody_listens() {
    let url = format!("redis://:canary@127.0.0.1:{}", free_port());
    let sample = run("redis", json!({"url": url})).await;
    assert!(fault(&sample, Reason::Refused).transient);
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn a_peer_that_hangs_is_left_at_the_deadline() {
    for scheme in ["redis", "rediss"] {
        let peer = RawPeer::start(Manner::Hang).await;
        let url = format!("{scheme}://:canary@127.0.0.1:{}", peer.port());
        let started = tokio::time::Instant::now();
        let sample = run_within(Duration::from_millis(300), "redis", json!({"url": url})).await;
        fault(&sample, Reason::Timeout);
        assert!(started.elapsed() < Duration::from_millis(1500));
        peer.sees_the_connection_end().await;
    }
}

#[tokio::test]
async fn a_peer_that_resets_closes_or_babbles_is_called_what_it_is() {
    let say = |text: &str| Manner::Say(text.as_bytes().to_vec());
    let pong_then =
        |text: &str| Manner::Converse(vec![b"+PONG\r\n".to_vec(), text.as_bytes().to_vec()]);
    for (manner, reason) in [
        (Manner::Reset, Reason::Reset),
        (Manner::Close, Reason::Closed),
        (say("HTTP/1.1 400 Bad Request\r\n\r\n"), Reason::Malformed),
        (say("+HELLO\r\n"), Reason::Status),
        (say("$-1\r\n"), Reason::Status),
        (
            say("-LOADING Redis is loading the dataset in memory\r\n"),
            Reason::NotReady,
        ),
        (
            say("-ERR max number of clients reached\r\n"),
            Reason::ServerFault,
        ),
        (say("+PON"), Reason::Timeout),
        (say(&"*1\r\n".repeat(5000)), Reason::Malformed),
        (say("*1000000000\r\n"), Reason::Timeout),
        (say("$99999999999999999999\r\n"), Reason::Malformed),
        (pong_then(":1\r\n"), Reason::Malformed),
        (pong_then("$5\r\nrole"), Reason::Timeout),
        (
            Manner::Flood(b"+".to_vec(), vec![b'x'; 65536]),
            Reason::TooLarge,
        ),
        (
            Manner::Flood(b"$999999999\r\n".to_vec(), vec![b'x'; 65536]),
            Reason::TooLarge,
        ),
    ] {
        let peer = RawPeer::start(manner.clone()).await;
        let url = format!("redis://127.0.0.1:{}", peer.port());
        let sample = run_within(Duration::from_millis(700), "redis", json!({"url": url})).await;
        let fault = sample.fault.as_ref().expect("nothing proper was said");
        assert_eq!(fault.reason, reason, "{manner:?}: {fault:?}");
        peer.sees_the_connection_end().await;
    }
}

#[tokio::test]
async fn a_server_that_repeats_the_password_does_not_make_us_repeat_it() {
    let said = format!("-ERR unknown command AUTH {PASSWORD}\r\n");
    let peer = RawPeer::start(Manner::Say(said.into_bytes())).await;
    let url = format!("redis://:{PASSWORD_IN_URL}@127.0.0.1:{}", peer.port());
    let sample = run("redis", json!({"url": url})).await;
    let fault = fault(&sample, Reason::Unauthorized);
    assert!(fault.detail.ends_with("AUTH ***"), "{}", fault.detail);
    keeps_its_secret(&sample);
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
