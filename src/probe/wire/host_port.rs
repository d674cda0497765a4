//! Where a target is, declared as `host:port`: for the kinds whose protocol has no URL of its own.
//!
//! A value that resolves and opens nothing.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};

use crate::probe::Misfit;

/// A host, and the port where one is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// The name or the IP address; an IPv6 address without its brackets.
    pub host: String,
    /// The port, where the text names one.
    pub port: Option<u16>,
}

impl HostPort {
    /// Reads `host`, `host:port`, `192.0.2.1:port`, `[2001:db8::1]:port`, or an IPv6 address alone.
    ///
    /// # Errors
    /// What is wrong, as a fragment that says what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.contains("://") {
            return Err(format!("`{text}` is a URL; {FORM}"));
        }
        if text.contains('@') {
            // What stands before it may be a password.
            return Err(format!("a user does not belong here; {FORM}"));
        }
        if text.parse::<Ipv6Addr>().is_ok() {
            return Ok(Self {
                host: text.to_owned(),
                port: None,
            });
        }
        let wrong = || format!("`{text}` is not an address; {FORM}");
        let (host, rest) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (host, rest) = bracketed.split_once(']').ok_or_else(wrong)?;
                host.parse::<Ipv6Addr>().map_err(|_| wrong())?;
                (host, rest)
            }
            None => text.split_at(text.find(':').unwrap_or(text.len())),
        };
        let is_name = |c: char| c.is_alphanumeric() || "-_.:".contains(c);
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(wrong());
        }
        let port = match rest.strip_prefix(':') {
            Some(port) => Some(
                port.parse()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or_else(wrong)?,
            ),
            None if rest.is_empty() => None,
            None => return Err(wrong()),
        };
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }

    /// The port that is written.
    ///
    /// # Errors
    /// A [`Misfit`] at `address` where none is.
    pub fn written_port(&self) -> Result<u16, Misfit> {
        self.port.ok_or_else(|| {
            let message = format!("the port of {} is missing", self.host);
            Misfit::at(&["address"], message).hint(FORM)
        })
    }
}

const FORM: &str = "write host:port, as db.internal:5432 or [2001:db8::1]:5432";

impl<'de> Deserialize<'de> for HostPort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl JsonSchema for HostPort {
    fn schema_name() -> Cow<'static, str> {
        "HostPort".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A host and a port, as host:port; an IPv6 address in brackets.",
            "examples": ["db.internal:5432", "[2001:db8::1]:443"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_and_ports_are_told_apart() {
        for (text, host, port) in [
            ("db.internal:5432", "db.internal", Some(5432)),
            ("db.internal", "db.internal", None),
            ("192.0.2.1:53", "192.0.2.1", Some(53)),
            ("[::1]:443", "::1", Some(443)),
            ("[2001:db8::1]", "2001:db8::1", None),
            ("2001:db8::1", "2001:db8::1", None),
            (" my_host:1 ", "my_host", Some(1)),
        ] {
            let read = HostPort::parse(text).unwrap();
            assert_eq!((read.host.as_str(), read.port), (host, port), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            ":80",
            "db:",
            "db:0",
            "db:65536",
            "db:http",
            "[::1",
            "[db]:1",
            "[::1]443",
            "a b:1",
            "https://db:1",
            "db/x:1",
        ] {
            let refused = HostPort::parse(text).unwrap_err();
            assert!(refused.contains("host:port"), "{text}: {refused}");
        }
        let refused = HostPort::parse("smoke:canary@db:1").unwrap_err();
        assert!(!refused.contains("canary"), "{refused}");
    }
}
