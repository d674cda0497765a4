//! What can be chosen when a stand-in is started.

use std::time::Duration;

/// How the stand-in behaves. Control by hand ([`super::Control`]) comes on top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The region that it is; requests signed for another are refused.
    pub region: String,
    /// The account in its ARNs.
    pub account: String,
    /// How long a new deployment is PENDING.
    pub pending: Duration,
    /// From the start of a deployment until its last task has replaced the last old one; for
    /// blue/green until the last task of the new side runs.
    pub rollout: Duration,
    /// Each shift of traffic of a blue/green deployment, and the clean-up at its end.
    pub shift: Duration,
    /// How long alarms are watched after a rolling deployment, where it does not say.
    pub alarm_bake: Duration,
    /// From the request to stop without a rollback until the deployment is STOPPED.
    pub stop_lag: Duration,
    /// From the request to roll back until the rollback begins.
    pub rollback_lag: Duration,
    /// From the start of a rollback to its end.
    pub rollback: Duration,
    /// The same where the old tasks run still and only the traffic has to return.
    pub flip: Duration,
    /// Which entry of `deployments[]` a rollback is.
    pub rollback_entry: RollbackEntry,
}

/// Which entry of `deployments[]` a rollback is. Both have been seen of ECS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollbackEntry {
    /// A new one, with an id of its own.
    New,
    /// The old deployment's, made primary again.
    Former,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "eu-west-1".to_owned(),
            account: "000000000000".to_owned(),
            pending: Duration::ZERO,
            rollout: Duration::from_secs(10),
            shift: Duration::from_secs(1),
            alarm_bake: Duration::from_mins(2),
            stop_lag: Duration::from_millis(500),
            rollback_lag: Duration::from_millis(500),
            rollback: Duration::from_secs(5),
            flip: Duration::from_millis(500),
            rollback_entry: RollbackEntry::New,
        }
    }
}
