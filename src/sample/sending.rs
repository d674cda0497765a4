//! How an open loop sent a run, and what it could not send since the run before. A value.
//!
//! What was never sent is no sample: a thousand of them a second would drown the few that say why.
//! It is counted, and the next sample of the check carries the count.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How one run of an open loop was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sending {
    /// How long the run waited while the target held every place in flight: a part of its latency,
    /// and of no phase.
    pub waited: Duration,
    /// How many sends were given up since the sample before: their timeout passed before a place was
    /// free. In a sample that says that our own machine was away, how many more were left out.
    pub unsent: u64,
    /// How many runs of the check were in flight at most since the sample before.
    pub in_flight: u32,
}
