//! The kind `grpc`: the health protocol of gRPC, `grpc.health.v1.Health/Check`.
//!
//! It proves that a gRPC server takes a call over HTTP/2, with or without TLS, and says of a service
//! (or of itself as a whole) that it is serving. The connection, the request and the words of the
//! health protocol are read here; a message of two fields needs no compiled schema.
//!
//! It does not prove that the methods of the service work: a server says of its health what it was
//! written to say. It makes no other call: without a schema there is nothing to call with, and a
//! server that tells its schema (reflection) to strangers is seldom.

mod call;
mod message;

use std::collections::BTreeMap;

use async_trait::async_trait;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE};
use http::{HeaderMap, Method};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

pub use self::call::Ended;
use super::wire::connection::Connection;
use super::wire::exchange::{Answer, Request};
use super::wire::host_port::HostPort;
use super::wire::protocol::HttpProtocol;
use super::wire::tls::{READINGS, Tls, TlsSettings};
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::expect::{Matcher, Undated};
use crate::sample::{Fault, Reason, Unit};
use crate::secret::{Mask, Secret};

/// The kind `grpc`.
#[derive(Clone, Copy, Debug)]
pub struct Grpc;

/// What a check of kind `grpc` declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The host and the port, as `orders.internal:50051`.
    pub address: HostPort,
    /// The service whose health is asked for, as `shop.v1.Orders`. Without it, the server as a
    /// whole.
    #[serde(default)]
    pub service: String,
    /// Where it stands, as `tls: {}`, the call goes over TLS; how the certificate is checked, and
    /// what we show of our own. Without it, HTTP/2 is spoken in the clear.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// Metadata that goes with the call, as `authorization: Bearer ${TOKEN}`. A value of a name
    /// that ends with `-bin` is sent as it stands, and must be base64.
    #[serde(default)]
    pub metadata: BTreeMap<String, Secret>,
    /// What is expected. Without it: that the status is SERVING.
    #[serde(default)]
    pub expect: Option<Expectation>,
}

/// What is expected of the answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// The health: SERVING, NOT_SERVING, UNKNOWN or SERVICE_UNKNOWN, or a matcher, as
    /// `{ in: [SERVING, UNKNOWN] }`.
    pub status: Undated,
}

/// A message in its frame, for who calls other methods over gRPC.
#[must_use]
pub fn framed(message: &[u8], is_compressed: bool) -> bytes::Bytes {
    message::framed(message, is_compressed)
}

/// How a call to `host` ended, for who calls other methods; a fault as the kind itself tells it.
#[must_use]
pub fn ended(answer: &Answer, host: &str, mask: &Mask) -> Ended {
    call::ended(answer, host, mask)
}

struct GrpcProbe {
    asked: Request,
    service: String,
    expected: Matcher,
    mask: Mask,
}

impl Kind for Grpc {
    const NAME: &'static str = "grpc";
    const SUMMARY: &'static str = "a gRPC server says of a service that it is serving";
    const READINGS: Readings = Readings {
        named: &[
            (
                "grpc_status",
                Unit::Number,
                "the status code with which the call ended; 0 is OK",
            ),
            (
                "serving",
                Unit::Number,
                "1 when the health is SERVING, 0 when it is another",
            ),
            READINGS[0],
            READINGS[1],
            READINGS[2],
            READINGS[3],
        ],
        open: false,
    };
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let mask = Mask::default();
        let headers = headers(&settings.metadata, &mask, &mut misfits);
        let url = url(&settings).map_err(|misfit| misfits.push(misfit));
        let declared = settings.tls.clone().unwrap_or_default();
        let tls = Tls::for_http(HttpProtocol::Http2, &declared, surroundings)
            .map_err(|more| misfits.extend(more));
        let (Ok(url), Ok(tls), true) = (url, tls, misfits.is_empty()) else {
            return Err(misfits);
        };
        if settings.tls.is_some() {
            tls.server_name(&settings.address.host)
                .map_err(|fault| vec![Misfit::at(&["address"], fault.detail)])?;
            tls.prepare();
        }
        Ok(Box::new(GrpcProbe {
            asked: Request {
                method: Method::POST,
                headers,
                body: message::framed(&message::check(&settings.service), false),
                body_limit: BODY_LIMIT,
                ..Request::get(url, tls)
            },
            service: settings.service,
            expected: settings.expect.map_or_else(
                || Matcher::equal(message::SERVING),
                |expect| expect.status.into_matcher(),
            ),
            mask,
        }))
    }
}

#[async_trait]
impl Probe for GrpcProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let asked = self.ask(attempt).await;
        // The server may repeat what it was sent.
        asked.map_err(|mut fault| {
            fault.detail = self.mask.apply(&fault.detail);
            fault
        })
    }

    fn target(&self) -> Option<Target> {
        Target::of(&self.asked.url)
    }
}

impl GrpcProbe {
    async fn ask(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let host = self.asked.url.host_str().unwrap_or_default();
        let mut connection = Connection::open(attempt, &self.asked.url, &self.asked.tls).await?;
        let mut request = self.asked.clone();
        // Whoever knows that nobody waits any more need not work on.
        let left = attempt.remaining().as_millis().min(MOST_DIGITS);
        let left = HeaderValue::try_from(format!("{left}m"));
        request
            .headers
            .extend(left.ok().map(|left| (TIMEOUT, left)));
        let answer = connection.send(attempt, &request).await?;
        let ended = call::ended(&answer, host, &self.mask);
        if let Some(code) = ended.code {
            attempt.reading("grpc_status", f64::from(code), Unit::Number);
        }
        let status = message::status(&ended.message?)
            .map_err(|why| Fault::new(Reason::Malformed, format!("the answer of {host}: {why}")))?;
        let serving = if status == message::SERVING { 1.0 } else { 0.0 };
        attempt.reading("serving", serving, Unit::Number);
        match self.expected.judge_text(&status).mismatch() {
            None => Ok(()),
            Some(mismatch) => {
                let whose = match self.service.as_str() {
                    "" => "the server",
                    service => service,
                };
                let detail = format!("the health of {whose}: {mismatch}");
                // A server that has just started says so for a while.
                Err(Fault::new(Reason::Status, detail).transient())
            }
        }
    }
}

fn url(settings: &Settings) -> Result<Url, Misfit> {
    let port = settings.address.written_port()?;
    let host = &settings.address.host;
    let scheme = if settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    Url::parse(&format!("{scheme}://{host}:{port}{METHOD}"))
        .map_err(|error| Misfit::at(&["address"], format!("not an address: {error}")))
}

/// The headers of the call: what the protocol needs (gRPC over HTTP/2, "Requests"), and the metadata.
fn headers(
    metadata: &BTreeMap<String, Secret>,
    mask: &Mask,
    misfits: &mut Vec<Misfit>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    for (name, value) in metadata {
        let mut wrong = |message: String| misfits.push(Misfit::at(&["metadata", name], message));
        let Ok(key) = HeaderName::try_from(name.as_str()) else {
            wrong(format!("`{name}` is not a name of metadata"));
            continue;
        };
        if key.as_str().starts_with("grpc-") || OURS.contains(&key.as_str()) {
            wrong(format!("`{name}` is set by the protocol"));
            continue;
        }
        // The value may be a secret: it is not repeated, and never printed by the client.
        let Ok(mut sent) = HeaderValue::try_from(value.reveal()) else {
            wrong(format!(
                "the value of `{name}` has characters that no metadata can carry"
            ));
            continue;
        };
        sent.set_sensitive(true);
        mask.hide(value.reveal());
        // `Bearer …`: the token alone as well.
        if let Some((_, token)) = value.reveal().split_once(' ') {
            mask.hide(token);
        }
        headers.insert(key, sent);
    }
    headers
}

/// Headers that the protocol sets.
const OURS: &[&str] = &[
    "connection",
    "content-length",
    "content-type",
    "host",
    "te",
    "upgrade",
];

/// The call, as the path of a request.
const METHOD: &str = "/grpc.health.v1.Health/Check";
/// How long the server has, in milliseconds.
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
/// A time may have eight digits.
const MOST_DIGITS: u128 = 99_999_999;
/// An answer has seven bytes.
const BODY_LIMIT: u64 = 4_096;
