//! Names as numbers, remembered for the length of a session.
//!
//! What is computed cannot ask the server in between: names whose numbers are not known are collected,
//! asked for together, and the computing begins anew. A number that a transaction gave out means
//! nothing when that is taken back; then the session is closed, and what it remembers goes with it.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::super::fault::Fault;
use super::tables::{column, number};
use crate::sample::CheckId;
use crate::store::blocks::{self, Damaged, Record, Sum};

/// What a session remembers of names.
#[derive(Debug, Default)]
pub(in crate::store::postgres) struct Known {
    checks: HashMap<CheckId, u32>,
    numbers: HashMap<Arc<str>, u32>,
    texts: HashMap<u32, Arc<str>>,
    /// Which checks have samples in which windows.
    members: HashSet<(u32, u32)>,
}

/// More is not remembered: what is used is asked for again.
const MOST: usize = 500_000;

/// Names whose numbers are not known.
#[derive(Debug, Default)]
pub(super) struct Missing {
    checks: HashSet<CheckId>,
    texts: HashSet<Arc<str>>,
}

impl Missing {
    pub(super) fn is_empty(&self) -> bool {
        self.checks.is_empty() && self.texts.is_empty()
    }
}

/// The names while something is computed.
pub(super) struct Naming<'a> {
    known: &'a Known,
    pub(super) missing: Missing,
}

impl<'a> Naming<'a> {
    pub(super) fn new(known: &'a Known) -> Self {
        Self {
            known,
            missing: Missing::default(),
        }
    }

    /// The number of a check; one that means nothing where it is missing.
    pub(super) fn check(&mut self, check: &CheckId) -> u32 {
        let known = self.known.checks.get(check).copied();
        known.unwrap_or_else(|| {
            self.missing.checks.insert(check.clone());
            0
        })
    }
}

impl blocks::Names for Naming<'_> {
    type Error = Damaged;

    fn number(&mut self, text: &Arc<str>) -> Result<u32, Damaged> {
        let known = self.known.numbers.get(text).copied();
        Ok(known.unwrap_or_else(|| {
            self.missing.texts.insert(Arc::clone(text));
            0
        }))
    }

    fn text(&mut self, number: u32) -> Result<Arc<str>, Damaged> {
        let known = self.known.texts.get(&number);
        known
            .cloned()
            .ok_or_else(|| Damaged::new("a name is missing"))
    }
}

impl Known {
    /// Whether it is known that a check has samples in a window.
    pub(super) fn has_member(&self, window: u32, check: u32) -> bool {
        self.members.contains(&(window, check))
    }

    /// Remembers which checks have samples in which windows.
    pub(super) fn learn_members(&mut self, members: impl IntoIterator<Item = (u32, u32)>) {
        self.members.extend(members);
    }

    /// Asks for the numbers of names; gives new ones to those that have none.
    pub(super) async fn learn(&mut self, client: &Client, missing: Missing) -> Result<(), Fault> {
        if self
            .checks
            .len()
            .max(self.numbers.len())
            .max(self.members.len())
            > MOST
        {
            *self = Self::default();
        }
        let names = missing.checks.iter().map(|check| clean(check.as_str()));
        let found = numbered(client, "checks", names.collect()).await?;
        for check in missing.checks {
            let number = found.get(&*clean(check.as_str())).copied();
            self.checks.insert(check, number.ok_or_else(lost)?);
        }
        let names = missing.texts.iter().map(|text| clean(text));
        let found = numbered(client, "texts", names.collect()).await?;
        for text in missing.texts {
            let number = found.get(&*clean(&text)).copied();
            self.numbers.insert(text, number.ok_or_else(lost)?);
        }
        Ok(())
    }

    /// Asks for the names of numbers, as far as they are not known.
    pub(super) async fn learn_texts(
        &mut self,
        client: &Client,
        numbers: BTreeSet<u32>,
    ) -> Result<(), Fault> {
        if self.texts.len() > MOST {
            self.texts.clear();
        }
        let unknown = numbers
            .into_iter()
            .filter(|one| !self.texts.contains_key(one));
        let unknown: Vec<i32> = unknown.map(column).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let look = "SELECT number, name FROM texts WHERE number = ANY ($1)";
        let rows = client
            .query_typed(look, &[(&unknown, Type::INT4_ARRAY)])
            .await?;
        for row in rows {
            let text: &str = row.try_get(1)?;
            self.texts.insert(number(row.try_get(0)?), Arc::from(text));
        }
        Ok(())
    }
}

fn lost() -> Fault {
    Damaged::new("a name was given no number").into()
}

/// The numbers of names in a table, new ones for those that are not there. Nobody else writes
/// meanwhile.
async fn numbered(
    client: &Client,
    table: &str,
    names: Vec<Cow<'_, str>>,
) -> Result<HashMap<String, u32>, Fault> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let ask = format!(
        "WITH wanted AS (SELECT DISTINCT name FROM unnest($1) AS wanted (name)),
            known AS (SELECT number, name FROM {table} JOIN wanted USING (name)
                WHERE md5({table}.name) = md5(wanted.name)),
            added AS (INSERT INTO {table} (name)
                SELECT name FROM wanted WHERE name NOT IN (SELECT name FROM known)
                RETURNING number, name)
         SELECT number, name FROM known UNION ALL SELECT number, name FROM added"
    );
    let rows = client
        .query_typed(&ask, &[(&names, Type::TEXT_ARRAY)])
        .await?;
    let rows = rows.into_iter();
    rows.map(|row| Ok((row.try_get(1)?, number(row.try_get(0)?))))
        .collect()
}

/// The number of a check; nothing where it was never kept.
pub(super) async fn number_of(client: &Client, check: &CheckId) -> Result<Option<u32>, Fault> {
    let look = "SELECT number FROM checks WHERE md5(name) = md5($1) AND name = $1";
    let name = clean(check.as_str());
    let row = client.query_typed_opt(look, &[(&name, Type::TEXT)]).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?.map(number))
}

/// A text as the server takes it: it knows no character 0, which a peer may well have sent.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    match text.contains('\0') {
        true => Cow::Owned(text.replace('\0', "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

/// The numbers of all names in samples.
pub(super) fn names_of_records<'a>(records: impl IntoIterator<Item = &'a Record>) -> BTreeSet<u32> {
    let mut names = BTreeSet::new();
    for record in records {
        names.extend([record.service, record.window, record.session]);
        names.extend(record.readings.iter().map(|reading| reading.name));
    }
    names.remove(&0);
    names
}

/// The numbers of all names in sums.
pub(super) fn names_of_sums<'a>(sums: impl IntoIterator<Item = &'a Sum>) -> BTreeSet<u32> {
    let names = sums.into_iter().flat_map(|sum| sum.readings.keys());
    names.copied().collect()
}
