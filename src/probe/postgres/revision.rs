//! How far the schema has been migrated, asked of the table that the tool keeps.

use tokio_postgres::error::SqlState;

use super::fault::Broken;
use crate::probe::database::{Answer, Revision, Source, Tool};
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// How the revision is asked for.
pub struct Asked {
    statement: String,
    /// The tool's table, in words; absent where the user's own query says the revision.
    table: Option<String>,
}

/// The statement that reads the revision. Its columns have the names that [`Asked::read`] knows.
fn statement(source: Source<'_>) -> String {
    match source {
        Source::Query(query) => query.to_owned(),
        Source::Table(tool, schema) => {
            let table = place(tool, schema);
            let columns = match tool {
                Tool::Alembic => ALEMBIC,
                Tool::Prisma => PRISMA,
                Tool::Flyway => FLYWAY,
            };
            format!("select {columns} from {table}")
        }
    }
}

/// The table, with its schema where that is named, in quotes.
fn place(tool: Tool, schema: Option<&str>) -> String {
    let table = quoted(tool.table());
    match schema {
        Some(schema) => format!("{}.{table}", quoted(schema)),
        None => table,
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

const ALEMBIC: &str = "string_agg(version_num::text, ', ' order by version_num) as revision";

/// A migration that was neither finished nor rolled back failed where it left a log, and is under
/// way or was left where it did not.
const PRISMA: &str = "max(migration_name) filter (where finished_at is not null and rolled_back_at is null) as revision, \
     count(*) filter (where finished_at is not null and rolled_back_at is null) as applied, \
     count(*) filter (where finished_at is null and rolled_back_at is null and logs is not null) as failed, \
     count(*) filter (where finished_at is null and rolled_back_at is null and logs is null) as pending, \
     min(migration_name) filter (where finished_at is null and rolled_back_at is null) as broken";

const FLYWAY: &str = "(array_agg(version order by installed_rank desc) filter (where success and version is not null))[1] as revision, \
     count(*) filter (where success) as applied, \
     count(*) filter (where not success) as failed, \
     0 as pending, \
     min(coalesce(version, description)) filter (where not success) as broken";

impl Asked {
    /// How it is asked for where it is.
    pub fn of(source: Source<'_>) -> Self {
        Self {
            statement: statement(source),
            table: match source {
                Source::Query(_) => None,
                Source::Table(tool, schema) => Some(one_line(&place(tool, schema))),
            },
        }
    }

    /// The statement.
    pub fn statement(&self) -> &str {
        &self.statement
    }

    /// Reads the answer to it.
    pub fn read(&self, answer: &Answer) -> Revision {
        Revision::read(answer, self.table.is_some())
    }

    /// The fault where the server did not show the table: what it says of a table that is absent is
    /// an answer about the schema, and what it says of a permission is none. Absent for everything
    /// else.
    pub fn refusal(&self, broken: &Broken) -> Option<Fault> {
        let table = self.table.as_deref()?;
        let Broken::Asking(error) = broken else {
            return None;
        };
        let state = error.code()?;
        if *state == SqlState::UNDEFINED_TABLE || *state == SqlState::INVALID_SCHEMA_NAME {
            let detail = format!(
                "there is no table {table}: nothing was ever migrated here, or `schema` must say where"
            );
            return Some(Fault::new(Reason::Expectation, detail));
        }
        (*state == SqlState::INSUFFICIENT_PRIVILEGE).then(|| {
            let detail = format!(
                "the revision cannot be seen; grant select on {table} to the role that asks"
            );
            Fault::new(Reason::NotPermitted, detail)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_a_name_and_nothing_else() {
        let sql = statement(Source::Table(Tool::Alembic, Some("a\"; drop table b; --")));
        assert!(
            sql.ends_with(r#"from "a""; drop table b; --"."alembic_version""#),
            "{sql}"
        );
        let sql = statement(Source::Table(Tool::Prisma, None));
        assert!(sql.ends_with(r#"from "_prisma_migrations""#), "{sql}");
        assert_eq!(statement(Source::Query("select 1")), "select 1");
    }
}
