//! The kind `redis` against servers that pause or stop, and against peers that are no Redis at all.

use std::time::Duration;

use serde_json::json;
use smokejumper::sample::Reason;

use super::keeps_its_secret;
use crate::harness::postgres::free_port;
use crate::harness::probing::{fault, run, run_within};
use crate::harness::raw_peer::{Manner, RawPeer};
use crate::harness::redis::{PASSWORD, PASSWORD_IN_URL, Redis};

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
        (say("*1000000000\r\n"), Reason::Malformed),
        (say("%1000000000\r\n"), Reason::Malformed),
        (say("$999999999999\r\n"), Reason::Timeout),
        (say("$99999999999999999999\r\n"), Reason::Malformed),
        (pong_then(":1\r\n"), Reason::Malformed),
        (pong_then("$5\r\nrole"), Reason::Timeout),
        (Manner::Drip(b"+".to_vec(), b"x".to_vec()), Reason::Timeout),
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
        let sample = run_within(Duration::from_millis(400), "redis", json!({"url": url})).await;
        let fault = sample.fault.as_ref().expect("nothing proper was said");
        assert_eq!(fault.reason, reason, "{manner:?}: {fault:?}");
        peer.sees_the_connection_end().await;
    }
}

#[tokio::test]
async fn no_garbage_makes_the_probe_itself_fail() {
    for said in [
        "$9223372036854775807\r\nabc",
        "=-1\r\n",
        "!-1\r\nabc\r\n",
        "%-1\r\n",
        "%9223372036854775807\r\n",
        "|9223372036854775807\r\n",
        "~9223372036854775807\r\n",
        ">1\r\n:1\r\n",
        "(12x\r\n",
        ",nan\r\n",
        "-\r\n",
        "+\r\n",
        "\r\n\r\n",
        "\0\0\0\0",
    ] {
        let peer = RawPeer::start(Manner::Say(said.as_bytes().to_vec())).await;
        let url = format!("redis://127.0.0.1:{}", peer.port());
        let sample = run_within(Duration::from_millis(300), "redis", json!({"url": url})).await;
        let fault = sample.fault.as_ref().expect("nothing proper was said");
        assert_ne!(fault.reason, Reason::Panic, "{said:?}: {fault:?}");
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
