//! The journal as one run uses it: the entries of one service and one window, or the reason why
//! there is no journal. Every entry is durable when the call returns. Called by `watch`, `rollback`
//! and `hand`; decides nothing.

use std::fmt;
use std::sync::Arc;

use crate::clock::Clock;
use crate::decision::Past;
use crate::journal::Entry;
use crate::store::Journal;

/// A journal, or why there is none.
pub type Journaling = Result<Arc<dyn Journal>, String>;

/// The journal of one service in one window.
#[derive(Clone)]
pub struct Logbook {
    journaling: Journaling,
    service: Arc<str>,
    window: Arc<str>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Logbook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logbook")
            .field("service", &self.service)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

impl Logbook {
    /// The journal of a service, by the platform's identity of it, in a new window.
    #[must_use]
    pub fn open(journaling: Journaling, service: &str, clock: Arc<dyn Clock>) -> Self {
        Self {
            journaling,
            service: Arc::from(service),
            window: Arc::from(new_window()),
            clock,
        }
    }

    /// The same journal in a window that was opened before.
    #[must_use]
    pub fn in_window(&self, window: &str) -> Self {
        Self {
            window: Arc::from(window),
            ..self.clone()
        }
    }

    /// The same journal in a new window.
    #[must_use]
    pub fn in_new_window(&self) -> Self {
        self.in_window(&new_window())
    }

    /// The window's identifier.
    #[must_use]
    pub fn window(&self) -> &str {
        &self.window
    }

    /// The platform's identity of the service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// The store behind it.
    ///
    /// # Errors
    /// Why there is none.
    pub fn store(&self) -> Result<&dyn Journal, String> {
        self.journaling.as_deref().map_err(Clone::clone)
    }

    /// Writes an entry.
    ///
    /// # Errors
    /// Why it could not be written, in one line.
    pub async fn write(&self, entry: &Entry) -> Result<(), String> {
        let store = self.store()?;
        let written = store.append(&self.service, &self.window, self.clock.wall(), entry);
        written.await.map(|_| ()).map_err(|error| error.to_string())
    }

    /// What the journal knows of the service.
    ///
    /// # Errors
    /// Why it cannot be read, in one line.
    pub async fn past(&self) -> Result<Past, String> {
        let kept = self.store()?.of_service(&self.service).await;
        kept.map(|kept| Past::of(&kept))
            .map_err(|error| error.to_string())
    }
}

fn new_window() -> String {
    ulid::Ulid::new().to_string()
}
