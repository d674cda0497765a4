//! How far a schema has been migrated: what a check declares about it, and what the tool's own table
//! says.
//!
//! The migrations that a release carries lie in its files, which nobody can ask a database for: name
//! the revision that the release needs. Without one, the check demands that there is a revision and
//! that nothing failed half-way. Each kind has its own statements; the columns that they return have
//! the names that [`Revision`] reads.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Answer;
use crate::expect::{Inquiry, Undated};
use crate::probe::wire::said::one_line;
use crate::probe::{Attempt, Misfit};
use crate::sample::Unit;

/// How far the schema must have been migrated.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Whose table is read: `alembic` (`alembic_version`), `prisma` (`_prisma_migrations`) or
    /// `flyway` (`flyway_schema_history`).
    #[serde(default)]
    pub tool: Option<Tool>,
    /// In the place of `tool`: one statement whose first column of the first row is the revision.
    #[serde(default)]
    pub query: Option<String>,
    /// The schema in which the tool keeps its table, where that is not found without.
    #[serde(default)]
    pub schema: Option<String>,
    /// The revision. Of Alembic the `version_num`, several in the order of the alphabet as `a, b`; of
    /// Prisma the name of the newest migration that was applied; of Flyway the newest version.
    /// Without it, any revision will do.
    #[serde(default)]
    pub revision: Option<Undated>,
}

/// A tool that migrates schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// Of SQLAlchemy.
    Alembic,
    /// Of Prisma.
    Prisma,
    /// Of Flyway.
    Flyway,
}

/// Where the revision is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// In the table of a tool, in this schema.
    Table(Tool, Option<&'a str>),
    /// In the answer to this statement.
    Query(&'a str),
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revision {
    /// The revision; absent where nothing was ever applied.
    pub current: Option<String>,
    /// The name of a migration that failed or was not finished.
    pub broken: Option<String>,
    /// How many were applied, where the tool says so.
    pub applied: Option<u64>,
    /// How many failed.
    pub failed: Option<u64>,
    /// How many were begun and are not finished.
    pub pending: Option<u64>,
}

impl Tool {
    /// The table that it keeps.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Alembic => "alembic_version",
            Self::Prisma => "_prisma_migrations",
            Self::Flyway => "flyway_schema_history",
        }
    }
}

impl Migration {
    /// Where the revision is read.
    ///
    /// # Errors
    /// A [`Misfit`] for neither `tool` nor `query`, for both, and for parts that do not fit.
    pub fn source(&self) -> Result<Source<'_>, Misfit> {
        let wrong = |field: &str, message: &str, hint: &str| {
            let path: &[&str] = match field {
                "" => &["expect", "migration"],
                field => &["expect", "migration", field],
            };
            Err(Misfit::at(path, message).hint(hint))
        };
        match (self.tool, self.query.as_deref(), self.schema.as_deref()) {
            (None, None, _) => wrong(
                "",
                "nothing says where the revision is read",
                "write `tool: alembic`, `tool: prisma`, `tool: flyway`, or a `query`",
            ),
            (Some(_), Some(_), _) => wrong(
                "query",
                "`tool` says already where the revision is read",
                "leave one of the two out",
            ),
            (None, Some(_), Some(_)) => wrong(
                "schema",
                "`schema` belongs to `tool`",
                "name the schema in the query",
            ),
            (None, Some(query), None) if query.trim().is_empty() => wrong(
                "query",
                "the query is empty",
                "leave it out and name a `tool`",
            ),
            (Some(_), None, Some(schema)) if schema.is_empty() || schema.contains('\0') => {
                wrong("schema", "this is no name of a schema", "leave it out")
            }
            (None, Some(query), None) => Ok(Source::Query(query)),
            (Some(tool), None, schema) => Ok(Source::Table(tool, schema)),
        }
    }

    /// Asks whether the migrations are whole and the revision that was found is as expected.
    pub fn ask(&self, found: &Revision, inquiry: &mut Inquiry) {
        inquiry.ask(|| found.unfinished());
        match (&self.revision, &found.current) {
            (None, Some(_)) => {}
            (None, None) => inquiry.ask(|| Some("migration: none was ever applied".to_owned())),
            (Some(matcher), current) => {
                inquiry.ask_of(REVISION, matcher, |matcher, _| match current {
                    Some(current) => matcher.judge_text(current),
                    None => matcher.judge_absent(),
                });
            }
        }
    }
}

/// What messages call it.
const REVISION: &str = "migration revision";

impl Revision {
    /// That a migration has failed, or has not ended.
    fn unfinished(&self) -> Option<String> {
        let broken = self.broken.as_deref().unwrap_or("one");
        if self.failed.is_some_and(|failed| failed > 0) {
            return Some(format!("migration: {broken} failed"));
        }
        self.pending.is_some_and(|pending| pending > 0).then(|| {
            format!("migration: {broken} is not finished: it runs at this moment, or was left")
        })
    }

    /// Reads the answer to a statement that asks for it: by the names of its columns where it is one
    /// of ours, of the table of a tool, else in its first column.
    #[must_use]
    pub fn read(answer: &Answer, is_of_a_tool: bool) -> Self {
        if !is_of_a_tool {
            return Self {
                current: answer.first_cell(),
                ..Self::default()
            };
        }
        Self {
            current: answer.text("revision").map(str::to_owned),
            broken: answer.text("broken").map(one_line),
            applied: answer.count("applied"),
            failed: answer.count("failed"),
            pending: answer.count("pending"),
        }
    }

    /// Reports how many migrations there are, where the tool says so.
    pub fn record(&self, attempt: &mut Attempt) {
        let counts = [
            ("migrations_applied", self.applied),
            ("migrations_failed", self.failed),
            ("migrations_pending", self.pending),
        ];
        for (name, count) in counts {
            if let Some(count) = count.and_then(|count| u32::try_from(count).ok()) {
                attempt.reading(name, f64::from(count), Unit::Number);
            }
        }
    }

    /// The revision in words that stay the same as long as it does.
    #[must_use]
    pub fn in_words(&self) -> String {
        let current = self.current.as_deref().unwrap_or("none");
        match (self.failed, self.pending) {
            (None | Some(0), None | Some(0)) => format!("revision: {current}"),
            _ => format!("revision: {current}, one not finished"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn migration(written: Value) -> Migration {
        serde_json::from_value(written).unwrap()
    }

    #[test]
    fn one_place_says_the_revision() {
        for (written, path) in [
            (json!({}), vec!["expect", "migration"]),
            (json!({"revision": "a"}), vec!["expect", "migration"]),
            (
                json!({"tool": "prisma", "query": "select 1"}),
                vec!["expect", "migration", "query"],
            ),
            (json!({"query": " "}), vec!["expect", "migration", "query"]),
            (
                json!({"query": "select 1", "schema": "a"}),
                vec!["expect", "migration", "schema"],
            ),
            (
                json!({"tool": "prisma", "schema": ""}),
                vec!["expect", "migration", "schema"],
            ),
        ] {
            let written = migration(written);
            let misfit = written.source().expect_err("it cannot be told where");
            assert_eq!(misfit.path, path);
            assert!(misfit.hint.is_some());
        }
        let alembic = migration(json!({"tool": "alembic", "schema": "app"}));
        assert_eq!(
            alembic.source(),
            Ok(Source::Table(Tool::Alembic, Some("app")))
        );
    }

    #[test]
    fn what_is_found_is_held_against_what_is_needed() {
        let found = |current: Option<&str>, failed: u64, pending: u64| Revision {
            current: current.map(str::to_owned),
            broken: (failed + pending > 0).then(|| "0007_orders".to_owned()),
            failed: Some(failed),
            pending: Some(pending),
            ..Revision::default()
        };
        let cases: [(Value, Revision, Option<&str>); 8] = [
            (json!({}), found(Some("a"), 0, 0), None),
            (
                json!({}),
                found(None, 0, 0),
                Some("migration: none was ever applied"),
            ),
            (json!({"revision": "a"}), found(Some("a"), 0, 0), None),
            (json!({"revision": 41}), found(Some("41"), 0, 0), None),
            (
                json!({"revision": "b"}),
                found(Some("a"), 0, 0),
                Some("migration revision: expected \"b\", got \"a\""),
            ),
            (
                json!({"revision": "b"}),
                found(None, 0, 0),
                Some("migration revision: expected \"b\", got nothing"),
            ),
            (
                json!({}),
                found(Some("a"), 1, 1),
                Some("migration: 0007_orders failed"),
            ),
            (
                json!({}),
                found(Some("a"), 0, 1),
                Some("migration: 0007_orders is not finished: it runs at this moment, or was left"),
            ),
        ];
        for (written, found, expected) in cases {
            let mut inquiry = Inquiry::default();
            migration(written.clone()).ask(&found, &mut inquiry);
            let wrong = inquiry.unmet().map(|unmet| unmet.told());
            assert_eq!(wrong.as_deref(), expected, "{written} {found:?}");
        }
    }
}
