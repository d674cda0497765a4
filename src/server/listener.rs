//! Connections: accepted, counted, bounded in number and in time, and ended in order.
//!
//! A peer that sends its head slowly, idles, or does not take what it is sent loses its connection and
//! costs nobody else anything. One address may hold a part of the places only, so that no single peer
//! keeps everyone else out; and who is silent makes room for who asks.

mod answered;
mod places;
mod refusals;
mod stalled;
pub mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

use self::places::{Place, Places};
use self::refusals::Refusals;
use self::stalled::Stalled;
use self::tls::{Certificates, TlsError};
use super::router::router;
use super::shared::{Current, Shared};

/// Who is at the other end of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: Option<SocketAddr>,
    /// The name in its certificate, which an authority of ours has signed.
    pub certificate: Option<Arc<str>>,
    /// Whether the connection is protected.
    pub is_secure: bool,
}

/// Why the server cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {cause}")]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        cause: std::io::Error,
    },
    /// Certificates or keys cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// Whoever reaches the address could act.
    #[error(
        "{0} is no loopback address, and neither a token nor a client certificate is asked for"
    )]
    Open(SocketAddr),
}

/// A server that listens; nobody is answered before [`Server::serve`].
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    certificates: Option<Certificates>,
}

/// A head must be there within this time, also the next one on a connection that is kept.
const HEAD: Duration = Duration::from_secs(30);
/// A TLS handshake must be done within this time.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// When the server ends, requests in flight are given this time.
const FAREWELL: Duration = Duration::from_secs(5);
/// An HTTP/2 connection on which nothing happens is asked this often whether anyone is there.
const PING: Duration = Duration::from_secs(20);
/// So many requests may be in flight on one HTTP/2 connection.
const STREAMS: u32 = 64;
/// No head is larger.
const LARGEST_HEAD: usize = 32 * 1024;

impl Server {
    /// Takes the address.
    ///
    /// # Errors
    /// When it cannot be taken, when certificates cannot be used, or when whoever reaches it could act.
    pub async fn bind(current: &Current) -> Result<Self, BindError> {
        let settings = &current.settings;
        let address = settings.listen;
        if !settings.is_on_loopback() && !settings.knows_callers() {
            return Err(BindError::Open(address));
        }
        let certificates = match &settings.tls {
            Some(tls) => Some(Certificates::read(tls, settings.tokens.is_empty())?),
            None => None,
        };
        let refused = |cause| BindError::Address { address, cause };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self {
            listener,
            address,
            certificates,
        })
    }

    /// Where it listens: the port that was chosen where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it is reached from this machine.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.certificates {
            Some(_) => "https",
            None => "http",
        };
        match self.address.ip().is_unspecified() {
            true => format!("{scheme}://localhost:{}", self.address.port()),
            false => format!("{scheme}://{}", self.address),
        }
    }

    /// Answers until it is told to stop; then requests in flight are ended, within some seconds.
    pub async fn serve(self, shared: Shared, stop: CancellationToken) {
        let router = router(&shared);
        let (places, tasks) = (Places::default(), TaskTracker::new());
        let ending = shared.ending();
        let (feeding, heard) = (shared.clone(), shared.handle.listen());
        let feed = tokio::spawn(async move {
            let stop = feeding.ending();
            feeding.feed().carry(heard, || feeding.mask(), stop).await;
        });
        let feed = AbortOnDropHandle::new(feed);
        let kept = self
            .certificates
            .as_ref()
            .map(|kept| kept.keep(&shared, &stop));
        // Dropped at the end of this function, and with it whoever does not say farewell in time.
        let at_once = CancellationToken::new();
        let ended = at_once.clone().drop_guard();
        let mut refusals = Refusals::default();
        while let Some((stream, address)) = self.accept(&stop).await {
            let Some(place) = places.take(address.ip()) else {
                refusals.one_more(address, shared.clock.now());
                continue;
            };
            let connection = Connection {
                router: router.clone(),
                peer: Peer {
                    address: Some(address),
                    ..Peer::default()
                },
                place: place.clone(),
                stop: stop.clone(),
            };
            let (config, at_once) = (
                self.certificates.as_ref().map(Certificates::config),
                at_once.clone(),
            );
            tasks.spawn(async move {
                tokio::select! {
                    () = connection.serve(stream, config) => {}
                    () = place.wanted() => {}
                    () = at_once.cancelled() => {}
                }
            });
        }
        drop(self.listener);
        ending.cancel();
        tasks.close();
        // Those who are slower are cut off.
        tokio::time::timeout(FAREWELL, tasks.wait())
            .await
            .unwrap_or_default();
        drop((ended, kept, feed));
        tasks.wait().await;
    }

    /// The next connection; none when the server is to end.
    async fn accept(&self, stop: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                () = stop.cancelled() => return None,
            };
            match accepted {
                Ok(accepted) => return Some(accepted),
                Err(error) => {
                    // No more files may be open, say: others are closed meanwhile.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(AGAIN).await;
                }
            }
        }
    }
}

/// After a failure to accept, so long nothing is accepted.
const AGAIN: Duration = Duration::from_millis(100);

/// One connection.
struct Connection {
    router: Router,
    peer: Peer,
    place: Place,
    stop: CancellationToken,
}

impl Connection {
    async fn serve(mut self, stream: TcpStream, config: Option<Arc<rustls::ServerConfig>>) {
        // Without it the last packet of an answer waits for the other side (Nagle's algorithm).
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a connection was gone at once");
            return;
        }
        let Some(config) = config else {
            return self.http1(Stalled::new(stream)).await;
        };
        let handshake = tokio_rustls::TlsAcceptor::from(config).accept(stream);
        let stream = match tokio::time::timeout(HANDSHAKE, handshake).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => {
                let peer = self.peer.address.map(tracing::field::display);
                return tracing::info!(peer, %error, "no TLS connection was made");
            }
            Err(_) => return,
        };
        let (_, session) = stream.get_ref();
        self.peer.is_secure = true;
        self.peer.certificate = tls::name_of(session);
        match session.alpn_protocol() {
            Some(b"h2") => self.http2(Stalled::new(stream)).await,
            _ => self.http1(Stalled::new(stream)).await,
        }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(LARGEST_HEAD)
            .serve_connection(TokioIo::new(stream), self.service());
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        tell(ended);
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING)
            .keep_alive_timeout(HANDSHAKE)
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(LARGEST_HEAD as u32)
            .serve_connection(TokioIo::new(stream), self.service());
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        tell(ended);
    }

    fn service(&self) -> TowerToHyperService<Router> {
        let (router, place) = (self.router.clone(), self.place.clone());
        let router = router.layer(axum::Extension(self.peer.clone()));
        let answering = from_fn(move |request: Request, next: Next| {
            let answering = place.answer();
            async move { answered::held(next.run(request).await, answering) }
        });
        TowerToHyperService::new(router.layer(answering))
    }
}

fn tell(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        // Peers go away as they like.
        tracing::debug!(%error, "a connection ended early");
    }
}

/// What replaces the parts of a server that a reload brings anew.
pub type Renewal = watch::Sender<Current>;
