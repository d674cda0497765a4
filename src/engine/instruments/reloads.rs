//! How often the configuration was read again, and whether the newest is the one in force.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What became of reading the configuration again.
#[derive(Debug, Default)]
pub struct Reloads {
    loaded: AtomicU64,
    refused: AtomicU64,
    is_refused: AtomicBool,
}

impl Reloads {
    /// Counts one that was put in force.
    pub fn load(&self) {
        self.loaded.fetch_add(1, Ordering::Relaxed);
        self.is_refused.store(false, Ordering::Relaxed);
    }

    /// Counts one that is wrong: the one before stays in force.
    pub fn refuse(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.is_refused.store(true, Ordering::Relaxed);
    }

    /// How many were put in force.
    #[must_use]
    pub fn loaded(&self) -> u64 {
        self.loaded.load(Ordering::Relaxed)
    }

    /// How many were wrong.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Whether the one that was read last is wrong.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }
}
