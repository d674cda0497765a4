//! The peer: it waits until it is asked, says the next part of what it has to say, and hangs up when
//! it has said all.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// How a peer talks.
pub struct Manner {
    /// How what it has to say falls into parts.
    pub parts: fn(&[u8]) -> Vec<Vec<u8>>,
    /// Whether what it was sent since the last part is a whole question.
    pub is_asked: fn(&[u8]) -> bool,
    /// What it makes of a part, given what it was sent: names and keys of the question that an answer
    /// has to repeat.
    pub repeats: fn(&[u8], Vec<u8>) -> Vec<u8>,
    /// How it opens a TLS session, given what it has to say; none where it talks in the clear.
    pub tls: Option<fn(&[u8]) -> Option<TlsAcceptor>>,
}

impl Default for Manner {
    /// All at once, as soon as anything was sent.
    fn default() -> Self {
        Self {
            parts: |data| vec![data.to_vec()],
            is_asked: |sent| !sent.is_empty(),
            repeats: |_, part| part,
            tls: None,
        }
    }
}

/// Accepts for ever, each connection at its own pace.
pub async fn serve(listener: &TcpListener, manner: &Manner, data: Arc<[u8]>) -> Infallible {
    let mut talks = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let (parts, is_asked) = ((manner.parts)(&data), manner.is_asked);
        let repeats = manner.repeats;
        let acceptor = manner.tls.map(|tls| tls(&data));
        talks.spawn(async move {
            // Whoever is asked wrongly or hung up on has nothing to say about it.
            match acceptor {
                None => talk(stream, parts, is_asked, repeats).await.ok(),
                Some(Some(acceptor)) => match acceptor.accept(stream).await {
                    Ok(stream) => talk(stream, parts, is_asked, repeats).await.ok(),
                    Err(_) => None,
                },
                Some(None) => None,
            }
        });
    }
}

async fn talk(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    parts: Vec<Vec<u8>>,
    is_asked: fn(&[u8]) -> bool,
    repeats: fn(&[u8], Vec<u8>) -> Vec<u8>,
) -> io::Result<()> {
    let mut sent = Vec::new();
    for part in parts {
        while !is_asked(&sent) {
            match tokio::time::timeout(PATIENCE, stream.read_buf(&mut sent)).await {
                Ok(Ok(0)) => return Ok(()),
                Ok(read) => _ = read?,
                // The client waits for more than the last part said: each would wait for the other.
                Err(_) => break,
            }
        }
        let part = repeats(&sent, part);
        sent.clear();
        stream.write_all(&part).await?;
        stream.flush().await?;
    }
    stream.shutdown().await?;
    // Unread bytes would turn the goodbye into a reset, and what was said would be lost.
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await?;
    Ok(())
}

/// How long a peer waits for a question. Clients ask within a millisecond.
const PATIENCE: std::time::Duration = std::time::Duration::from_millis(50);

/// Whether a request of HTTP/1 is whole; those with a body come in one piece here.
#[must_use]
pub fn is_request(sent: &[u8]) -> bool {
    sent.windows(4).any(|end| end == b"\r\n\r\n")
}

/// Whether a request of HTTP/2 has come: a frame of type HEADERS behind the preface (RFC 9113, sections 3.4
/// and 4.1). Whatever is said of its stream before that is an error of its own.
#[must_use]
pub fn has_headers(sent: &[u8]) -> bool {
    let mut rest = sent.get(PREFACE..).unwrap_or_default();
    while let [a, b, c, kind, tail @ ..] = rest {
        if *kind == HEADERS {
            return true;
        }
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        rest = tail.get(FLAGS_AND_STREAM + length..).unwrap_or_default();
    }
    false
}

const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const FLAGS_AND_STREAM: usize = 5;

/// Answers of HTTP/1 around JSON: one for each line of `data`. A line may begin with a status of its
/// own: `!503 `.
#[must_use]
pub fn as_json_answers(data: &[u8]) -> Vec<Vec<u8>> {
    data.split(|byte| *byte == b'\n')
        .map(|line| answer(line, "application/json"))
        .collect()
}

/// One answer of HTTP/1 with `data` as its text; it may begin with a status of its own: `!503 `.
#[must_use]
pub fn as_text_answer(data: &[u8]) -> Vec<Vec<u8>> {
    vec![answer(data, "text/plain")]
}

fn answer(line: &[u8], content_type: &str) -> Vec<u8> {
    let (status, body) = match line {
        [b'!', a, b, c, b' ', body @ ..] if [a, b, c].iter().all(|it| it.is_ascii_digit()) => {
            (String::from_utf8_lossy(&[*a, *b, *c]).into_owned(), body)
        }
        body => ("200".to_owned(), body),
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
