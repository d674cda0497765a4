//! `telemetry`: where metrics and traces go besides the daemon's own pages, and how its log looks.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::checks::kind;
use super::language::Share;
use crate::config::problem::{Code, Problem};
use crate::config::{Document, Entry, Node, Value, read, yaml};
use crate::probe::{HttpAddress, HttpProtocol, Misfit, Tls, TlsSettings};
use crate::quantity::Span;
use crate::secret::Secret;

/// What leaves for the tools that people keep.
#[derive(Clone, Debug, Default)]
pub struct TelemetryPlan {
    /// The collector, where one is declared.
    pub otlp: Option<OtlpPlan>,
    /// The share of runs that are sent as spans; those that fail always are.
    pub sample: f64,
    /// How the log looks.
    pub log: LogFormat,
    /// By which names the runs of checks are told.
    pub names: Names,
    /// Equal exactly when the whole section is declared alike.
    pub mark: u64,
}

/// A collector of OTLP.
#[derive(Clone)]
pub struct OtlpPlan {
    /// The address below which the paths of the signals are.
    pub endpoint: Url,
    /// How it is spoken to.
    pub protocol: Protocol,
    /// Headers, or metadata, to send besides.
    pub headers: HeaderMap,
    /// How a session is opened where the address says `https`.
    pub tls: Tls,
    /// The time between two exports of the instruments.
    pub every: Duration,
    /// How long one message may take.
    pub timeout: Duration,
    /// How messages are made smaller.
    pub compression: Compression,
}

impl std::fmt::Debug for OtlpPlan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpPlan")
            .field("protocol", &self.protocol)
            .field("every", &self.every)
            .finish_non_exhaustive()
    }
}

/// How a collector is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Protocol {
    /// Protobuf over HTTP, to `/v1/metrics` and `/v1/traces` below the endpoint; usually at port 4318.
    #[default]
    #[serde(rename = "http/protobuf")]
    Http,
    /// gRPC, usually at port 4317.
    #[serde(rename = "grpc")]
    Grpc,
}

/// How messages to a collector are made smaller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// By gzip, which every collector understands: a tenth of the bytes, for some of our time.
    Gzip,
}

/// By which names the runs of checks are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Names {
    /// Our own: `smokejumper_probe_total` and the others.
    #[default]
    Own,
    /// Our own, and besides them the last run of each check by the names of blackbox_exporter:
    /// `probe_success`, `probe_duration_seconds` and what else a run shows.
    Blackbox,
}

/// How lines of the log look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Where metrics and traces go, and how the log looks.
// Not `Debug`: addresses and headers hold secrets.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// A collector of OpenTelemetry; nothing is sent without one. `/metrics` is there anyway.
    pub otlp: Option<OtlpSettings>,
    /// Which runs are sent as spans.
    pub traces: Option<TraceSettings>,
    /// How lines of the log of `serve` look; text without it.
    pub log: Option<LogFormat>,
    /// By which names metrics are told; by our own without it.
    pub names: Option<Names>,
}

/// A collector of OpenTelemetry.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OtlpSettings {
    /// Its address, as `http://collector:4318`.
    pub endpoint: HttpAddress,
    /// How it is spoken to; `http/protobuf` without it.
    #[serde(default)]
    pub protocol: Protocol,
    /// Headers, or metadata of gRPC, to send besides.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// How its certificate is checked, and what we show of our own.
    #[serde(default)]
    pub tls: TlsSettings,
    /// The time between two exports of the metrics; 15s without it.
    pub every: Option<Span>,
    /// How long one message may take; 10s without it.
    pub timeout: Option<Span>,
    /// How messages are made smaller; not at all without it.
    #[serde(default)]
    pub compression: Compression,
}

/// Which runs are sent as spans.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceSettings {
    /// The share of runs; those that fail are always sent. 1% without it.
    pub sample: Option<Share>,
}

/// As often as Prometheus is usually told to look.
const USUAL_EVERY: Duration = Duration::from_secs(15);
/// What exporters of OpenTelemetry wait by default.
const USUAL_TIMEOUT: Duration = Duration::from_secs(10);
/// A thousand runs a second are ten spans a second.
const USUAL_SAMPLE: f64 = 0.01;
/// More often nobody looks, and each export is a walk over all instruments.
const LEAST_EVERY: Duration = Duration::from_secs(1);

/// Reads the section.
pub fn lower(document: &Document, problems: &mut Vec<Problem>) -> TelemetryPlan {
    let Some(first) = document.telemetry.first() else {
        return TelemetryPlan::default();
    };
    let place = &first.key.place;
    let node = Node {
        place: place.clone(),
        value: Value::Map(document.telemetry.clone()),
    };
    let Some(settings) = read::<TelemetrySettings>(&node, place, problems).any() else {
        return TelemetryPlan::default();
    };
    let sample = settings.traces.and_then(|traces| traces.sample);
    let entry = node.entry("otlp");
    let otlp = settings.otlp.zip(entry);
    if otlp.is_none()
        && let Some(traces) = node.entry("traces")
    {
        let problem = Problem::error(Code::BadValue, "spans are sent nowhere without `otlp`")
            .at(&traces.key.place)
            .help("write `otlp: { endpoint: http://localhost:4318 }` beside it, or remove it");
        problems.push(problem);
    }
    TelemetryPlan {
        otlp: otlp.and_then(|(otlp, entry)| collector(otlp, entry, problems)),
        sample: sample.map_or(USUAL_SAMPLE, |share| share.0),
        log: settings.log.unwrap_or_default(),
        names: settings.names.unwrap_or_default(),
        mark: mark(document),
    }
}

fn mark(document: &Document) -> u64 {
    let mut mark = DefaultHasher::new();
    for entry in &document.telemetry {
        entry.key.text.hash(&mut mark);
        yaml(&entry.value).hash(&mut mark);
    }
    mark.finish()
}

fn collector(
    settings: OtlpSettings,
    entry: &Entry,
    problems: &mut Vec<Problem>,
) -> Option<OtlpPlan> {
    let before = problems.len();
    let mut misfits = Vec::new();
    let every = settings.every.map_or(USUAL_EVERY, |span| span.0);
    if every < LEAST_EVERY {
        misfits.push(Misfit::at(
            &["every"],
            "metrics are sent at most once a second",
        ));
    }
    let timeout = settings.timeout.map_or(USUAL_TIMEOUT, |span| span.0);
    if timeout.is_zero() {
        misfits.push(Misfit::at(&["timeout"], "no message takes no time"));
    }
    let headers = headers(&settings.headers, &mut misfits);
    let protocol = match settings.protocol {
        Protocol::Http => HttpProtocol::default(),
        Protocol::Grpc => HttpProtocol::Http2,
    };
    let tls = Tls::for_http(protocol, &settings.tls, &kind::surroundings(entry))
        .map_err(|more| misfits.extend(more))
        .ok();
    problems.extend(misfits.iter().map(|misfit| kind::refused(misfit, entry)));
    let tls = tls.filter(|_| problems.len() == before)?;
    Some(OtlpPlan {
        endpoint: settings.endpoint.0,
        protocol: settings.protocol,
        headers,
        tls,
        every,
        timeout,
        compression: settings.compression,
    })
}

fn headers(declared: &BTreeMap<String, Secret>, misfits: &mut Vec<Misfit>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in declared {
        let Ok(key) = HeaderName::try_from(name.as_str()) else {
            let message = format!("`{name}` is not the name of a header");
            misfits.push(Misfit::at(&["headers", name], message));
            continue;
        };
        // The value may be a secret: it is not repeated, and never printed.
        let Ok(mut value) = HeaderValue::try_from(value.reveal()) else {
            let message = format!("the value of `{name}` has characters that no header can carry");
            misfits.push(Misfit::at(&["headers", name], message));
            continue;
        };
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    headers
}
