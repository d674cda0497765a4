//! A journal that could not be opened is tried again whenever it is needed: a daemon that was started on a
//! full disk must not be without one, and so without rollbacks, for as long as it lives. Made by `cli`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;

use super::{Journal, Lease, StoreError};
use crate::clock::WallTime;
use crate::journal::{Entry, Kept};

/// Opens a journal.
type Opener = dyn Fn() -> BoxFuture<'static, Result<Arc<dyn Journal>, StoreError>> + Send + Sync;

/// A journal that is opened as soon as it can be.
pub struct Retried {
    opener: Box<Opener>,
    opened: Mutex<Option<Arc<dyn Journal>>>,
}

impl Retried {
    /// A journal that is opened by a function, until that succeeds once.
    #[must_use]
    pub fn new(
        opener: impl Fn() -> BoxFuture<'static, Result<Arc<dyn Journal>, StoreError>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            opener: Box::new(opener),
            opened: Mutex::default(),
        }
    }

    /// The journal; opened where it is not.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(&self) -> Result<Arc<dyn Journal>, StoreError> {
        let mut opened = self.opened.lock().await;
        if let Some(journal) = &*opened {
            return Ok(Arc::clone(journal));
        }
        let journal = (self.opener)().await?;
        *opened = Some(Arc::clone(&journal));
        Ok(journal)
    }
}

#[async_trait]
impl Journal for Retried {
    async fn append(
        &self,
        service: &str,
        window: &str,
        at: WallTime,
        entry: &Entry,
    ) -> Result<u64, StoreError> {
        let journal = self.open().await?;
        journal.append(service, window, at, entry).await
    }

    async fn of_service(&self, service: &str) -> Result<Vec<Kept>, StoreError> {
        self.open().await?.of_service(service).await
    }

    async fn lease(
        &self,
        service: &str,
        now: WallTime,
        span: Duration,
    ) -> Result<Lease, StoreError> {
        self.open().await?.lease(service, now, span).await
    }

    async fn holder(
        &self,
        service: &str,
        now: WallTime,
    ) -> Result<Option<(String, WallTime)>, StoreError> {
        self.open().await?.holder(service, now).await
    }

    async fn release(&self, service: &str) -> Result<(), StoreError> {
        self.open().await?.release(service).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::super::sqlite::{Holder, Sqlite};
    use super::*;

    #[tokio::test]
    async fn a_journal_that_could_not_be_opened_is_there_as_soon_as_it_can_be() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("journal.sqlite");
        let is_full = Arc::new(AtomicBool::new(true));
        let disk = Arc::clone(&is_full);
        let journal = Retried::new(move || {
            let (file, is_full) = (file.clone(), disk.load(Ordering::SeqCst));
            Box::pin(async move {
                if is_full {
                    return Err(StoreError::Unusable("the disk is full".to_owned()));
                }
                let journal = Sqlite::open(&file, Holder::this_process()).await?;
                Ok(Arc::new(journal) as Arc<dyn Journal>)
            })
        });
        let full = StoreError::Unusable("the disk is full".to_owned());
        assert_eq!(journal.of_service("api").await.unwrap_err(), full);
        is_full.store(false, Ordering::SeqCst);
        assert_eq!(journal.of_service("api").await.unwrap(), []);
        let first = journal.open().await.unwrap();
        let again = journal.open().await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
    }
}
