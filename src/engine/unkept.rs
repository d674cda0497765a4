//! The journal of a rollback that a person orders although there is none, or none that can be
//! written: it keeps what it can and never says no. Only `--override journal` brings it in.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::WallTime;
use crate::journal::{Entry, Kept};
use crate::store::{Journal, Lease, StoreError};

/// A journal that keeps what it can: nothing where there is none below it.
pub(super) struct Unkept(pub(super) Option<Arc<dyn Journal>>);

/// What was asked of the journal below, or what stands for it.
fn or<T>(asked: Result<T, StoreError>, instead: T) -> Result<T, StoreError> {
    Ok(asked.unwrap_or_else(|error| {
        tracing::debug!(%error, "overridden: the journal");
        instead
    }))
}

#[async_trait]
impl Journal for Unkept {
    async fn append(
        &self,
        service: &str,
        window: &str,
        at: WallTime,
        entry: &Entry,
    ) -> Result<u64, StoreError> {
        match &self.0 {
            Some(below) => or(below.append(service, window, at, entry).await, 0),
            None => Ok(0),
        }
    }

    async fn of_service(&self, service: &str) -> Result<Vec<Kept>, StoreError> {
        match &self.0 {
            Some(below) => or(below.of_service(service).await, Vec::new()),
            None => Ok(Vec::new()),
        }
    }

    async fn lease(
        &self,
        service: &str,
        now: WallTime,
        span: Duration,
    ) -> Result<Lease, StoreError> {
        match &self.0 {
            Some(below) => or(below.lease(service, now, span).await, Lease::Ours),
            None => Ok(Lease::Ours),
        }
    }

    async fn holder(
        &self,
        service: &str,
        now: WallTime,
    ) -> Result<Option<(String, WallTime)>, StoreError> {
        match &self.0 {
            Some(below) => or(below.holder(service, now).await, None),
            None => Ok(None),
        }
    }

    async fn release(&self, service: &str) -> Result<(), StoreError> {
        match &self.0 {
            Some(below) => or(below.release(service).await, ()),
            None => Ok(()),
        }
    }
}
