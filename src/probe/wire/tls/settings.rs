//! What the user writes below `tls:`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::pin::Pins;

/// How the target's certificate is checked, and what we show of our own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct TlsSettings {
    /// A PEM file with the authorities to trust instead of the system's; relative to this file.
    #[serde(default)]
    pub ca: Option<PathBuf>,
    /// Whether an authority, of the system or of `ca`, must vouch for the certificate, its dates
    /// and the host's name in it. Without it: yes, unless a `pin` alone says whom to trust. Switch
    /// it off only where nothing else helps: without a `pin` anybody may then answer in the
    /// target's place.
    #[serde(default)]
    pub verify: Option<bool>,
    /// The name to ask for and to expect in the certificate, where it is not the host's.
    #[serde(default)]
    pub server_name: Option<String>,
    /// The key that the target's certificate must be of, or a list of those that will do: the
    /// SHA-256 of its SubjectPublicKeyInfo, as `sha256/BASE64` or 64 hex digits. A pin alone is the
    /// trust: issuer, name and dates of the certificate are not checked, and `cert_days` still says
    /// how long it is valid. Beside `ca` or `verify: true` both must hold.
    #[serde(default)]
    pub pin: Pins,
    /// A PEM file with the certificate that we show where the target asks for one, and those
    /// between it and its authority; relative to this file. Needs `key`.
    #[serde(default)]
    pub certificate: Option<PathBuf>,
    /// A PEM file with the key of `certificate`, not encrypted; relative to this file.
    #[serde(default)]
    pub key: Option<PathBuf>,
    /// Whether a run may resume the TLS session of an earlier one of this check. Such a run is
    /// faster and sees no certificate: it gives no `cert_days`. Without it each connection sees the
    /// whole handshake.
    #[serde(default)]
    pub resume: bool,
}

impl TlsSettings {
    /// The settings that trust anybody.
    #[must_use]
    pub fn unverified() -> Self {
        Self {
            verify: Some(false),
            ..Self::default()
        }
    }

    /// Whether authorities must vouch for the certificate.
    #[must_use]
    pub fn verifies(&self) -> bool {
        self.verify
            .unwrap_or(self.pin.is_empty() || self.ca.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_alone_is_the_trust_and_beside_others_one_more_demand() {
        let pin = "0".repeat(64);
        for (settings, verifies) in [
            (serde_json::json!({}), true),
            (serde_json::json!({ "verify": true }), true),
            (serde_json::json!({ "verify": false }), false),
            (serde_json::json!({ "ca": "ca.pem" }), true),
            (serde_json::json!({ "pin": pin }), false),
            (serde_json::json!({ "pin": pin, "verify": false }), false),
            (serde_json::json!({ "pin": pin, "verify": true }), true),
            (serde_json::json!({ "pin": pin, "ca": "ca.pem" }), true),
        ] {
            let read: TlsSettings = serde_json::from_value(settings.clone()).unwrap();
            assert_eq!(read.verifies(), verifies, "{settings}");
        }
    }
}
