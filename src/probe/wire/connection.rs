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
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;

use super::counted::{Counted, Counts};
use super::session::Facts;
use super::tls::Tls;
use super::{dial, http_fault};
use crate::clock::Moment;
use crate::probe::Attempt;
use crate::sample::{Fault, Reason};

/// An open connection to one origin.
pub struct Connection {
    pub(super) sender: Sender,
    driver: Option<Driver>,
    pub(super) counts: Arc<Counts>,
    opened: Moment,
    is_used_again: bool,
    pub(super) is_turned_away: bool,
    facts: Facts,
    /// The tasks that HTTP/2 starts; they end when this is dropped.
    _tasks: Option<Arc<Tasks>>,
}

/// The half of the client that takes requests.
pub(super) enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// The half of the client that reads and writes, when it is polled.
type Driver = BoxFuture<'static, hyper::Result<()>>;

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
        let facts = Facts::of(&stream);
        let opened = if url.scheme() == "https" {
            // Large and seldom: every run would carry it about if it were not apart.
            Box::pin(Self::over_tls(attempt, stream, host, tls, facts)).await?
        } else {
            let two = tls.http_protocol().is_two(None, host)?;
            Self::over(attempt, stream, host, two, facts).await?
        };
        tls.over(attempt, &opened.facts, false);
        Ok(opened)
    }

    async fn over_tls(
        attempt: &mut Attempt,
        stream: TcpStream,
        host: &str,
        tls: &Tls,
        mut facts: Facts,
    ) -> Result<Self, Fault> {
        let (stream, session) = tls.connect(attempt, stream, host).await?;
        facts.tls = Some(session);
        let chosen = stream.get_ref().1.alpn_protocol();
        let two = tls.http_protocol().is_two(Some(chosen), host)?;
        Self::over(attempt, stream, host, two, facts).await
    }

    async fn over(
        attempt: &Attempt,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        host: &str,
        two: bool,
        facts: Facts,
    ) -> Result<Self, Fault> {
        let (stream, counts) = Counted::new(stream, attempt.stopwatch());
        let (sender, driver, tasks) = if two {
            let tasks = Arc::new(Tasks::default());
            let (sender, driver) = Box::pin(speak_two(stream, host, &tasks)).await?;
            (sender, driver, Some(tasks))
        } else {
            let (sender, driver) = speak_one(stream, host).await?;
            (sender, driver, None)
        };
        Ok(Self {
            sender,
            driver: Some(driver),
            counts,
            opened: attempt.started(),
            is_used_again: false,
            is_turned_away: false,
            facts: Facts {
                protocol: Some(spoken(two)),
                ..facts
            },
            _tasks: tasks,
        })
    }

    /// When the run that opened this connection began: it was opened then or later.
    #[must_use]
    pub const fn opened(&self) -> Moment {
        self.opened
    }

    /// Says that a run uses this connection, which an earlier one opened.
    pub fn used_again(&mut self, attempt: &mut Attempt, tls: &Tls) {
        self.is_used_again = true;
        tls.over(attempt, &self.facts, true);
        if let Some(session) = &self.facts.tls {
            session.report(attempt);
        }
    }

    /// Whether an earlier run opened it.
    #[must_use]
    pub const fn is_used_again(&self) -> bool {
        self.is_used_again
    }

    /// Whether the target said of the last request that it was leaving and has not looked at it.
    #[must_use]
    pub const fn is_turned_away(&self) -> bool {
        self.is_turned_away
    }

    /// Whether it speaks HTTP/2.
    #[must_use]
    pub const fn speaks_two(&self) -> bool {
        matches!(self.sender, Sender::Two(_))
    }

    /// How many bytes have come over this connection.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.counts.read()
    }

    /// How many bytes have left over this connection.
    #[must_use]
    pub fn bytes_written(&self) -> u64 {
        self.counts.written()
    }

    /// Whether the other side still keeps the connection open and another request can be sent.
    pub async fn is_open(&mut self) -> bool {
        // Where the first look finds that the other side has gone, only the second one tells. The
        // tasks of HTTP/2 look by themselves.
        for _ in 0..2 {
            let before = self.counts.stamps().last_read;
            let ready = poll_fn(|context| {
                self.drive(context);
                Poll::Ready(self.poll_ready(context))
            });
            match ready.await {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) | Poll::Pending => return false,
            }
            if !self.speaks_two() && self.counts.stamps().last_read == before {
                break;
            }
        }
        self.driver.is_some()
    }

    /// Waits for `work` while the connection does its part.
    pub(super) async fn alongside<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.drive(context);
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

/// HTTP/1.1 over `stream`.
async fn speak_one(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    host: &str,
) -> Result<(Sender, Driver), Fault> {
    let (sender, driver) = http1::Builder::new()
        .max_header_size(HEADER_BYTES as usize)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| http_fault::of(&error, host, OPENING))?;
    Ok((Sender::One(sender), driver.boxed()))
}

/// HTTP/2 over `stream`; what it starts ends with `tasks`.
async fn speak_two(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    host: &str,
    tasks: &Arc<Tasks>,
) -> Result<(Sender, Driver), Fault> {
    let (sender, driver) = http2::Builder::new(Owned(Arc::downgrade(tasks)))
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_header_list_size(HEADER_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| http_fault::of(&error, host, OPENING))?;
    Ok((Sender::Two(sender), driver.boxed()))
}

/// What is going on while a session begins.
const OPENING: &str = "opening the HTTP session";

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

/// How many bytes of headers an answer may have. Their number is bounded by the client, at a hundred:
/// for any other bound it takes 16 KiB anew for each answer.
const HEADER_BYTES: u32 = 65_536;
/// How many bytes of a body the target may send ahead of our reading.
const WINDOW: u32 = 262_144;
