//! What a check expects of a server and of its answers, and what it must be asked for that.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::measures::Measures;
use super::part::Part;
use crate::clock::WallTime;
use crate::expect::{Inquiry, Matcher, Undated};
use crate::probe::Attempt;
use crate::probe::database::{Answer, Metrics, Migration, Revision, Role};
use crate::sample::{Fault, Reason};

/// What the server and its answers must be.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Which part the server has: `primary` or `replica`.
    #[serde(default)]
    pub role: Option<Role>,
    /// How many rows the query returns.
    #[serde(default)]
    pub rows: Option<Undated>,
    /// The first row's columns, by name. Numbers and booleans are compared as such, `json` by its
    /// contents, NULL as null, everything else as the text that the server shows.
    #[serde(default)]
    pub row: BTreeMap<String, Matcher>,
    /// The columns of every row, by name. Without a row it does not hold, unless `rows` allows 0.
    #[serde(default)]
    pub each: BTreeMap<String, Matcher>,
    /// How far the schema has been migrated.
    #[serde(default)]
    pub migration: Option<Migration>,
    /// How many clients are connected, ourselves included.
    #[serde(default)]
    pub connections: Option<Undated>,
    /// The same as a percentage of `max_connections`.
    #[serde(default)]
    pub connections_pct: Option<Undated>,
    /// For how many seconds the oldest transaction of a client has been open.
    #[serde(default)]
    pub longest_transaction: Option<Undated>,
    /// How many clients have a transaction open and do nothing.
    #[serde(default)]
    pub idle_in_transaction: Option<Undated>,
    /// How many sessions wait for a lock.
    #[serde(default)]
    pub locks_waiting: Option<Undated>,
    /// For how many seconds the one that waits longest has waited (PostgreSQL 14 and newer).
    #[serde(default)]
    pub longest_lock_wait: Option<Undated>,
    /// How many replicas follow this server.
    #[serde(default)]
    pub replicas: Option<Undated>,
    /// How many seconds a replica is behind its primary; on a primary, the replica furthest behind.
    #[serde(default)]
    pub lag: Option<Undated>,
    /// The same in bytes of the log.
    #[serde(default)]
    pub lag_bytes: Option<Undated>,
}

/// All that a run heard.
#[derive(Debug, Default)]
pub struct Heard {
    /// What the server told of itself.
    pub measures: Option<Measures>,
    /// How far its schema is.
    pub revision: Option<Revision>,
    /// What the query returned.
    pub answer: Option<Answer>,
}

impl Expectation {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.role.is_none()
            && self.migration.is_none()
            && !self.is_of_a_query()
            && self.wants_no_figure()
    }

    /// Whether something is expected of the answer to the query.
    pub fn is_of_a_query(&self) -> bool {
        self.rows.is_some() || !self.row.is_empty() || !self.each.is_empty()
    }

    /// What the server must be asked about itself, beside its role; absent where nothing.
    pub fn parts(&self, metrics: Option<Metrics>) -> Option<Vec<Part>> {
        if metrics == Some(Metrics::Standard) {
            return Some(Part::ALL.to_vec());
        }
        let wanted = |names: &[&str]| {
            let mut figures = self.figures().into_iter();
            figures.any(|(name, matcher)| matcher.is_some() && names.contains(&name))
        };
        let parts = Part::ALL
            .into_iter()
            .filter(|part| wanted(&part.names()))
            .collect();
        (self.role.is_some() || !self.wants_no_figure()).then_some(parts)
    }

    fn wants_no_figure(&self) -> bool {
        self.figures().iter().all(|(_, matcher)| matcher.is_none())
    }

    /// What is expected of figures.
    fn figures(&self) -> [(&'static str, Option<&Matcher>); 9] {
        [
            ("connections", self.connections.as_deref()),
            ("connections_pct", self.connections_pct.as_deref()),
            ("longest_transaction", self.longest_transaction.as_deref()),
            ("idle_in_transaction", self.idle_in_transaction.as_deref()),
            ("locks_waiting", self.locks_waiting.as_deref()),
            ("longest_lock_wait", self.longest_lock_wait.as_deref()),
            ("replicas", self.replicas.as_deref()),
            ("lag", self.lag.as_deref()),
            ("lag_bytes", self.lag_bytes.as_deref()),
        ]
    }

    /// Whether what holds depends on what time it is.
    pub fn is_dated(&self) -> bool {
        let of_rows = self.row.values().chain(self.each.values());
        of_rows.into_iter().any(Matcher::is_dated)
    }

    /// Compares what was heard with what is expected.
    ///
    /// # Errors
    /// [`Reason::Expectation`] with the first expectation that does not hold or cannot be told,
    /// and how many come after it; else [`Reason::NotPermitted`] where our login may not see what
    /// is expected.
    pub fn judge(&self, heard: &Heard, now: Option<WallTime>) -> Result<(), Fault> {
        let figures = self.figures();
        let mut inquiry = Inquiry::at(now);
        if let Some(measures) = &heard.measures {
            if self.role.is_some() {
                inquiry.ask(|| measures.role?.mismatch(self.role));
            }
            measures.figures.ask(&figures, &mut inquiry);
        }
        if let (Some(migration), Some(revision)) = (&self.migration, &heard.revision) {
            migration.ask(revision, &mut inquiry);
        }
        if let Some(answer) = &heard.answer {
            answer.ask(self.rows.as_deref(), &self.row, &self.each, &mut inquiry);
        }
        inquiry.end()?;
        let Some(measures) = &heard.measures else {
            return Ok(());
        };
        measures.figures.visible(&figures, &measures.grant)?;
        match (self.role, measures.role) {
            (Some(_), None) => {
                let detail = format!("the role cannot be seen; {}", measures.grant);
                Err(Fault::new(Reason::NotPermitted, detail))
            }
            _ => Ok(()),
        }
    }
}

impl Heard {
    /// Reports it as readings.
    pub fn record(&self, attempt: &mut Attempt) {
        if let Some(measures) = &self.measures {
            measures.figures.record(attempt, &measures.grant);
        }
        if let Some(revision) = &self.revision {
            revision.record(attempt);
        }
        if let Some(answer) = &self.answer {
            answer.record(attempt);
        }
    }

    /// What was answered, in words that stay the same as long as the answer does; nothing where only
    /// figures were asked for, which never do.
    pub fn in_words(&self, expectation: &Expectation) -> Option<String> {
        let role = self
            .measures
            .as_ref()
            .filter(|_| expectation.role.is_some());
        let role = role.and_then(|measures| measures.role);
        let role = role.map(|role| format!("role: {}", role.name()));
        let revision = self.revision.as_ref().map(Revision::in_words);
        let answer = self.answer.as_ref().map(Answer::in_words);
        let said: Vec<String> = [role, revision, answer].into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}
