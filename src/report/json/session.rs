//! What the last sample of a check talked over, as the report shows it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::sample::Session;

/// What a sample talked over.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionReport {
    /// The IP address that answered.
    pub address: Option<String>,
    /// Whether the connection was kept from an earlier run.
    pub reused: bool,
    /// The protocol as it was spoken: `HTTP/1.1`, `HTTP/2.0`; absent where it has one version.
    pub protocol: Option<String>,
    /// The TLS session; absent without TLS.
    pub tls: Option<TlsReport>,
}

/// A TLS session.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TlsReport {
    /// The version: `TLSv1.3`.
    pub version: String,
    /// The cipher suite: `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// Whether an earlier session was resumed, so that no certificate was shown.
    pub resumed: bool,
}

impl SessionReport {
    /// The report of a session. All of it is ours: names that the protocols have, and an address.
    pub(super) fn of(session: &Session) -> Self {
        Self {
            address: session.address.map(|address| address.to_string()),
            reused: session.reused,
            protocol: session.protocol.clone(),
            tls: session.tls.as_ref().map(|tls| TlsReport {
                version: tls.version.clone(),
                cipher: tls.cipher.clone(),
                resumed: tls.resumed,
            }),
        }
    }
}
