//! A simulated window: samples as a rule sees them, in the order in which they arrive.

use std::time::Duration;

/// One simulated sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shot {
    /// Which check, by its index.
    pub check: usize,
    /// When it started, from the start of the window.
    pub started: Duration,
    /// How long it took.
    pub latency: Duration,
    /// How it ended.
    pub seen: Seen,
    /// Whether it was taken beside the schedule.
    pub closer_look: bool,
}

/// How a simulated sample ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The right answer.
    Right,
    /// A wrong answer.
    Wrong,
    /// No answer before the timeout.
    Nothing,
}

impl Shot {
    /// When it is known.
    #[must_use]
    pub fn arrived(&self) -> Duration {
        self.started + self.latency
    }

    /// Whether it failed.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        self.seen != Seen::Right
    }
}

/// One simulated window.
#[derive(Clone, Debug, PartialEq)]
pub struct SimulatedWindow {
    /// The samples, by arrival.
    pub shots: Vec<Shot>,
    /// How long the window lasts.
    pub bake: Duration,
    /// When the fault began; absent in a healthy window.
    pub onset: Option<Duration>,
}
