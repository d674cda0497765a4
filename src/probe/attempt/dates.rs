//! What a run is worth after our own wall clock has jumped: ages and dates are left out, and a fault
//! that depends on them teaches nothing. Everything else stays as it is. Called where a run becomes
//! a sample.

use std::time::Duration;

use super::Attempt;
use crate::clock::{Jump, WallTime};
use crate::sample::{Fault, Reason, Unit};

impl Attempt {
    /// What time it is, for who judges: asked only where what is expected depends on it.
    pub fn wall_if(&mut self, is_dated: bool) -> Option<WallTime> {
        is_dated.then(|| self.wall())
    }

    /// The jump of our own clock that makes dates and ages doubtful, if there is one: since the
    /// window began, or lately.
    fn doubt(&self) -> Option<Jump> {
        let jump = self.clock.jump()?;
        let is_ours = jump.at >= self.conditions.opened_since;
        let is_recent = self.clock.now().since(jump.at) <= DOUBTFUL_FOR;
        (is_ours || is_recent).then_some(jump)
    }

    /// Takes out what depends on a clock that has jumped; everything else stays as it is.
    pub(super) fn without_dates(&mut self, result: Result<(), Fault>) -> Result<(), Fault> {
        let is_dated = matches!(&result, Err(fault) if fault.dated);
        if !self.asked_wall && !is_dated {
            return result;
        }
        let Some(jump) = self.doubt() else {
            return result;
        };
        let all = self.readings.len();
        self.readings
            .retain(|reading| !matches!(reading.unit, Unit::Seconds | Unit::Days));
        if self.readings.len() < all {
            self.note(format!("{jump}: ages and dates are left out"));
        }
        match result {
            Err(fault) if is_dated => {
                let detail = format!("{jump}, and this depends on it: {}", fault.detail);
                Err(Fault::new(Reason::ClockJumped, detail))
            }
            result => result,
        }
    }
}

/// How long a jump makes dates doubtful beyond the window in which it was seen: a clock that was set
/// once is often set again, until the service that keeps it is content. chrony steps within its first
/// three updates (`makestep 1.0 3`), which are at most some minutes apart.
const DOUBTFUL_FOR: Duration = Duration::from_secs(10 * 60);
