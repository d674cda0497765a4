//! What can go wrong with a server, in one line that says what to do.

use std::error::Error as _;
use std::fmt;
use std::time::Duration;

use tokio_postgres::error::{DbError, SqlState};

use super::session::{LOCK_PATIENCE, STATEMENT_PATIENCE};
use crate::quantity::human;
use crate::store::StoreError;
use crate::store::blocks::Damaged;

/// What went wrong.
#[derive(Debug)]
pub(super) enum Fault {
    /// The server says so, or the connection to it.
    Server(tokio_postgres::Error),
    /// It did not answer within so long.
    Late(Duration),
    /// It could not be reached within so long.
    Unreached(Duration),
    /// The schema holds tables of another program.
    Foreign,
    /// It was written by a later version: its version, and the newest that we know.
    Newer(i32, i32),
    /// The database keeps text in another encoding than UTF-8, which not all that we keep fits into.
    Encoding(String),
    /// A part of it is not understood: which, and why.
    Part(String, String),
    /// What computes beside it failed.
    Thread(String),
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

impl From<Damaged> for Fault {
    fn from(damaged: Damaged) -> Self {
        Self::Part("a part of it".to_owned(), damaged.to_string())
    }
}

impl Fault {
    /// The error, with what is kept and where named by `place`.
    pub(super) fn of(self, place: &str) -> StoreError {
        let text = format!("the history {place}: {self}");
        match self {
            Self::Foreign | Self::Newer(..) | Self::Encoding(_) | Self::Part(..) => {
                StoreError::Strange(text)
            }
            Self::Server(_) | Self::Late(_) | Self::Unreached(_) | Self::Thread(_) => {
                StoreError::Unusable(text)
            }
        }
    }

    /// Whether the session is to blame and another may fare better: the server ended it, or the
    /// tables that it knew were taken away.
    pub(super) fn is_of_session(&self) -> bool {
        const ENDED: [SqlState; 4] = [
            SqlState::ADMIN_SHUTDOWN,
            SqlState::CRASH_SHUTDOWN,
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::UNDEFINED_TABLE,
        ];
        match self {
            Self::Server(error) => error.code().is_none_or(|code| ENDED.contains(code)),
            _ => false,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(error) => match error.as_db_error() {
                Some(said) => server(said, f),
                None => connection(error, f),
            },
            Self::Late(span) => write!(f, "it has not answered for {}", human(*span)),
            Self::Unreached(span) => {
                write!(f, "it could not be reached within {}", human(*span))
            }
            Self::Foreign => {
                f.write_str("the schema holds tables of another program; name another schema")
            }
            Self::Newer(found, known) => write!(
                f,
                "it was written by a later version of smokejumper (format {found}, and this one knows {known}); use that version, or another schema"
            ),
            Self::Encoding(encoding) => write!(
                f,
                "the database keeps text as {encoding}, and not all that is kept fits into that; use a database whose encoding is UTF8"
            ),
            Self::Part(which, why) => {
                write!(f, "{which} is not understood by this version: {why}")
            }
            Self::Thread(why) => write!(f, "what computes for it failed: {why}"),
        }
    }
}

/// The few cases in which a person can do something are said in words of their own.
fn server(said: &DbError, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (code, message) = (said.code(), said.message());
    match code {
        &SqlState::DISK_FULL => f.write_str("its disk is full, nothing was written"),
        &SqlState::READ_ONLY_SQL_TRANSACTION => f.write_str(
            "it may only be read: it is a replica, or was set to read-only; nothing was written",
        ),
        &SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            write!(f, "it refuses the login: {message}")
        }
        &SqlState::INSUFFICIENT_PRIVILEGE => write!(
            f,
            "{message}; let its owner make the schema and give it to the user who logs in"
        ),
        &SqlState::LOCK_NOT_AVAILABLE => write!(
            f,
            "another instance has kept it locked for {}",
            human(LOCK_PATIENCE)
        ),
        &SqlState::QUERY_CANCELED => write!(
            f,
            "{message} (a statement may take {})",
            human(STATEMENT_PATIENCE)
        ),
        code => write!(f, "{message} ({})", code.code()),
    }
}

fn connection(error: &tokio_postgres::Error, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if error.is_closed() {
        return f.write_str("it has closed the connection");
    }
    match error.source() {
        Some(source) => write!(f, "{error}: {source}"),
        None => write!(f, "{error}"),
    }
}
