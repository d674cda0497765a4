//! HTTP servers of our own: one that answers as told, and peers that misbehave in every way that a
//! prober meets. All on loopback; dropping one ends it and its connections.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::certificates::ServerCertificate;

mod does;

pub use does::{Asked, Does};

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
        Self::start_tls_speaking(b"http/1.1", does, certificate).await
    }

    /// Starts a peer behind TLS that agrees on a protocol, and then does as it likes.
    pub async fn start_tls_speaking(
        protocol: &[u8],
        does: Does,
        certificate: &ServerCertificate,
    ) -> Self {
        let acceptor = TlsAcceptor::from(certificate.server_config(&[protocol]));
        Self::serve(does, Some(acceptor)).await
    }

    /// Starts a peer behind TLS of these settings.
    pub async fn start_tls_of(does: Does, config: Arc<rustls::ServerConfig>) -> Self {
        Self::serve(does, Some(TlsAcceptor::from(config))).await
    }

    async fn serve(does: Does, tls: Option<TlsAcceptor>) -> Self {
        let scheme = if tls.is_some() { "https" } else { "http" };
        Self::accepting(scheme, move |stream, seen| {
            let (does, tls) = (does.clone(), tls.clone());
            Box::pin(async move {
                match tls {
                    None => does.with(stream, &seen).await,
                    Some(acceptor) => match acceptor.accept(stream).into_fallible().await {
                        Ok(stream) => does.with(stream, &seen).await,
                        // Whoever closes what it has not read resets it, and its last words, the
                        // reason of the refusal, are lost on the way.
                        Err((_, stream)) => does::until_closed(stream).await,
                    },
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
                if let Ok(stream) = acceptor.accept(stream).await {
                    http_2(stream).await;
                }
            })
        })
        .await
    }

    /// Starts the same server without TLS: whoever speaks to it knows that it speaks HTTP/2.
    pub async fn start_http_2_in_the_clear() -> Self {
        Self::accepting("http", |stream, _| Box::pin(http_2(stream))).await
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
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let open = self.seen.open.load(Ordering::SeqCst);
        assert_eq!(open, 0, "connections were not closed");
    }
}

/// Serves HTTP/2 until the client leaves.
async fn http_2(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
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
