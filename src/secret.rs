//! Secrets as values that do not print themselves, and the mask that keeps them out of every output.
//!
//! `config` collects what must not be seen while it reads; `cli` masks every byte it writes.

mod mask;
mod reading;

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer};

pub use self::mask::{Mask, SHORTEST, united};

/// A text that must not be printed; only [`Secret::reveal`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Hides a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// Shows the text, for the one place that sends it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

impl schemars::JsonSchema for Secret {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A text that is masked in every output; usually `${NAME}` or `${file:PATH}`."
        })
    }
}

/// What a masked secret looks like.
pub const MASKED: &str = "***";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_print_itself() {
        assert_eq!(format!("{:?}", Secret::new("canary")), "Secret(***)");
    }
}
