//! What the user writes below `sentry:`.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;

use crate::expect::Undated;
use crate::probe::ConnectionPolicy;
use crate::probe::wire::http_address::Address;
use crate::probe::wire::tls::TlsSettings;
use crate::quantity::{Bytes, Span};
use crate::secret::Secret;

/// A project at Sentry, and which of its errors are counted.
#[derive(serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SentrySettings {
    /// Where Sentry is: `https://sentry.io`, `https://de.sentry.io`, or one of your own.
    #[serde(default)]
    pub url: Option<Address>,
    /// A token of the organization that may read events (scopes `org:read` and `event:read`).
    pub token: Secret,
    /// The short name of the organization.
    pub organization: String,
    /// The short name of the project.
    pub project: String,
    /// The release whose errors are counted, as the service reports it: `api@1.4.2`. Without it, those
    /// of all releases are.
    #[serde(default)]
    pub release: Option<String>,
    /// The environment whose errors are counted: `production`.
    #[serde(default)]
    pub environment: Option<String>,
    /// What else the errors must be, in Sentry's language of searches: `level:fatal`.
    #[serde(default)]
    pub query: Option<String>,
    /// How far back errors are counted; in the bake of a deployment, not further than to its beginning.
    #[serde(default = "usual_span")]
    pub over: Span,
    /// What is expected of readings in every single run, by their names.
    #[serde(default)]
    pub expect: Option<BTreeMap<String, Undated>>,
    /// How the certificate is checked; for a Sentry of your own.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Whether each run opens a connection of its own; without it, each does.
    #[serde(default)]
    pub connection: Option<ConnectionPolicy>,
    /// How large an answer may be, as it comes and decompressed; at most 64MiB.
    #[serde(default = "usual_limit")]
    pub body_limit: Bytes,
}

const fn usual_span() -> Span {
    Span(Duration::from_secs(600))
}

const fn usual_limit() -> Bytes {
    Bytes(1 << 20)
}
