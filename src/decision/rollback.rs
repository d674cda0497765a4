//! How a rollback is carried out, and how far an automatic one may go, as declared under
//! `rollback`; and what holds where nothing is declared.

use std::path::PathBuf;
use std::time::Duration;

/// How a rollback is carried out.
#[derive(Clone, Debug, PartialEq)]
pub struct RollbackPolicy {
    /// Whether a rollback may be carried out at all.
    pub arm: bool,
    /// How long the platform may take.
    pub timeout: Duration,
    /// Whether the same checks are run against the previous revision afterwards.
    pub verify: bool,
    /// The least time between two rollbacks of a service; zero for none.
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
    /// What holds where a policy declares nothing.
    ///
    /// No cooldown and no budget: a rollback is never undone by another, and never leads to what was
    /// judged bad, so that a loop needs a new bad deployment each turn. Each of those hurts users, and
    /// each is undone; whoever deploys by a machine that tries again and again declares a bound. No
    /// least time: the judge forgives the trouble of replacing tasks by itself, and asks for as many
    /// samples as its proof needs; a longer wait would only prolong an outage.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            arm: false,
            timeout: USUAL_TIMEOUT,
            verify: true,
            cooldown: Duration::ZERO,
            budget: None,
            pin_digest: false,
            shadow: 0,
            freeze: Freeze::default(),
            max_unknown: USUAL_MAX_UNKNOWN,
            min_time: Duration::ZERO,
        }
    }
}

/// A rollback of four tasks takes some four minutes; slow health checks and drains triple that.
const USUAL_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// Now and then a resolver or a third party fails us; where every fifth sample says nothing, the
/// others come from a machine that is not to be trusted.
const USUAL_MAX_UNKNOWN: f64 = 0.2;

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
