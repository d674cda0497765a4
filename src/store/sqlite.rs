//! The journal in one SQLite file on this machine, for any number of processes at once; the history
//! has a file of its own ([`history`]).
//!
//! What was appended is on the disk: write-ahead log, `synchronous = FULL`. All calls run on a
//! blocking thread. Nothing that is kept is passed over: an entry that this version does not
//! understand is an error with its number, because a rollback that was forgotten may be repeated.
//! Opened by `cli`, called by `engine` through [`Journal`].

mod fault;
pub mod history;
mod holder;
mod lease;
mod schema;
#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, TransactionBehavior, params};

use self::fault::{Fault, File};
pub use self::holder::Holder;
use super::{Journal, Lease, StoreError};
use crate::clock::WallTime;
use crate::journal::{Entry, Kept};

/// A journal in an SQLite file.
pub struct Sqlite {
    connection: Arc<Mutex<Connection>>,
    file: File,
    holder: Holder,
}

impl Sqlite {
    /// Opens the file, and makes it, its folders and its tables where they do not exist.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when it cannot be opened and written; [`StoreError::Strange`] when
    /// it is no journal, or one of a later version.
    pub async fn open(path: &Path, holder: Holder) -> Result<Self, StoreError> {
        let file = File::at(path, schema::JOURNAL.what);
        let opened = file.clone();
        let connection = blocking(&file, move || schema::open(&opened, schema::JOURNAL)).await?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
            file,
            holder,
        })
    }

    /// Runs `work` on the connection, away from the threads that must not wait.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let file = self.file.clone();
        blocking(&self.file, move || {
            // Whoever panicked holding it left no transaction open: dropping one rolls it back.
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection).map_err(|fault| file.says(fault))
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    file: &File,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(file.says(Fault::Thread(error.to_string()))),
    }
}

#[async_trait]
impl Journal for Sqlite {
    async fn append(
        &self,
        service: &str,
        window: &str,
        at: WallTime,
        entry: &Entry,
    ) -> Result<u64, StoreError> {
        let value = serde_json::to_value(entry)
            .map_err(|error| self.file.says(Fault::Unwritable(error.to_string())))?;
        let kind = value["kind"].as_str().unwrap_or_default().to_owned();
        let (service, window) = (service.to_owned(), window.to_owned());
        self.with(move |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            transaction.execute(
                "INSERT INTO entries (service, window, at, kind, entry) VALUES (?, ?, ?, ?, ?)",
                params![service, window, nanoseconds(at), kind, value.to_string()],
            )?;
            let number = transaction.last_insert_rowid();
            transaction.commit()?;
            Ok(number.unsigned_abs())
        })
        .await
    }

    async fn of_service(&self, service: &str) -> Result<Vec<Kept>, StoreError> {
        let service = service.to_owned();
        self.with(move |connection| {
            let mut statement = connection.prepare(
                "SELECT number, at, window, entry FROM entries WHERE service = ? ORDER BY number",
            )?;
            let mut rows = statement.query([service])?;
            let mut kept = Vec::new();
            while let Some(row) = rows.next()? {
                let number = row.get::<_, i64>(0)?.unsigned_abs();
                let strange = |error: rusqlite::Error| Fault::Entry(number, error.to_string());
                let text: String = row.get(3).map_err(strange)?;
                kept.push(Kept {
                    number,
                    at: wall(row.get(1).map_err(strange)?),
                    window: row.get(2).map_err(strange)?,
                    entry: understood(&text).map_err(|why| Fault::Entry(number, why))?,
                });
            }
            Ok(kept)
        })
        .await
    }

    async fn lease(
        &self,
        service: &str,
        now: WallTime,
        span: Duration,
    ) -> Result<Lease, StoreError> {
        let (service, holder) = (service.to_owned(), self.holder.clone());
        self.with(move |connection| lease::take(connection, &service, &holder, now, span))
            .await
    }

    async fn holder(
        &self,
        service: &str,
        now: WallTime,
    ) -> Result<Option<(String, WallTime)>, StoreError> {
        let (service, holder) = (service.to_owned(), self.holder.clone());
        self.with(move |connection| lease::look(connection, &service, &holder, now))
            .await
    }

    async fn release(&self, service: &str) -> Result<(), StoreError> {
        let (service, holder) = (service.to_owned(), self.holder.clone());
        self.with(move |connection| lease::give_back(connection, &service, &holder))
            .await
    }
}

/// Reads an entry by way of a value: a tagged enum that is read from text at once would not know
/// numbers again, which are kept as they are written.
fn understood(text: &str) -> Result<Entry, String> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
    serde_json::from_value(value).map_err(|e| e.to_string())
}

/// Wall time as it is kept; what lies after the year 2262 is kept as its last moment.
fn nanoseconds(at: WallTime) -> i64 {
    i64::try_from(at.unix().as_nanos()).unwrap_or(i64::MAX)
}

fn wall(nanoseconds: i64) -> WallTime {
    WallTime::since_unix_epoch(Duration::from_nanos(nanoseconds.unsigned_abs()))
}
