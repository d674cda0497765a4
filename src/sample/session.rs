//! What a run talked over, as facts: the address, whether the connection was opened for it, the
//! protocol, the TLS session.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// What a run talked over, the last connection of several.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Session {
    /// The address that answered.
    pub address: Option<IpAddr>,
    /// Whether the connection was kept from an earlier run.
    pub reused: bool,
    /// The protocol as it was spoken: `HTTP/1.1`, `HTTP/2.0`.
    pub protocol: Option<String>,
    /// The TLS session; absent without TLS.
    pub tls: Option<TlsSession>,
}

/// A TLS session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TlsSession {
    /// The version: `TLSv1.3`.
    pub version: String,
    /// The cipher suite: `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// Whether an earlier session was resumed, so that no certificate was shown.
    pub resumed: bool,
}
