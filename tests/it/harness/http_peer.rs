//! HTTP servers of our own: one that answers as told, and peers that misbehave in every way that a
//! prober meets. All on loopback; dropping one ends it and its connections.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::certificates::ServerCertificate;

/// What a peer does with each connection.
#[derive(Clone)]
pub enum Does {
    /// Answers each request with what this makes of it; keeps the connection.
    Answers(Arc<dyn Fn(&Asked) -> Vec<u8> + Send + Sync>),
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
    /// Sends this, then so many times a block of 64 KiB.
    Floods(&'static str, usize),
}

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

/// A running peer.
pub struct Peer {
    address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Seen>,
    serving: JoinSet<()>,
}

#[derive(Default)]
struct Seen {
    accepted: AtomicUsize,
    open: AtomicUsize,
    asked: Mutex<Vec<Asked>>,
}

impl Peer {
    /// Starts a peer in the clear.
    pub async fn start(does: Does) -> Self {
        Self::serve(does, None).await
    }

    /// Starts a peer that answers every request with `answer` as it stands.
    pub async fn answering(answer: impl Into<Vec<u8>>) -> Self {
        let answer = answer.into();
        Self::start(Does::Answers(Arc::new(move |_| answer.clone()))).await
    }

    /// Starts a peer behind TLS that speaks HTTP/1.1.
    pub async fn start_tls(does: Does, certificate: &ServerCertificate) -> Self {
        let acceptor = TlsAcceptor::from(certificate.server_config(&[b"http/1.1"]));
        Self::serve(does, Some(acceptor)).await
    }

    async fn serve(does: Does, tls: Option<TlsAcceptor>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        Self::accepting(scheme, move |stream, seen| {
            let (does, tls) = (does.clone(), tls.clone());
            Box::pin(async move {
                match tls {
                    None => does.with(stream, &seen).await,
                    Some(acceptor) => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            does.with(stream, &seen).await;
                        }
                    }
                }
            })
        })
        .await
    }

    /// Starts a server of HTTP/2 behind TLS that answers `{"version":"HTTP/2.0"}` with the version
    /// that it was asked in.
    pub async fn start_http_2(certificate: &ServerCertificate) -> Self {
        let acceptor = TlsAcceptor::from(certificate.server_config(&[b"h2"]));
        Self::accepting("https", move |stream, _| {
            let acceptor = acceptor.clone();
            Box::pin(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = hyper::service::service_fn(
                    |request: hyper::Request<hyper::body::Incoming>| async move {
                        let body = format!("{{\"version\":\"{:?}\"}}", request.version());
                        Ok::<_, std::convert::Infallible>(hyper::Response::new(body))
                    },
                );
                // The client leaves when it has its answer: how it does is no matter here.
                drop(
                    hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
                        .serve_connection(hyper_util::rt::TokioIo::new(stream), service)
                        .await,
                );
            })
        })
        .await
    }

    async fn accepting(
        scheme: &'static str,
        handle: impl Fn(TcpStream, Arc<Seen>) -> Pin<Box<dyn Future<Output = ()> + Send>>
        + Send
        + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a local address");
        let seen = Arc::new(Seen::default());
        let mut serving = JoinSet::new();
        let shared = Arc::clone(&seen);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("no delay");
                shared.accepted.fetch_add(1, Ordering::SeqCst);
                shared.open.fetch_add(1, Ordering::SeqCst);
                let connection = handle(stream, Arc::clone(&shared));
                let shared = Arc::clone(&shared);
                connections.spawn(async move {
                    connection.await;
                    shared.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            address,
            scheme,
            seen,
            serving,
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address of a path on it, by its number.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// The address of a path on it, by the name `localhost`.
    pub fn url_by_name(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    /// How many connections were opened.
    pub fn accepted(&self) -> usize {
        self.seen.accepted.load(Ordering::SeqCst)
    }

    /// The requests, in the order in which they came.
    pub fn asked(&self) -> Vec<Asked> {
        self.seen.asked.lock().expect("no panic held it").clone()
    }

    /// Stops listening, for a test that goes on when nobody is there any more.
    pub async fn stop(mut self) {
        self.serving.shutdown().await;
    }

    /// Waits until the other side has closed every connection; panics when it does not.
    pub async fn all_closed(&self) {
        for _ in 0..500 {
            if self.seen.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("a connection was not closed");
    }
}

impl Does {
    /// Every way ends only when the other side has closed: an open connection is one that leaked.
    async fn with(&self, stream: impl Wire + 'static, seen: &Seen) {
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
            Self::Hangs => until_closed(&mut stream).await,
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
                until_closed(&mut stream).await;
            }
            Self::Drips(head) => {
                request(&mut stream).await;
                say(&mut stream, head.as_bytes()).await;
                while stream.write_all(b"x").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
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
                until_closed(&mut stream).await;
            }
        }
    }
}

/// A connection, TLS or not.
trait Wire: AsyncRead + AsyncWrite + Send + Unpin {
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

async fn until_closed(stream: &mut Box<dyn Wire>) {
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

/// An answer with a length, as a well-behaved server sends it.
pub fn answer(status: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for header in headers {
        bytes.push_str(header);
        bytes.push_str("\r\n");
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}
