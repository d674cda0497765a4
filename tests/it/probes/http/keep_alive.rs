//! A kept connection: used again, opened anew when the target has closed it, ignored when a run
//! must be fresh.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::*;

fn keeping(peer: &Peer) -> Box<dyn Probe> {
    probe(json!({ "url": peer.url("/"), "connection": "keep_alive" }))
}

#[tokio::test]
async fn one_connection_serves_many_runs() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let probe = keeping(&peer);
    for _ in 0..3 {
        assert_pass(&run(&*probe).await);
    }
    assert_eq!(peer.accepted(), 1);
    let again = run(&*probe).await;
    assert_eq!(again.phases.get(Phase::Connect), None);
    assert!(again.phases.get(Phase::Ttfb).is_some());
    drop(probe);
    peer.all_closed().await;
}

#[tokio::test]
async fn a_fresh_run_opens_its_own() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let probe = keeping(&peer);
    assert_pass(&run(&*probe).await);
    assert_pass(&run_within(&*probe, Duration::from_secs(20), true).await);
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn without_it_each_run_opens_its_own() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let probe = probe(json!({ "url": peer.url("/") }));
    for _ in 0..2 {
        assert_pass(&run(&*probe).await);
        peer.all_closed().await;
    }
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn a_connection_that_the_target_closed_is_opened_anew_and_noted() {
    let once = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let peer = Peer::start(Does::AnswersOnce(once)).await;
    let probe = keeping(&peer);
    assert_pass(&run(&*probe).await);
    peer.all_closed().await;
    let sample = run(&*probe).await;
    assert_pass(&sample);
    assert_eq!(sample.notes.len(), 1, "{:?}", sample.notes);
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn a_target_that_has_gone_is_not_hidden_by_a_kept_connection() {
    let once = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let peer = Peer::start(Does::AnswersOnce(once)).await;
    let probe = keeping(&peer);
    assert_pass(&run(&*probe).await);
    peer.all_closed().await;
    peer.stop().await;
    let sample = run(&*probe).await;
    assert_fault(&sample, Reason::Refused, "connection refused");
}

#[tokio::test]
async fn what_was_closed_meanwhile_fails_no_request_that_may_be_sent_only_once() {
    let once = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    let peer = Peer::start(Does::AnswersOnce(once)).await;
    let probe = probe(json!({
        "url": peer.url("/"),
        "method": "POST",
        "body": "once",
        "connection": "keep_alive"
    }));
    for runs in 1..=3 {
        assert_pass(&run(&*probe).await);
        peer.all_closed().await;
        assert_eq!(peer.asked().len(), runs, "each is sent once");
    }
}

#[tokio::test]
async fn runs_that_overlap_keep_a_connection_each() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let probe = keeping(&peer);
    for _ in 0..2 {
        // Both are under way before either is answered: the peer is polled only between them.
        let (one, other) = futures_util::future::join(run(&*probe), run(&*probe)).await;
        assert_pass(&one);
        assert_pass(&other);
    }
    assert_eq!(peer.accepted(), 2);
}

#[tokio::test]
async fn a_connection_from_before_is_of_no_use_when_the_run_says_so() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let probe = keeping(&peer);
    let clock = Arc::new(RealClock(tokio::time::Instant::now()));
    let run = async |opened_since: Moment| {
        let conditions = Conditions {
            opened_since,
            ..Conditions::default()
        };
        let within = Duration::from_secs(20);
        attempt::run(
            &*probe,
            &CheckId::new("check"),
            clock.clone(),
            within,
            conditions,
        )
        .await
    };
    assert_pass(&run(Moment::ORIGIN).await);
    let now = clock.now();
    let opened_anew = run(now).await;
    assert_pass(&opened_anew);
    assert_eq!(peer.accepted(), 2);
    assert_eq!(reading(&opened_anew, "reused"), Some(0.0));
    let used_again = run(now).await;
    assert_eq!(peer.accepted(), 2);
    assert_eq!(reading(&used_again, "reused"), Some(1.0));
    // The one that was opened before is not kept either.
    drop(probe);
    peer.all_closed().await;
}

#[tokio::test]
async fn reuse_is_told_where_connections_are_kept_and_nowhere_else() {
    let peer = Peer::answering(answer("200 OK", &[], b"ok")).await;
    let keeping = keeping(&peer);
    assert_eq!(reading(&run(&*keeping).await, "reused"), Some(0.0));
    assert_eq!(reading(&run(&*keeping).await, "reused"), Some(1.0));
    let fresh = probe(json!({ "url": peer.url("/") }));
    assert_eq!(reading(&run(&*fresh).await, "reused"), None);
}

#[tokio::test]
async fn the_first_origin_s_connection_is_kept_though_a_redirect_leaves_it() {
    let there = Peer::answering(answer("200 OK", &[], b"there")).await;
    let location = format!("location: {}", there.url("/"));
    let here = Peer::answering(answer("302 Found", &[&location], b"")).await;
    let probe = keeping(&here);
    for runs in 1..=3 {
        assert_pass(&run(&*probe).await);
        assert_eq!((here.accepted(), there.accepted()), (1, runs));
    }
}

/// Frames of HTTP/2 (RFC 9113, section 4.1): length, kind, flags, stream.
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
/// The head of an answer with status 200, from the static table of HPACK, on stream 1.
const WELL: &[u8] = &[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88];
/// GOAWAY without an error: stream 1 was the last one that was looked at.
const LEAVING: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];

/// Reads frames until one begins a request; absent when the other side has gone.
async fn next_request(stream: &mut TcpStream) -> Option<()> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let length = usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; length]).await.ok()?;
        if head[3] == 1 {
            return Some(());
        }
    }
}

/// Answers the first request of a connection; leaves it when the second one comes.
async fn leave_at_the_second(mut stream: TcpStream) -> Option<()> {
    stream.read_exact(&mut [0; 24]).await.ok()?;
    stream.write_all(SETTINGS).await.ok()?;
    next_request(&mut stream).await?;
    stream.write_all(WELL).await.ok()?;
    next_request(&mut stream).await?;
    stream.write_all(LEAVING).await.ok()
}

#[tokio::test]
async fn a_request_that_a_leaving_target_has_not_looked_at_is_sent_over_another_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            leave_at_the_second(stream).await;
        }
    });
    let probe = probe(json!({
        "url": format!("http://127.0.0.1:{port}/"),
        "protocol": "http2",
        "connection": "keep_alive"
    }));
    assert_pass(&run(&*probe).await);
    let again = run(&*probe).await;
    assert_pass(&again);
    assert_eq!(again.notes.len(), 1, "{:?}", again.notes);
    assert_eq!(reading(&again, "reused"), Some(0.0));
    serving.abort();
}
