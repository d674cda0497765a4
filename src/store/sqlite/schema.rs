//! The tables of the file, and the way from an older file to this version. There is no way back: a
//! file of a later version is refused, untouched.

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::fault::{Fault, File};
use crate::store::StoreError;

/// How long another process's transaction is waited for. Ours take milliseconds; whoever holds the
/// file longer than this hangs, and a watch cannot wait for it.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What a file is for, and how it came to be what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Format {
    /// What is kept in it, as people call it.
    pub what: &'static str,
    /// The number in the header of the file that says whose it is.
    pub application: i64,
    /// The size of its pages in bytes.
    pub page: i64,
    /// What brings a file from each version to the next; the number of steps is the newest version.
    pub steps: &'static [&'static str],
}

/// The file of a journal.
pub(super) const JOURNAL: Format = Format {
    what: "journal",
    // "SJMP".
    application: 0x534a_4d50,
    // SQLite's own choice: entries are small and few.
    page: 4096,
    steps: JOURNAL_STEPS,
};

const JOURNAL_STEPS: &[&str] = &["
    CREATE TABLE entries (
        -- Numbers are never used twice.
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        service TEXT NOT NULL,
        window TEXT NOT NULL,
        -- Nanoseconds since 1970.
        at INTEGER NOT NULL,
        kind TEXT NOT NULL,
        entry TEXT NOT NULL
    ) STRICT;
    CREATE INDEX entries_of_service ON entries (service, number);
    CREATE INDEX entries_of_window ON entries (window, number);
    CREATE TABLE leases (
        service TEXT PRIMARY KEY,
        holder TEXT NOT NULL,
        until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
"];

/// Opens the file and brings it to this version.
pub(super) fn open(file: &File, format: Format) -> Result<Connection, StoreError> {
    connect(file, format).map_err(|fault| file.says(fault))
}

fn connect(file: &File, format: Format) -> Result<Connection, Fault> {
    let path = file.path();
    if path.is_dir() {
        return Err(Fault::IsFolder);
    }
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(folder);
        made.map_err(Fault::Folder)?;
    }
    // What services answered is nobody else's business. The files that SQLite puts beside this one
    // get its permissions.
    let mut options = OpenOptions::new();
    let made = options.append(true).create(true).mode(0o600).open(path);
    made.map_err(Fault::File)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    let version = format.glance(&mut connection)?;
    if version == 0 {
        connection.pragma_update(None, "page_size", format.page)?;
    }
    keep_a_log(&connection)?;
    // A commit is on the disk when it returns, also if the machine stops at once.
    connection.pragma_update(None, "synchronous", "FULL")?;
    if version < format.newest() {
        format.migrate(&mut connection)?;
    }
    Ok(connection)
}

impl Format {
    fn newest(self) -> i64 {
        i64::try_from(self.steps.len()).unwrap_or(i64::MAX)
    }

    /// The version of the file at one instant: another process may be making it.
    fn glance(self, connection: &mut Connection) -> Result<i64, Fault> {
        let instant = connection.transaction()?;
        let version = self.version(&instant)?;
        instant.commit()?;
        Ok(version)
    }

    /// The version of the file; 0 when it is empty. Refuses what is not ours or is newer than we
    /// are.
    fn version(self, connection: &Connection) -> Result<i64, Fault> {
        let number = |name| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
        let (application, version) = (number("application_id")?, number("user_version")?);
        let tables = "SELECT count(*) FROM sqlite_schema";
        let tables: i64 = connection.query_row(tables, [], |row| row.get(0))?;
        let is_empty = application == 0 && version == 0 && tables == 0;
        if !is_empty && application != self.application {
            return Err(Fault::Foreign);
        }
        if version > self.newest() {
            return Err(Fault::Newer(version, self.newest()));
        }
        Ok(version)
    }

    fn migrate(self, connection: &mut Connection) -> Result<(), Fault> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have done it since we looked.
        let found = self.version(&transaction)?;
        let done = usize::try_from(found).unwrap_or(0);
        for step in &self.steps[done..] {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "application_id", self.application)?;
        transaction.pragma_update(None, "user_version", self.newest())?;
        transaction.commit()?;
        Ok(())
    }
}

/// Turns the write-ahead log on: readers never wait, and what a killed process has not committed is
/// not there.
fn keep_a_log(connection: &Connection) -> Result<(), Fault> {
    // Of several that open a new file at once, one turns it on; SQLite does not always let the
    // others wait, so they wait for the lock themselves and look again.
    for _ in 0..TRIES {
        let mode = connection
            .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => return Err(Fault::NoLog(mode)),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                connection.execute_batch("BEGIN EXCLUSIVE; COMMIT")?;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::NoLog("unknown".to_owned()))
}

/// More than there will ever be processes that open a new file in the same instant.
const TRIES: usize = 50;
