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

use super::connection::{Connection, Sender};
use super::counted::Counts;
use super::encoding::{self, Decoded};
use super::http_fault;
use super::message::message;
use super::tls::Tls;
use crate::probe::Attempt;
use crate::sample::{Fault, Phase, Reason};

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
        let host = request.url.host_str().unwrap_or_default();
        attempt.enter(Phase::Request);
        let two = matches!(self.sender, Sender::Two(_));
        let mut progress = Progress::of(&self.counts, two);
        self.counts.allow(most_bytes(request.body_limit));
        let message = message(request, two)?;
        let sent = match &mut self.sender {
            Sender::One(sender) => futures_util::future::Either::Left(sender.send_request(message)),
            Sender::Two(sender) => {
                futures_util::future::Either::Right(sender.send_request(message))
            }
        };
        let doing = format!("waiting for the answer of {host}");
        let answer = self
            .alongside(sent, |counts| progress.stamp(counts, attempt))
            .await
            .map_err(|error| self.fault(&error, host, &doing))?;
        progress.answered(attempt);
        let (head, body) = answer.into_parts();
        let body = self
            .receive(body, host, head.status, request.body_limit)
            .await?;
        attempt.stop();
        let (body, foreign_encoding) = plain(body, &head.headers, request.body_limit, host)?;
        Ok(Answer {
            status: head.status,
            headers: head.headers,
            body,
            foreign_encoding,
            version: head.version,
        })
    }

    async fn receive(
        &mut self,
        mut body: Incoming,
        host: &str,
        status: StatusCode,
        limit: u64,
    ) -> Result<Bytes, Fault> {
        let announced = body.size_hint().lower();
        if announced > limit {
            return Err(too_large(
                host,
                status,
                &format!("{announced} bytes"),
                limit,
            ));
        }
        let mut whole = BytesMut::new();
        while let Some(frame) = self.alongside(body.frame(), |_| ()).await {
            let frame = frame.map_err(|error| {
                let doing = format!(
                    "reading the body of {host} (status {}, {} bytes so far)",
                    status.as_u16(),
                    whole.len()
                );
                self.fault(&error, host, &doing)
            })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if (whole.len() + data.len()) as u64 > limit {
                return Err(too_large(host, status, "more", limit));
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    /// HTTP/2 keeps the cause of an error to itself: whether too much came is asked of the stream.
    fn fault(&self, error: &hyper::Error, host: &str, doing: &str) -> Fault {
        if self.counts.exceeded() {
            let detail = format!("{host} sent far more than an answer may have while {doing}");
            return Fault::new(Reason::TooLarge, detail);
        }
        http_fault::of(error, host, doing)
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

fn plain(
    body: Bytes,
    headers: &HeaderMap,
    limit: u64,
    host: &str,
) -> Result<(Bytes, Option<String>), Fault> {
    let encodings: Vec<&str> = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .map(|value| value.to_str().unwrap_or("unreadable"))
        .collect();
    let encodings = encodings.join(",");
    match encoding::decode(body, &encodings, limit) {
        Decoded::Plain(body) => Ok((body, None)),
        Decoded::Foreign(body) => Ok((body, Some(encodings))),
        Decoded::TooLarge => Err(Fault::new(
            Reason::TooLarge,
            format!("the decompressed body of {host} is larger than allowed: limit {limit} bytes"),
        )),
        Decoded::Broken => Err(Fault::new(
            Reason::Malformed,
            format!("the body of {host} is said to be {encodings} and is not"),
        )),
    }
}

/// Where in the exchange the bytes are: turns counts into phases.
struct Progress {
    stage: Phase,
    read: u64,
    written: u64,
    /// HTTP/2 reads and writes for its own purposes, so that a first byte is no sign of the answer.
    two: bool,
}

impl Progress {
    fn of(counts: &Counts, two: bool) -> Self {
        Self {
            stage: Phase::Request,
            read: counts.read(),
            written: counts.written(),
            two,
        }
    }

    /// The waiting begins with the last byte written, which is known only when no other follows:
    /// what was taken for waiting is corrected when more is written.
    fn stamp(&mut self, counts: &Counts, attempt: &mut Attempt) {
        if self.stage == Phase::Body {
            return;
        }
        if counts.written() > self.written {
            self.written = counts.written();
            attempt.correct(Phase::Request);
            attempt.enter(Phase::Ttfb);
            self.stage = Phase::Ttfb;
        }
        if counts.read() > self.read && !self.two {
            self.answered(attempt);
        }
    }

    fn answered(&mut self, attempt: &mut Attempt) {
        if self.stage != Phase::Body {
            attempt.enter(Phase::Body);
            self.stage = Phase::Body;
        }
    }
}
