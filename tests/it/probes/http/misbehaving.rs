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

#[tokio::test]
async fn an_answer_that_never_becomes_one_is_cut_off_long_before_the_deadline() {
    let authority = Authority::new();
    let certificate = authority.server();
    let (settings, update) = (
        &b"\0\0\0\x04\0\0\0\0\0"[..],
        &b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01"[..],
    );
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let in_the_clear = [
        (&b""[..], &b"HTTP/1.1 100 Continue\r\n\r\n"[..]),
        (
            b"",
            b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n",
        ),
        (chunked, b"0"),
    ];
    let mut peers = Vec::new();
    for (head, unit) in in_the_clear {
        peers.push(Peer::start(Does::Repeats(head.to_vec(), unit.to_vec())).await);
    }
    let frames = Does::Repeats(settings.to_vec(), update.to_vec());
    peers.push(Peer::start_tls_speaking(b"h2", frames, &certificate).await);
    for peer in peers {
        let url = peer.url("/");
        let sample = run(&*probe(json!({ "url": url, "tls": { "verify": false } }))).await;
        assert_fault(
            &sample,
            Reason::TooLarge,
            "far more than an answer may have",
        );
        assert!(
            sample.latency < Duration::from_secs(10),
            "{:?}",
            sample.latency
        );
        peer.all_closed().await;
    }
}

#[tokio::test]
async fn informational_answers_and_small_chunks_are_no_flood() {
    let hints = b"HTTP/1.1 103 Early Hints\r\nlink: </style.css>\r\n\r\n".repeat(100);
    let chunks = b"1\r\nx\r\n".repeat(1 << 20);
    let said = [
        &hints[..],
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        &chunks,
        b"0\r\n\r\n",
    ];
    let peer = Peer::start(Does::Says(said.concat())).await;
    let sample = run(&*probe(json!({ "url": peer.url("/") }))).await;
    assert_pass(&sample);
    assert_eq!(reading(&sample, "body_bytes"), Some(f64::from(1 << 20)));
}

#[tokio::test]
async fn what_is_no_http_2_is_told_from_a_session_that_the_target_ends() {
    let authority = Authority::new();
    let certificate = authority.server();
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    // GOAWAY: no stream was heard, internal error, and words of the target.
    let farewell = b"\0\0\x14\x07\0\0\0\0\0\0\0\0\0\0\0\0\x02canary\x1b[31mx";
    let cases = [
        (
            b"HTTP/1.1 400 Bad Request\r\n\r\n and more".to_vec(),
            Reason::Malformed,
            "is not HTTP/2",
        ),
        (
            [&settings[..], farewell].concat(),
            Reason::Reset,
            "internal error",
        ),
    ];
    for (said, reason, detail) in cases {
        let peer = Peer::start_tls_speaking(b"h2", Does::Says(said), &certificate).await;
        let settings = json!({ "url": peer.url("/"), "tls": { "verify": false } });
        let sample = run(&*probe(settings)).await;
        assert_fault(&sample, reason, detail);
        assert!(!sample.fault.unwrap().detail.contains("canary"));
        peer.all_closed().await;
    }
}
