//! Names as numbers, remembered from one transaction to the next.
//!
//! A number that a transaction gave out means nothing if that transaction is taken back: it is
//! remembered once the transaction stands.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};

use super::super::fault::Fault;
use crate::sample::CheckId;
use crate::store::blocks::{self, Damaged};

/// What is remembered of names.
#[derive(Debug, Default)]
pub(super) struct Known {
    checks: HashMap<CheckId, u32>,
    numbers: HashMap<Arc<str>, u32>,
    texts: HashMap<u32, Arc<str>>,
    /// Which checks have samples in which windows.
    members: HashMap<(u32, u32), ()>,
}

/// More is not remembered: what is used is looked up again.
const MOST: usize = 500_000;

impl Known {
    /// Remembers what a transaction has learnt that stands.
    pub fn learn(&mut self, more: Self) {
        if self.checks.len() > MOST || self.numbers.len() > MOST || self.members.len() > MOST {
            *self = Self::default();
        }
        self.checks.extend(more.checks);
        self.numbers.extend(more.numbers);
        self.texts.extend(more.texts);
        self.members.extend(more.members);
    }
}

/// The names within a transaction.
pub(super) struct Names<'a> {
    connection: &'a Connection,
    known: &'a Known,
    learnt: Known,
}

impl<'a> Names<'a> {
    pub fn new(connection: &'a Connection, known: &'a Known) -> Self {
        Self {
            connection,
            known,
            learnt: Known::default(),
        }
    }

    /// What is to be remembered when the transaction stands.
    pub fn learnt(self) -> Known {
        self.learnt
    }

    /// The number of a check; a new one where it has none.
    pub fn check(&mut self, check: &CheckId) -> Result<u32, Fault> {
        let known = self.known.checks.get(check);
        if let Some(number) = known.or_else(|| self.learnt.checks.get(check)) {
            return Ok(*number);
        }
        let number = self.numbered("checks", "name", check.as_str())?;
        self.learnt.checks.insert(check.clone(), number);
        Ok(number)
    }

    /// Notes that a check has samples in a window.
    pub fn member(&mut self, window: u32, check: u32) -> Result<(), Fault> {
        let key = (window, check);
        if self.known.members.contains_key(&key) || self.learnt.members.contains_key(&key) {
            return Ok(());
        }
        let add = "INSERT OR IGNORE INTO members VALUES (?, ?)";
        self.connection.prepare_cached(add)?.execute(key)?;
        self.learnt.members.insert(key, ());
        Ok(())
    }

    fn numbered(&self, table: &str, column: &str, text: &str) -> Result<u32, Fault> {
        let add = format!("INSERT OR IGNORE INTO {table} ({column}) VALUES (?)");
        self.connection.prepare_cached(&add)?.execute([text])?;
        let look = format!("SELECT number FROM {table} WHERE {column} = ?");
        let mut look = self.connection.prepare_cached(&look)?;
        Ok(look.query_row([text], |row| row.get(0))?)
    }
}

impl blocks::Names for Names<'_> {
    type Error = Fault;

    fn number(&mut self, text: &Arc<str>) -> Result<u32, Fault> {
        let known = self.known.numbers.get(text);
        if let Some(number) = known.or_else(|| self.learnt.numbers.get(text)) {
            return Ok(*number);
        }
        let number = self.numbered("texts", "text", text)?;
        self.learnt.numbers.insert(Arc::clone(text), number);
        Ok(number)
    }

    fn text(&mut self, number: u32) -> Result<Arc<str>, Fault> {
        let known = self.known.texts.get(&number);
        if let Some(text) = known.or_else(|| self.learnt.texts.get(&number)) {
            return Ok(Arc::clone(text));
        }
        let look = "SELECT text FROM texts WHERE number = ?";
        let mut look = self.connection.prepare_cached(look)?;
        let text: Option<String> = look.query_row([number], |row| row.get(0)).optional()?;
        let Some(text) = text else {
            return Err(Damaged::new("a name is missing").into());
        };
        let text: Arc<str> = Arc::from(text);
        self.learnt.texts.insert(number, Arc::clone(&text));
        Ok(text)
    }
}

/// The number of a check; nothing where it was never kept.
pub(super) fn number_of(connection: &Connection, check: &CheckId) -> Result<Option<u32>, Fault> {
    let look = "SELECT number FROM checks WHERE name = ?";
    let mut look = connection.prepare_cached(look)?;
    Ok(look
        .query_row([check.as_str()], |row| row.get(0))
        .optional()?)
}

impl From<Damaged> for Fault {
    fn from(damaged: Damaged) -> Self {
        Self::Part("a part of it".to_owned(), damaged.to_string())
    }
}

impl From<rusqlite::types::FromSqlError> for Fault {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::Part("a part of it".to_owned(), error.to_string())
    }
}
