//! One request and its whole answer, every part of it bounded and its time stamped.
//!
//! Follows no redirect, judges no status, tries nothing twice. Called by the kind `http` and by
//! the kinds that speak JSON-RPC over HTTP.

use bytes::{Bytes, BytesMut};
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, Method, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use url::Url;

use super::aside::{LARGE, aside};
use super::connection::{Connection, Sender};
use super::encoding::{self, Decoded};
use super::http_fault;
use super::message::{Message, Prepared, message};
use super::progress::Progress;
use super::tls::Tls;
use crate::probe::Attempt;
use crate::sample::{Fault, Reason};

/// What is asked. Not `Debug`: the address and the headers may hold secrets.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The absolute address, `http` or `https`; a user and a password in it become an
    /// `authorization` header.
    pub url: Url,
    /// The headers beyond the ones that the protocol needs. They win over the defaults for
    /// `accept` and `user-agent`.
    pub headers: HeaderMap,
    /// The body; empty for none.
    pub body: Bytes,
    /// How a session is opened where the address says `https`.
    pub tls: Tls,
    /// How many bytes the body of the answer may have, as it comes and decompressed.
    pub body_limit: u64,
}

impl Request {
    /// A `GET` without a body and with the usual limit.
    #[must_use]
    pub fn get(url: Url, tls: Tls) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            tls,
            body_limit: BODY_LIMIT,
        }
    }
}

/// How many bytes the body of an answer may have where nothing else is said: 1 MiB.
pub const BODY_LIMIT: u64 = 1 << 20;

/// The whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, decompressed.
    pub body: Bytes,
    /// The headers that came after the body, if any did.
    pub trailers: HeaderMap,
    /// The encoding that the body is still in, where it is one that we do not know.
    pub foreign_encoding: Option<String>,
    /// The version of the protocol.
    pub version: Version,
}

/// Sends one request over a fresh connection and reads the whole answer.
///
/// Stops the attempt's stopwatch at the last byte.
///
/// # Errors
/// The fault of the first step that failed; [`Reason::TooLarge`] and [`Reason::Malformed`] when
/// the answer is beyond the limits or is not HTTP. Any status is an answer, not a fault.
pub async fn exchange(attempt: &mut Attempt, request: &Request) -> Result<Answer, Fault> {
    let mut connection = Connection::open(attempt, &request.url, &request.tls).await?;
    connection.send(attempt, request).await
}

impl Connection {
    /// Sends one request over this connection and reads the whole answer, as [`exchange`] does.
    ///
    /// # Errors
    /// As [`exchange`]. The connection is of no use afterwards.
    pub async fn send(
        &mut self,
        attempt: &mut Attempt,
        request: &Request,
    ) -> Result<Answer, Fault> {
        let message = message(request, self.speaks_two())?;
        let answer = self.converse(attempt, request, message).await?;
        answer.decoded(request).await
    }

    /// Sends a prepared request and reads the whole answer, whose body stays as it came.
    ///
    /// # Errors
    /// As [`exchange`]. The connection is of no use afterwards.
    pub async fn send_prepared(
        &mut self,
        attempt: &mut Attempt,
        prepared: &Prepared,
    ) -> Result<Answer, Fault> {
        let message = prepared.message(self.speaks_two())?;
        self.converse(attempt, prepared.request(), message).await
    }

    async fn converse(
        &mut self,
        attempt: &mut Attempt,
        request: &Request,
        message: Message,
    ) -> Result<Answer, Fault> {
        let host = request.url.host_str().unwrap_or_default();
        let most = most_bytes(request.body_limit);
        let size = request.body.len() as u64;
        let mut progress = Progress::begin(attempt, &self.counts, most, size, self.speaks_two());
        let answer = match &mut self.sender {
            Sender::One(sender) => {
                let sent = sender.send_request(message);
                self.alongside(sent).await
            }
            Sender::Two(sender) => {
                let sent = Box::pin(sender.send_request(message));
                self.alongside(sent).await
            }
        };
        let answer = answer.map_err(|error| {
            self.is_turned_away = self.speaks_two() && http_fault::is_turned_away(&error);
            self.fault(&error, host, || waiting(host))
        })?;
        progress.answered();
        let (head, body) = answer.into_parts();
        let (body, trailers) = self.receive(body, request, head.status).await?;
        progress.whole();
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
            trailers,
            foreign_encoding: None,
            version: head.version,
        })
    }

    async fn receive(
        &mut self,
        mut body: Incoming,
        request: &Request,
        status: StatusCode,
    ) -> Result<(Bytes, HeaderMap), Fault> {
        let host = request.url.host_str().unwrap_or_default();
        let limit = request.body_limit;
        let announced = body.size_hint().lower();
        if announced > limit {
            let size = format!("{announced} bytes");
            return Err(too_large(host, status, &size, limit));
        }
        let mut whole = Whole::default();
        let mut trailers = HeaderMap::new();
        while let Some(frame) = self.alongside(body.frame()).await {
            let so_far = whole.len();
            let frame = frame
                .map_err(|error| self.fault(&error, host, || reading(host, status, so_far)))?;
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(other) => {
                    trailers.extend(other.into_trailers().into_iter().flatten());
                    continue;
                }
            };
            if (so_far + data.len()) as u64 > limit {
                return Err(too_large(host, status, "more", limit));
            }
            whole.add(data);
        }
        Ok((whole.freeze(), trailers))
    }

    /// HTTP/2 keeps the cause of an error to itself: whether too much came is asked of the stream.
    fn fault(&self, error: &hyper::Error, host: &str, doing: impl FnOnce() -> String) -> Fault {
        let doing = doing();
        if self.counts.exceeded() {
            let detail = format!("{host} sent far more than an answer may have while {doing}");
            return Fault::new(Reason::TooLarge, detail);
        }
        http_fault::of(error, host, &doing)
    }
}

fn waiting(host: &str) -> String {
    format!("waiting for the answer of {host}")
}

fn reading(host: &str, status: StatusCode, so_far: usize) -> String {
    let status = status.as_u16();
    format!("reading the body of {host} (status {status}, {so_far} bytes so far)")
}

/// A body as it comes. Most come in one piece, which is then the whole without being copied.
#[derive(Default)]
struct Whole {
    first: Bytes,
    all: BytesMut,
}

impl Whole {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn add(&mut self, piece: Bytes) {
        if self.len() == 0 {
            self.first = piece;
            return;
        }
        // `all` holds everything or nothing.
        let first = std::mem::take(&mut self.first);
        self.all.extend_from_slice(&first);
        self.all.extend_from_slice(&piece);
    }

    fn freeze(self) -> Bytes {
        if self.all.is_empty() {
            self.first
        } else {
            self.all.freeze()
        }
    }
}

/// How many bytes may come for a body of at most `limit` bytes: the headers, and the framing, which
/// is six bytes for one where chunks are smallest. Who sends more keeps us busy and does not answer.
const fn most_bytes(limit: u64) -> u64 {
    limit.saturating_mul(FRAMED).saturating_add(UNFRAMED)
}

/// How many bytes on the wire a byte of the body may cost.
const FRAMED: u64 = 8;
/// How many bytes may come beside the body: headers, informational answers, settings.
const UNFRAMED: u64 = 1 << 20;

fn too_large(host: &str, status: StatusCode, size: &str, limit: u64) -> Fault {
    let status = status.as_u16();
    let detail = format!(
        "the body of {host} (status {status}) is larger than allowed: {size}, limit {limit} bytes"
    );
    Fault::new(Reason::TooLarge, detail)
}

impl Answer {
    /// The answer with its body decompressed, as far as the limit of its request allows.
    ///
    /// # Errors
    /// [`Reason::TooLarge`] for a body beyond the limit, [`Reason::Malformed`] for one that is not
    /// what its headers say.
    pub async fn decoded(self, request: &Request) -> Result<Self, Fault> {
        if self.body.is_empty() || !self.headers.contains_key(CONTENT_ENCODING) {
            return Ok(self);
        }
        Box::pin(self.decompressed(request)).await
    }

    async fn decompressed(mut self, request: &Request) -> Result<Self, Fault> {
        let encodings: Vec<&str> = self
            .headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .map(|value| value.to_str().unwrap_or("unreadable"))
            .collect();
        let encodings = encodings.join(",");
        let limit = request.body_limit;
        let host = request.url.host_str().unwrap_or_default();
        match plain(&self.body, &encodings, limit).await {
            Decoded::Plain(body) => self.body = body,
            Decoded::Foreign(_) => self.foreign_encoding = Some(encodings),
            Decoded::TooLarge => {
                let detail = format!(
                    "the decompressed body of {host} is larger than allowed: limit {limit} bytes"
                );
                return Err(Fault::new(Reason::TooLarge, detail));
            }
            Decoded::Broken => {
                let detail = format!("the body of {host} is said to be {encodings} and is not");
                return Err(Fault::new(Reason::Malformed, detail));
            }
        }
        Ok(self)
    }
}

/// Decompresses here what is small, and aside what turns out to be large.
async fn plain(body: &Bytes, encodings: &str, limit: u64) -> Decoded {
    let small = limit.min(LARGE as u64);
    if body.len() <= LARGE {
        let decoded = encoding::decode(body.clone(), encodings, small);
        if decoded != Decoded::TooLarge || small == limit {
            return decoded;
        }
    }
    let (body, encodings) = (body.clone(), encodings.to_owned());
    aside(move || encoding::decode(body, &encodings, limit)).await
}
