//! The kind `mysql` against servers that are slow, stop, or send too much, and against peers that are
//! no MySQL at all.

use std::time::Duration;

use serde_json::json;
use smokejumper::sample::{Reason, Sample};

use super::{ask, keeps_its_secret};
use crate::harness::mariadb::MariaDb;
use crate::harness::postgres::free_port;
use crate::harness::probing::{fault, run, run_within};
use crate::harness::raw_peer::{Manner, RawPeer};

#[tokio::test]
async fn a_statement_that_takes_too_long_is_a_timeout_and_the_server_ends_it() {
    let server = MariaDb::start().await;
    let settings = json!({"url": server.url(""), "query": "select sleep(60)"});
    let started = tokio::time::Instant::now();
    let sample = run_within(Duration::from_millis(800), "mysql", settings).await;
    fault(&sample, Reason::Timeout);
    assert!(started.elapsed() < Duration::from_secs(3));
    server
        .until(
            "select count(*) from information_schema.processlist where info = 'select sleep(60)'",
            "0",
        )
        .await;
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let server = MariaDb::start().await;
    for query in [
        "select repeat('x', 2000000)",
        "select repeat('x', 1000) from seq_1_to_100000",
        "select seq from seq_1_to_20000",
    ] {
        let sample = ask(&server, query, json!({"rows": 1})).await;
        fault(&sample, Reason::TooLarge);
    }
}

#[tokio::test]
async fn a_server_that_stops_in_the_middle_is_gone() {
    let mut server = MariaDb::start().await;
    let url = server.url("");
    let settings = json!({"url": url, "query": "select sleep(60)"});
    let sample = tokio::join!(run("mysql", settings), async {
        let asked =
            "select count(*) from information_schema.processlist where info = 'select sleep(60)'";
        while server.run(asked) == "0" {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        server.stop();
    })
    .0;
    let told = sample.fault.as_ref().expect("the run fails");
    assert!(
        matches!(told.reason, Reason::Closed | Reason::Reset),
        "{told:?}"
    );
    let sample = run("mysql", json!({"url": url})).await;
    assert!(fault(&sample, Reason::Refused).transient);
    keeps_its_secret(&sample);
}

#[tokio::test]
async fn nobody_listens() {
    let url = format!("mysql://u:canary@127.0.0.1:{}/x", free_port());
    let sample = run("mysql", json!({"url": url})).await;
    assert!(fault(&sample, Reason::Refused).transient);
    keeps_its_secret(&sample);
}

/// A packet of the server.
fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("short");
    [&length.to_le_bytes()[..3], &[sequence], body].concat()
}

/// A server's greeting that offers no TLS.
fn greeting(plugin: &str) -> Vec<u8> {
    let mut body = b"\x0a8.0.36\0\x07\0\0\0abcdefgh\0".to_vec();
    // Protocol 4.1, secure connections, transactions; then ways of logging in.
    body.extend_from_slice(&0xa208_u16.to_le_bytes());
    body.extend_from_slice(&[45, 2, 0]);
    body.extend_from_slice(&0x0008_u16.to_le_bytes());
    body.extend_from_slice(&[21, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    body.extend_from_slice(b"ijklmnopqrst\0");
    body.extend_from_slice(plugin.as_bytes());
    body.push(0);
    packet(0, &body)
}

/// Runs a check against a peer that says these, the first at once.
async fn meet(manner: Manner) -> (RawPeer, Sample) {
    let peer = RawPeer::start(manner).await;
    let url = format!("mysql://u:canary@127.0.0.1:{}/x", peer.port());
    let sample = run_within(Duration::from_millis(500), "mysql", json!({"url": url})).await;
    keeps_its_secret(&sample);
    (peer, sample)
}

#[tokio::test]
async fn a_peer_that_hangs_resets_closes_or_babbles_is_called_what_it_is() {
    let hello = || greeting("mysql_native_password");
    let ok = |sequence| packet(sequence, b"\0\0\0\x02\0\0\0");
    let begun = || vec![hello(), ok(2), ok(1), ok(1)];
    let prepared = [
        packet(1, b"\0\x01\0\0\0\x01\0\0\0\0\0\0"),
        packet(2, b"x"),
        packet(3, b"\xfe\0\0\x02\0"),
    ]
    .concat();
    let told = |more: &[Vec<u8>]| Manner::Greet([begun(), more.to_vec()].concat());
    for (manner, reason) in [
        (Manner::Hang, Reason::Timeout),
        (
            Manner::Greet(vec![b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()]),
            Reason::TooLarge,
        ),
        (
            Manner::Greet(vec![packet(0, b"SSH-2.0-OpenSSH")]),
            Reason::Malformed,
        ),
        (
            Manner::Greet(vec![packet(3, b"\x0a8.0")]),
            Reason::Malformed,
        ),
        (
            Manner::Greet(vec![packet(0, b"\xff\x10\x04Too many connections")]),
            Reason::ServerFault,
        ),
        (
            Manner::Greet(vec![packet(0, b"\xff\x6a\x04Host is not allowed")]),
            Reason::Unauthorized,
        ),
        (Manner::Greet(vec![hello()[..20].to_vec()]), Reason::Timeout),
        (Manner::Greet(vec![hello()]), Reason::Timeout),
        (
            Manner::Greet(vec![hello(), packet(2, b"\xfemysql_clear_password\0")]),
            Reason::Unauthorized,
        ),
        (
            Manner::Greet(vec![hello(), packet(2, b"\xfe")]),
            Reason::Unauthorized,
        ),
        (
            Manner::Greet(vec![hello(), packet(2, b"\x05what")]),
            Reason::Malformed,
        ),
        (
            Manner::Greet(vec![
                hello(),
                ok(2),
                packet(1, b"\xff\x1d\x04#08S01Server shutdown in progress"),
                packet(1, b"\xff\x1d\x04#08S01bye"),
            ]),
            Reason::NotReady,
        ),
        (told(std::slice::from_ref(&prepared)), Reason::Timeout),
        (
            told(&[prepared.clone(), packet(1, b"\0\0\0\x02\0\0\0")]),
            Reason::Malformed,
        ),
        (
            told(&[prepared.clone(), packet(1, b"\xfb/etc/passwd")]),
            Reason::Malformed,
        ),
        (
            told(&[
                prepared,
                [packet(1, b"\x01"), b"\xff\xff\xff\x02".to_vec()].concat(),
            ]),
            Reason::TooLarge,
        ),
        (
            told(&[packet(1, b"\0\x01\0\0\0\0\0\0\0\0\0\0")]),
            Reason::Expectation,
        ),
    ] {
        let (peer, sample) = meet(manner.clone()).await;
        let fault = sample.fault.as_ref().expect("nothing proper was said");
        assert_eq!(fault.reason, reason, "{manner:?}: {fault:?}");
        peer.sees_the_connection_end().await;
    }
}

#[tokio::test]
async fn a_peer_that_resets_or_closes_after_the_greeting_is_told_apart() {
    for (ends, reason) in [(true, Reason::Reset), (false, Reason::Closed)] {
        let (_, sample) = meet(Manner::GreetAndLeave(
            greeting("mysql_native_password"),
            ends,
        ))
        .await;
        fault(&sample, reason);
    }
}

#[tokio::test]
async fn no_garbage_makes_the_probe_itself_fail() {
    let hello = || greeting("caching_sha2_password");
    let mut long = hello();
    // A nonce of a length that no signed byte can hold.
    long[4 + 8 + 20] = 0x80;
    for said in [
        vec![packet(0, b"")],
        vec![packet(0, b"\x0a")],
        vec![packet(0, b"\x0a8.0.1\0")],
        vec![packet(0, &[0x0a; 60])],
        vec![packet(0, &[0xff; 60])],
        vec![long],
        vec![hello(), packet(2, b"")],
        vec![hello(), packet(2, b"\x01")],
        vec![hello(), packet(2, b"\x01\x04")],
        vec![hello(), packet(2, b"\x01\x04"), packet(4, b"\x01no key")],
        vec![hello(), packet(2, b"\xfecaching_sha2_password\0short")],
        vec![
            hello(),
            packet(2, b"\xfesha256_password\0aaaaaaaaaaaaaaaaaaaa\0"),
        ],
        vec![hello(), packet(2, b"\xff\xff\xff")],
        vec![
            hello(),
            packet(2, b"\0\0\0\x02\0"),
            packet(1, b"\0"),
            packet(1, b"\0"),
            packet(1, b"\0"),
        ],
    ] {
        let (_, sample) = meet(Manner::Greet(said.clone())).await;
        let fault = sample.fault.as_ref().expect("nothing proper was said");
        assert_ne!(fault.reason, Reason::Panic, "{said:?}: {fault:?}");
    }
}
