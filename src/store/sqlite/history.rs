//! The history in one SQLite file of its own, beside the journal.
//!
//! Its own, because the journal must not wait for ten thousand samples a second, nor be lost with
//! them: whoever needs room deletes this file and loses plots, not the ledger. One connection
//! writes, others read; write-ahead log, so that neither waits for the other; what was kept is on
//! the disk when `keep` returns. Any number of processes may use one file. Times and spans are kept
//! to the microsecond. Opened by `cli`.

mod names;
mod packing;
mod pages;
mod reading;
pub(super) mod schema;
#[cfg(test)]
mod tests;
mod thinning;
mod writing;

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, Transaction};

use self::names::{Known, Names};
use super::blocking;
use super::fault::{Fault, File};
use super::schema::open;
use crate::clock::WallTime;
use crate::sample::CheckId;
use crate::store::StoreError;
use crate::store::blocks::{self, Kept};
use crate::store::history::{
    Batch, Between, Figures, Happening, History, Page, Retention, Seen, Slice, StoredWindow,
};

/// A history in an SQLite file.
pub struct SqliteHistory {
    writer: Arc<Mutex<Desk>>,
    readers: [Arc<Mutex<Desk>>; READERS],
    turn: AtomicUsize,
    file: File,
    /// Which file it was when it was opened.
    identity: Identity,
}

/// The device and the number of a file there.
type Identity = (u64, u64);

fn identity(file: &File) -> Result<Identity, Fault> {
    let found = file.path().metadata().map_err(|_| Fault::Gone)?;
    Ok((found.dev(), found.ino()))
}

/// How many questions are answered at once: a page asks one, and a slow one must not hold up all
/// others.
const READERS: usize = 3;

/// The log beside the file is cut back to this many bytes once it is written into the file: a
/// reader that took long can have let it grow.
const LOG: i64 = 64 << 20;
/// How many statements a connection keeps ready: more than there are different ones.
const STATEMENTS: usize = 64;

/// A connection and the names that it knows.
struct Desk {
    connection: Connection,
    known: Known,
}

impl Desk {
    fn open(file: &File) -> Result<Self, StoreError> {
        let connection = open(file, schema::HISTORY)?;
        let limited = connection.pragma_update(None, "journal_size_limit", LOG);
        limited.map_err(|error| file.says(error.into()))?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(Self {
            connection,
            known: Known::default(),
        })
    }

    /// Answers a question from one instant of the file.
    fn look<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>, &mut Names<'_>) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let instant = self.connection.transaction()?;
        let mut names = Names::new(&instant, &self.known);
        let answer = work(&instant, &mut names)?;
        let learnt = names.learnt();
        instant.commit()?;
        self.known.learn(learnt);
        Ok(answer)
    }
}

impl SqliteHistory {
    /// Opens the file, and makes it, its folders and its tables where they do not exist.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when it cannot be opened and written; [`StoreError::Strange`] when
    /// it is no history, or one of a later version.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let file = File::at(path, schema::HISTORY.what);
        let opened = file.clone();
        let desks = blocking(&file, move || {
            let writer = Desk::open(&opened)?;
            let readers = [(); READERS].map(|()| Desk::open(&opened));
            let identity = identity(&opened).map_err(|fault| opened.says(fault))?;
            Ok((writer, readers, identity))
        });
        let (writer, readers, identity) = desks.await?;
        let [first, second, third] = readers;
        let shared = |desk: Desk| Arc::new(Mutex::new(desk));
        Ok(Self {
            writer: shared(writer),
            readers: [shared(first?), shared(second?), shared(third?)],
            turn: AtomicUsize::new(0),
            file,
            identity,
        })
    }

    async fn with<T: Send + 'static>(
        &self,
        desk: &Arc<Mutex<Desk>>,
        work: impl FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (desk, file) = (Arc::clone(desk), self.file.clone());
        blocking(&self.file, move || {
            // Whoever panicked holding it left no transaction open: dropping one rolls it back.
            let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut desk).map_err(|fault| file.says(fault))
        })
        .await
    }

    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Desk) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % READERS;
        self.with(&self.readers[turn], work).await
    }
}

#[async_trait]
impl History for SqliteHistory {
    async fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        let batch = batch.clone();
        let (file, known) = (self.file.clone(), self.identity);
        self.with(&self.writer, move |desk| {
            // What is written to a file that has no name any more is lost, and nobody would know.
            if identity(&file)? != known {
                return Err(Fault::Gone);
            }
            writing::keep(&mut desk.connection, &mut desk.known, &batch)
        })
        .await
    }

    async fn slices(
        &self,
        check: &CheckId,
        between: Between,
        step: Duration,
    ) -> Result<Vec<Slice>, StoreError> {
        let check = check.clone();
        self.read(move |desk| reading::slices(desk, &check, between, step))
            .await
    }

    async fn samples(
        &self,
        check: &CheckId,
        between: Between,
        limit: usize,
    ) -> Result<Vec<Seen>, StoreError> {
        let check = check.clone();
        self.read(move |desk| reading::samples(desk, &check, between, limit))
            .await
    }

    async fn samples_of_window(&self, window: &str) -> Result<Vec<Seen>, StoreError> {
        let window = window.to_owned();
        self.read(move |desk| reading::samples_of_window(desk, &window))
            .await
    }

    async fn failures(&self, check: &CheckId, limit: usize) -> Result<Vec<Seen>, StoreError> {
        let check = check.clone();
        self.read(move |desk| reading::failures(desk, &check, limit))
            .await
    }

    async fn windows(&self, page: &Page) -> Result<Vec<StoredWindow>, StoreError> {
        let page = page.clone();
        self.read(move |desk| pages::windows(&desk.connection, &page))
            .await
    }

    async fn window(&self, id: &str) -> Result<Option<StoredWindow>, StoreError> {
        let id = id.to_owned();
        self.read(move |desk| pages::window(&desk.connection, &id))
            .await
    }

    async fn happenings(&self, page: &Page) -> Result<Vec<Happening>, StoreError> {
        let page = page.clone();
        self.read(move |desk| pages::happenings(&desk.connection, &page))
            .await
    }

    async fn thin(&self, now: WallTime, retention: &Retention) -> Result<bool, StoreError> {
        let now = blocks::microseconds(now);
        let kept = Kept::at(now, retention);
        self.with(&self.writer, move |desk| {
            thinning::thin(&mut desk.connection, now, &kept)
        })
        .await
    }

    async fn figures(&self) -> Result<Figures, StoreError> {
        self.read(|desk| pages::figures(&mut desk.connection)).await
    }
}
