//! What a peer does with a connection, from answering well to flooding it.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::Seen;

/// What a peer does with each connection.
#[derive(Clone)]
pub enum Does {
    /// Answers each request with what this makes of it; keeps the connection.
    Answers(Arc<Answering>),
    /// Answers one request a connection and closes it without saying so beforehand.
    AnswersOnce(&'static str),
    /// Reads whatever comes and never says a word.
    Hangs,
    /// Reads the request, then resets the connection.
    Resets,
    /// Reads the request, then closes the connection.
    Closes,
    /// Sends these bytes, whatever was asked, and closes.
    Says(Vec<u8>),
    /// Sends these bytes at once, without waiting for a request.
    SaysFirst(&'static [u8]),
    /// Sends this, then one byte after the other, without end.
    Drips(&'static str),
    /// Reads the request, sends the first bytes once and the others again and again, without end.
    Repeats(Vec<u8>, Vec<u8>),
    /// Sends this, then so many times a block of 64 KiB.
    Floods(&'static str, usize),
}

/// Makes the bytes of an answer from a request.
pub type Answering = dyn Fn(&Asked) -> Vec<u8> + Send + Sync;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The first line and the headers.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Asked {
    /// The path of the first line.
    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header, where it came.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Does {
    /// Every way ends only when the other side has closed: an open connection is one that leaked.
    pub(super) async fn with(&self, stream: impl Wire + 'static, seen: &Seen) {
        let mut stream: Box<dyn Wire> = Box::new(stream);
        match self {
            Self::Answers(answer) => {
                while let Some(asked) = request(&mut stream).await {
                    let bytes = answer(&asked);
                    seen.asked.lock().expect("no panic held it").push(asked);
                    if stream.write_all(&bytes).await.is_err() {
                        break;
                    }
                }
            }
            Self::AnswersOnce(answer) => {
                if let Some(asked) = request(&mut stream).await {
                    seen.asked.lock().expect("no panic held it").push(asked);
                    say(&mut stream, answer.as_bytes()).await;
                }
            }
            Self::Hangs => until_closed(stream).await,
            Self::Resets => {
                request(&mut stream).await;
                stream.reset();
            }
            Self::Closes => {
                request(&mut stream).await;
            }
            Self::Says(bytes) => {
                request(&mut stream).await;
                say(&mut stream, bytes).await;
            }
            Self::SaysFirst(bytes) => {
                say(&mut stream, bytes).await;
                until_closed(stream).await;
            }
            Self::Drips(head) => {
                request(&mut stream).await;
                say(&mut stream, head.as_bytes()).await;
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            Self::Repeats(head, unit) => {
                request(&mut stream).await;
                say(&mut stream, head).await;
                let block = unit.repeat(65_536 / unit.len());
                while stream.write_all(&block).await.is_ok() {}
            }
            Self::Floods(head, blocks) => {
                request(&mut stream).await;
                say(&mut stream, head.as_bytes()).await;
                let block = vec![b'x'; 65_536];
                for _ in 0..*blocks {
                    if stream.write_all(&block).await.is_err() {
                        break;
                    }
                }
                until_closed(stream).await;
            }
        }
    }
}

/// A connection, TLS or not.
pub trait Wire: AsyncRead + AsyncWrite + Send + Unpin {
    /// Makes closing it a reset.
    fn reset(&self);
}

impl Wire for TcpStream {
    fn reset(&self) {
        self.set_zero_linger().expect("linger can be set");
    }
}

impl Wire for tokio_rustls::server::TlsStream<TcpStream> {
    fn reset(&self) {
        self.get_ref().0.reset();
    }
}

/// A client that has gone is what many tests are about: not being heard is no failure of the peer.
async fn say(stream: &mut Box<dyn Wire>, bytes: &[u8]) {
    drop(stream.write_all(bytes).await);
}

pub(super) async fn until_closed(mut stream: impl AsyncRead + Unpin) {
    let mut buffer = [0; 4096];
    while stream.read(&mut buffer).await.is_ok_and(|came| came > 0) {}
}

/// Reads one request; absent when the connection ends first.
async fn request(stream: &mut Box<dyn Wire>) -> Option<Asked> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let mut asked = Asked {
        head: String::from_utf8_lossy(&head).into_owned(),
        body: Vec::new(),
    };
    let length = asked.header("content-length").unwrap_or("0");
    asked.body = vec![0; length.parse().expect("a length")];
    stream.read_exact(&mut asked.body).await.ok()?;
    Some(asked)
}
