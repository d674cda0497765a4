//! Peers that refuse, hang, reset, lie and flood: each ends within the deadline, with a reason
//! that names the cause, and with its connection closed.

use std::io::Write as _;

use super::*;

fn gzip_bomb() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..64 {
        encoder
            .write_all(&vec![0; 1 << 20])
            .expect("memory takes it");
    }
    let bomb = encoder.finish().expect("memory takes it");
    assert!(bomb.len() < 1 << 20, "the bomb is small before it bursts");
    answer("200 OK", &["content-encoding: gzip"], &bomb)
}

fn many_headers() -> Vec<u8> {
    let header = format!("x-filler: {}\r\n", "x".repeat(1_000));
    format!("HTTP/1.1 200 OK\r\n{}\r\n", header.repeat(500)).into_bytes()
}

#[tokio::test]
async fn what_a_peer_does_wrong_is_named() {
    let says = |text: &str| Does::Says(text.as_bytes().to_vec());
    let cases = [
        (
            Does::Resets,
            Reason::Reset,
            "connection reset while waiting for the answer",
        ),
        (
            Does::Closes,
            Reason::Closed,
            "connection closed while waiting for the answer",
        ),
        (
            says("SSH-2.0-OpenSSH_9.6\r\n"),
            Reason::Malformed,
            "is not HTTP",
        ),
        (
            Does::Says(vec![0xff; 4096]),
            Reason::Malformed,
            "is not HTTP",
        ),
        (
            says("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this"),
            Reason::Closed,
            "(status 200, 9 bytes so far)",
        ),
        (
            says("HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n"),
            Reason::Malformed,
            "is not HTTP",
        ),
        (
            says("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n"),
            Reason::Malformed,
            "reading the body",
        ),
        (Does::Says(many_headers()), Reason::TooLarge, "headers"),
        (
            Does::Floods(
                "HTTP/1.1 200 OK\r\ncontent-length: 209715200\r\n\r\n",
                3_200,
            ),
            Reason::TooLarge,
            "209715200 bytes, limit 1048576 bytes",
        ),
        (
            Does::Floods("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", 3_200),
            Reason::TooLarge,
            "larger than allowed",
        ),
        (
            Does::Says(gzip_bomb()),
            Reason::TooLarge,
            "decompressed body",
        ),
        (
            Does::Says(answer("200 OK", &["content-encoding: gzip"], b"plain")),
            Reason::Malformed,
            "said to be gzip and is not",
        ),
    ];
    for (does, reason, detail) in cases {
        let peer = Peer::start(does).await;
        let sample = run(&*probe(json!({ "url": peer.url("/") }))).await;
        assert_fault(&sample, reason, detail);
        peer.all_closed().await;
    }
}

#[tokio::test]
async fn whoever_does_not_answer_is_given_up_at_the_deadline() {
    let deadline = Duration::from_millis(300);
    let cases = [
        (Does::Hangs, "waiting for the answer"),
        (
            Does::Drips("HTTP/1.1 200 OK\r\n"),
            "while reading the answer",
        ),
        (
            Does::Drips("HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n"),
            "while reading the answer",
        ),
    ];
    for (does, doing) in cases {
        let peer = Peer::start(does).await;
        let probe = probe(json!({ "url": peer.url("/") }));
        let sample = run_within(&*probe, deadline, false).await;
        assert_fault(&sample, Reason::Timeout, "no whole answer within 300ms");
        assert_fault(&sample, Reason::Timeout, doing);
        assert!(sample.latency >= deadline, "{:?}", sample.latency);
        // The slot is free: the target sees the connection go.
        peer.all_closed().await;
    }
}

#[tokio::test]
async fn a_peer_that_hangs_in_the_tls_handshake_is_given_up_there() {
    let peer = Peer::start(Does::Hangs).await;
    let url = format!("https://{}/", peer.address());
    let sample = run_within(
        &*probe(json!({ "url": url })),
        Duration::from_millis(300),
        false,
    )
    .await;
    assert_fault(&sample, Reason::Timeout, "during the TLS handshake");
    peer.all_closed().await;
}

#[tokio::test]
async fn nobody_there_is_a_refusal() {
    let port = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().port()
    };
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("http://{host}:{port}/");
        let sample = run(&*probe(json!({ "url": url }))).await;
        assert_fault(
            &sample,
            Reason::Refused,
            "connection refused while connecting to",
        );
        assert!(sample.fault.expect("refused").transient);
    }
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_the_targets_fault() {
    // Reserved never to exist (RFC 6761), so that no name server has to be asked.
    let sample = run(&*probe(json!({ "url": "http://nowhere.invalid/" }))).await;
    assert_fault(&sample, Reason::Dns, "nowhere.invalid");
}
