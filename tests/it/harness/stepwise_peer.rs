//! An HTTP server that takes a known time for each step, so that what a prober says of its phases
//! can be held against it. It speaks HTTP/1.1 or HTTP/2, with or without TLS.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::certificates::ServerCertificate;

/// How long each step takes beyond what it takes by itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pauses {
    /// Before the first byte of the TLS handshake is read.
    pub handshake: Duration,
    /// Before the body of a request is read.
    pub reading: Duration,
    /// Between the last byte of a request and the first of its answer.
    pub answer: Duration,
    /// Between the two halves of the answer's body.
    pub body: Duration,
}

/// A running server. `/hops/2` leads to `/hops/1`, that to `/hops/0`, and there is an answer.
pub struct StepwisePeer {
    address: SocketAddr,
    scheme: &'static str,
    accepted: Arc<AtomicUsize>,
    _serving: JoinSet<()>,
}

impl StepwisePeer {
    /// Starts a server in the clear, of HTTP/1.1.
    pub fn start(pauses: Pauses) -> Self {
        Self::serve(listener(BACKLOG), pauses, None)
    }

    /// Starts a server behind TLS that speaks `protocol`: `h2` or `http/1.1`.
    pub fn start_tls(pauses: Pauses, certificate: &ServerCertificate, protocol: &[u8]) -> Self {
        let acceptor = TlsAcceptor::from(certificate.server_config(&[protocol]));
        Self::serve(listener(BACKLOG), pauses, Some(acceptor))
    }

    /// Serves on a listener that somebody else may have filled.
    pub fn serve(listener: TcpListener, pauses: Pauses, tls: Option<TlsAcceptor>) -> Self {
        let address = listener.local_addr().expect("a local address");
        let scheme = if tls.is_some() { "https" } else { "http" };
        let accepted = Arc::new(AtomicUsize::new(0));
        let mut serving = JoinSet::new();
        let counted = Arc::clone(&accepted);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                stream.set_nodelay(true).expect("no delay");
                connections.spawn(handle(stream, pauses, tls.clone()));
            }
        });
        Self {
            address,
            scheme,
            accepted,
            _serving: serving,
        }
    }

    /// The address of a path on it.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    /// How many connections were opened.
    pub fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// A listener whose connections take little before they are read, so that who writes must wait.
pub fn listener(backlog: u32) -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket
        .set_recv_buffer_size(RECEIVED)
        .expect("the size can be set");
    let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(anywhere).expect("a free port");
    socket.listen(backlog).expect("it listens")
}

/// Takes connections until nobody is let in any more: the next one waits for its second try.
pub async fn fill(address: SocketAddr) -> Vec<TcpStream> {
    let mut queued = Vec::new();
    while let Ok(stream) = tokio::time::timeout(LET_IN, TcpStream::connect(address)).await {
        queued.push(stream.expect("the listener is there"));
    }
    queued
}

/// Who is not let in within this time on loopback stands before a full queue.
const LET_IN: Duration = Duration::from_millis(200);
/// How many bytes a connection takes unread.
const RECEIVED: u32 = 65_536;
/// More than any test opens at once.
const BACKLOG: u32 = 64;

async fn handle(stream: TcpStream, pauses: Pauses, tls: Option<TlsAcceptor>) {
    let Some(acceptor) = tls else {
        return speak(stream, pauses, false).await;
    };
    tokio::time::sleep(pauses.handshake).await;
    if let Ok(stream) = acceptor.accept(stream).await {
        let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        speak(stream, pauses, two).await;
    }
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    pauses: Pauses,
    two: bool,
) {
    let service = service_fn(move |request| respond(request, pauses));
    let stream = TokioIo::new(stream);
    // The client leaves when it has its answer: how it does is no matter here.
    if two {
        let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        drop(server.serve_connection(stream, service).await);
    } else {
        let server = hyper::server::conn::http1::Builder::new();
        drop(server.serve_connection(stream, service).await);
    }
}

type Body = BoxBody<Bytes, Infallible>;

async fn respond(request: Request<Incoming>, pauses: Pauses) -> Result<Response<Body>, Infallible> {
    let hops = request.uri().path().strip_prefix("/hops/");
    let hops: u32 = hops.and_then(|hops| hops.parse().ok()).unwrap_or_default();
    tokio::time::sleep(pauses.reading).await;
    // A client that gives up while it sends is for the test to notice.
    drop(request.into_body().collect().await);
    tokio::time::sleep(pauses.answer).await;
    let mut response = Response::new(halves(pauses.body));
    if let Some(next) = hops.checked_sub(1) {
        *response.status_mut() = hyper::StatusCode::TEMPORARY_REDIRECT;
        let place = format!("/hops/{next}").parse().expect("a header");
        response.headers_mut().insert("location", place);
    }
    Ok(response)
}

/// A body in two halves, with a pause between them.
fn halves(pause: Duration) -> Body {
    if pause.is_zero() {
        return Empty::new().boxed();
    }
    let halves = futures_util::stream::unfold(0, move |half| async move {
        match half {
            0 => {}
            1 => tokio::time::sleep(pause).await,
            _ => return None,
        }
        Some((Ok(Frame::data(Bytes::from_static(b"half"))), half + 1))
    });
    BodyExt::boxed(StreamBody::new(Box::pin(halves) as Halves))
}

type Halves = std::pin::Pin<
    Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send + Sync>,
>;
