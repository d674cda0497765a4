//! The kind `postgres` against a real server, and against peers that misbehave.

use serde_json::{Value, json};
use smokejumper::probe::postgres::Settings;
use smokejumper::probe::{Misfit, Surroundings, registry};
use smokejumper::sample::{Phase, Reason, Sample};

use crate::harness::postgres::{PASSWORD, PASSWORD_IN_URL, Postgres, USER};
use crate::harness::probing::{build, fault, passed, reading, run};

mod connections;
mod metrics;
mod migration;
mod misbehaving;
mod replication;
mod tls;

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
        serde_json::to_string(sample).expect("a sample is JSON"),
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
    assert_eq!(reading(&sample, "reused"), 0.0);
    assert_eq!(sample.readings.len(), 5, "{:?}", sample.readings);
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
            "(1 more not evaluated)",
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

#[test]
fn what_is_no_date_has_no_age() {
    for (kind, settings) in [
        (
            "postgres",
            json!({"url": "postgres://u@h/", "expect": {"rows": {"age": {"lt": "60s"}}}}),
        ),
        (
            "redis",
            json!({"url": "redis://h/", "expect": {"lag": {"age": {"lt": "60s"}}}}),
        ),
        (
            "exec",
            json!({"command": ["x"], "expect": {"status": {"not": {"age": {"lt": "60s"}}}}}),
        ),
        (
            "http",
            json!({"url": "http://h/", "expect": {"status": {"age": {"lt": "60s"}}}}),
        ),
        (
            "grpc",
            json!({"address": "h:1", "expect": {"status": {"age": {"lt": "60s"}}}}),
        ),
        (
            "dns",
            json!({"name": "h", "expect": {"ttl": {"age": {"lt": "60s"}}}}),
        ),
    ] {
        let refused = registry::build(kind, settings, &Surroundings::default());
        let told = refused
            .expect("the kind is known")
            .err()
            .map(|error| error.to_string());
        assert!(
            told.as_ref()
                .is_some_and(|told| told.contains("has no `age`")),
            "{kind}: {told:?}"
        );
    }
}

#[tokio::test]
async fn every_row_is_held_against_what_is_expected_of_each() {
    let server = Postgres::start().await;
    let jobs = "select * from (values (1, 'done'), (2, 'done'), (3, 'stuck')) as jobs (id, state)";
    let done = json!({"each": {"state": "done", "id": {"gt": 0}}});
    let sample = ask(&server, jobs, done.clone()).await;
    let told = fault(&sample, Reason::Expectation);
    assert_eq!(
        told.detail,
        r#"state of row 3: expected "done", got "stuck""#
    );
    passed(&ask(&server, &format!("{jobs} where id < 3"), done.clone()).await);
    let sample = ask(&server, &format!("{jobs} where id > 3"), done).await;
    let told = fault(&sample, Reason::Expectation);
    assert_eq!(told.detail, "id: there is no row (1 more not evaluated)");
    let none = json!({"rows": {"ge": 0}, "each": {"state": "done"}});
    passed(&ask(&server, &format!("{jobs} where id > 3"), none).await);
    let absent = json!({"each": {"status": "done"}});
    let sample = ask(&server, jobs, absent).await;
    let told = fault(&sample, Reason::Expectation);
    assert_eq!(
        told.detail,
        "status: no such column; the query returns id, state"
    );
}

#[tokio::test]
async fn a_query_that_writes_is_refused_and_leaves_nothing() {
    let server = Postgres::start().await;
    server.run("create table kept (n int); insert into kept values (1); create sequence s");
    for query in [
        "insert into kept values (2) returning n",
        "delete from kept returning n",
        "with gone as (delete from kept returning n) select count(*) from gone",
        "select nextval('s')",
        "select setval('s', 9)",
        "select set_config('transaction_read_only', 'off', true)",
        "explain analyze delete from kept",
        "select query_to_xml('delete from kept returning n', true, true, '')",
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
        "copy kept to '/tmp/kept'",
        "set transaction read write",
        "do $$ begin delete from kept; end $$",
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
    let server = Postgres::start().await;
    server.run("create role crowd login password 'crowded' connection limit 0");
    let url = format!(
        "postgres://crowd:crowded@localhost:{}/postgres",
        server.port()
    );
    let sample = run("postgres", json!({"url": url})).await;
    let fault = fault(&sample, Reason::ServerFault);
    assert!(fault.detail.contains("SQLSTATE 53300"), "{}", fault.detail);
    assert!(fault.transient);
}

#[test]
fn settings_that_cannot_work_are_all_named_and_show_no_password() {
    let settings = json!({
        "url": "postgres://canary-user:canary@db/x?sslmode=maybe&a=b",
        "query": " ",
        "expect": {},
        "max_connections": 0
    });
    let Err(misfits) = build("postgres", settings) else {
        panic!("settings that cannot work are accepted")
    };
    let shown = format!("{misfits:?}");
    assert_eq!(misfits.len(), 5, "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
    let of_number = |misfit: &&Misfit| misfit.path == ["max_connections"];
    let number = misfits.iter().find(of_number).expect("it is named");
    assert_eq!(
        number.message,
        "the number of connections must be from 1 to 1000"
    );
    assert_eq!(number.hint.as_deref(), Some("leave it out for 4"));
}

#[test]
fn settings_do_not_print_their_secret() {
    let settings: Settings =
        serde_json::from_value(json!({"url": "postgres://u:canary@h/x"})).unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
}
