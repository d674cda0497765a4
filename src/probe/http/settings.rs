//! What the user writes below `http:`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use serde_json::Value;

use super::expectation::{Expectation, present};
use super::version::Version;
use crate::probe::wire::exchange::BODY_LIMIT;
pub use crate::probe::wire::http_address::Address;
use crate::probe::wire::protocol::HttpProtocol;
use crate::probe::wire::tls::TlsSettings;
use crate::probe::{Addresses, ConnectionPolicy};
use crate::quantity::Bytes;

/// One HTTP request and what is expected of its answer.
// Not `Debug`: addresses, headers and bodies hold secrets.
#[derive(serde::Deserialize, JsonSchema)]
pub struct HttpSettings {
    /// The address, `http://` or `https://`. A user and a password in it are sent as basic
    /// authentication.
    pub url: Address,
    /// The method.
    #[serde(default)]
    pub method: Method,
    /// Headers to send beyond the ones that the protocol needs.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The body to send, as it stands.
    #[serde(default)]
    pub body: Option<String>,
    /// The body to send, as JSON; sets the content type.
    #[serde(default)]
    pub json: Option<Value>,
    /// What is expected of the answer. Without it: any status from 200 to 299.
    #[serde(default, deserialize_with = "present")]
    pub expect: Option<Expectation>,
    /// Which version an answer must be of to count.
    #[serde(default, deserialize_with = "present")]
    pub version: Option<Version>,
    /// Who is asked: whoever the name leads to, each of its addresses, or each running task of the
    /// deployment under test.
    #[serde(default)]
    pub addresses: Addresses,
    /// What to do when the answer points elsewhere. An answer whose status is expected is final.
    #[serde(default)]
    pub redirects: Redirects,
    /// How many redirects to follow at most.
    #[serde(default = "ten")]
    pub max_redirects: u8,
    /// How the target's certificate is checked, and what we show of our own.
    #[serde(default)]
    pub tls: TlsSettings,
    /// Which version of HTTP is spoken.
    #[serde(default)]
    pub protocol: HttpProtocol,
    /// Whether each run opens a connection of its own; without it, each does.
    #[serde(default, deserialize_with = "present")]
    pub connection: Option<ConnectionPolicy>,
    /// Whether the header `traceparent` is sent, so that the target's own spans hang below this run.
    #[serde(default)]
    pub traceparent: bool,
    /// How large the body of the answer may be, as it comes and decompressed; at most 64MiB.
    #[serde(default = "usual_limit")]
    pub body_limit: Bytes,
}

const fn ten() -> u8 {
    10
}

const fn usual_limit() -> Bytes {
    Bytes(BODY_LIMIT)
}

/// What to do when the answer points elsewhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Redirects {
    /// Go there. Credentials stay with the host for which they were declared.
    #[default]
    Follow,
    /// Go there on the same host only; anywhere else is a failure.
    SameHost,
    /// Being pointed elsewhere is a failure.
    Refuse,
}

/// The method of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Method(pub http::Method);

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match http::Method::from_bytes(text.to_ascii_uppercase().as_bytes()) {
            Ok(http::Method::CONNECT) => Err(de::Error::custom(
                "CONNECT asks for a tunnel, not for an answer",
            )),
            Ok(method) => Ok(Self(method)),
            Err(_) => Err(de::Error::custom(format!("`{text}` is not a method"))),
        }
    }
}

impl JsonSchema for Method {
    fn schema_name() -> Cow<'static, str> {
        "Method".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "The method of the request.",
            "default": "GET",
            "examples": ["GET", "HEAD", "POST"]
        })
    }
}
