//! The rules that judge simulated windows: our own, and those of other tools as they document them.
//!
//! One file a rule; each says which documentation it follows and what it does where data is
//! missing. All get the same samples and the same limits. A rule sees a whole window at once and
//! says when it would have condemned it: it may look only at what had arrived by then.

pub mod argo;
pub mod cloudwatch;
mod contestant;
pub mod flagger;
pub mod gauge;
pub mod k6;
pub mod metric;
pub mod minutes;
pub mod ours;
#[cfg(test)]
pub mod stage;
pub mod three_in_a_row;

use std::time::Duration;

use super::window::SimulatedWindow;
use crate::event::Verdict;
pub use contestant::{Contestant, ContestantError};

/// Judges simulated windows; made for one trial, used by several threads.
pub trait Rule: Send + Sync {
    /// Judges a window.
    fn judge(&self, window: &SimulatedWindow) -> Judged;
}

/// What a rule made of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The verdict at the end, or `Fail` from the moment on at which it was condemned.
    pub verdict: Verdict,
    /// When it was condemned; nothing when it was not.
    pub condemned: Option<Duration>,
}

impl Judged {
    /// Condemned at this moment, or passed: what tools say that know nothing between the two.
    #[must_use]
    pub const fn at(condemned: Option<Duration>) -> Self {
        let verdict = match condemned {
            Some(_) => Verdict::Fail,
            None => Verdict::Pass,
        };
        Self { verdict, condemned }
    }
}
