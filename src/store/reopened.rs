//! A history that is opened when it is first needed, and again after it could not be written: a disk
//! that comes back, a file that was moved away, a server that was restarted. Made by `cli`, used
//! through the write-behind, which tries again and again.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::StoreError;
use super::history::{
    Batch, Between, Figures, Happening, History, Page, Retention, Seen, Slice, StoredWindow,
};
use crate::clock::WallTime;
use crate::sample::CheckId;

/// Opens a history.
type Opener = dyn Fn() -> BoxFuture<'static, Result<Arc<dyn History>, StoreError>> + Send + Sync;

/// A history that is opened as often as it takes.
pub struct Reopened {
    opener: Box<Opener>,
    current: Mutex<Option<Arc<dyn History>>>,
}

impl Reopened {
    /// A history that is opened by a function, once for each time that it was lost.
    #[must_use]
    pub fn new(
        opener: impl Fn() -> BoxFuture<'static, Result<Arc<dyn History>, StoreError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            opener: Box::new(opener),
            current: Mutex::default(),
        }
    }

    /// The history; opened where it is not.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(&self) -> Result<Arc<dyn History>, StoreError> {
        let mut current = self.current.lock().await;
        if let Some(history) = &*current {
            return Ok(Arc::clone(history));
        }
        let history = (self.opener)().await?;
        *current = Some(Arc::clone(&history));
        Ok(history)
    }

    /// What came of writing; after an error it is opened anew the next time.
    async fn after<T>(
        &self,
        history: &Arc<dyn History>,
        result: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if result.is_err() {
            let mut current = self.current.lock().await;
            // Somebody may have opened it anew meanwhile.
            if current
                .as_ref()
                .is_some_and(|one| Arc::ptr_eq(one, history))
            {
                *current = None;
            }
        }
        result
    }
}

#[async_trait]
impl History for Reopened {
    async fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        let history = self.open().await?;
        let kept = history.keep(batch).await;
        self.after(&history, kept).await
    }

    async fn slices(
        &self,
        check: &CheckId,
        between: Between,
        step: Duration,
    ) -> Result<Vec<Slice>, StoreError> {
        self.open().await?.slices(check, between, step).await
    }

    async fn samples(
        &self,
        check: &CheckId,
        between: Between,
        limit: usize,
    ) -> Result<Vec<Seen>, StoreError> {
        self.open().await?.samples(check, between, limit).await
    }

    async fn samples_of_window(&self, window: &str) -> Result<Vec<Seen>, StoreError> {
        self.open().await?.samples_of_window(window).await
    }

    async fn failures(&self, check: &CheckId, limit: usize) -> Result<Vec<Seen>, StoreError> {
        self.open().await?.failures(check, limit).await
    }

    async fn windows(&self, page: &Page) -> Result<Vec<StoredWindow>, StoreError> {
        self.open().await?.windows(page).await
    }

    async fn window(&self, id: &str) -> Result<Option<StoredWindow>, StoreError> {
        self.open().await?.window(id).await
    }

    async fn happenings(&self, page: &Page) -> Result<Vec<Happening>, StoreError> {
        self.open().await?.happenings(page).await
    }

    async fn thin(&self, now: WallTime, retention: &Retention) -> Result<bool, StoreError> {
        let history = self.open().await?;
        let thinned = history.thin(now, retention).await;
        self.after(&history, thinned).await
    }

    async fn figures(&self) -> Result<Figures, StoreError> {
        self.open().await?.figures().await
    }
}
