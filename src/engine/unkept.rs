//! The journal of a rollback that a person orders although there is none: it takes everything and
//! keeps nothing. Only `--override journal` brings it in.

use std::time::Duration;

use async_trait::async_trait;

use crate::clock::WallTime;
use crate::journal::{Entry, Kept};
use crate::store::{Journal, Lease, StoreError};

/// A journal that keeps nothing.
#[derive(Debug)]
pub(super) struct Unkept;

#[async_trait]
impl Journal for Unkept {
    async fn append(&self, _: &str, _: &str, _: WallTime, _: &Entry) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn of_service(&self, _: &str) -> Result<Vec<Kept>, StoreError> {
        Ok(Vec::new())
    }

    async fn lease(&self, _: &str, _: WallTime, _: Duration) -> Result<Lease, StoreError> {
        Ok(Lease::Ours)
    }

    async fn holder(&self, _: &str, _: WallTime) -> Result<Option<(String, WallTime)>, StoreError> {
        Ok(None)
    }

    async fn release(&self, _: &str) -> Result<(), StoreError> {
        Ok(())
    }
}
