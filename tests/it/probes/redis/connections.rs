//! Connections to a real Redis: how many the server sees, which are used again, what becomes of one
//! that it closed; and how many at once where each run opens its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use smokejumper::probe::Probe;
use smokejumper::probe::attempt::Conditions;
use smokejumper::sample::{Phase, Reason};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::keeps_its_secret;
use crate::harness::probing::{build, fault, passed, reading, run_all, run_probe, run_under};
use crate::harness::redis::Redis;

/// Long enough for a hundred runs on a busy machine.
const LONG: Duration = Duration::from_secs(60);

/// A check of the server at this address.
fn check(url: &str, more: &Value) -> Box<dyn Probe> {
    let mut settings = json!({"url": url});
    let more = more.as_object().expect("settings").clone();
    settings.as_object_mut().expect("settings").extend(more);
    build("redis", settings).expect("the settings can work")
}

/// How many connections the server has, without the one that asks.
fn open(server: &Redis) -> usize {
    server.run(&["client", "list"]).lines().count() - 1
}

/// How many connections the server has accepted, ever.
fn accepted(server: &Redis) -> usize {
    let stats = server.run(&["info", "stats"]);
    let line = stats
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"));
    line.expect("it counts").trim().parse().expect("a number")
}

#[tokio::test]
async fn a_hundred_checks_share_four_connections() {
    let server = Redis::start().await;
    let checks: Vec<_> = (0..100)
        .map(|_| check(&server.url(""), &json!({})))
        .collect();
    let mut reused = 0.0;
    for _ in 0..2 {
        for sample in run_all(LONG, &checks).await {
            passed(&sample);
            assert!(sample.latency >= sample.phases.total());
            reused += reading(&sample, "reused");
            keeps_its_secret(&sample);
        }
    }
    assert_eq!(open(&server), 4);
    assert_eq!(reused, 196.0);
    drop(checks);
    let deadline = tokio::time::Instant::now() + LONG;
    while open(&server) > 0 {
        assert!(tokio::time::Instant::now() < deadline, "a connection stays");
    }
}

#[tokio::test]
async fn a_hundred_fresh_checks_open_a_hundred_connections() {
    let server = Redis::start().await;
    let before = accepted(&server);
    let fresh = json!({"connection": "fresh"});
    let checks: Vec<_> = (0..100).map(|_| check(&server.url(""), &fresh)).collect();
    for sample in run_all(LONG, &checks).await {
        passed(&sample);
        assert!(sample.readings.iter().all(|it| &*it.name != "reused"));
    }
    // And the one that asks.
    assert_eq!(accepted(&server) - before, 101);
}

/// Answers PING and INFO, and counts whom it has not answered yet.
async fn serve(mut client: TcpStream, unanswered: Arc<AtomicUsize>, most: Arc<AtomicUsize>) {
    most.fetch_max(
        unanswered.fetch_add(1, Ordering::SeqCst) + 1,
        Ordering::SeqCst,
    );
    let mut said = [0; 1024];
    while let Ok(length @ 1..) = client.read(&mut said).await {
        tokio::task::yield_now().await;
        let asked = String::from_utf8_lossy(&said[..length]);
        let answer: &[u8] = if asked.contains("PING") {
            b"+PONG\r\n"
        } else {
            unanswered.fetch_sub(1, Ordering::SeqCst);
            b"$9\r\nloading:0\r\n"
        };
        if client.write_all(answer).await.is_err() {
            return;
        }
    }
}

#[tokio::test]
async fn fresh_checks_hold_no_more_connections_at_once_than_allowed() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("redis://{}", listener.local_addr().expect("it is bound"));
    let most = Arc::new(AtomicUsize::new(0));
    let mut serving = JoinSet::new();
    let seen = Arc::clone(&most);
    serving.spawn(async move {
        let unanswered = Arc::new(AtomicUsize::new(0));
        let mut clients = JoinSet::new();
        while let Ok((client, _)) = listener.accept().await {
            clients.spawn(serve(client, Arc::clone(&unanswered), Arc::clone(&seen)));
        }
    });
    let settings = json!({"connection": "fresh", "max_connections": 3});
    let checks: Vec<_> = (0..100).map(|_| check(&url, &settings)).collect();
    run_all(LONG, &checks).await.iter().for_each(passed);
    assert_eq!(most.load(Ordering::SeqCst), 3);
    let target = checks[0].target().expect("it asks one server");
    assert_eq!((&*target.name, target.at_once), (&*url, Some(3)));
}

#[tokio::test]
async fn a_run_says_whether_it_used_a_connection_again() {
    let server = Redis::start().await;
    let check = check(&server.url("/3"), &json!({}));
    let in_window = Conditions {
        in_window: true,
        ..Conditions::default()
    };
    let first = run_probe(LONG, &*check).await;
    let second = run_probe(LONG, &*check).await;
    for (sample, again) in [(&first, false), (&second, true)] {
        passed(sample);
        assert_eq!(reading(sample, "reused"), f64::from(u8::from(again)));
        assert_eq!(reading(sample, "connected_clients"), 1.0);
        let session = sample.session.as_ref().expect("it talked");
        assert_eq!(session.reused, again);
        assert!(session.address.is_some_and(|address| address.is_loopback()));
        assert_eq!(sample.phases.get(Phase::Connect).is_some(), !again);
        assert!(sample.notes.is_empty(), "{:?}", sample.notes);
    }
    let third = run_under(in_window, LONG, &*check).await;
    passed(&third);
    assert!(third.phases.get(Phase::Connect).is_some());
}

#[tokio::test]
async fn over_tls_each_run_tells_of_the_certificate() {
    let server = Redis::start_with_tls().await;
    let check = check(&server.url(""), &json!({"tls": {"ca": server.ca()}}));
    for again in [0.0, 1.0] {
        let sample = run_probe(LONG, &*check).await;
        passed(&sample);
        assert_eq!(reading(&sample, "reused"), again);
        assert!(reading(&sample, "cert_days") > 0.0);
    }
}

#[tokio::test]
async fn a_connection_that_the_server_closed_is_opened_anew_and_noted() {
    let mut server = Redis::start().await;
    let check = check(&server.url(""), &json!({}));
    passed(&run_probe(LONG, &*check).await);
    let note = ["the kept connection was closed and has been opened anew"];
    server.run(&["client", "kill", "type", "normal", "skipme", "yes"]);
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
async fn a_session_is_given_to_no_other_login_and_no_other_database() {
    let server = Redis::start_with(&["user visitor on >visiting ~* +@all"]).await;
    server.run(&["-n", "2", "set", "a", "1"]);
    let port = server.port();
    let one = json!({"max_connections": 1});
    let checks = [
        check(&server.url(""), &one),
        check(&server.url("/2"), &one),
        check(&format!("redis://visitor:visiting@localhost:{port}"), &one),
    ];
    for (check, who, database) in [
        (&checks[0], "user=default", "db=0"),
        (&checks[1], "user=default", "db=2"),
        (&checks[2], "user=visitor", "db=0"),
        (&checks[0], "user=default", "db=0"),
    ] {
        let sample = run_probe(LONG, &**check).await;
        passed(&sample);
        assert_eq!(reading(&sample, "reused"), 0.0);
        let list = server.run(&["client", "list"]);
        let ours: Vec<&str> = list.lines().filter(|it| it.contains("cmd=info")).collect();
        assert!(
            ours.iter()
                .any(|it| it.contains(who) && it.contains(database)),
            "{who} {database}: {list}"
        );
    }
}

#[tokio::test]
async fn what_is_not_whole_is_not_kept() {
    // It answers more than it was asked.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("redis://{}", listener.local_addr().expect("it is bound"));
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut said = [0; 1024];
            for answer in ["+PONG\r\n", "$9\r\nloading:0\r\n+PONG\r\n"] {
                let heard = client.read(&mut said).await.expect("it asks");
                assert!(heard > 0, "it asks");
                client
                    .write_all(answer.as_bytes())
                    .await
                    .expect("it listens");
            }
        }
    });
    let check = check(&url, &json!({}));
    for _ in 0..2 {
        let sample = run_probe(LONG, &*check).await;
        passed(&sample);
        assert_eq!(reading(&sample, "reused"), 0.0);
    }
}
