//! What the user writes below `prometheus:`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer};

use crate::expect::Matcher;
use crate::probe::ConnectionPolicy;
use crate::probe::api::{Absent, Counts, Take, text_or_mapping};
use crate::probe::wire::http_address::Address;
use crate::probe::wire::protocol::HttpProtocol;
use crate::probe::wire::tls::TlsSettings;
use crate::quantity::{Bytes, Span};
use crate::secret::Secret;

/// A server that answers PromQL, and what it is asked.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusSettings {
    /// The address of the server, `http://` or `https://`, without `/api/v1`. A user and a password in
    /// it are sent as basic authentication.
    pub url: Address,
    /// What is asked, by the name under which thresholds and reports know it: a query as
    /// `sum(active_users)`, or a mapping with `query`. Asked one after the other, as of now.
    pub read: BTreeMap<String, Read>,
    /// What is expected of readings in every single run, by their names.
    #[serde(default)]
    pub expect: Option<BTreeMap<String, Matcher>>,
    /// What it means that a query finds nothing, where the reading does not say it itself.
    #[serde(default)]
    pub absent: Absent,
    /// What is made of an answer of which the server says that a part is missing, as Thanos does when
    /// one of its stores does not answer.
    #[serde(default)]
    pub partial: Partial,
    /// How old an answer may be: one that a cache kept, or a server whose clock is wrong, says nothing
    /// of now.
    #[serde(default = "usual_age")]
    pub max_age: Span,
    /// Headers to send beyond the ones that the protocol needs: `authorization: Bearer ${TOKEN}`.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// How the server's certificate is checked, and what we show of our own.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Which version of HTTP is spoken.
    #[serde(default)]
    pub protocol: HttpProtocol,
    /// Whether each run opens a connection of its own; without it, each does.
    #[serde(default)]
    pub connection: Option<ConnectionPolicy>,
    /// How large an answer may be, as it comes and decompressed; at most 64MiB.
    #[serde(default = "usual_limit")]
    pub body_limit: Bytes,
}

/// Two scrapes at the usual interval.
const fn usual_age() -> Span {
    Span(Duration::from_secs(120))
}

const fn usual_limit() -> Bytes {
    Bytes(1 << 20)
}

/// What is made of an answer of which a part is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Partial {
    /// Nothing is learnt from the run.
    #[default]
    Unknown,
    /// It is taken for the whole.
    Accept,
}

/// One reading.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadSettings {
    /// The query, in PromQL: one that gives a number, or one number a series.
    pub query: String,
    /// How the numbers of several series become one; without it or `each`, several are no answer.
    pub take: Option<Take>,
    /// A label, each of whose values gives a reading of its own, named after both: `depth.emails`.
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
        let expected = "a query, or a mapping as `{ query: sum(active_users) }`";
        let read = text_or_mapping(deserializer, expected, |text| ReadSettings {
            query: text.to_owned(),
            take: None,
            each: None,
            absent: None,
            unit: Counts::Number,
        });
        read.map(Self)
    }
}

impl JsonSchema for Read {
    fn schema_name() -> Cow<'static, str> {
        "QueryRead".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mapping = generator.subschema_for::<ReadSettings>();
        json_schema!({
            "description": "A query, or a mapping with `query`.",
            "anyOf": [{ "type": "string", "examples": ["sum(active_users)"] }, mapping]
        })
    }
}
