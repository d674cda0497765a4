//! The history in a schema of a PostgreSQL database, for several instances at once.
//!
//! Samples go the ways that they go in a file (`sqlite/history/schema`): appended in blocks for all
//! checks of a bucket, packed by check and hour when the hour is over, summed up when they are older
//! than they are kept. What is computed beside a question is computed on a blocking thread: the
//! threads that probe wait for nothing. One session writes, others read; each is opened when it is
//! needed and again after it was lost.

mod hours;
mod names;
mod packing;
mod pages;
mod reading;
mod tables;
mod thinning;
mod writing;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

pub(super) use self::names::Known;
pub(super) use self::tables::STEPS;
use super::Server;
use super::fault::Fault;
use super::session::{Begun, Desk, Intent};
use crate::clock::WallTime;
use crate::sample::CheckId;
use crate::secret::Mask;
use crate::store::StoreError;
use crate::store::blocks::{self, Kept};
use crate::store::history::{
    Batch, Between, Figures, Happening, History, Page, Retention, Seen, Slice, StoredWindow,
};

/// A history in a PostgreSQL database.
pub struct PostgresHistory {
    server: Server,
    place: String,
    mask: Mask,
    writer: Desk,
    readers: [Desk; READERS],
    turn: AtomicUsize,
    /// Until when nothing is asked.
    unasked: Mutex<Option<Instant>>,
}

/// How many questions are answered at once: a page asks one, and a slow one must not hold up all
/// others. Each is a connection, of which a server has some hundred.
const READERS: usize = 3;

/// How long keeping a batch may take, waiting for others included: then the session is given up, and
/// whoever handed the batch in tries again.
const WRITTEN_WITHIN: Duration = Duration::from_secs(60);
/// How long a question may take: shorter than whoever looks at a page waits.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// After a question that was not answered, others are not asked for so long: a page asks many, and
/// would wait for each.
const UNASKED: Duration = Duration::from_secs(10);

impl PostgresHistory {
    /// A history on this server, which is asked for nothing yet.
    #[must_use]
    pub fn on(server: Server) -> Self {
        Self {
            place: server.name(),
            mask: server.mask(),
            server,
            writer: Desk::default(),
            readers: Default::default(),
            turn: AtomicUsize::new(0),
            unasked: Mutex::default(),
        }
    }

    /// Logs in now, and makes the schema and its tables where they do not exist. What is asked later
    /// logs in by itself, again and again.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the server cannot be reached or written to;
    /// [`StoreError::Strange`] when the schema is of another program or of a later version.
    pub async fn open(&self) -> Result<(), StoreError> {
        let opening = async {
            let begun = self.writer.begin(&self.server, Intent::Look).await?;
            begun.commit().await
        };
        self.within(WRITTEN_WITHIN, opening).await
    }

    /// Holds what is done to its deadline, and names the place in what goes wrong.
    async fn within<T>(
        &self,
        limit: Duration,
        work: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, StoreError> {
        let done = tokio::time::timeout(limit, work).await;
        let done = done.unwrap_or(Err(Fault::Late(limit)));
        done.map_err(|fault| self.says(fault))
    }

    /// Holds a question to its deadline, unless the server is known to answer none.
    async fn answer<T>(
        &self,
        question: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, StoreError> {
        let unasked = || self.unasked.lock().unwrap_or_else(PoisonError::into_inner);
        if unasked().is_some_and(|until| Instant::now() < until) {
            return Err(self.says(Fault::Late(ANSWERED_WITHIN)));
        }
        let answer = tokio::time::timeout(ANSWERED_WITHIN, question).await;
        let answer = answer.unwrap_or(Err(Fault::Late(ANSWERED_WITHIN)));
        let is_silent = matches!(answer, Err(Fault::Late(_) | Fault::Unreached(_)));
        *unasked() = is_silent.then(|| Instant::now() + UNASKED);
        answer.map_err(|fault| self.says(fault))
    }

    /// What went wrong, without the password.
    fn says(&self, fault: Fault) -> StoreError {
        match fault.of(&self.place) {
            StoreError::Unusable(text) => StoreError::Unusable(self.mask.apply(&text)),
            StoreError::Strange(text) => StoreError::Strange(self.mask.apply(&text)),
        }
    }

    /// Begins to look, at a desk that nobody uses where there is one.
    async fn look(&self) -> Result<Begun<'_>, Fault> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % READERS;
        let free = self.readers.iter().find(|desk| desk.is_free());
        let desk = free.unwrap_or(&self.readers[turn]);
        desk.begin(&self.server, Intent::Look).await
    }

    async fn write(&self) -> Result<Begun<'_>, Fault> {
        self.writer.begin(&self.server, Intent::Write).await
    }
}

/// Computes away from the threads that must not wait.
async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(Fault::Thread(error.to_string())),
    }
}

#[async_trait]
impl History for PostgresHistory {
    async fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        let keeping = async {
            let mut begun = self.write().await?;
            writing::keep(&mut begun.session, batch).await?;
            begun.commit().await
        };
        self.within(WRITTEN_WITHIN, keeping).await
    }

    async fn slices(
        &self,
        check: &CheckId,
        between: Between,
        step: Duration,
    ) -> Result<Vec<Slice>, StoreError> {
        let asking = async {
            let mut begun = self.look().await?;
            let grid = blocks::Grid::of(between, step);
            let slices = reading::slices(&mut begun.session, check, grid).await?;
            begun.commit().await?;
            Ok(slices)
        };
        self.answer(asking).await
    }

    async fn samples(
        &self,
        check: &CheckId,
        between: Between,
        limit: usize,
    ) -> Result<Vec<Seen>, StoreError> {
        let asking = async {
            let mut begun = self.look().await?;
            let samples = reading::samples(&mut begun.session, check, between, limit).await?;
            begun.commit().await?;
            Ok(samples)
        };
        self.answer(asking).await
    }

    async fn samples_of_window(&self, window: &str) -> Result<Vec<Seen>, StoreError> {
        let asking = async {
            let mut begun = self.look().await?;
            let samples = reading::samples_of_window(&mut begun.session, window).await?;
            begun.commit().await?;
            Ok(samples)
        };
        self.answer(asking).await
    }

    async fn failures(&self, check: &CheckId, limit: usize) -> Result<Vec<Seen>, StoreError> {
        let asking = async {
            let mut begun = self.look().await?;
            let failures = reading::failures(&mut begun.session, check, limit).await?;
            begun.commit().await?;
            Ok(failures)
        };
        self.answer(asking).await
    }

    async fn windows(&self, page: &Page) -> Result<Vec<StoredWindow>, StoreError> {
        let asking = async {
            let begun = self.look().await?;
            let windows = pages::windows(begun.client(), page).await?;
            begun.commit().await?;
            Ok(windows)
        };
        self.answer(asking).await
    }

    async fn window(&self, id: &str) -> Result<Option<StoredWindow>, StoreError> {
        let asking = async {
            let begun = self.look().await?;
            let window = pages::window(begun.client(), id).await?;
            begun.commit().await?;
            Ok(window)
        };
        self.answer(asking).await
    }

    async fn happenings(&self, page: &Page) -> Result<Vec<Happening>, StoreError> {
        let asking = async {
            let begun = self.look().await?;
            let happenings = pages::happenings(begun.client(), page).await?;
            begun.commit().await?;
            Ok(happenings)
        };
        self.answer(asking).await
    }

    async fn thin(&self, now: WallTime, retention: &Retention) -> Result<bool, StoreError> {
        let now = blocks::microseconds(now);
        let kept = Kept::at(now, retention);
        let thinning = async {
            let begun = self.write().await?;
            let done = thinning::thin(begun.client(), now, kept).await?;
            begun.commit().await?;
            Ok(done)
        };
        self.within(WRITTEN_WITHIN, thinning).await
    }

    async fn figures(&self) -> Result<Figures, StoreError> {
        let asking = async {
            let begun = self.look().await?;
            let figures = pages::figures(begun.client(), &self.server.schema).await?;
            begun.commit().await?;
            Ok(figures)
        };
        self.answer(asking).await
    }
}
