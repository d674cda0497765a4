//! Where the daemon puts what is to be remembered. Whoever keeps it writes behind, in its own time: a
//! full disk, a locked file or a lost server can never slow a probe or a verdict.

use std::fmt;

use super::live::StoreNow;
use crate::store::history::Batch;

/// Takes what is to be remembered.
pub trait Recorder: Send + Sync + fmt::Debug {
    /// Takes a batch over. Never waits: what finds no room is counted as lost by whoever keeps it,
    /// samples before everything else.
    fn take(&self, batch: Batch);

    /// How the store does.
    fn standing(&self) -> StoreNow;
}
