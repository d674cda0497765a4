//! A kept connection: used again, opened anew when the target has closed it, ignored when a run
//! must be fresh.

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
