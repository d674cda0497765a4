//! The signature of a body: HMAC-SHA256 under a shared secret, as `sha256=` and hexadecimal digits, which
//! is how most receivers of webhooks check it.

use aws_lc_rs::hmac;
use http::{HeaderName, HeaderValue};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::notify::Misfit;
use crate::secret::Secret;

/// How a webhook signs what it sends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignSettings {
    /// What both sides know.
    pub secret: Secret,
    /// The header; without it, x-smokejumper-signature. Its value is `sha256=` and the HMAC-SHA256 of the
    /// body in hexadecimal digits.
    pub header: Option<String>,
}

/// The header where none is declared.
const HEADER: &str = "x-smokejumper-signature";
/// A shorter secret can be guessed (NIST SP 800-107 asks for 14 bytes).
const SHORTEST: usize = 14;

/// What signs.
pub(super) struct Signature {
    key: hmac::Key,
    header: HeaderName,
}

impl Signature {
    pub(super) fn of(settings: &SignSettings, misfits: &mut Vec<Misfit>) -> Option<Self> {
        let secret = settings.secret.reveal().as_bytes();
        if secret.len() < SHORTEST {
            let message = format!("a secret of less than {SHORTEST} bytes can be guessed");
            misfits.push(Misfit::at(&["sign", "secret"], message));
        }
        let name = settings.header.as_deref().unwrap_or(HEADER);
        let Ok(header) = HeaderName::from_bytes(name.as_bytes()) else {
            let message = format!("`{name}` is no name of a header");
            misfits.push(Misfit::at(&["sign", "header"], message));
            return None;
        };
        Some(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, secret),
            header,
        })
    }

    /// The header for a body.
    pub(super) fn over(&self, body: &[u8]) -> (HeaderName, HeaderValue) {
        let tag = hmac::sign(&self.key, body);
        let hex: String = tag
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let value = HeaderValue::from_str(&format!("sha256={hex}"));
        let value = value.expect("hexadecimal digits are a header's value");
        (self.header.clone(), value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_rfc_4231() {
        // Its second test case, whose key is too short for us, so that the key is made by hand.
        let signature = Signature {
            key: hmac::Key::new(hmac::HMAC_SHA256, b"Jefe"),
            header: HeaderName::from_static(HEADER),
        };
        let (_, value) = signature.over(b"what do ya want for nothing?");
        assert_eq!(
            value,
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
