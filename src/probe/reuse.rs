//! Whether the runs of a check open connections of their own. A word of the configuration language,
//! shared by all kinds that can keep a connection.

use schemars::JsonSchema;

/// Whether each run opens a connection of its own. Where a check does not say, each does while it is
/// judged for a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConnectionPolicy {
    /// A new connection for each run: name, connection and TLS are proven each time.
    Fresh,
    /// Connections are kept between runs: what is measured is the answer alone.
    KeepAlive,
}
