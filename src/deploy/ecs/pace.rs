//! How often ECS is asked, and how long it is waited for.

use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// The pace of the adapter. The defaults stay far below the request quotas of ECS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Between two looks while the next deployment is awaited.
    pub poll: Duration,
    /// The first pause after a throttled decisive call; it doubles from there.
    pub back_off: Duration,
    /// How long a throttled decisive call is tried.
    pub patience: Duration,
    /// How long what was just done may take to become visible.
    pub settle: Duration,
    /// Between two looks for what was just done.
    pub settle_poll: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(5),
            back_off: Duration::from_secs(1),
            patience: Duration::from_mins(1),
            settle: Duration::from_secs(20),
            settle_poll: Duration::from_secs(1),
        }
    }
}

/// The span, up to a fifth longer or shorter, so that many watchers do not ask in step.
pub(super) fn jittered(span: Duration) -> Duration {
    // The standard library's hasher keys are random; nothing here needs better randomness.
    let dice = RandomState::new().hash_one(0_u8) % 401;
    span.mul_f64(0.8 + f64::from(u32::try_from(dice).unwrap_or(200)) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_a_fifth() {
        for _ in 0..200 {
            let span = jittered(Duration::from_secs(10));
            assert!((Duration::from_secs(8)..=Duration::from_millis(12_001)).contains(&span));
        }
    }
}
