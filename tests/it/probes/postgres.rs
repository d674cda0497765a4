//! The kind `postgres` against a real server, and against peers that misbehave.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::sample::{Phase, Reason, Sample};

use crate::harness::postgres::{PASSWORD, PASSWORD_IN_URL, Postgres, Tls, USER, free_port};
use crate::harness::probing::{build, fault, passed, reading, run, run_within};
use crate::harness::raw_peer::{Manner, RawPeer};

async fn ask(server: &Postgres, query: &str, expect: Value) -> Sample {
    let url = server.url("");
    run(
        "postgres",
        json!({"url": url, "query": query, "expect": expect}),
    )
    .await
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
async fn a_query_is_answered_and_its_numbers_become_readings() {
    let server = Postgres::start().await;
    let sample = ask(
        &server,
        "select 42 as answer, 12.50::numeric as used_pct, true as leads, 'text' as word, \
         null::int as nothing, 'NaN'::float8 as odd from generate_series(1, 3)",
        json!({
            "rows": 3,
            "row": {"answer": {"ge": 42}, "used_pct": 12.5, "leads": true, "word": "text", "nothing": null}
        }),
    )
    .await;
    passed(&sample);
    for (name, expected) in [
        ("rows", 3.0),
        ("answer", 42.0),
        ("used_pct", 12.5),
        ("leads", 1.0),
    ] {
        assert_eq!(reading(&sample, name), expected, "{name}");
    }
    assert_eq!(sample.readings.len(), 4, "{:?}", sample.readings);
    assert_eq!(
        sample.notes,
        [
            "`nothing` is NULL and gives no reading",
            "`odd` is no finite number and gives no reading"
        ]
    );
    for phase in [Phase::Connect, Phase::Request, Phase::Ttfb, Phase::Body] {
        assert!(sample.phases.get(phase).is_some(), "{phase:?}");
    }
    assert!(sample.latency >= sample.phases.total());
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn the_query_of_the_contract_works_as_it_stands() {
    let server = Postgres::start().await;
    let query = "select count(*) * 100.0 / current_setting('max_connections')::int as used_pct \
                 from pg_stat_activity\n";
    let sample = ask(&server, query, json!({"rows": 1})).await;
    passed(&sample);
    assert!((0.0..100.0).contains(&reading(&sample, "used_pct")));
}

#[tokio::test]
async fn without_a_query_the_login_and_an_answer_are_the_check() {
    let server = Postgres::start().await;
    let sample = run("postgres", json!({"url": server.url("?sslmode=disable")})).await;
    passed(&sample);
    assert_eq!(reading(&sample, "rows"), 1.0);
}

#[tokio::test]
async fn a_wrong_answer_fails_and_says_what_was_expected_and_what_came() {
    let server = Postgres::start().await;
    for (query, expect, detail) in [
        (
            "select 1 where false",
            json!({"rows": 1}),
            "rows: expected 1, got 0",
        ),
        ("select 2 as n", json!({"row": {"n": {"lt": 2}}}), "n: "),
        ("select null as n", json!({"row": {"n": 1}}), "n: "),
        (
            "select 2 as n, 3 as m",
            json!({"row": {"k": 2}}),
            "k: no such column; the query returns n, m",
        ),
        (
            "select 2 as n where false",
            json!({"row": {"n": 2}}),
            "n: there is no row",
        ),
        (
            "select 2 as n",
            json!({"rows": 2, "row": {"n": 1}}),
            "(and 1 more)",
        ),
    ] {
        let sample = ask(&server, query, expect).await;
        let fault = fault(&sample, Reason::Expectation);
        assert!(fault.detail.contains(detail), "{query}: {}", fault.detail);
        assert!(!fault.transient);
        assert!(
            !sample.readings.is_empty(),
            "the readings stand all the same"
        );
    }
}

#[tokio::test]
async fn a_query_that_writes_is_refused_and_leaves_nothing() {
    let server = Postgres::start().await;
    server.run("create table kept (n int); insert into kept values (1)");
    for query in [
        "insert into kept values (2) returning n",
        "delete from kept returning n",
        "with gone as (delete from kept returning n) select count(*) from gone",
        "select nextval('s')",
        "select 1; delete from kept",
        "commit; delete from kept",
        "select * from absent",
        "this is no sql",
    ] {
        let sample = ask(&server, query, json!({"rows": 1})).await;
        let fault = fault(&sample, Reason::ServerFault);
        assert!(
            fault.detail.contains("SQLSTATE"),
            "{query}: {}",
            fault.detail
        );
    }
    for query in [
        "commit",
        "set search_path = public",
        "create table other (n int)",
        "-- nothing",
    ] {
        let sample = ask(&server, query, json!({"rows": 1})).await;
        assert!(sample.fault.is_some(), "{query}: {sample:?}");
    }
    assert_eq!(server.run("select n from kept"), "1");
    assert_eq!(server.run("select to_regclass('other') is null"), "t");
}

#[tokio::test]
async fn whoever_may_not_come_in_is_unauthorized() {
    let server = Postgres::start().await;
    let port = server.port();
    server.run("create role visitor login password 'visiting'; create table closed (n int)");
    for (login, query, code) in [
        (format!("{USER}:canary-wrong"), "select 1", "28P01"),
        (format!("nobody:{PASSWORD_IN_URL}"), "select 1", "28P01"),
        (
            "visitor:visiting".to_owned(),
            "select n from closed",
            "42501",
        ),
        (USER.to_owned(), "select 1", "password missing"),
    ] {
        let url = format!("postgres://{login}@localhost:{port}/postgres");
        let sample = run("postgres", json!({"url": url, "query": query})).await;
        let fault = fault(&sample, Reason::Unauthorized);
        assert!(fault.detail.contains(code), "{login}: {}", fault.detail);
        keeps_its_secret(&sample);
    }
}

#[tokio::test]
async fn a_database_that_is_absent_is_the_servers_fault_in_its_own_words() {
    let server = Postgres::start().await;
    let url = format!(
        "postgres://{USER}:{PASSWORD_IN_URL}@localhost:{}/absent",
        server.port()
    );
    let sample = run("postgres", json!({"url": url})).await;
    let fault = fault(&sample, Reason::ServerFault);
    assert!(
        fault
            .detail
            .contains("database \"absent\" does not exist (SQLSTATE 3D000)")
    );
}

#[tokio::test]
async fn a_server_whose_connections_are_taken_may_mend() {
    let settings = [
        ("max_connections", "2"),
        ("superuser_reserved_connections", "0"),
    ];
    let server = Postgres::start_with(Tls::Off, &settings).await;
    let url = server.url("");
    let slow = json!({"url": url, "query": "select pg_sleep(30)"});
    let occupied = tokio::join!(
        run_within(Duration::from_secs(3), "postgres", slow.clone()),
        run_within(Duration::from_secs(3), "postgres", slow),
        async {
            let deadline = tokio::time::Instant::now() + Duration::from_secs(3);
            loop {
                let sample = run("postgres", json!({"url": url})).await;
                if sample.fault.is_some() || tokio::time::Instant::now() > deadline {
                    break sample;
                }
            }
        }
    );
    let fault = fault(&occupied.2, Reason::ServerFault);
    assert!(fault.detail.contains("SQLSTATE 53300"), "{}", fault.detail);
    assert!(fault.transient);
}

#[tokio::test]
async fn over_tls_the_certificate_is_verified_against_the_declared_authority() {
    let server = Postgres::start_with(Tls::Required, &[]).await;
    let query = "select ssl::text, version from pg_stat_ssl where pid = pg_backend_pid()";
    let expect = json!({"row": {"ssl": "true", "version": "TLSv1.3"}});
    let ca = json!({"ca": server.ca()});
    for (tail, tls) in [
        ("", ca.clone()),
        ("?sslmode=verify-full", ca.clone()),
        ("?sslmode=require", ca.clone()),
        ("?sslmode=require&channel_binding=require", ca),
        ("?sslmode=require", Value::Null),
        ("?sslmode=prefer", Value::Null),
        ("", Value::Null),
        ("", json!({"verify": false})),
    ] {
        let url = server.url(tail);
        let settings = json!({"url": url, "query": query, "expect": expect, "tls": tls});
        let sample = run("postgres", settings).await;
        passed(&sample);
        assert!(sample.phases.get(Phase::Tls).is_some());
    }
}

#[tokio::test]
async fn an_authority_that_is_not_trusted_is_a_fault_of_the_certificate() {
    let server = Postgres::start_with(Tls::Offered, &[]).await;
    let other = crate::harness::certificates::Authority::new();
    for settings in [
        json!({"url": server.url("?sslmode=verify-full")}),
        json!({"url": server.url(""), "tls": {"ca": other.ca()}}),
        json!({"url": server.url(""), "tls": {"ca": server.ca(), "server_name": "elsewhere.test"}}),
    ] {
        let sample = run("postgres", settings).await;
        fault(&sample, Reason::Certificate);
        keeps_its_secret(&sample);
    }
}

#[tokio::test]
async fn tls_that_is_insisted_on_and_not_offered_sends_no_password() {
    let server = Postgres::start_with(Tls::Off, &[("log_connections", "on")]).await;
    for settings in [
        json!({"url": server.url("?sslmode=require")}),
        json!({"url": server.url(""), "tls": {"verify": false}}),
    ] {
        let sample = run("postgres", settings).await;
        let fault = fault(&sample, Reason::Tls);
        assert_eq!(
            fault.detail,
            "the server offers no TLS, and the check insists on it"
        );
    }
    assert!(
        !server.log().contains("connection authorized"),
        "{}",
        server.log()
    );
}

#[tokio::test]
async fn a_server_that_insists_on_tls_refuses_who_comes_without() {
    let server = Postgres::start_with(Tls::Required, &[]).await;
    let sample = run("postgres", json!({"url": server.url("?sslmode=disable")})).await;
    let fault = fault(&sample, Reason::Unauthorized);
    assert!(fault.detail.contains("SQLSTATE 28000"), "{}", fault.detail);
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_a_timeout_and_the_server_ends_it() {
    let server = Postgres::start().await;
    let settings = json!({"url": server.url(""), "query": "select pg_sleep(60)"});
    let started = tokio::time::Instant::now();
    let sample = run_within(Duration::from_millis(800), "postgres", settings).await;
    fault(&sample, Reason::Timeout);
    assert!(started.elapsed() < Duration::from_secs(2));
    let deadline = started + Duration::from_secs(10);
    let running = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)' \
                   and state = 'active'";
    while server.run(running) != "0" {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the statement still runs"
        );
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = Postgres::start().await;
    for query in [
        "select repeat('x', 50000000)",
        "select repeat('x', 1000) from generate_series(1, 1000000)",
        "select n from generate_series(1, 20000) as n",
    ] {
        let sample = ask(&server, query, json!({"rows": 1})).await;
        fault(&sample, Reason::TooLarge);
        assert!(
            sample.latency < Duration::from_secs(4),
            "{query}: {:?}",
            sample.latency
        );
    }
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_is_not_ready_or_gone() {
    let mut server = Postgres::start().await;
    let url = server.url("");
    let settings = json!({"url": url, "query": "select pg_sleep(60)"});
    let sample = tokio::join!(run("postgres", settings), async {
        let asked = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)'";
        while server.run(asked) == "0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.stop();
    })
    .0;
    let told = sample.fault.as_ref().expect("the run fails");
    assert!(
        matches!(
            told.reason,
            Reason::NotReady | Reason::Closed | Reason::Reset
        ),
        "{told:?}"
    );
    assert!(told.transient);
    let sample = run("postgres", json!({"url": url})).await;
    fault(&sample, Reason::Refused);
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn nobody_listens() {
    let url = format!("postgres://u:canary@127.0.0.1:{}/x", free_port());
    let sample = run("postgres", json!({"url": url})).await;
    assert!(fault(&sample, Reason::Refused).transient);
    keeps_its_secret(&sample);
}

/// Runs a check without TLS against a peer that misbehaves.
async fn meet(manner: Manner) -> (RawPeer, Sample) {
    let peer = RawPeer::start(manner).await;
    let url = format!(
        "postgres://u:canary@127.0.0.1:{}/x?sslmode=disable",
        peer.port()
    );
    let sample = run_within(Duration::from_millis(700), "postgres", json!({"url": url})).await;
    keeps_its_secret(&sample);
    (peer, sample)
}

#[tokio::test]
async fn a_peer_that_hangs_is_left_at_the_deadline() {
    for sslmode in ["disable", "prefer", "require"] {
        let peer = RawPeer::start(Manner::Hang).await;
        let url = format!(
            "postgres://u:canary@127.0.0.1:{}/x?sslmode={sslmode}",
            peer.port()
        );
        let started = tokio::time::Instant::now();
        let sample = run_within(Duration::from_millis(300), "postgres", json!({"url": url})).await;
        fault(&sample, Reason::Timeout);
        assert!(started.elapsed() < Duration::from_millis(1500));
        peer.sees_the_connection_end().await;
    }
}

#[tokio::test]
async fn a_peer_that_resets_closes_or_babbles_is_called_what_it_is() {
    let login = || b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".to_vec();
    let cell = b"T\0\0\0\x08\0\0\0\0D\x7f\xff\xff\xff".to_vec();
    for (manner, reason) in [
        (Manner::Reset, Reason::Reset),
        (Manner::Close, Reason::Closed),
        (
            Manner::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            Reason::Timeout,
        ),
        (
            Manner::Say(b"R\0\0\0\x02garbage".to_vec()),
            Reason::Malformed,
        ),
        (Manner::Say(b"Z\0\0\0\x05I".to_vec()), Reason::Malformed),
        (
            Manner::Say(b"+PONG\r\n-\xff\xff\xff\xff\xff\xff".to_vec()),
            Reason::Timeout,
        ),
        (
            Manner::Flood(b"R\x7f\xff\xff\xff".to_vec(), vec![0; 65536]),
            Reason::TooLarge,
        ),
        (
            Manner::Converse(vec![
                login(),
                b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T".to_vec(),
                cell,
            ]),
            Reason::Timeout,
        ),
        (
            Manner::Converse(vec![login(), b"X\0\0\0\x04".to_vec()]),
            Reason::Malformed,
        ),
    ] {
        let (peer, sample) = meet(manner.clone()).await;
        let fault = sample.fault.as_ref().expect("nothing proper was said");
        assert_eq!(fault.reason, reason, "{manner:?}: {fault:?}");
        peer.sees_the_connection_end().await;
    }
}

#[tokio::test]
async fn a_stranger_that_is_asked_for_tls_is_found_out() {
    for (said, reason) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Reason::Malformed),
        (&b"S and more that is no TLS"[..], Reason::Tls),
    ] {
        let peer = RawPeer::start(Manner::Say(said.to_vec())).await;
        let url = format!(
            "postgres://u:canary@127.0.0.1:{}/x?sslmode=require",
            peer.port()
        );
        let sample = run("postgres", json!({"url": url})).await;
        fault(&sample, reason);
        peer.sees_the_connection_end().await;
    }
}

#[test]
fn settings_that_cannot_work_are_all_named_and_show_no_password() {
    let settings = json!({
        "url": "postgres://canary-user:canary@db/x?sslmode=maybe&a=b",
        "query": " ",
        "expect": {}
    });
    let Err(misfits) = build("postgres", settings) else {
        panic!("settings that cannot work are accepted")
    };
    let shown = format!("{misfits:?}");
    assert_eq!(misfits.len(), 4, "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}
