//! What is written below `server`, as the language has it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};

use super::RateLimit;
use crate::quantity::Span;
use crate::secret::Secret;

/// Where the daemon listens, and for whom.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// The address and the port to listen on; 127.0.0.1:9717 without it. Anything but loopback needs
    /// `tokens` or `tls.client_ca`.
    pub listen: Option<Listen>,
    /// The address under which people open the pages, as `https://smokejumper.example.org`: notifications
    /// link there. Without it they hold no link.
    pub url: Option<String>,
    /// Who may ask, by name. Without any, whoever is on this machine may read, and act with the token
    /// that the daemon keeps in its state folder.
    pub tokens: Option<BTreeMap<String, TokenSettings>>,
    /// How connections are protected; plain without it.
    pub tls: Option<TlsSettings>,
    /// Whether there is a public status page, for which nobody has to say who they are: of all services
    /// with `true`, of those in a list. It shows their names and verdicts, and nothing else.
    pub status_page: Option<StatusPageSettings>,
    /// How many requests each caller may send, as `1200 per 1m`, which holds without it.
    pub rate_limit: Option<RateText>,
}

/// A token and what it allows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenSettings {
    /// The token, sent as `Authorization: Bearer TOKEN`: at least 16 characters, as
    /// `openssl rand -hex 32` makes it.
    pub token: Secret,
    /// What it allows; `read` without it.
    pub scope: Option<Scope>,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// See everything, change nothing.
    Read,
    /// Also open windows, accept, hold, roll back, freeze, silence and reload.
    Act,
}

impl Scope {
    /// The name, as it is written.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Act => "act",
        }
    }
}

/// How connections are protected.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// A PEM file with our certificate, and those between it and its authority; relative to this file.
    /// It is read again when it changes.
    pub certificate: PathBuf,
    /// A PEM file with its key, not encrypted; relative to this file.
    pub key: PathBuf,
    /// A PEM file with the authorities of clients; relative to this file. With tokens, a client shows a
    /// certificate or a token; without tokens, no connection is made without a certificate.
    pub client_ca: Option<PathBuf>,
    /// What a client certificate allows; `read` without it.
    pub client_scope: Option<Scope>,
}

/// What the public status page shows.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum StatusPageSettings {
    /// All services, or no page.
    All(bool),
    /// These services.
    Of(Vec<String>),
}

/// An address with a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listen(pub SocketAddr);

impl Listen {
    /// Reads `127.0.0.1:9717`, `[::1]:9717`, `localhost:9717`, and `:9717` for all addresses.
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse() {
            return Some(Self(address));
        }
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok()?;
        let ip = match host {
            "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
            "" | "*" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            _ => return None,
        };
        Some(Self(SocketAddr::new(ip, port)))
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let message =
                format!("`{text}` is no address with a port; write it as \"127.0.0.1:9717\"");
            de::Error::custom(message)
        })
    }
}

impl JsonSchema for Listen {
    fn schema_name() -> Cow<'static, str> {
        "Listen".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": ":[0-9]{1,5}$",
            "description": "An IP address with a port; `:9717` listens on all addresses.",
            "examples": ["127.0.0.1:9717", "[::1]:9717", "0.0.0.0:9717"]
        })
    }
}

/// How many requests in which time, as `1200 per 1m`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateText(pub RateLimit);

impl RateText {
    fn parse(text: &str) -> Option<Self> {
        let (requests, per) = text.split_once(" per ")?;
        let requests: u32 = requests.trim().parse().ok()?;
        let per = Span::parse(per).ok()?.0;
        let is_possible = requests > 0 && !per.is_zero();
        is_possible.then_some(Self(RateLimit { requests, per }))
    }
}

impl<'de> Deserialize<'de> for RateText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let message =
                format!("`{text}` allows no number of requests; write it as \"1200 per 1m\"");
            de::Error::custom(message)
        })
    }
}

impl JsonSchema for RateText {
    fn schema_name() -> Cow<'static, str> {
        "RequestRate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": "^ *[0-9]+ per [0-9.]+[a-z]",
            "description": "How many requests are allowed in a time.",
            "examples": ["1200 per 1m"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        let cases = [
            ("127.0.0.1:9717", Some("127.0.0.1:9717")),
            ("[::1]:80", Some("[::1]:80")),
            ("localhost:80", Some("127.0.0.1:80")),
            (":80", Some("[::]:80")),
            ("*:80", Some("[::]:80")),
            ("0.0.0.0", None),
            ("9717", None),
            ("example.com:80", None),
            ("127.0.0.1:99999", None),
        ];
        for (text, expected) in cases {
            let read = Listen::parse(text).map(|listen| listen.0.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_rate_allows_something() {
        let rate = |text| RateText::parse(text).map(|rate| rate.0.requests);
        assert_eq!(rate("10 per 1s"), Some(10));
        for text in ["0 per 1s", "10 per 0s", "10", "-1 per 1s", "ten per 1s"] {
            assert_eq!(rate(text), None, "{text}");
        }
    }
}
