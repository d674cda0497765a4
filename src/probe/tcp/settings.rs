//! What the user writes below `tcp:`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::expect::Matcher;
use crate::probe::wire::host_port::HostPort;
use crate::probe::wire::payload::Payload;
use crate::probe::wire::tls::TlsSettings;
use crate::quantity::Bytes;

/// A connection, and the talk over it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The host and the port, as `cache.internal:11211`.
    pub address: HostPort,
    /// Where it stands, as `tls: {}`, the talk is over TLS from the first byte; how the certificate
    /// is checked, and what we show of our own.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// What is sent and what is expected, in this order. Without it, that the connection opens is
    /// all that is asked.
    #[serde(default)]
    pub dialogue: Option<Vec<Line>>,
    /// How large one answer of the dialogue may be; at most 1MiB.
    #[serde(default = "usual_limit")]
    pub limit: Bytes,
}

const fn usual_limit() -> Bytes {
    Bytes(64 << 10)
}

/// A step of the dialogue: `send`, or `expect` with where the answer ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// What to send: a text as it stands (`"PING\r\n"`: no line end is added), or
    /// `{ hex: "0d 0a" }`. No message repeats what stands behind its first word.
    #[serde(default)]
    pub send: Option<Payload>,
    /// What is expected of what comes next: a text, or a matcher as `{ starts_with: "220 " }`.
    #[serde(default)]
    pub expect: Option<Matcher>,
    /// With `expect`: the answer ends before this, a text or `{ hex: "00" }`. Without `until`,
    /// `length` and `to_end`: before the end of the line, `\n` or `\r\n`.
    #[serde(default)]
    pub until: Option<Payload>,
    /// With `expect`: the answer has so many bytes.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub length: Option<u32>,
    /// With `expect`: the answer is all that comes until the other side closes the connection.
    #[serde(default)]
    pub to_end: Option<bool>,
    /// With `expect`: how the answer is compared. As a text, which it must then be (UTF-8), or as
    /// its hex digits in lower case.
    #[serde(default, rename = "as")]
    pub form: Option<Form>,
}

/// How an answer is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As a text.
    #[default]
    Text,
    /// As hex digits in lower case: `0d0a`.
    Hex,
}
