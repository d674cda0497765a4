//! What the user writes below `websocket:`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::{self, Deserializer};
use serde_json::Value;
use url::Url;

use crate::expect::{JsonExpectations, Matcher};
use crate::probe::wire::payload::Payload;
use crate::probe::wire::tls::TlsSettings;
use crate::quantity::{Bytes, Span};
use crate::secret::Secret;

/// A WebSocket connection and what is said over it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The address, `ws://` or `wss://`. A user and a password in it are sent as basic
    /// authentication.
    pub url: Address,
    /// Headers of the handshake beyond the ones that the protocol needs; their values are secrets.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// The subprotocols that are offered, the preferred one first. The target must choose one of
    /// them.
    #[serde(default)]
    pub subprotocols: Vec<String>,
    /// How the certificate of a `wss://` target is checked, and what we show of our own.
    #[serde(default)]
    pub tls: TlsSettings,
    /// What is sent and what is expected, in this order.
    #[serde(default)]
    pub dialogue: Option<Vec<Line>>,
    /// Whether a ping is sent after the dialogue, which the target must return.
    #[serde(default)]
    pub ping: bool,
    /// For how long the connection must stay open after that, as `5s`. The timeout of the check
    /// must be longer. What comes meanwhile is heard and not judged.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub stays_open: Option<Span>,
    /// How large one message may be; at most 16MiB.
    #[serde(default = "usual_limit")]
    pub limit: Bytes,
}

const fn usual_limit() -> Bytes {
    Bytes(1 << 20)
}

/// A step of the dialogue: `send`, `send_json`, `expect` or `expect_json`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// A message to send: a text, or a binary one as `{ hex: "01 02" }`. No message of ours repeats
    /// what stands behind its first word.
    #[serde(default)]
    pub send: Option<Payload>,
    /// A text message to send, as JSON.
    #[serde(default)]
    pub send_json: Option<Value>,
    /// What is expected of the next message: a text, or a matcher as `{ contains: ready }`. A
    /// binary message is compared `as: hex`.
    #[serde(default)]
    pub expect: Option<Matcher>,
    /// JSON paths into the next message, each with what is expected there.
    #[serde(default)]
    pub expect_json: Option<JsonExpectations>,
    /// With `expect` and `expect_json`: how many messages that are not as expected are passed over
    /// before, because the target also speaks of other things.
    #[serde(default)]
    #[schemars(range(max = 1000))]
    pub skip: Option<u32>,
    /// With `expect`: whether the message is compared as a text, or as its hex digits in lower
    /// case.
    #[serde(default, rename = "as")]
    pub form: Option<Form>,
}

/// How a message is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As the text message that it must then be.
    #[default]
    Text,
    /// As hex digits in lower case: `0102`.
    Hex,
}

/// An absolute address, `ws` or `wss`, with a host.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(pub Url);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The text may hold a password: the error does not repeat it.
        let url = Url::parse(text.trim())
            .map_err(|error| de::Error::custom(format!("not an address: {error}")))?;
        if !matches!(url.scheme(), "ws" | "wss") || url.host_str().is_none() {
            let message = format!(
                "`{}` addresses are no WebSockets; write ws:// or wss://",
                url.scheme()
            );
            return Err(de::Error::custom(message));
        }
        Ok(Self(url))
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "WebSocketAddress".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An absolute address, ws:// or wss://.",
            "examples": ["wss://api.example.com/socket"]
        })
    }
}
