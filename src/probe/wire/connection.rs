//! One HTTP connection, owned by whoever holds it: no task outlives it, dropping it closes the
//! socket. It speaks HTTP/1.1, or HTTP/2 where that is negotiated or declared.
//!
//! Called by [`super::exchange`], and by the kinds that keep a connection between runs.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, poll_fn};
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use url::Url;

use super::counted::{Counted, Counts};
use super::session::Facts;
use super::tls::Tls;
use super::{dial, http_fault};
use crate::probe::Attempt;
use crate::sample::{Fault, Reason};

/// An open connection to one origin.
pub struct Connection {
    pub(super) sender: Sender,
    driver: Option<BoxFuture<'static, hyper::Result<()>>>,
    pub(super) counts: Arc<Counts>,
    origin: url::Origin,
    facts: Facts,
    /// The tasks that HTTP/2 starts; they end when this is dropped.
    _tasks: Arc<Tasks>,
}

/// The half of the client that takes requests.
pub(super) enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// Opens a connection to the origin of `url`: name, connection, and TLS where it is `https`.
    ///
    /// # Errors
    /// The fault of the first step that failed.
    pub async fn open(attempt: &mut Attempt, url: &Url, tls: &Tls) -> Result<Self, Fault> {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else {
            return Err(Fault::new(Reason::Malformed, "the address has no host"));
        };
        let stream = dial::tcp(attempt, host, port).await?;
        let mut facts = Facts::of(&stream);
        let declared = tls.http_protocol();
        let opened = if url.scheme() == "https" {
            let (stream, session) = tls.connect(attempt, stream, host).await?;
            let two = declared.is_two(Some(stream.get_ref().1.alpn_protocol()), host)?;
            (facts.tls, facts.protocol) = (Some(session), Some(spoken(two)));
            Self::over(stream, url, two, facts).await?
        } else {
            let two = declared.is_two(None, host)?;
            facts.protocol = Some(spoken(two));
            Self::over(stream, url, two, facts).await?
        };
        tls.over(attempt, &opened.facts, false);
        Ok(opened)
    }

    /// Says that a run uses this connection, which an earlier one opened.
    pub fn used_again(&self, attempt: &mut Attempt, tls: &Tls) {
        tls.over(attempt, &self.facts, true);
        if let Some(session) = &self.facts.tls {
            session.report(attempt);
        }
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        url: &Url,
        two: bool,
        facts: Facts,
    ) -> Result<Self, Fault> {
        let (stream, counts) = Counted::new(stream);
        let stream = TokioIo::new(stream);
        let tasks = Arc::new(Tasks::default());
        let host = url.host_str().unwrap_or_default();
        let failed = |error| http_fault::of(&error, host, "opening the HTTP session");
        let (sender, driver) = if two {
            let (sender, driver) = http2::Builder::new(Owned(Arc::downgrade(&tasks)))
                .initial_stream_window_size(WINDOW)
                .initial_connection_window_size(WINDOW)
                .max_header_list_size(HEADER_BYTES)
                .handshake(stream)
                .await
                .map_err(failed)?;
            (Sender::Two(sender), driver.boxed())
        } else {
            let (sender, driver) = http1::Builder::new()
                .max_headers(HEADERS)
                .max_header_size(HEADER_BYTES as usize)
                .handshake(stream)
                .await
                .map_err(failed)?;
            (Sender::One(sender), driver.boxed())
        };
        Ok(Self {
            sender,
            driver: Some(driver),
            counts,
            origin: url.origin(),
            facts,
            _tasks: tasks,
        })
    }

    /// Whether a request to `url` may travel over this connection.
    #[must_use]
    pub fn serves(&self, url: &Url) -> bool {
        self.origin == url.origin()
    }

    /// How many bytes have come over this connection.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.counts.read()
    }

    /// Whether the other side still keeps the connection open and another request can be sent.
    pub async fn is_open(&mut self) -> bool {
        // Two looks: the first may only find out that the other side has gone.
        for _ in 0..2 {
            let ready = poll_fn(|context| {
                self.drive(context);
                Poll::Ready(self.poll_ready(context))
            });
            match ready.await {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) | Poll::Pending => return false,
            }
        }
        self.driver.is_some()
    }

    /// Waits for `work` while the connection does its part; `look` sees every step.
    pub(super) async fn alongside<T>(
        &mut self,
        work: impl Future<Output = T>,
        mut look: impl FnMut(&Counts),
    ) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.drive(context);
            look(&self.counts);
            work.as_mut().poll(context)
        })
        .await
    }

    /// Lets the connection read and write. Its error reaches whoever waits for the answer.
    fn drive(&mut self, context: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && driver.poll_unpin(context).is_ready()
        {
            self.driver = None;
        }
    }

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match &mut self.sender {
            Sender::One(sender) => sender.poll_ready(context),
            Sender::Two(sender) => sender.poll_ready(context),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Tasks that end with their owner: a `JoinSet` aborts what it holds when it is dropped.
#[derive(Default)]
struct Tasks(Mutex<JoinSet<()>>);

/// Starts tasks into the set of a connection, and none once that is gone.
#[derive(Clone)]
struct Owned(Weak<Tasks>);

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Owned {
    fn execute(&self, task: F) {
        if let Some(tasks) = self.0.upgrade() {
            let mut tasks = tasks.0.lock().unwrap_or_else(PoisonError::into_inner);
            while tasks.try_join_next().is_some() {}
            tasks.spawn(task);
        }
    }
}

/// The name of the version that is spoken, as answers give it.
const fn spoken(two: bool) -> &'static str {
    if two { "HTTP/2.0" } else { "HTTP/1.1" }
}

/// How many headers an answer may have.
const HEADERS: usize = 256;
/// How many bytes of headers an answer may have.
const HEADER_BYTES: u32 = 65_536;
/// How many bytes of a body the target may send ahead of our reading.
const WINDOW: u32 = 262_144;
