//! A chain's identity, as declared: `1`, `0x89`, or the text that a variable gave. Pure.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::quantity::Quantity;

/// The identity that every endpoint must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainId(Quantity);

impl ChainId {
    /// Reads a declared identity: decimal, or hexadecimal after `0x`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let read = if text.starts_with("0x") || text.starts_with("0X") {
            Quantity::hexadecimal(text).ok().filter(|_| text.len() > 2)
        } else {
            Quantity::decimal(text).ok()
        };
        // Zero is no chain's.
        read.filter(|read| !read.is_zero()).map(Self)
    }

    /// Whether a node's answer is this identity.
    #[must_use]
    pub fn is(&self, answered: &Quantity) -> bool {
        self.0.equals(answered)
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a chain of this identity is one for development, whose nodes make a block only when
/// there is something to put into it.
#[must_use]
pub fn rests_between_transactions(chain: &Quantity) -> bool {
    chain
        .to_u64()
        .is_some_and(|chain| DEVELOPMENT_CHAINS.contains(&chain))
}

/// The identities that the nodes for development take when nobody gives them another.
const DEVELOPMENT_CHAINS: [u64; 2] = [1337, 31337];

impl<'de> Deserialize<'de> for ChainId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Declared;

        impl de::Visitor<'_> for Declared {
            type Value = ChainId;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a chain id such as 1, 137 or \"0x89\"")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<ChainId, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<ChainId, E> {
                self.visit_str(&number.to_string())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<ChainId, E> {
                ChainId::parse(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_any(Declared)
    }
}

impl schemars::JsonSchema for ChainId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ChainId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["integer", "string"],
            "description": "A chain's identity: a number, or a hexadecimal text as \"0x89\".",
            "examples": [1, "0x89"]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_identity_is_the_integer_however_it_is_written() {
        let answered = Quantity::hexadecimal("0x89").unwrap();
        for declared in [
            json!(137),
            json!("137"),
            json!("0x89"),
            json!("0x089"),
            json!(" 137 "),
        ] {
            let declared: ChainId = serde_json::from_value(declared.clone()).unwrap();
            assert!(declared.is(&answered), "{declared}");
        }
        let wide: ChainId = serde_json::from_value(json!(3_503_995_874_084_926_u64)).unwrap();
        assert!(wide.is(&Quantity::hexadecimal("0xc72dd9d5e883e").unwrap()));
        assert!(!wide.is(&answered));
    }

    #[test]
    fn what_is_no_identity_is_refused() {
        for declared in [
            json!(-1),
            json!(0),
            json!("0x00"),
            json!("mainnet"),
            json!("0x"),
            json!(""),
            json!("89f"),
            json!(1.5),
        ] {
            assert!(
                serde_json::from_value::<ChainId>(declared.clone()).is_err(),
                "{declared}"
            );
        }
    }
}
