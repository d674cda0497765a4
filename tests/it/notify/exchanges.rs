//! Whoever passes messages on and misbehaves: hangs, resets, sends garbage, too much, or somewhere else.

use std::time::Duration;

use smokejumper::notify::Unsent;

use super::{slack, trouble};
use crate::harness::http_peer::{Does, Peer, answer};

const SECRET: &str = "/services/T0/B0/canary-of-slack";

#[tokio::test]
async fn whatever_a_peer_does_the_sending_ends_and_tells_no_secret() {
    let endless = "HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n";
    let cases: [(Does, &str); 7] = [
        (Does::Hangs, "did not answer in time"),
        (Does::Resets, "no answer from"),
        (Does::Closes, "no answer from"),
        (
            Does::Says(b"\x00\x01garbage\r\n\r\n".to_vec()),
            "no answer from",
        ),
        (
            Does::Drips("HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\n"),
            "in time",
        ),
        (Does::Floods(endless, 10_000), "no answer of Slack"),
        (
            Does::Says(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok".to_vec()),
            "broke off",
        ),
    ];
    for (does, part) in cases {
        let peer = Peer::start(does).await;
        let (notifier, trouble) = (slack(&peer.url(SECRET)), trouble());
        let sending = tokio::time::timeout(Duration::from_secs(60), notifier.send(&trouble));
        let came = sending.await.expect("it ends by its own deadline");
        let Err(Unsent::Passing(why)) = came else {
            panic!("{part}: {came:?}");
        };
        assert!(
            why.contains(part) && why.contains("127.0.0.1"),
            "{part}: {why}"
        );
        assert!(
            !why.contains("canary") && !why.contains("services"),
            "{why}"
        );
    }
}

#[tokio::test]
async fn nobody_there_is_no_fault_for_good() {
    let peer = Peer::start(Does::Hangs).await;
    let url = peer.url(SECRET);
    peer.stop().await;
    let came = slack(&url).send(&trouble()).await;
    let Err(Unsent::Passing(why)) = came else {
        panic!("{came:?}");
    };
    assert!(
        why.starts_with("no connection to 127.0.0.1: ") && !why.contains("canary"),
        "{why}"
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_a_secret() {
    let thief = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let location = format!("location: {}", thief.url("/"));
    for status in ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"] {
        let peer = Peer::answering(answer(status, &[&location], b"")).await;
        let came = slack(&peer.url(SECRET)).send(&trouble()).await;
        assert!(
            matches!(came, Err(Unsent::Refused(_))),
            "{status}: {came:?}"
        );
    }
    assert_eq!(thief.accepted(), 0);
}

#[tokio::test]
async fn one_connection_serves_many_messages() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let slack = slack(&peer.url(SECRET));
    for _ in 0..5 {
        assert_eq!(slack.send(&trouble()).await, Ok(()));
    }
    assert_eq!((peer.asked().len(), peer.accepted()), (5, 1));
}
