//! The kind `mysql` against a real MariaDB, and against peers that misbehave.

use serde_json::{Value, json};
use smokejumper::probe::mysql::Settings;
use smokejumper::sample::{Phase, Reason, Sample};

use crate::harness::mariadb::{MariaDb, PASSWORD, PASSWORD_IN_URL, USER};
use crate::harness::probing::{build, clock, fault, passed, reading, run, run_by};

mod figures;
mod migration;
mod misbehaving;
mod tls;

async fn ask(server: &MariaDb, query: &str, expect: Value) -> Sample {
    let url = server.url("");
    run(
        "mysql",
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
    let server = MariaDb::start().await;
    let sample = ask(
        &server,
        "select 42 as answer, 12.50 as used_pct, true as leads, 'text' as word, \
         cast(null as signed) as nothing, 12345678901234567890123456789 as exact",
        json!({
            "rows": 1,
            "row": {"answer": {"ge": 42}, "used_pct": 12.5, "leads": 1, "word": "text", "nothing": null,
                    "exact": {"gt": 12345678901234567890_u64}}
        }),
    )
    .await;
    passed(&sample);
    for (name, expected) in [
        ("rows", 1.0),
        ("answer", 42.0),
        ("used_pct", 12.5),
        ("leads", 1.0),
    ] {
        assert_eq!(reading(&sample, name), expected, "{name}");
    }
    assert_eq!(sample.notes, ["`nothing` is NULL and gives no reading"]);
    for phase in [Phase::Connect, Phase::Request, Phase::Ttfb, Phase::Body] {
        assert!(sample.phases.get(phase).is_some(), "{phase:?}");
    }
    assert!(sample.latency >= sample.phases.total());
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn without_a_query_the_login_and_an_answer_are_the_check() {
    let server = MariaDb::start().await;
    let sample = run("mysql", json!({"url": server.url("?ssl-mode=disabled")})).await;
    passed(&sample);
    assert_eq!(reading(&sample, "rows"), 1.0);
}

#[tokio::test]
async fn a_wrong_answer_fails_and_says_what_was_expected_and_what_came() {
    let server = MariaDb::start().await;
    let jobs = "select 1 as id, 'done' as state union all select 2, 'stuck'";
    for (query, expect, detail) in [
        (
            "select 1 from dual where false",
            json!({"rows": 1}),
            "rows: expected 1, got 0",
        ),
        (
            "select 2 as n",
            json!({"row": {"n": {"lt": 2}}}),
            "n: expected { lt: 2 }, got 2",
        ),
        (
            "select 2 as n",
            json!({"row": {"k": 2}}),
            "k: no such column; the query returns n",
        ),
        (
            jobs,
            json!({"each": {"state": "done"}}),
            r#"state of row 2: expected "done", got "stuck""#,
        ),
    ] {
        let sample = ask(&server, query, expect).await;
        assert_eq!(
            fault(&sample, Reason::Expectation).detail,
            detail,
            "{query}"
        );
    }
}

#[tokio::test]
async fn a_query_that_writes_is_refused_and_leaves_nothing() {
    let server = MariaDb::start().await;
    server.run("create table kept (n int); insert into kept values (1); create sequence s");
    server.run("create procedure p() modifies sql data delete from kept");
    for query in [
        "insert into kept values (2)",
        "insert into kept values (2) returning n",
        "delete from kept returning n",
        "select nextval(s)",
        "select 1; delete from kept",
        "create table other (n int)",
        "drop table kept",
        "truncate kept",
        "call p()",
        "commit",
        "set global read_only = 1",
        "set session transaction read write",
        "kill 1",
        "shutdown",
        "flush tables",
        "lock tables kept write",
        "select * from absent",
        "this is no sql",
        "load data local infile '/etc/hostname' into table kept",
        "select 1 into outfile '/tmp/smokejumper-never'",
    ] {
        let sample = ask(&server, query, json!({"rows": 1})).await;
        assert!(sample.fault.is_some(), "{query}: {sample:?}");
    }
    assert_eq!(server.run("select n from kept"), "1");
    assert_eq!(server.run("select @@global.read_only"), "0");
    assert_eq!(server.run("show tables like 'other'"), "");
}

#[tokio::test]
async fn a_session_that_is_kept_is_reset_between_two_runs() {
    let server = MariaDb::start().await;
    let settings = json!({"url": server.url(""), "query": "select get_lock('mine', 0) as got, @seen + 0 as seen, @seen := 1 as kept"});
    let check = build("mysql", settings).expect("it can work");
    let clock = clock();
    for again in [0.0, 1.0] {
        let sample = run_by(&clock, &*check).await;
        passed(&sample);
        assert_eq!(reading(&sample, "reused"), again);
        assert_eq!(reading(&sample, "got"), 1.0);
        assert!(
            sample.readings.iter().all(|it| &*it.name != "seen"),
            "{sample:?}"
        );
        let free = server.run("select is_free_lock('mine')");
        assert_eq!(free, "1");
    }
    let idle = "select max(id) from information_schema.processlist where command = 'Sleep'";
    server.run(&format!("kill connection {}", server.run(idle)));
    let sample = run_by(&clock, &*check).await;
    passed(&sample);
    let note = "the kept connection was closed and has been opened anew";
    assert!(
        sample.notes.iter().any(|it| it == note),
        "{:?}",
        sample.notes
    );
}

#[tokio::test]
async fn whoever_may_not_come_in_is_unauthorized() {
    let server = MariaDb::start().await;
    let port = server.port();
    server.run("create user visitor identified by 'visiting'; create table closed (n int)");
    for (login, query, code) in [
        (format!("{USER}:canary-wrong"), "select 1", "(error 1045)"),
        (
            format!("nobody:{PASSWORD_IN_URL}"),
            "select 1",
            "(error 1045)",
        ),
        (USER.to_owned(), "select 1", "(error 1045)"),
        (
            "visitor:visiting".to_owned(),
            "select n from shop.closed",
            "(error 1142)",
        ),
    ] {
        let url = format!("mysql://{login}@localhost:{port}/");
        let sample = run("mysql", json!({"url": url, "query": query})).await;
        let fault = fault(&sample, Reason::Unauthorized);
        assert!(fault.detail.ends_with(code), "{login}: {}", fault.detail);
        keeps_its_secret(&sample);
    }
}

#[tokio::test]
async fn a_database_that_is_absent_is_the_servers_fault_in_its_own_words() {
    let server = MariaDb::start().await;
    let url = format!(
        "mysql://{USER}:{PASSWORD_IN_URL}@localhost:{}/absent",
        server.port()
    );
    let sample = run("mysql", json!({"url": url})).await;
    let fault = fault(&sample, Reason::ServerFault);
    assert_eq!(
        fault.detail,
        "the server says: Unknown database 'absent' (error 1049)"
    );
}

#[tokio::test]
async fn a_server_whose_connections_are_taken_may_mend() {
    let server = MariaDb::start_with(None, &["--max-connections=10"]).await;
    server.run("create user crowd identified by 'crowded' with max_user_connections 1");
    let url = server.url_of("crowd", "crowded");
    server.run("grant select on *.* to crowd");
    let slow = json!({"url": url, "query": "select sleep(2)", "connection": "fresh"});
    let (one, other) = tokio::join!(run("mysql", slow.clone()), run("mysql", slow));
    let refused: Vec<_> = [&one, &other]
        .into_iter()
        .filter_map(|it| it.fault.as_ref())
        .collect();
    assert_eq!(refused.len(), 1, "{one:?} {other:?}");
    assert_eq!(refused[0].reason, Reason::ServerFault);
    assert!(
        refused[0].transient && refused[0].detail.ends_with("(error 1226)"),
        "{refused:?}"
    );
}

#[test]
fn settings_that_cannot_work_are_all_named_and_show_no_password() {
    let settings = json!({
        "url": "mysql://canary-user:canary@db/x?ssl-mode=maybe&a=b",
        "query": " ",
        "expect": {},
        "max_connections": 0
    });
    let Err(misfits) = build("mysql", settings) else {
        panic!("settings that cannot work are accepted")
    };
    let shown = format!("{misfits:?}");
    assert_eq!(misfits.len(), 5, "{shown}");
    assert!(!shown.contains("canary"), "{shown}");
}

#[test]
fn settings_do_not_print_their_secret() {
    let settings: Settings =
        serde_json::from_value(json!({"url": "mysql://u:canary@h/x"})).unwrap();
    assert!(!format!("{settings:?}").contains("canary"));
}
