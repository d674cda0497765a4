//! The address of something that is asked over HTTP, as a check declares it. Its errors do not repeat
//! it: it may hold a password.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer};
use url::Url;

/// The address of a request: absolute, `http` or `https`, with a host.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(pub Url);

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        // The text may hold a password: the error does not repeat it.
        let url = Url::parse(text.trim())
            .map_err(|error| de::Error::custom(format!("not an address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            let message = format!(
                "`{}` addresses are not HTTP; write http:// or https://",
                url.scheme()
            );
            return Err(de::Error::custom(message));
        }
        Ok(Self(url))
    }
}

impl JsonSchema for Address {
    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "An absolute address, http:// or https://.",
            "examples": ["https://api.example.com/health"]
        })
    }
}
