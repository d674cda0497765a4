//! The seam of the stores: what is remembered from one run to the next, and nothing more.
//!
//! A journal is append-only. What [`Journal::append`] has returned from survives the end of the
//! process and of the machine. Adapters know no engine and decide nothing.

pub mod behind;
mod blocks;
pub mod history;
pub mod masked;
pub mod postgres;
pub mod reopened;
pub mod retried;
pub mod sqlite;

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::WallTime;
use crate::journal::{Entry, Kept};

/// The record of what was decided and done, for all services.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Writes an entry about a service; it is durable when this returns. Answers with its number.
    ///
    /// `service` is the platform's identity of it (`DeploymentTarget::identity`).
    async fn append(
        &self,
        service: &str,
        window: &str,
        at: WallTime,
        entry: &Entry,
    ) -> Result<u64, StoreError>;

    /// All entries about a service, the oldest first.
    async fn of_service(&self, service: &str) -> Result<Vec<Kept>, StoreError>;

    /// Takes, or renews, the right to act on a service, for `span` from `now`, or for
    /// [`LONGEST_LEASE`] where that is shorter. Nobody else can take it until then, unless its
    /// holder is known to be gone.
    async fn lease(
        &self,
        service: &str,
        now: WallTime,
        span: Duration,
    ) -> Result<Lease, StoreError>;

    /// Who else holds the right to act on a service now, and until when; takes nothing.
    async fn holder(
        &self,
        service: &str,
        now: WallTime,
    ) -> Result<Option<(String, WallTime)>, StoreError>;

    /// Gives the right to act back; one that is not ours stays.
    async fn release(&self, service: &str) -> Result<(), StoreError>;
}

/// No lease is granted for longer. One that seems to end later was granted by a clock that went
/// back meanwhile; it is waited for this long and no longer, so that no jump of a clock keeps a
/// service out of reach. Long enough for a slow call, short enough for a person who waits.
pub const LONGEST_LEASE: Duration = Duration::from_secs(600);

/// What became of asking for the right to act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It is ours.
    Ours,
    /// Somebody else holds it.
    Held {
        /// Who: host and process.
        by: String,
        /// Until when, unless it is renewed.
        until: WallTime,
    },
}

/// A store that could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be opened or written: no folder, no permission, a full disk, a lock that stays.
    #[error("{0}")]
    Unusable(String),
    /// It holds something that this version does not understand.
    #[error("{0}")]
    Strange(String),
}
