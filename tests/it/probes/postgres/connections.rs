//! Connections to a real PostgreSQL: how many the server sees, which are used again, what becomes of
//! one that it ended, and what one check leaves behind for the next.

use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::clock::Moment;
use smokejumper::probe::Probe;
use smokejumper::probe::attempt::Conditions;
use smokejumper::sample::{Outcome, Phase, Reason};

use super::keeps_its_secret;
use crate::harness::postgres::{Postgres, Tls};
use crate::harness::probing::{build, fault, passed, reading, run_all, run_probe, run_under};
use crate::harness::raw_peer::{Manner, RawPeer};

/// Long enough for a hundred logins on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// A check of this server.
fn check(server: &Postgres, query: &str, more: &Value) -> Box<dyn Probe> {
    let mut settings = json!({"url": server.url(""), "query": query});
    let more = more.as_object().expect("settings").clone();
    settings.as_object_mut().expect("settings").extend(more);
    build("postgres", settings).expect("the settings can work")
}

/// A server that writes down who logs in.
async fn server() -> Postgres {
    Postgres::start_with(Tls::Off, &[("log_connections", "on")]).await
}

/// How often we have logged in.
fn logins(server: &Postgres) -> usize {
    let log = server.log();
    let ours = |line: &&str| {
        line.contains("connection authorized") && line.contains("application_name=smokejumper")
    };
    log.lines().filter(ours).count()
}

/// How many connections of ours the server has.
fn open(server: &Postgres) -> usize {
    let asked = "select count(*) from pg_stat_activity where application_name = 'smokejumper'";
    server.run(asked).parse().expect("a number")
}

#[tokio::test]
async fn a_hundred_checks_share_four_connections_and_get_their_own_answers() {
    let server = server().await;
    let query = |number: usize| format!("select {number} as n");
    let checks: Vec<_> = (0..100)
        .map(|n| check(&server, &query(n), &json!({})))
        .collect();
    let mut reused = 0.0;
    for _ in 0..2 {
        for (number, sample) in run_all(LONG, &checks).await.iter().enumerate() {
            passed(sample);
            assert_eq!(reading(sample, "n").to_string(), number.to_string());
            assert!(sample.latency >= sample.phases.total());
            reused += reading(sample, "reused");
            keeps_its_secret(sample);
        }
    }
    assert_eq!(logins(&server), 4);
    assert_eq!(open(&server), 4);
    assert_eq!(reused, 196.0);
    drop(checks);
    let deadline = tokio::time::Instant::now() + LONG;
    while open(&server) > 0 {
        assert!(tokio::time::Instant::now() < deadline, "a connection stays");
    }
}

#[tokio::test]
async fn a_hundred_fresh_checks_log_in_a_hundred_times_and_four_at_once() {
    let server = server().await;
    // The server itself counts who asks at this moment.
    let query = "select count(*) as at_once from pg_stat_activity, pg_sleep(0.01) \
                 where application_name = 'smokejumper' and state = 'active'";
    let fresh = json!({"connection": "fresh"});
    let checks: Vec<_> = (0..100).map(|_| check(&server, query, &fresh)).collect();
    for sample in run_all(LONG, &checks).await {
        passed(&sample);
        assert!(reading(&sample, "at_once") <= 4.0, "{sample:?}");
        assert!(sample.phases.get(Phase::Connect).is_some());
        assert!(sample.readings.iter().all(|it| &*it.name != "reused"));
    }
    assert_eq!(logins(&server), 100);
}

#[tokio::test]
async fn there_are_as_many_connections_as_declared_and_the_smallest_number_holds() {
    let server = server().await;
    let declare = |most: u32| check(&server, "select 1", &json!({"max_connections": most}));
    let many: Vec<_> = (0..30).map(|_| declare(30)).collect();
    run_all(LONG, &many).await.iter().for_each(passed);
    assert_eq!(logins(&server), 30);
    let few = declare(2);
    let target = few.target().expect("it asks one server");
    assert_eq!(target.at_once, Some(2));
    assert_eq!(
        *target.name,
        format!("postgres://localhost:{}", server.port())
    );
    assert_eq!(many[0].target(), few.target());
    run_all(LONG, &many).await.iter().for_each(passed);
    assert_eq!(logins(&server), 30, "what is open is used");
    let deadline = tokio::time::Instant::now() + LONG;
    while open(&server) > 2 {
        assert!(tokio::time::Instant::now() < deadline, "too many are kept");
    }
}

#[tokio::test]
async fn a_run_says_whether_it_used_a_connection_again() {
    let server = server().await;
    let check = check(&server, "select 1 as one", &json!({}));
    let first = run_probe(LONG, &*check).await;
    let second = run_probe(LONG, &*check).await;
    for (sample, again) in [(&first, false), (&second, true)] {
        passed(sample);
        assert_eq!(reading(sample, "reused"), f64::from(u8::from(again)));
        let session = sample.session.as_ref().expect("it talked");
        assert_eq!(session.reused, again);
        assert!(session.address.is_some_and(|address| address.is_loopback()));
        assert_eq!(sample.phases.get(Phase::Connect).is_some(), !again);
        assert!(sample.phases.get(Phase::Request).is_some());
        assert!(sample.notes.is_empty(), "{:?}", sample.notes);
    }
}

#[tokio::test]
async fn over_tls_each_run_tells_of_the_session() {
    let server = Postgres::start_with(Tls::Required, &[]).await;
    let bound = json!({
        "url": server.url("?channel_binding=require"), "tls": {"ca": server.ca()}
    });
    let check = check(&server, "select 1 as one", &bound);
    for again in [false, true] {
        let sample = run_probe(LONG, &*check).await;
        passed(&sample);
        assert_eq!(reading(&sample, "reused"), f64::from(u8::from(again)));
        assert!(reading(&sample, "cert_days") > 0.0);
        assert_eq!(reading(&sample, "tls_version"), 1.3);
        let session = sample.session.as_ref().expect("it talked");
        assert_eq!(session.reused, again);
        assert_eq!(session.tls.as_ref().expect("over TLS").version, "TLSv1.3");
    }
}

#[tokio::test]
async fn runs_that_must_be_fresh_are() {
    let server = server().await;
    let usual = check(&server, "select 1", &json!({}));
    let keeping = check(&server, "select 1", &json!({"connection": "keep_alive"}));
    let in_window = || Conditions {
        in_window: true,
        ..Conditions::default()
    };
    let fresh = Conditions {
        fresh: true,
        ..Conditions::default()
    };
    let later = Conditions {
        opened_since: Moment::at(LONG * 60),
        ..Conditions::default()
    };
    passed(&run_probe(LONG, &*usual).await);
    for (check, conditions, logged_in, why) in [
        (&usual, in_window(), 2, "a window proves the login"),
        (&keeping, in_window(), 2, "unless the check says otherwise"),
        (&keeping, fresh, 3, "nothing may be kept"),
        (&keeping, later, 4, "what is open leads to what ran then"),
    ] {
        passed(&run_under(conditions, LONG, &**check).await);
        assert_eq!(logins(&server), logged_in, "{why}");
    }
}

#[tokio::test]
async fn a_session_that_the_server_ended_is_opened_anew_and_noted() {
    let mut server = Postgres::start().await;
    let check = check(&server, "select 1", &json!({}));
    passed(&run_probe(LONG, &*check).await);
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
               where application_name = 'smokejumper'";
    assert_eq!(server.run(end), "t");
    let note = ["the kept connection was closed and has been opened anew"];
    let sample = run_probe(LONG, &*check).await;
    passed(&sample);
    assert_eq!(sample.notes, note);
    server.restart().await;
    let sample = run_probe(LONG, &*check).await;
    passed(&sample);
    assert_eq!(sample.notes, note);
    assert_eq!(reading(&sample, "reused"), 0.0);
    server.stop();
    let sample = run_probe(LONG, &*check).await;
    fault(&sample, Reason::Refused);
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn one_check_leaves_nothing_behind_for_the_next() {
    let server = server().await;
    server.run("create role visitor login password 'visiting'");
    let one = json!({"max_connections": 1});
    let untidy = check(
        &server,
        "select set_config('search_path', 'nowhere', false), pg_advisory_lock(7), \
         set_config('statement_timeout', '1', false), set_config('application_name', 'x', false), \
         set_config('default_transaction_read_only', 'off', false)",
        &one,
    );
    let next = check(
        &server,
        "select current_setting('search_path') as path, current_user as who, \
         current_setting('application_name') as name, \
         current_setting('transaction_read_only') as reads, \
         current_setting('statement_timeout') <> '1ms' as patient, \
         (select count(*) from pg_locks where locktype = 'advisory') as locks, \
         (select count(*) from pg_prepared_statements where name not like 's%') as prepared",
        &json!({"max_connections": 1, "expect": {"row": {
            "path": "\"$user\", public", "name": "smokejumper", "reads": "on", "patient": true,
            "locks": 0, "prepared": 0, "who": "smoke"}}}),
    );
    passed(&run_probe(LONG, &*untidy).await);
    let sample = run_probe(LONG, &*next).await;
    passed(&sample);
    assert_eq!(reading(&sample, "reused"), 1.0);
    // Another user gets a session of its own, and the room of the one that is there.
    let url = format!(
        "postgres://visitor:visiting@localhost:{}/postgres",
        server.port()
    );
    let visitor = json!({
        "url": url, "query": "select current_user as who", "max_connections": 1,
        "expect": {"row": {"who": "visitor"}}
    });
    let visitor = build("postgres", visitor).expect("the settings can work");
    passed(&run_probe(LONG, &*visitor).await);
    assert_eq!(logins(&server), 2);
    passed(&run_probe(LONG, &*next).await);
    assert_eq!(logins(&server), 3);
}

#[tokio::test]
async fn what_is_not_whole_is_not_kept() {
    let server = server().await;
    server.run("create type mood as enum ('fine')");
    for query in [
        "select 1 / 0",
        "select n from generate_series(1, 20000) as n",
        "select 'fine'::mood as mood",
    ] {
        let check = check(&server, query, &json!({}));
        let before = logins(&server);
        for _ in 0..2 {
            let sample = run_probe(LONG, &*check).await;
            assert_eq!(reading(&sample, "reused"), 0.0, "{query}");
            assert!(sample.notes.is_empty(), "{query}: {:?}", sample.notes);
        }
        assert_eq!(logins(&server), before + 2, "{query}");
    }
}

#[tokio::test]
async fn a_server_that_hangs_is_told_by_those_who_hold_its_connections() {
    let peer = RawPeer::start(Manner::Hang).await;
    let url = format!("postgres://u:canary@127.0.0.1:{}/x", peer.port());
    let check = || build("postgres", json!({"url": url, "max_connections": 1}));
    let checks: Vec<_> = (0..3).map(|_| check().expect("it can work")).collect();
    let samples = run_all(Duration::from_millis(300), &checks).await;
    fault(&samples[0], Reason::Timeout);
    for sample in &samples[1..] {
        let fault = fault(sample, Reason::Exhausted);
        assert!(fault.detail.contains("max_connections"), "{}", fault.detail);
        assert_eq!(sample.outcome, Outcome::Unknown);
        keeps_its_secret(sample);
    }
    peer.sees_the_connection_end().await;
}
