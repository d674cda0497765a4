//! What can go wrong with the file, in one line that names it and says what to do.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::ErrorCode;

use super::schema::PATIENCE;
use crate::quantity::human;
use crate::store::StoreError;

/// The file of a store.
#[derive(Clone, Debug)]
pub(super) struct File {
    path: Arc<PathBuf>,
    /// What is kept in it, as people call it: `journal`.
    what: &'static str,
}

/// What went wrong with it.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// Its folders could not be made.
    Folder(std::io::Error),
    /// It could not be made or opened.
    File(std::io::Error),
    /// A folder stands in its place.
    IsFolder,
    /// It was taken away or replaced while it was open.
    Gone,
    /// The file system cannot share it between processes.
    NoLog(String),
    /// It is a database of another program.
    Foreign,
    /// It was written by a later version: its version, and the newest that we know.
    Newer(i64, i64),
    /// An entry is not understood: its number, and why.
    Entry(u64, String),
    /// A part of a history is not understood: which, and why.
    Part(String, String),
    /// The holder of a lease is not understood.
    Lease(String),
    /// An entry cannot be written as text.
    Unwritable(String),
    /// The thread that did it is gone.
    Thread(String),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl File {
    pub(super) fn at(path: &Path, what: &'static str) -> Self {
        Self {
            path: Arc::new(path.to_path_buf()),
            what,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The error, with the file named.
    pub(super) fn says(&self, fault: Fault) -> StoreError {
        let (what, path) = (self.what, self.path.display());
        let text = match fault.is_no_database() {
            true => format!("the {what} {path}: it is no {what}; name another file"),
            false => format!("the {what} {path}: {fault}"),
        };
        if fault.is_strange() {
            StoreError::Strange(text)
        } else {
            StoreError::Unusable(text)
        }
    }
}

impl Fault {
    /// Whether the file holds what this version does not understand.
    fn is_strange(&self) -> bool {
        match self {
            Self::Foreign | Self::Newer(..) | Self::Entry(..) | Self::Part(..) | Self::Lease(_) => {
                true
            }
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                None | Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt)
            ),
            Self::Folder(_)
            | Self::File(_)
            | Self::IsFolder
            | Self::Gone
            | Self::NoLog(_)
            | Self::Unwritable(_)
            | Self::Thread(_) => false,
        }
    }
}

impl Fault {
    fn is_no_database(&self) -> bool {
        matches!(self, Self::Sqlite(error)
            if error.sqlite_error_code() == Some(ErrorCode::NotADatabase))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => sqlite(error, f),
            Self::Folder(error) => write!(f, "its folder cannot be made: {error}"),
            Self::File(error) => write!(
                f,
                "it cannot be opened: {error}; check its folder and the permissions of both"
            ),
            Self::Gone => f.write_str("it was taken away while it was in use"),
            Self::IsFolder => f.write_str("a folder stands in its place; name a file"),
            Self::NoLog(mode) => write!(
                f,
                "its file system cannot share it between processes (journal mode {mode}); put it on a local disk"
            ),
            Self::Foreign => f.write_str("it is a database of another program; name another file"),
            Self::Newer(found, known) => write!(
                f,
                "it was written by a later version of smokejumper (format {found}, and this one knows {known}); use that version, or another file"
            ),
            Self::Entry(number, why) => {
                write!(f, "entry {number} is not understood by this version: {why}")
            }
            Self::Part(which, why) => {
                write!(f, "{which} is not understood by this version: {why}")
            }
            Self::Lease(service) => write!(
                f,
                "who holds the lease of {service} is not understood by this version"
            ),
            Self::Unwritable(why) => write!(f, "an entry cannot be written down: {why}"),
            Self::Thread(why) => write!(f, "what wrote to it failed: {why}"),
        }
    }
}

/// The few cases in which a person can do something are said in words of their own.
fn sqlite(error: &rusqlite::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => f.write_str("the disk is full, nothing was written"),
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            f.write_str("it may not be written; check the permissions of the file and its folder")
        }
        Some(ErrorCode::CannotOpen) => {
            f.write_str("it cannot be opened; check its folder and the permissions of both")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => write!(
            f,
            "another program has kept it locked for {}",
            human(PATIENCE)
        ),
        Some(ErrorCode::DatabaseCorrupt) => {
            write!(f, "it is damaged ({error}); put it aside and start anew")
        }
        _ => write!(f, "{error}"),
    }
}
