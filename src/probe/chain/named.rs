//! A reference as declared: its address alone, or a mapping with the headers that go to it and to
//! nobody else. Read by the settings of the chain kinds, made an endpoint by
//! [`super::references`].

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::secret::Secret;

/// A reference as declared.
#[derive(Debug)]
pub struct Named(pub NamedSettings);

/// A reference with what it needs.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedSettings {
    /// Its address, `http` or `https`. Messages show its host and port only.
    pub url: Secret,
    /// Headers that go with every request to it, such as its provider's key.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
}

impl Named {
    /// A reference to which no headers go.
    fn bare(url: &str) -> Self {
        Self(NamedSettings {
            url: Secret::new(url),
            headers: BTreeMap::new(),
        })
    }
}

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AddressOrMapping;

        impl<'de> Visitor<'de> for AddressOrMapping {
            type Value = Named;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an address, or a mapping as `{ url: …, headers: { x-api-key: … } }`")
            }

            fn visit_str<E: de::Error>(self, url: &str) -> Result<Named, E> {
                Ok(Named::bare(url))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Named, A::Error> {
                NamedSettings::deserialize(MapAccessDeserializer::new(map)).map(Named)
            }
        }

        deserializer.deserialize_any(AddressOrMapping)
    }
}

impl JsonSchema for Named {
    fn schema_name() -> Cow<'static, str> {
        "ChainReference".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let address = generator.subschema_for::<Secret>();
        let mapping = generator.subschema_for::<NamedSettings>();
        json_schema!({
            "description": "An address, or a mapping with `url` and `headers`.",
            "anyOf": [address, mapping]
        })
    }
}

#[cfg(test)]
impl From<&str> for Named {
    fn from(url: &str) -> Self {
        Self::bare(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_address_alone_or_with_headers_is_a_reference_and_nothing_else() {
        let bare: Named = serde_json::from_value(json!("https://a.example")).unwrap();
        assert_eq!(bare.0.url.reveal(), "https://a.example");
        assert!(bare.0.headers.is_empty());
        let keyed = json!({"url": "https://a.example", "headers": {"x-api-key": "canary"}});
        let keyed: Named = serde_json::from_value(keyed).unwrap();
        assert_eq!(keyed.0.headers["x-api-key"].reveal(), "canary");
        assert!(!format!("{keyed:?}").contains("canary"));
        for wrong in [
            json!({"headers": {}}),
            json!({"url": "https://a.example", "header": {}}),
            json!(1),
            json!(["https://a.example"]),
        ] {
            assert!(
                serde_json::from_value::<Named>(wrong.clone()).is_err(),
                "{wrong}"
            );
        }
    }
}
