//! One message to a collector: protobuf over HTTP, or gRPC. The exchange itself is the one that checks
//! use: bounded, under one deadline, over our own TLS.
//!
//! Which answers allow another try: <https://opentelemetry.io/docs/specs/otlp/#failures>.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, RETRY_AFTER, TE};
use http::{HeaderMap, HeaderValue, Method};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message as _;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::retrying;
use crate::clock::Clock;
use crate::engine::instruments::Signal;
use crate::plan::telemetry::{Compression, OtlpPlan, Protocol};
use crate::probe::attempt::{Attempt, Conditions};
use crate::probe::grpc;
use crate::probe::wire::exchange::{self, Answer, Request};
use crate::probe::wire::said::one_line;
use crate::secret::Mask;

/// The answer of a collector is a few bytes; more is read of none.
const ANSWER_LIMIT: u64 = 64 << 10;
/// A batch that is not taken is tried again after this pause, and each next time after twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// A batch is tried for so long in all, and a collector that asks to be left alone is left alone for no
/// longer: what waits behind it finds no place otherwise.
pub(super) const PATIENCE: Duration = Duration::from_secs(300);

/// Where the messages of a signal go, below the endpoint.
const fn path(signal: Signal, protocol: Protocol) -> &'static str {
    match (protocol, signal) {
        (Protocol::Http, Signal::Metrics) => "v1/metrics",
        (Protocol::Http, Signal::Traces) => "v1/traces",
        (Protocol::Grpc, Signal::Metrics) => {
            "opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
        }
        (Protocol::Grpc, Signal::Traces) => {
            "opentelemetry.proto.collector.trace.v1.TraceService/Export"
        }
    }
}

/// Where metrics and spans go.
#[derive(Clone, Debug)]
pub(super) struct Collector(pub OtlpPlan);

/// A message as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Packed(Bytes);

/// What a collector says of a message that it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Taken {
    /// How many points or spans of it were refused.
    pub rejected: u64,
    /// Why, or what else it has to say.
    pub why: String,
}

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Another try may well pass.
    #[error("{why}")]
    Passing {
        /// In one line.
        why: String,
        /// When the collector wants to be asked again.
        after: Option<Duration>,
    },
    /// It will not be taken however often it is sent.
    #[error("{0}")]
    Final(String),
}

impl Collector {
    /// A message as it is sent to this collector.
    pub(super) fn packed(&self, message: &impl prost::Message) -> Packed {
        let plain = message.encode_to_vec();
        let is_small = self.0.compression == Compression::Gzip;
        let bytes = if is_small { gzipped(&plain) } else { plain };
        Packed(match self.0.protocol {
            Protocol::Http => bytes.into(),
            Protocol::Grpc => grpc::framed(&bytes, is_small),
        })
    }

    /// Sends one message, once.
    pub(super) async fn send(
        &self,
        clock: &Arc<dyn Clock>,
        signal: Signal,
        message: &Packed,
    ) -> Result<Taken, Refusal> {
        let sent = self.exchange(clock, signal, message);
        match tokio::time::timeout(self.0.timeout, sent).await {
            Ok(sent) => sent,
            Err(_) => Err(Refusal::Passing {
                why: format!(
                    "no answer within {}",
                    crate::quantity::human(self.0.timeout)
                ),
                after: None,
            }),
        }
    }

    /// Sends one message, again and again while another try may pass; at most once more when told to
    /// stop.
    pub(super) async fn send_for_long(
        &self,
        clock: &Arc<dyn Clock>,
        signal: Signal,
        message: &Packed,
        stop: &CancellationToken,
    ) -> Result<Taken, Refusal> {
        let until = clock.now() + PATIENCE;
        let mut pause = FIRST_PAUSE;
        loop {
            let refusal = match self.send(clock, signal, message).await {
                Ok(taken) => return Ok(taken),
                Err(refusal) => refusal,
            };
            let Refusal::Passing { after, .. } = &refusal else {
                return Err(refusal);
            };
            let left = until.since(clock.now());
            if left.is_zero() || stop.is_cancelled() {
                return Err(refusal);
            }
            let wait = after.map_or(pause, |after| after.max(pause));
            tokio::select! {
                () = tokio::time::sleep(wait.min(left)) => {}
                () = stop.cancelled() => {}
            }
            pause *= 2;
        }
    }

    async fn exchange(
        &self,
        clock: &Arc<dyn Clock>,
        signal: Signal,
        message: &Packed,
    ) -> Result<Taken, Refusal> {
        let request = self.request(signal, message)?;
        let mut attempt = Attempt::start(Arc::clone(clock), self.0.timeout, Conditions::default());
        let answer = exchange::exchange(&mut attempt, &request).await;
        let answer = answer.map_err(|fault| passing(fault.detail))?;
        match self.0.protocol {
            Protocol::Http => heard(&answer, signal),
            Protocol::Grpc => {
                let host = self.0.endpoint.host_str().unwrap_or_default();
                let ended = grpc::ended(&answer, host, &Mask::default());
                match ended.message {
                    Ok(message) => taken(signal, &message),
                    Err(fault) => Err(retrying::refusal(ended.code, &answer, fault)),
                }
            }
        }
    }

    fn request(&self, signal: Signal, message: &Packed) -> Result<Request, Refusal> {
        let base = self.0.endpoint.as_str().trim_end_matches('/');
        let path = path(signal, self.0.protocol);
        let url = Url::parse(&format!("{base}/{path}"))
            .map_err(|error| Refusal::Final(format!("the endpoint cannot be extended: {error}")))?;
        let mut headers = self.0.headers.clone();
        let (kind, encoding) = match self.0.protocol {
            Protocol::Http => ("application/x-protobuf", CONTENT_ENCODING),
            Protocol::Grpc => {
                // The specification asks for it (PROTOCOL-HTTP2, "Requests").
                headers.insert(TE, HeaderValue::from_static("trailers"));
                ("application/grpc", HeaderName::from_static("grpc-encoding"))
            }
        };
        if self.0.compression == Compression::Gzip {
            headers.insert(encoding, HeaderValue::from_static("gzip"));
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        Ok(Request {
            method: Method::POST,
            headers,
            body: message.0.clone(),
            body_limit: ANSWER_LIMIT,
            ..Request::get(url, self.0.tls.clone())
        })
    }
}

fn passing(why: String) -> Refusal {
    Refusal::Passing { why, after: None }
}

fn heard(answer: &Answer, signal: Signal) -> Result<Taken, Refusal> {
    let status = answer.status.as_u16();
    let why = format!("it answers with the status {status}");
    match status {
        200..=299 => {}
        429 | 502..=504 => {
            return Err(Refusal::Passing {
                why,
                after: retry_after(&answer.headers),
            });
        }
        _ => return Err(Refusal::Final(why)),
    }
    let kind = answer.headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim() {
        "" | "application/x-protobuf" => taken(signal, &answer.body),
        // Something that answers to everything: nobody has read the message.
        "text/html" => Err(Refusal::Final(
            "it answers with a page: the address is not that of a collector".to_owned(),
        )),
        // Some answer in JSON to whatever they are sent; the status says enough.
        _ => Ok(Taken::default()),
    }
}

/// What the answer of a collector says.
fn taken(signal: Signal, message: &[u8]) -> Result<Taken, Refusal> {
    let partly = match signal {
        Signal::Metrics => ExportMetricsServiceResponse::decode(message).map(|answer| {
            let partly = answer.partial_success;
            partly.map(|partly| (partly.rejected_data_points, partly.error_message))
        }),
        Signal::Traces => ExportTraceServiceResponse::decode(message).map(|answer| {
            let partly = answer.partial_success;
            partly.map(|partly| (partly.rejected_spans, partly.error_message))
        }),
    };
    let partly = partly
        .map_err(|_| Refusal::Final("its answer is not that of a collector".to_owned()))?
        .unwrap_or_default();
    let (rejected, why) = partly;
    Ok(Taken {
        rejected: u64::try_from(rejected).unwrap_or_default(),
        why: one_line(&why),
    })
}

fn gzipped(plain: &[u8]) -> Vec<u8> {
    let mut small = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    // Memory takes whatever it is given.
    small.write_all(plain).unwrap_or_default();
    small.finish().unwrap_or_default()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?;
    value.trim().parse().ok().map(Duration::from_secs)
}
