//! What did not reach a collector of metrics and spans: a team whose traces have gaps sees here why.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is sent to a collector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The instruments.
    Metrics,
    /// Runs, and the steps of rollbacks.
    Traces,
}

impl Signal {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Metrics, Self::Traces];

    /// The name, as in paths and in metrics.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Traces => "traces",
        }
    }
}

/// What did not reach a collector so far.
#[derive(Debug, Default)]
pub struct Outbound {
    refused: [AtomicU64; Signal::ALL.len()],
    lost_spans: AtomicU64,
}

impl Outbound {
    /// Counts a message that was not taken, or not all of it.
    pub fn refuse(&self, signal: Signal) {
        self.refused[signal as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many messages were not taken.
    #[must_use]
    pub fn refused(&self, signal: Signal) -> u64 {
        self.refused[signal as usize].load(Ordering::Relaxed)
    }

    /// Counts spans that were given up.
    pub fn lose(&self, spans: u64) {
        self.lost_spans.fetch_add(spans, Ordering::Relaxed);
    }

    /// How many spans were given up.
    #[must_use]
    pub fn lost_spans(&self) -> u64 {
        self.lost_spans.load(Ordering::Relaxed)
    }
}
