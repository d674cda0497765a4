//! What can be chosen when a stand-in is started.

use std::time::Duration;

/// How the stand-in behaves. Control by hand ([`super::Control`]) comes on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The region that it is; requests signed for another are refused.
    pub region: String,
    /// The account in its ARNs.
    pub account: String,
    /// From the start of a deployment until its last task has replaced the last old one.
    pub rollout: Duration,
    /// From the request to roll back until the rollback begins.
    pub rollback_lag: Duration,
    /// From the start of a rollback to its end.
    pub rollback: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "eu-west-1".to_owned(),
            account: "000000000000".to_owned(),
            rollout: Duration::from_secs(10),
            rollback_lag: Duration::from_millis(500),
            rollback: Duration::from_secs(5),
        }
    }
}
