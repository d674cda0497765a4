//! Guards against real servers: what is answered is compared with what was, by configurations as
//! they are written.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use smokejumper::clock::{Clock, Moment, WallTime};
use smokejumper::config::{Sources, load};
use smokejumper::engine::context::{Context, Events};
use smokejumper::engine::control::Control;
use smokejumper::engine::guards::{answers, ask, observations};
use smokejumper::engine::slots::Slots;
use smokejumper::engine::threads::ProbeThreads;
use smokejumper::plan::{GuardPlan, compile};
use tokio_util::sync::CancellationToken;

use crate::harness::http_peer::{Does, Peer, answer};
use crate::harness::postgres::{PASSWORD, Postgres};

#[derive(Debug)]
struct MachineClock(tokio::time::Instant);

impl Clock for MachineClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    fn wall(&self) -> WallTime {
        WallTime::default()
    }
}

fn context() -> Context {
    let clock: Arc<dyn Clock> = Arc::new(MachineClock(tokio::time::Instant::now()));
    let (events, _) = Events::queue(Arc::clone(&clock));
    Context {
        clock,
        events,
        slots: Arc::new(Slots::new(1)),
        threads: ProbeThreads::here(),
        stop: CancellationToken::new(),
        control: Control::default(),
        instruments: Arc::default(),
        tape: None,
        traces: Arc::default(),
    }
}

/// The guards of a configuration with this one guard.
fn guards(guard: &str) -> Vec<GuardPlan> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("smokejumper.yaml");
    let text = format!(
        "policies:\n  careful:\n    guards:\n      - {guard}\n\
         checks:\n  web:\n    http: {{ url: https://example.org }}\n"
    );
    std::fs::write(&file, text).unwrap();
    let loaded = load(&Sources {
        folder: folder.path().to_owned(),
        paths: vec![file],
        ..Sources::default()
    });
    let compiled = compile(&loaded.document).unwrap();
    compiled.plan.services[0].guards.clone()
}

fn on(server: &Postgres, query: &str, more: &str) -> Vec<GuardPlan> {
    let url = server.url("");
    guards(&format!(
        "{{ name: schema, postgres: {{ url: \"{url}\", query: \"{query}\" }}{more} }}"
    ))
}

#[tokio::test]
async fn a_schema_that_moved_since_holds_a_rollback_back() {
    let server = Postgres::start().await;
    server.run("create table alembic_version (version_num text)");
    server.run("insert into alembic_version values ('ae1027')");
    let query = "select version_num from alembic_version";
    let guards = on(&server, query, ", unchanged_since: baseline");
    let context = context();
    let before = observations(&ask(&context, &guards).await);
    assert_eq!(before.len(), 1);
    assert_eq!(before[0].answer, "1 row; version_num: \"ae1027\"");

    let still = answers(&guards, None, &before, &ask(&context, &guards).await);
    assert_eq!(still[0].held, Ok(()));

    server.run("update alembic_version set version_num = 'bf2138'");
    let moved = answers(&guards, Some(&before), &[], &ask(&context, &guards).await);
    let expected =
        "it was 1 row; version_num: \"ae1027\" and is 1 row; version_num: \"bf2138\"".to_owned();
    assert_eq!(moved[0].held, Err(expected));

    server.run("drop table alembic_version");
    let gone = answers(&guards, Some(&before), &[], &ask(&context, &guards).await);
    let why = gone[0].held.clone().unwrap_err();
    assert!(why.contains("alembic_version"), "{why}");
}

#[tokio::test]
async fn a_guard_without_a_before_holds_unless_its_expectation_does() {
    let server = Postgres::start().await;
    let context = context();
    for (expected, may_go) in [("41", true), ("42", false)] {
        let url = server.url("");
        let guards = guards(&format!(
            "postgres: {{ url: \"{url}\", query: select 41 as v, expect: {{ row: {{ v: {expected} }} }} }}"
        ));
        let found = answers(&guards, None, &[], &ask(&context, &guards).await);
        assert_eq!(found[0].name, "postgres");
        assert_eq!(found[0].held.is_ok(), may_go, "{found:?}");
    }
}

#[tokio::test]
async fn of_a_page_only_what_is_named_is_compared() {
    let body = |schema: u32, time: u32| {
        let body = format!("{{\"schema\":{schema},\"time\":{time}}}");
        answer("200 OK", &[], body.as_bytes())
    };
    let version = Arc::new(AtomicU32::new(41));
    let now = Arc::clone(&version);
    let calls = AtomicU32::new(0);
    let page = Does::Answers(Arc::new(move |_| {
        body(
            now.load(Ordering::SeqCst),
            calls.fetch_add(1, Ordering::SeqCst),
        )
    }));
    let peer = Peer::start(page).await;
    let url = peer.url("/version");
    let guards = guards(&format!(
        "{{ http: {{ url: \"{url}\", expect: {{ json: {{ $.schema: {{ exists: true }} }} }} }}, unchanged_since: baseline }}"
    ));
    let context = context();
    let before = observations(&ask(&context, &guards).await);
    assert_eq!(before[0].answer, "$.schema: 41");
    let still = answers(&guards, None, &before, &ask(&context, &guards).await);
    assert_eq!(still[0].held, Ok(()), "the time alone has changed");
    version.store(42, Ordering::SeqCst);
    let moved = answers(&guards, None, &before, &ask(&context, &guards).await);
    let expected = "it was $.schema: 41 and is $.schema: 42".to_owned();
    assert_eq!(moved[0].held, Err(expected));
}

#[tokio::test]
async fn a_server_that_is_gone_holds_and_what_it_says_shows_no_password() {
    let server = Postgres::start().await;
    let query = "select current_setting('is_superuser')";
    let guards = on(&server, query, ", unchanged_since: baseline");
    let echoing = format!("select '{PASSWORD}' as v");
    let echoing = on(&server, &echoing, ", unchanged_since: baseline");
    let context = context();
    let shown = format!("{:?}", ask(&context, &echoing).await);
    assert!(
        shown.contains("***") && !shown.contains("canary"),
        "{shown}"
    );
    drop(server);
    let found = answers(&guards, None, &[], &ask(&context, &guards).await);
    let why = found[0].held.clone().unwrap_err();
    assert!(!why.is_empty() && !why.contains("canary"), "{why}");
}
