//! A collector of OpenTelemetry of our own, over HTTP and gRPC at one port, that keeps what it is sent
//! and answers as it is told.

use std::convert::Infallible;
use std::io::Read as _;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::{Buf as _, Bytes};
use flate2::read::{GzDecoder, GzEncoder};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// How it answers.
#[derive(Clone, Debug)]
pub enum Answers {
    /// As a collector does.
    Well,
    /// The same, compressed.
    Gzipped,
    /// Never.
    Hangs,
    /// With a status of HTTP, and when to ask again.
    Status(u16, Option<&'static str>),
    /// With a status of gRPC.
    Grpc(u8),
    /// With RESOURCE_EXHAUSTED, and when to ask again, in seconds of less than 128.
    Exhausted(u8),
    /// That it has refused so many, and why.
    Partly(i64, &'static str),
    /// With a page.
    Page,
    /// With bytes that mean nothing.
    Garbage,
}

/// What came.
#[derive(Default)]
pub struct Received {
    /// How many messages came, also those that were not taken.
    pub asked: usize,
    /// The headers of the last one.
    pub head: HeaderMap,
    pub metrics: Vec<ExportMetricsServiceRequest>,
    pub traces: Vec<ExportTraceServiceRequest>,
}

/// A running collector.
pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
    answers: Arc<Mutex<Answers>>,
    _serving: JoinSet<()>,
}

impl Collector {
    pub async fn start(answers: Answers) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let received: Arc<Mutex<Received>> = Arc::default();
        let answers = Arc::new(Mutex::new(answers));
        let (kept, told) = (Arc::clone(&received), Arc::clone(&answers));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, told) = (Arc::clone(&kept), Arc::clone(&told));
                connections.spawn(async move {
                    let service = hyper::service::service_fn(|request| {
                        answer(request, Arc::clone(&kept), Arc::clone(&told))
                    });
                    let serving =
                        hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    // Whoever leaves early has its reasons.
                    drop(
                        serving
                            .serve_connection(TokioIo::new(stream), service)
                            .await,
                    );
                });
            }
        });
        Self {
            address,
            received,
            answers,
            _serving: serving,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn answers(&self, answers: Answers) {
        *self.answers.lock().unwrap() = answers;
    }

    /// What came so far.
    pub fn received<T>(&self, look: impl FnOnce(&Received) -> T) -> T {
        look(&self.received.lock().unwrap())
    }

    /// Waits until something holds of what came.
    pub async fn until(&self, holds: impl Fn(&Received) -> bool) {
        let waiting = async {
            while !self.received(&holds) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        assert!(
            waited.is_ok(),
            "after {} messages",
            self.received(|it| it.asked)
        );
    }

    /// All spans that came.
    pub fn spans(&self) -> Vec<Span> {
        self.received(|it| {
            let resources = it.traces.iter().flat_map(|one| &one.resource_spans);
            let scopes = resources.flat_map(|one| &one.scope_spans);
            scopes.flat_map(|one| one.spans.clone()).collect()
        })
    }
}

/// The metrics of a message.
pub fn metrics(request: &ExportMetricsServiceRequest) -> Vec<&Metric> {
    let resources = request.resource_metrics.iter();
    let scopes = resources.flat_map(|one| &one.scope_metrics);
    scopes.flat_map(|one| &one.metrics).collect()
}

/// The resource that speaks in a message.
pub fn resource(request: &ExportMetricsServiceRequest) -> &Resource {
    let resource = request.resource_metrics[0].resource.as_ref();
    resource.expect("a resource")
}

/// The text of an attribute.
pub fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let found = attributes.iter().find(|one| one.key == key)?;
    match found.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text.clone()),
        other => Some(format!("{other:?}")),
    }
}

type Answer = Response<BoxBody<Bytes, Infallible>>;

async fn answer(
    request: Request<Incoming>,
    kept: Arc<Mutex<Received>>,
    told: Arc<Mutex<Answers>>,
) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let answers = told.lock().unwrap().clone();
    let is_grpc =
        head.headers.get("content-type") == Some(&HeaderValue::from_static("application/grpc"));
    let message = plain(&head.headers, is_grpc, body);
    let is_metrics = match head.uri.path() {
        "/v1/metrics" | "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export" => true,
        "/v1/traces" | "/opentelemetry.proto.collector.trace.v1.TraceService/Export" => false,
        other => panic!("nothing is at {other}"),
    };
    {
        let mut kept = kept.lock().unwrap();
        kept.asked += 1;
        kept.head = head.headers;
        if matches!(
            answers,
            Answers::Well | Answers::Gzipped | Answers::Partly(..)
        ) {
            match is_metrics {
                true => kept
                    .metrics
                    .push(Message::decode(&message[..]).expect("metrics")),
                false => kept
                    .traces
                    .push(Message::decode(&message[..]).expect("spans")),
            }
        }
    }
    let said = match answers {
        Answers::Partly(rejected, why) => partly(is_metrics, rejected, why),
        Answers::Garbage => b"\xff\xff\xff\xff".to_vec(),
        _ => Vec::new(),
    };
    Ok(match answers {
        Answers::Hangs => std::future::pending().await,
        Answers::Status(status, after) => {
            let mut answer = whole(Bytes::new());
            *answer.status_mut() = status.try_into().expect("a status");
            if let Some(after) = after {
                let after = HeaderValue::from_static(after);
                answer.headers_mut().insert("retry-after", after);
            }
            answer
        }
        Answers::Page => typed(
            whole(Bytes::from_static(b"<html>hello</html>")),
            "text/html",
        ),
        Answers::Grpc(status) => over_grpc(&said, status, None),
        Answers::Exhausted(seconds) => over_grpc(&said, 8, Some(retry_info(seconds))),
        _ if is_grpc => over_grpc(&said, 0, None),
        Answers::Gzipped => {
            let body = partly(is_metrics, 0, "");
            let mut small = Vec::new();
            let mut encoder = GzEncoder::new(&body[..], flate2::Compression::fast());
            encoder.read_to_end(&mut small).expect("compressed");
            let mut answer = typed(whole(small.into()), "application/x-protobuf");
            let gzip = HeaderValue::from_static("gzip");
            answer.headers_mut().insert("content-encoding", gzip);
            answer
        }
        _ => typed(whole(said.into()), "application/x-protobuf"),
    })
}

fn whole(body: Bytes) -> Answer {
    Response::new(Full::new(body).boxed())
}

fn typed(mut answer: Answer, kind: &'static str) -> Answer {
    let kind = HeaderValue::from_static(kind);
    answer.headers_mut().insert("content-type", kind);
    answer
}

/// The details of a status with a `google.rpc.RetryInfo`, as Protocol Buffers write it, in base64.
fn retry_info(seconds: u8) -> HeaderValue {
    let field = |number: u8, bytes: &[u8]| {
        let length = u8::try_from(bytes.len()).expect("short");
        [&[(number << 3) | 2, length], bytes].concat()
    };
    let name = field(1, b"type.googleapis.com/google.rpc.RetryInfo");
    let delay = field(2, &field(1, &[0x08, seconds]));
    let details = STANDARD_NO_PAD.encode(field(3, &[name, delay].concat()));
    HeaderValue::from_str(&details).expect("base64")
}

fn over_grpc(message: &[u8], status: u8, details: Option<HeaderValue>) -> Answer {
    let mut body = vec![0];
    body.extend(u32::try_from(message.len()).expect("short").to_be_bytes());
    body.extend_from_slice(message);
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from(u16::from(status)));
    if let Some(details) = details {
        trailers.insert("grpc-status-details-bin", details);
    }
    let body = Full::new(Bytes::from(body)).with_trailers(async { Some(Ok(trailers)) });
    typed(Response::new(body.boxed()), "application/grpc")
}

fn partly(is_metrics: bool, rejected: i64, why: &str) -> Vec<u8> {
    let error_message = why.to_owned();
    if is_metrics {
        let partial_success = Some(ExportMetricsPartialSuccess {
            rejected_data_points: rejected,
            error_message,
        });
        return ExportMetricsServiceResponse { partial_success }.encode_to_vec();
    }
    let partial_success = Some(ExportTracePartialSuccess {
        rejected_spans: rejected,
        error_message,
    });
    ExportTraceServiceResponse { partial_success }.encode_to_vec()
}

/// A message out of its frame and its compression.
fn plain(headers: &HeaderMap, is_grpc: bool, mut body: Bytes) -> Vec<u8> {
    let mut is_small = headers.contains_key("content-encoding");
    if is_grpc {
        is_small = body.get_u8() == 1;
        assert_eq!(body.get_u32() as usize, body.len(), "one frame");
        assert_eq!(is_small, headers.contains_key("grpc-encoding"));
        assert_eq!(headers["te"], "trailers");
    } else {
        assert_eq!(headers["content-type"], "application/x-protobuf");
    }
    if !is_small {
        return body.to_vec();
    }
    let mut plain = Vec::new();
    let read = GzDecoder::new(&body[..]).read_to_end(&mut plain);
    read.expect("gzip");
    plain
}
