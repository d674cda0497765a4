//! How often, and how long, a decisive call may be tried.

use std::time::Duration;

use tokio::time::Instant;

use super::EcsTarget;
use super::fault::{Blame, CallFault};
use super::pace::jittered;
use crate::deploy::DeployError;

/// The tries of one call.
pub(super) struct Tries<'a> {
    target: &'a EcsTarget,
    until: Instant,
    pause: Duration,
    unclear: u32,
}

impl<'a> Tries<'a> {
    pub(super) fn new(target: &'a EcsTarget) -> Self {
        Self {
            target,
            until: Instant::now() + target.pace.patience,
            pause: target.pace.back_off,
            unclear: 0,
        }
    }

    /// Waits after a failure that may pass; ends the tries at any other.
    pub(super) async fn after(&mut self, fault: &CallFault) -> Result<(), DeployError> {
        self.unclear += u32::from(fault.is_unclear());
        // Credentials are renewed behind our back: the next try may carry others.
        let may_pass =
            fault.is_unclear() || matches!(fault.blame, Blame::Throttled | Blame::Expired);
        let out_of_time = Instant::now() + self.pause > self.until;
        if !may_pass || out_of_time || self.unclear >= MOST_UNCLEAR {
            return Err(self.target.told(fault));
        }
        tokio::time::sleep(jittered(self.pause)).await;
        self.pause *= 2;
        Ok(())
    }
}

/// After so many calls without an answer a person has to look.
const MOST_UNCLEAR: u32 = 3;
