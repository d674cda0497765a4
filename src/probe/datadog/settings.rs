//! What the user writes below `datadog:`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};

use crate::expect::Matcher;
use crate::probe::ConnectionPolicy;
use crate::probe::api::{Absent, Counts, Take, text_or_mapping};
use crate::probe::wire::http_address::Address;
use crate::probe::wire::tls::TlsSettings;
use crate::quantity::{Bytes, Span};
use crate::secret::Secret;

/// Queries to Datadog, and what of their answers is read.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DatadogSettings {
    /// The site of the organization: `datadoghq.com`, `datadoghq.eu`, `us5.datadoghq.com` …
    #[serde(default = "usual_site")]
    pub site: String,
    /// The address of the API where it is not that of a site: a proxy.
    #[serde(default)]
    pub url: Option<Address>,
    /// An API key of the organization.
    pub api_key: Secret,
    /// An application key that may query metrics (scope `timeseries_query`), and read monitors
    /// (`monitors_read`) where one is read.
    pub application_key: Secret,
    /// What is asked, by the name under which thresholds and reports know it: a query as
    /// `avg:system.load.1{service:api}`, or a mapping with `query` or `monitor`. Asked one after the
    /// other.
    pub read: BTreeMap<String, Read>,
    /// What is expected of readings in every single run, by their names.
    #[serde(default)]
    pub expect: Option<BTreeMap<String, Matcher>>,
    /// What it means that a query finds nothing, where the reading does not say it itself.
    #[serde(default)]
    pub absent: Absent,
    /// How far back a query looks.
    #[serde(default = "five_minutes")]
    pub over: Span,
    /// How old the newest value may be; an older one counts as none.
    #[serde(default = "five_minutes")]
    pub max_age: Span,
    /// How the certificate is checked; for a proxy.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Whether each run opens a connection of its own; without it, each does.
    #[serde(default)]
    pub connection: Option<ConnectionPolicy>,
    /// How large an answer may be, as it comes and decompressed; at most 64MiB.
    #[serde(default = "usual_limit")]
    pub body_limit: Bytes,
}

fn usual_site() -> String {
    "datadoghq.com".to_owned()
}

/// Agents report every ten to twenty seconds, and what they report is there within a minute or two.
const fn five_minutes() -> Span {
    Span(Duration::from_secs(300))
}

const fn usual_limit() -> Bytes {
    Bytes(1 << 20)
}

/// What is read of the values of one series over time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Of {
    /// The newest value.
    #[default]
    Last,
    /// Their mean.
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// Their sum, as is right for counts.
    Sum,
}

/// One reading: of a query, or of a monitor.
#[derive(Clone, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSettings {
    /// The query, as in a graph of Datadog: `sum:trace.http.request.errors{env:prod}.as_count()`.
    pub query: Option<String>,
    /// The number of a monitor, whose state is read: 0 for OK, 1 for Warn, 2 for Alert.
    pub monitor: Option<u64>,
    /// What is read of the values of a series: `last` where nothing is said.
    pub of: Option<Of>,
    /// How the numbers of several series become one; without it or `each`, several are no answer.
    pub take: Option<Take>,
    /// A tag, each of whose values gives a reading of its own, named after both: `load.web-1`.
    pub each: Option<String>,
    /// What it means that the query finds nothing.
    pub absent: Option<Absent>,
    /// What the reading counts, so that limits may be written in it.
    #[serde(default)]
    pub unit: Counts,
}

/// A reading as declared: a query alone, or a mapping.
#[derive(Clone, Debug)]
pub struct Read(pub ReadSettings);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let expected = "a query, or a mapping as `{ query: …, of: max }` or `{ monitor: 42 }`";
        let read = text_or_mapping(deserializer, expected, |text| ReadSettings {
            query: Some(text.to_owned()),
            ..ReadSettings::default()
        });
        read.map(Self)
    }
}

impl JsonSchema for Read {
    fn schema_name() -> Cow<'static, str> {
        "DatadogRead".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mapping = generator.subschema_for::<ReadSettings>();
        json_schema!({
            "description": "A query, or a mapping with `query` or `monitor`.",
            "anyOf": [{ "type": "string", "examples": ["avg:system.load.1{service:api}"] }, mapping]
        })
    }
}
