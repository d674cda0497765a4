//! What this machine has for probes: threads and descriptors.

use std::num::NonZero;

use crate::engine::threads::ProbeThreads;

/// A thread for probes on each core. Where the machine gives us none, they run beside everything else.
pub(super) fn threads() -> ProbeThreads {
    let cores = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    ProbeThreads::start(cores).unwrap_or_default()
}

/// How many probes may run at once: as many as there are descriptors for.
pub(super) fn slots() -> usize {
    let limit = rlimit::increase_nofile_limit(MOST_SLOTS + RESERVED_DESCRIPTORS);
    let limit = limit.unwrap_or(1_024).saturating_sub(RESERVED_DESCRIPTORS);
    usize::try_from(limit.clamp(16, MOST_SLOTS)).unwrap_or(16)
}

/// Descriptors that are not for probes: the terminal, files, the platform's client, the resolver.
const RESERVED_DESCRIPTORS: u64 = 96;
/// More probes at once would measure our own machine.
const MOST_SLOTS: u64 = 16_384;
