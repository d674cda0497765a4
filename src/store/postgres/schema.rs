//! The tables of the schema, and the way from an older version to this one. There is no way back: a
//! schema of a later version is refused, untouched.

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::fault::Fault;
use super::history::STEPS;

/// Asks which format the schema has, and which making of it this is.
pub(super) const WHICH: &str = "SELECT version, identity FROM smokejumper_history";

/// The newest format that this version knows.
fn newest() -> i32 {
    i32::try_from(STEPS.len()).unwrap_or(i32::MAX)
}

/// Refuses a format that is newer than we are.
pub(super) fn known(version: i32) -> Result<(), Fault> {
    match version > newest() {
        true => Err(Fault::Newer(version, newest())),
        false => Ok(()),
    }
}

/// Takes the lock of a schema until the transaction ends.
pub(super) fn lock(schema: &str) -> String {
    format!("SELECT pg_advisory_xact_lock({LOCK}, {})", number(schema))
}

/// The first number of our locks: "SJHI". Two that happen to share both numbers wait for each other,
/// and nothing else comes of it.
const LOCK: i32 = 0x534a_4849;

/// A number for a name: FNV-1a, the same in every version and on every machine.
fn number(name: &str) -> i32 {
    const BASIS: u32 = 0x811c_9dc5;
    const PRIME: u32 = 0x0100_0193;
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(PRIME);
    name.bytes().fold(BASIS, mix).cast_signed()
}

/// Brings the schema to this version, and makes it where there is none. Says which making it is.
pub(super) async fn bring(client: &Client, schema: &str) -> Result<String, Fault> {
    let encoding = client.query_typed_one("SHOW server_encoding", &[]).await?;
    let encoding: String = encoding.try_get(0)?;
    if encoding != "UTF8" {
        return Err(Fault::Encoding(encoding));
    }
    if let Some((version, identity)) = look(client, schema).await?.made {
        known(version)?;
        if version == newest() {
            return Ok(identity);
        }
    }
    migrate(client, schema).await
}

/// What stands under the name of the schema.
struct Found {
    /// Whether there is such a schema.
    exists: bool,
    /// Its format and its making, where it is ours.
    made: Option<(i32, String)>,
}

async fn look(client: &Client, schema: &str) -> Result<Found, Fault> {
    let question = "SELECT
        (SELECT count(*) FROM pg_namespace WHERE nspname = $1),
        (SELECT count(*) FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
             WHERE nspname = $1),
        to_regclass(quote_ident($1) || '.smokejumper_history') IS NOT NULL";
    let found: Row = client
        .query_typed_one(question, &[(&schema, Type::TEXT)])
        .await?;
    let (schemas, relations): (i64, i64) = (found.try_get(0)?, found.try_get(1)?);
    if !found.try_get::<_, bool>(2)? {
        return match relations {
            0 => Ok(Found {
                exists: schemas > 0,
                made: None,
            }),
            _ => Err(Fault::Foreign),
        };
    }
    let question = format!("SELECT version, identity FROM \"{schema}\".smokejumper_history");
    let row = client.query_typed_one(&question, &[]).await?;
    Ok(Found {
        exists: true,
        made: Some((row.try_get(0)?, row.try_get(1)?)),
    })
}

async fn migrate(client: &Client, schema: &str) -> Result<String, Fault> {
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED;
         SET LOCAL statement_timeout = '30s';
         SET LOCAL lock_timeout = '20s';
         {}",
        lock(schema)
    );
    client.batch_execute(&begin).await?;
    // Another instance may have done it since we looked.
    let found = look(client, schema).await?;
    let version = found.made.as_ref().map_or(0, |(version, _)| *version);
    known(version)?;
    if !found.exists {
        let make = format!("CREATE SCHEMA \"{schema}\"");
        client.batch_execute(&make).await?;
    }
    let into = format!("SET LOCAL search_path TO \"{schema}\"");
    client.batch_execute(&into).await?;
    if found.made.is_none() {
        client.batch_execute(MAKING).await?;
    }
    let done = usize::try_from(version).unwrap_or(0);
    for step in &STEPS[done..] {
        client.batch_execute(step).await?;
    }
    let update = "UPDATE smokejumper_history SET version = $1";
    client
        .execute_typed(update, &[(&newest(), Type::INT4)])
        .await?;
    let row = client.query_typed_one(WHICH, &[]).await?;
    client.batch_execute("COMMIT").await?;
    Ok(row.try_get(1)?)
}

/// What says that the schema is ours, which format it has, and which making of it this is: numbers
/// that a session remembers mean nothing once the schema was made anew.
const MAKING: &str = "
    CREATE TABLE smokejumper_history (
        single boolean PRIMARY KEY DEFAULT true CHECK (single),
        version integer NOT NULL,
        identity text NOT NULL
    );
    INSERT INTO smokejumper_history (version, identity)
        VALUES (0, md5(random()::text || clock_timestamp()::text || txid_current()::text));
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_schema_has_a_lock_of_its_own_and_the_same_in_every_version() {
        // The published test vectors of FNV-1a with 32 bits.
        assert_eq!(number("").cast_unsigned(), 0x811c_9dc5);
        assert_eq!(number("foobar").cast_unsigned(), 0xbf9c_f968);
        assert_eq!(
            lock("a"),
            format!(
                "SELECT pg_advisory_xact_lock({LOCK}, {})",
                0xe40c_292c_u32.cast_signed()
            )
        );
    }

    #[test]
    fn a_later_format_is_refused_and_an_earlier_one_is_known() {
        assert!(known(newest()).is_ok());
        assert!(matches!(known(newest() + 1), Err(Fault::Newer(found, _)) if found > newest()));
    }
}
