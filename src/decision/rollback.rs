//! How a rollback is carried out, and how far an automatic one may go, as declared under
//! `rollback`; and what holds where nothing is declared.

use std::path::PathBuf;
use std::time::Duration;

use crate::verdict::usual_warm_up;

/// How a rollback is carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackPolicy {
    /// Whether a rollback may be carried out at all.
    pub arm: bool,
    /// How long the platform may take.
    pub timeout: Duration,
    /// Whether the same checks are run against the previous revision afterwards.
    pub verify: bool,
    /// The least time between two rollbacks of a service.
    pub cooldown: Duration,
    /// How many rollbacks of a service are allowed in a time; without one the cooldown alone
    /// bounds them.
    pub budget: Option<Budget>,
    /// Whether a revision with its images pinned by digest may be registered.
    pub pin_digest: bool,
    /// How many deployments of a service are only watched before one may be rolled back.
    pub shadow: usize,
    /// Where people write that nothing is to be rolled back.
    pub freeze: Freeze,
    /// The greatest share of samples that say nothing, from 0 to 1, with which we trust ourselves.
    pub max_unknown: f64,
    /// How long a deployment is watched at least before it is rolled back.
    pub min_time: Duration,
    /// Whether that time was declared; otherwise it follows from the bake.
    pub has_own_min_time: bool,
}

/// How many rollbacks are allowed in a time. Only those count that the platform did not refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many.
    pub times: u32,
    /// In how long.
    pub span: Duration,
}

/// Where people write that nothing is to be rolled back. What cannot be read is a freeze: whoever
/// set the brake up means it to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Freeze {
    /// Frozen while this file exists, whatever stands in it.
    pub file: Option<PathBuf>,
    /// Frozen while the platform's parameter of this name exists and does not say `off`.
    pub parameter: Option<String>,
}

impl Freeze {
    /// Whether what a parameter says is a freeze: anything that is not plainly "off" is.
    #[must_use]
    pub fn is_meant_by(said: &str) -> bool {
        const OFF: [&str; 5] = ["", "off", "false", "no", "0"];
        !OFF.contains(&said.trim().to_ascii_lowercase().as_str())
    }
}

impl RollbackPolicy {
    /// What holds where a policy with this bake declares nothing.
    #[must_use]
    pub fn usual(bake: Duration) -> Self {
        Self {
            arm: false,
            timeout: USUAL_TIMEOUT,
            verify: true,
            cooldown: USUAL_COOLDOWN,
            budget: None,
            pin_digest: false,
            shadow: 0,
            freeze: Freeze::default(),
            max_unknown: USUAL_MAX_UNKNOWN,
            min_time: usual_min_time(bake),
            has_own_min_time: false,
        }
    }
}

/// A rollback of four tasks takes some four minutes; slow health checks and drains triple that.
const USUAL_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// A loop of deployment and rollback needs a deployment each turn, and one takes minutes: ten of
/// them stop every loop at its second turn, while a fix that a person made has seldom been built,
/// tested and deployed by then. There is no budget by default: it would turn the second bad
/// deployment of a busy day into an outage that lasts until somebody is awake.
const USUAL_COOLDOWN: Duration = Duration::from_secs(10 * 60);
/// Now and then a resolver or a third party fails us; where every fifth sample says nothing, the
/// others come from a machine that is not to be trusted.
const USUAL_MAX_UNKNOWN: f64 = 0.2;

/// None where nobody says otherwise: the judge forgives the trouble of replacing tasks by itself, and
/// asks for as many samples as its proof needs. A longer wait would only prolong an outage.
#[must_use]
pub const fn usual_min_time(_bake: Duration) -> Duration {
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freeze_is_over_only_when_it_plainly_says_so() {
        for (said, frozen) in [
            ("on", true),
            ("until the sale is over", true),
            ("offline", true),
            ("null", true),
            ("off", false),
            (" OFF\n", false),
            ("false", false),
            ("0", false),
            ("", false),
        ] {
            assert_eq!(Freeze::is_meant_by(said), frozen, "{said:?}");
        }
    }
}
