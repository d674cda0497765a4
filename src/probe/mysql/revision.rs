//! How far the schema has been migrated, asked of the table that the tool keeps.

use super::fault::Refusal;
use crate::probe::database::{Answer, Revision, Source, Tool};
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// How the revision is asked for.
pub struct Asked {
    statement: String,
    /// The tool's table, in words; absent where the user's own query says the revision.
    table: Option<String>,
}

const ALEMBIC: &str = "group_concat(version_num order by version_num separator ', ') as revision";

/// A migration that was neither finished nor rolled back failed where it left a log, and is under way
/// or was left where it did not.
const PRISMA: &str = "max(if(finished_at is not null and rolled_back_at is null, migration_name, null)) as revision, \
     count(if(finished_at is not null and rolled_back_at is null, 1, null)) as applied, \
     count(if(finished_at is null and rolled_back_at is null and logs is not null, 1, null)) as failed, \
     count(if(finished_at is null and rolled_back_at is null and logs is null, 1, null)) as pending, \
     min(if(finished_at is null and rolled_back_at is null, migration_name, null)) as broken";

const FLYWAY: &str = "substring_index(group_concat(if(success, version, null) order by installed_rank desc), ',', 1) as revision, \
     count(if(success, 1, null)) as applied, \
     count(if(success, null, 1)) as failed, \
     0 as pending, \
     min(if(success, null, coalesce(version, description))) as broken";

impl Asked {
    /// How it is asked for where it is.
    pub fn of(source: Source<'_>) -> Self {
        match source {
            Source::Query(query) => Self {
                statement: query.to_owned(),
                table: None,
            },
            Source::Table(tool, schema) => {
                let columns = match tool {
                    Tool::Alembic => ALEMBIC,
                    Tool::Prisma => PRISMA,
                    Tool::Flyway => FLYWAY,
                };
                let table = place(tool, schema);
                Self {
                    statement: format!("select {columns} from {table}"),
                    table: Some(one_line(&table)),
                }
            }
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

    /// The fault that a refusal stands for: what the server says of a table that is absent is an
    /// answer about the schema, and what it says of a permission is none.
    pub fn fault(&self, refusal: Refusal) -> Fault {
        let (Refusal::Server(said), Some(table)) = (&refusal, &self.table) else {
            return refusal.fault();
        };
        if said.is_absent() {
            let detail = format!(
                "there is no table {table}: nothing was ever migrated here, or `schema` must say where"
            );
            return Fault::new(Reason::Expectation, detail);
        }
        if said.is_a_lack_of_permission() {
            let detail = format!(
                "the revision cannot be seen; grant select on {table} to the login that asks"
            );
            return Fault::new(Reason::NotPermitted, detail);
        }
        refusal.fault()
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
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_a_name_and_nothing_else() {
        let asked = Asked::of(Source::Table(Tool::Alembic, Some("a`; drop table b; --")));
        let sql = asked.statement();
        assert!(
            sql.ends_with("from `a``; drop table b; --`.`alembic_version`"),
            "{sql}"
        );
    }
}
