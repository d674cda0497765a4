//! What the user writes below `metrics:`, and the language of `read`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};

use crate::expect::Matcher;
use crate::probe::api::{Absent, Take, text_or_mapping};
use crate::probe::wire::http_address::Address;
use crate::probe::wire::protocol::HttpProtocol;
use crate::probe::wire::tls::TlsSettings;
use crate::probe::{Addresses, ConnectionPolicy};
use crate::quantity::{Bytes, Span};
use crate::secret::Secret;

/// An endpoint of metrics, and what is read there.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MetricsSettings {
    /// The address of the endpoint, `http://` or `https://`. A user and a password in it are sent as
    /// basic authentication.
    pub url: Address,
    /// What is read, by the name under which thresholds and reports know it: a series as
    /// `active_users{app="web"}`, or a mapping with one of `series`, `rate`, `increase`, `ratio`,
    /// `quantile`, `age`.
    pub read: BTreeMap<String, Read>,
    /// What is expected of readings in every single run, by their names. What has no value yet cannot
    /// be told.
    #[serde(default)]
    pub expect: Option<BTreeMap<String, Matcher>>,
    /// What it means that the endpoint does not have a series that is read, where the reading does
    /// not say it itself.
    #[serde(default)]
    pub absent: Absent,
    /// How long ago the scrape before may be for a rate: over more than this time none is given.
    #[serde(default = "usual_gap")]
    pub max_gap: Span,
    /// Headers to send beyond the ones that the protocol needs.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Who is asked: whoever the name leads to, each of its addresses, or each running task of the
    /// deployment under test. What is counted between two scrapes is kept for each of them.
    #[serde(default)]
    pub addresses: Addresses,
    /// How the target's certificate is checked, and what we show of our own.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Which version of HTTP is spoken.
    #[serde(default)]
    pub protocol: HttpProtocol,
    /// Whether each run opens a connection of its own; without it, each does.
    #[serde(default)]
    pub connection: Option<ConnectionPolicy>,
    /// How large the answer may be, as it comes and decompressed; at most 64MiB.
    #[serde(default = "usual_limit")]
    pub body_limit: Bytes,
}

/// As long as Prometheus looks back for a sample.
fn usual_gap() -> Span {
    Span(std::time::Duration::from_secs(300))
}

/// Large services expose some hundred kilobytes; a mistake that makes a series of each user more.
const fn usual_limit() -> Bytes {
    Bytes(16 << 20)
}

/// Two series that are divided.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ratio {
    /// The part: `http_requests_total{status=~"5.."}`.
    pub of: String,
    /// The whole: `http_requests_total`.
    pub over: String,
    /// Whether the values are divided as they stand, as is right for gauges; without it, what was
    /// counted between two scrapes.
    #[serde(default)]
    pub now: bool,
}

/// One reading. Exactly one of `series`, `rate`, `increase`, `ratio`, `quantile` and `age`.
#[derive(Clone, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSettings {
    /// The value of a series as it stands: `active_users{app="web"}`.
    pub series: Option<String>,
    /// How much a counter grows a second, between two scrapes.
    pub rate: Option<String>,
    /// By how much a counter grew between two scrapes.
    pub increase: Option<String>,
    /// A part of a whole, as `{ of: …, over: … }`: a share, so that its limits may be percentages.
    pub ratio: Option<Ratio>,
    /// The quantile of what a histogram observed between two scrapes, as 0.95; with `histogram`.
    pub quantile: Option<f64>,
    /// The histogram of a `quantile`, by its name without `_bucket`.
    pub histogram: Option<String>,
    /// How long ago the moment is that a series names, in seconds since 1970:
    /// `backup_last_success_timestamp_seconds`.
    pub age: Option<String>,
    /// How the numbers of several series become one: `sum` where nothing is said, the oldest of
    /// several ages.
    pub take: Option<Take>,
    /// A label, each of whose values gives a reading of its own, named after both: `depth.emails`.
    pub each: Option<String>,
    /// What it means that the series is not there.
    pub absent: Option<Absent>,
}

/// A reading as declared: a series alone, or a mapping.
#[derive(Clone, Debug)]
pub struct Read(pub ReadSettings);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a series, or a mapping as `{ rate: http_requests_total }`";
        let read = text_or_mapping(deserializer, expected, |text| ReadSettings {
            series: Some(text.to_owned()),
            ..ReadSettings::default()
        });
        read.map(Self)
    }
}

impl JsonSchema for Read {
    fn schema_name() -> Cow<'static, str> {
        "Read".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mapping = generator.subschema_for::<ReadSettings>();
        json_schema!({
            "description": "A series, or a mapping with one of `series`, `rate`, `increase`, `ratio`, `quantile`, `age`.",
            "anyOf": [{ "type": "string", "examples": ["active_users{app=\"web\"}"] }, mapping]
        })
    }
}
