//! How the names of targets become addresses, as a check declares it: `resolver`. A word of the
//! configuration language, shared by all kinds; [`wire`](super::wire) acts on it.
//!
//! It is a value and resolves nothing.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

/// How names become addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolver {
    /// Who is asked.
    pub source: Source,
    /// Names whose addresses are written down, in lower case: nobody is asked for them.
    pub hosts: BTreeMap<String, Arc<[IpAddr]>>,
}

/// Who is asked for the addresses of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Source {
    /// The hosts file, then the name servers that the system is configured with, asked by us.
    #[default]
    Usual,
    /// The system itself, as every program on it does: `getaddrinfo`, and with it `nsswitch.conf`.
    System,
    /// These name servers and nobody else.
    Servers(Arc<[SocketAddr]>),
}

impl Resolver {
    /// The addresses that are written down for a name, in lower case.
    #[must_use]
    pub fn written(&self, name: &str) -> Option<&Arc<[IpAddr]>> {
        // The dot that makes a name absolute is no part of what people write down.
        self.hosts.get(name.strip_suffix('.').unwrap_or(name))
    }
}

impl<'de> Deserialize<'de> for Resolver {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordOrMapping)
    }
}

struct WordOrMapping;

impl<'de> Visitor<'de> for WordOrMapping {
    type Value = Resolver;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`default`, `system` or a mapping with `servers` or `hosts`")
    }

    fn visit_str<E: de::Error>(self, word: &str) -> Result<Resolver, E> {
        let source = match word {
            "default" => Source::Usual,
            "system" => Source::System,
            _ => return Err(E::unknown_variant(word, &["default", "system"])),
        };
        Ok(Resolver {
            source,
            hosts: BTreeMap::new(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Resolver, A::Error> {
        let written = Written::deserialize(MapAccessDeserializer::new(map))?;
        Ok(Resolver {
            source: written
                .servers
                .map_or(Source::Usual, |it| Source::Servers(it.0)),
            hosts: written.hosts.unwrap_or_default().0,
        })
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    servers: Option<Servers>,
    hosts: Option<Hosts>,
}

/// Name servers, each once. That there is one is for whoever sees the list as it is written: of
/// one whose items cannot be read nothing may be left.
struct Servers(Arc<[SocketAddr]>);

impl<'de> Deserialize<'de> for Servers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let servers: Vec<Server> = Vec::deserialize(deserializer)?;
        if servers.len() > MOST_SERVERS {
            let message = format!("more than {MOST_SERVERS} name servers are never asked");
            return Err(de::Error::custom(message));
        }
        let mut each: Vec<SocketAddr> = Vec::with_capacity(servers.len());
        for Server(server) in servers {
            if each.contains(&server) {
                let message = format!("the name server {server} is named twice; remove one");
                return Err(de::Error::custom(message));
            }
            each.push(server);
        }
        Ok(Self(each.into()))
    }
}

/// A name server: an address, with a port where that is not 53.
struct Server(SocketAddr);

impl<'de> Deserialize<'de> for Server {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        server(text.trim()).map(Self).map_err(de::Error::custom)
    }
}

fn server(text: &str) -> Result<SocketAddr, String> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, USUAL_PORT),
        Err(_) => text.parse::<SocketAddr>().map_err(|_| {
            format!(
                "`{text}` is not the address of a name server; write `10.0.0.2`, `10.0.0.2:5353` \
                 or `[fd00::2]:5353`: a name would have to be resolved first"
            )
        })?,
    };
    if address.port() == 0 || address.ip().is_unspecified() || address.ip().is_multicast() {
        return Err(format!("no name server can be at `{text}`"));
    }
    Ok(address)
}

/// Names and their addresses.
#[derive(Default)]
struct Hosts(BTreeMap<String, Arc<[IpAddr]>>);

impl<'de> Deserialize<'de> for Hosts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written: BTreeMap<String, Addresses> = BTreeMap::deserialize(deserializer)?;
        let mut hosts = BTreeMap::new();
        for (name, Addresses(addresses)) in written {
            let plain = name.trim_end_matches('.').to_ascii_lowercase();
            if plain.is_empty() || plain.contains(|c: char| "/:[]@ ".contains(c)) {
                let message = format!("`{name}` is not a name; write it as it stands in the URL");
                return Err(de::Error::custom(message));
            }
            if plain.parse::<IpAddr>().is_ok() {
                let message = format!("`{name}` is an address already: nobody is asked for it");
                return Err(de::Error::custom(message));
            }
            if hosts.insert(plain, addresses).is_some() {
                let message =
                    format!("the name `{name}` is given twice; give it all its addresses");
                return Err(de::Error::custom(message));
            }
        }
        Ok(Self(hosts))
    }
}

/// The addresses of a name.
struct Addresses(Arc<[IpAddr]>);

impl<'de> Deserialize<'de> for Addresses {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let addresses: Vec<Address> = Vec::deserialize(deserializer)?;
        Ok(Self(addresses.into_iter().map(|it| it.0).collect()))
    }
}

struct Address(IpAddr);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let address = text.trim().parse().map_err(|_| {
            de::Error::custom(format!(
                "`{text}` is not an address; write `10.0.0.7` or `fd00::7`"
            ))
        })?;
        Ok(Self(address))
    }
}

impl JsonSchema for Resolver {
    fn schema_name() -> Cow<'static, str> {
        "Resolver".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {
                    "description": "`default`: the hosts file, then the system's name servers, asked by us. `system`: as every program of the system does (getaddrinfo, nsswitch.conf).",
                    "type": "string",
                    "enum": ["default", "system"]
                },
                {
                    "type": "object",
                    "minProperties": 1,
                    "properties": {
                        "servers": {
                            "description": "The name servers to ask, and nobody else: addresses, with a port where that is not 53. The next is asked when one does not answer.",
                            "type": "array",
                            "minItems": 1,
                            "maxItems": MOST_SERVERS,
                            "items": { "type": "string", "examples": ["10.0.0.2", "[fd00::2]:5353"] }
                        },
                        "hosts": {
                            "description": "Names and their addresses: nobody is asked for them.",
                            "type": "object",
                            "minProperties": 1,
                            "additionalProperties": {
                                "type": "array",
                                "minItems": 1,
                                "items": { "type": "string", "examples": ["10.0.0.7"] }
                            }
                        }
                    }
                }
            ]
        })
    }
}

/// Where name servers listen (RFC 1035, section 4.2).
const USUAL_PORT: u16 = 53;
/// Each is given a while before the next is asked: beyond this the deadline of a run has passed.
const MOST_SERVERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_understood() {
        let read = |value| serde_json::from_value::<Resolver>(value).unwrap();
        assert_eq!(read(json!("default")), Resolver::default());
        assert_eq!(read(json!("system")).source, Source::System);
        let named =
            read(json!({ "servers": ["10.0.0.2", "10.0.0.3:5353", "[::1]:53", "fd00::2"] }));
        let servers = ["10.0.0.2:53", "10.0.0.3:5353", "[::1]:53", "[fd00::2]:53"];
        let servers = servers.map(|server| server.parse().unwrap());
        assert_eq!(named.source, Source::Servers(servers.into()));
        let written = read(json!({ "hosts": { "Api.Test.": ["10.0.0.7", "::7"] } }));
        assert_eq!(written.source, Source::Usual);
        for name in ["api.test", "api.test."] {
            assert_eq!(written.written(name).map(|it| it.len()), Some(2), "{name}");
        }
        assert_eq!(written.written("test"), None);
    }

    #[test]
    fn what_cannot_work_is_refused() {
        for (value, part) in [
            (json!("google"), "google"),
            (json!({ "server": ["10.0.0.2"] }), "server"),
            (json!({ "servers": ["dns.test"] }), "not the address"),
            (
                json!({ "servers": ["10.0.0.2:0"] }),
                "no name server can be",
            ),
            (json!({ "servers": ["0.0.0.0"] }), "no name server can be"),
            (
                json!({ "servers": ["10.0.0.2", "10.0.0.2:53"] }),
                "named twice",
            ),
            (json!({ "servers": vec!["10.0.0.2"; 9] }), "more than 8"),
            (
                json!({ "hosts": { "a.test": ["b.test"] } }),
                "not an address",
            ),
            (
                json!({ "hosts": { "10.0.0.1": ["10.0.0.2"] } }),
                "address already",
            ),
            (
                json!({ "hosts": { "http://a.test": ["10.0.0.2"] } }),
                "not a name",
            ),
            (
                json!({ "hosts": { "a": ["10.0.0.1"], "A.": ["10.0.0.2"] } }),
                "given twice",
            ),
        ] {
            let error = serde_json::from_value::<Resolver>(value.clone()).unwrap_err();
            assert!(error.to_string().contains(part), "{value}: {error}");
        }
    }
}
