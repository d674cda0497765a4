//! Peers that hang, flood and send garbage: others are served, and the server ends all the same.

use std::time::Duration;

use http::StatusCode;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::stage::{ACTOR, guarded, happening, open};

/// Longer than anything here takes on a machine that is busy.
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn who_sends_nothing_or_half_keeps_nobody_out() {
    let stage = open().await;
    let mut hung = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(stage.address).await.expect("it listens");
        match number % 3 {
            0 => {}
            1 => stream
                .write_all(b"GET /healthz HT")
                .await
                .expect("it reads"),
            _ => {
                let head = b"POST /api/v1/freeze HTTP/1.1\r\nhost: localhost\r\ncontent-length: 99\r\n\r\n{";
                stream.write_all(head).await.expect("it reads");
            }
        }
        hung.push(stream);
    }
    for _ in 0..20 {
        assert_eq!(stage.get("/api/v1/status").await.status, StatusCode::OK);
    }
}

/// So many connections may one address have.
const SHARE: usize = 256;

#[tokio::test]
async fn who_is_silent_makes_room_for_who_asks() {
    let stage = open().await;
    let mut kept = Vec::new();
    // One by one: each is answered, and then kept and silent.
    for _ in 0..SHARE + 44 {
        let mut stream = TcpStream::connect(stage.address).await.expect("it listens");
        let head = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(head).await.expect("it reads");
        let mut answer = Vec::new();
        while !answer.ends_with(b"ok\n") {
            let read = tokio::time::timeout(SOON, stream.read_buf(&mut answer)).await;
            assert_ne!(read.expect("in time").expect("an answer"), 0);
        }
        kept.push(stream);
    }
    for stream in kept.iter_mut().take(44) {
        let mut end = [0; 1];
        let read = tokio::time::timeout(SOON, stream.read(&mut end)).await;
        let left = read.expect("the first had to go");
        assert!(matches!(left, Ok(0) | Err(_)), "{left:?}");
    }
    let mut last = kept.pop().expect("the last one");
    let head = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    last.write_all(head).await.expect("it is kept");
    let mut answer = String::new();
    last.read_to_string(&mut answer).await.expect("an answer");
    assert!(answer.ends_with("ok\n"), "{answer}");
}

#[tokio::test]
async fn who_listens_is_not_sent_away_by_who_is_silent_and_neither_keeps_others_out() {
    let stage = open().await;
    let mut listening = Vec::new();
    // More than may listen: the others are told so.
    for _ in 0..140 {
        let mut stream = TcpStream::connect(stage.address).await.expect("it listens");
        let head = b"GET /api/v1/events HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(head).await.expect("it reads");
        let mut status = [0; 12];
        let read = tokio::time::timeout(SOON, stream.read_exact(&mut status)).await;
        read.expect("in time").expect("an answer");
        match &status {
            b"HTTP/1.1 200" => listening.push(stream),
            other => assert_eq!(other, b"HTTP/1.1 503"),
        }
    }
    let mut silent = Vec::new();
    for _ in 0..300 {
        let mut stream = TcpStream::connect(stage.address).await.expect("it listens");
        // It may be sent away already.
        stream
            .write_all(b"GET / HTTP/1.1\r\nhost: local")
            .await
            .ok();
        silent.push(stream);
    }
    for path in ["/healthz", "/", "/metrics"] {
        assert_eq!(stage.get(path).await.status, StatusCode::OK, "{path}");
    }
    stage.handle.tell(happening(1, "decided", Some("api")));
    assert!(!listening.is_empty());
    for stream in &mut listening {
        let mut heard = Vec::new();
        while !String::from_utf8_lossy(&heard).contains("decided") {
            let read = tokio::time::timeout(SOON, stream.read_buf(&mut heard)).await;
            assert_ne!(read.expect("in time").expect("it is connected"), 0);
        }
    }
}

#[tokio::test]
async fn garbage_is_refused() {
    let stage = open().await;
    let long = format!(
        "GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n",
        "x".repeat(100_000)
    );
    let many = format!(
        "GET / HTTP/1.1\r\nhost: localhost\r\n{}\r\n",
        "x: y\r\n".repeat(20_000)
    );
    let cases: [&[u8]; 6] = [
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        long.as_bytes(),
        many.as_bytes(),
    ];
    for bytes in cases {
        let mut stream = TcpStream::connect(stage.address).await.expect("it listens");
        // It may be cut off before all is sent.
        stream.write_all(bytes).await.ok();
        stream.shutdown().await.ok();
        let mut answer = Vec::new();
        let read = tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await;
        read.expect("in time").ok();
        let answer = String::from_utf8_lossy(&answer);
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{answer}"
        );
    }
    assert_eq!(stage.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_body_without_end_is_cut() {
    let stage = guarded().await;
    let mut stream = TcpStream::connect(stage.address).await.expect("it listens");
    let head = format!(
        "POST /api/v1/freeze HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {ACTOR}\r\n\
         content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it reads");
    let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
    for _ in 0..64 {
        if stream.write_all(chunk.as_bytes()).await.is_err() {
            break;
        }
    }
    let mut answer = [0; 12];
    tokio::time::timeout(SOON, stream.read_exact(&mut answer))
        .await
        .expect("in time")
        .expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn the_server_ends_with_requests_in_flight() {
    let mut stage = open().await;
    stage.scripted(|script| script.hangs = true);
    let mut stream = TcpStream::connect(stage.address).await.expect("it listens");
    stream
        .write_all(b"GET /api/v1/status HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("it reads");
    let idle = TcpStream::connect(stage.address).await.expect("it listens");
    // Another request is answered: both are accepted by now.
    assert_eq!(stage.get("/healthz").await.status, StatusCode::OK);
    stage.stop.cancel();
    let serving = stage.serving.take().expect("it serves");
    tokio::time::timeout(SOON, serving)
        .await
        .expect("in time")
        .expect("it did not panic");
    drop(idle);
}

#[tokio::test]
async fn a_question_that_the_daemon_does_not_answer_leaves_the_others_alone() {
    let stage = open().await;
    stage.scripted(|script| script.hangs = true);
    let mut stream = TcpStream::connect(stage.address).await.expect("it listens");
    stream
        .write_all(b"GET /api/v1/status HTTP/1.1\r\nhost: localhost\r\n\r\n")
        .await
        .expect("it reads");
    for path in [
        "/healthz",
        "/metrics",
        "/api/v1/decisions",
        "/api/v1/openapi.json",
    ] {
        assert_eq!(stage.get(path).await.status, StatusCode::OK, "{path}");
    }
}
