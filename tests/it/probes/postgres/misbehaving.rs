//! The kind `postgres` against servers that are slow, stop, or send too much, and against peers
//! that are no PostgreSQL at all.

use std::time::Duration;

use serde_json::json;
use smokejumper::sample::{Reason, Sample};

use super::{ask, keeps_its_secret};
use crate::harness::postgres::{Postgres, free_port};
use crate::harness::probing::{fault, run, run_within};
use crate::harness::raw_peer::{Manner, RawPeer};

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
    let sample = run_within(Duration::from_millis(400), "postgres", json!({"url": url})).await;
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
    let begun = b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T".to_vec();
    let endless = b"1\0\0\0\x04t\x7f\xff\xff\xff".to_vec();
    for (manner, reason) in [
        (Manner::Reset, Reason::Reset),
        (Manner::Close, Reason::Closed),
        // Read as PostgreSQL, the stranger's words announce a message of 1.4 GB.
        (
            Manner::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
            Reason::TooLarge,
        ),
        (
            Manner::Say(b"R\0\0\0\x02garbage".to_vec()),
            Reason::Malformed,
        ),
        (Manner::Say(b"Z\0\0\0\x05I".to_vec()), Reason::Malformed),
        (
            Manner::Say(b"+PONG\r\n-\xff\xff\xff\xff\xff\xff".to_vec()),
            Reason::TooLarge,
        ),
        (
            Manner::Flood(b"R\x7f\xff\xff\xff".to_vec(), vec![0; 65536]),
            Reason::TooLarge,
        ),
        (
            Manner::Converse(vec![login(), begun.clone(), endless]),
            Reason::TooLarge,
        ),
        // It stops in the middle of the login, of the preparation, of the answer.
        (
            Manner::Say(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0".to_vec()),
            Reason::Timeout,
        ),
        (
            Manner::Converse(vec![login(), begun.clone()]),
            Reason::Timeout,
        ),
        (
            Manner::Converse(vec![
                login(),
                begun.clone(),
                prepared(23),
                b"T\0\0".to_vec(),
            ]),
            Reason::Timeout,
        ),
        // It says all of that, a byte at a time.
        (
            Manner::Drip(login(), message(b'N', b"SNOTICE\0C00000\0Mpatience\0\0")),
            Reason::Timeout,
        ),
        // It says without end what nobody asked for.
        (
            Manner::Flood(login(), message(b'N', b"SNOTICE\0C00000\0Mpatience\0\0")),
            Reason::TooLarge,
        ),
        (
            Manner::Flood(b"E\0\x0f\xff\xffSFATAL\0M".to_vec(), vec![b'x'; 65536]),
            Reason::TooLarge,
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

/// A message of the server.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).expect("a short message");
    [&[kind][..], &length.to_be_bytes(), body].concat()
}

/// What the server says of a statement with columns of these types.
fn described(types: &[u32]) -> Vec<u8> {
    let mut columns = u16::try_from(types.len())
        .expect("a few")
        .to_be_bytes()
        .to_vec();
    for of in types {
        columns.extend_from_slice(b"c\0\0\0\0\0\0\0");
        columns.extend_from_slice(&of.to_be_bytes());
        columns.extend_from_slice(&[0; 8]);
    }
    message(b'T', &columns)
}

/// The answer to the preparation of a query with one column of this type.
fn prepared(of: u32) -> Vec<u8> {
    [
        message(b'1', b""),
        message(b't', &[0, 0]),
        described(&[of]),
        message(b'Z', b"T"),
    ]
    .concat()
}

#[tokio::test]
async fn types_within_types_without_end_are_left() {
    let made = 100_000;
    // The library asks what the type is: name, kind, element, range, base, schema, relation.
    let asked = [
        message(b'1', b""),
        message(b't', &[0, 1, 0, 0, 0, 26]),
        described(&[19, 18, 26, 26, 26, 19, 26]),
        message(b'Z', b"T"),
    ]
    .concat();
    let made_of = |base: u32| {
        let mut row = vec![0, 7];
        let none = 0_u32.to_be_bytes();
        for cell in [
            &b"t"[..],
            b"d",
            &none,
            &none,
            &base.to_be_bytes(),
            b"s",
            &none,
        ] {
            row.extend_from_slice(&u32::try_from(cell.len()).expect("short").to_be_bytes());
            row.extend_from_slice(cell);
        }
        let done = message(b'C', b"SELECT 1\0");
        [
            message(b'2', b""),
            message(b'D', &row),
            done,
            message(b'Z', b"T"),
        ]
        .concat()
    };
    let mut said = vec![
        b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I".to_vec(),
        b"C\0\0\0\x0aBEGIN\0Z\0\0\0\x05T".to_vec(),
        prepared(made),
        asked,
    ];
    said.extend((1..2_000).map(|deep| made_of(made + deep)));
    let peer = RawPeer::start(Manner::Converse(said)).await;
    let url = format!("postgres://u@127.0.0.1:{}/x?sslmode=disable", peer.port());
    let sample = run("postgres", json!({"url": url})).await;
    fault(&sample, Reason::TooLarge);
    peer.sees_the_connection_end().await;
}

#[tokio::test]
async fn no_garbage_makes_the_probe_itself_fail() {
    let (ok, ready) = (&b"R\0\0\0\x08\0\0\0\0"[..], &b"Z\0\0\0\x05I"[..]);
    for said in [
        &b"R\0\0\0\x04"[..],
        b"R\0\0\0\x08\0\0\0\x05",
        b"R\0\0\0\x08\0\0\0\x0a",
        b"R\0\0\0\x0c\0\0\0\x0aXYZW",
        b"E\0\0\0\x04",
        b"E\0\0\0\x05\0",
        b"E\0\0\0\x09SABC\0",
        b"N\0\0\0\x04",
        &[ok, b"K\0\0\0\x04", ready].concat(),
        &[ok, b"S\0\0\0\x04", ready].concat(),
        &[ok, ready, b"E\0\0\0\x05\0"].concat(),
        &[ok, ready, ready, ready].concat(),
        &[0xff; 4096],
        &[0; 4096],
    ] {
        let (peer, sample) = meet(Manner::Say(said.to_vec())).await;
        let fault = sample.fault.as_ref().expect("nothing proper was said");
        assert_ne!(fault.reason, Reason::Panic, "{said:?}: {fault:?}");
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
