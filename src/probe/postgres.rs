//! The kind `postgres`: one login, one query in a read-only transaction.
//!
//! It proves that a client can reach the server, agree on TLS, log in and have one statement
//! answered in time, and it turns the first row's numbers into readings. It does not prove that
//! the server can write, that other databases or replicas are well, or that a pool in front of it
//! has room for a second client. Each run opens a connection of its own, so that the login is
//! always part of what is measured.
//!
//! The query cannot write: the transaction is read-only and one text may hold one statement. A
//! function with effects outside the transaction is beyond that; give the check a role that may
//! only read. The server ends the statement itself when the run's time is over.

mod answer;
mod encryption;
mod fault;
mod session;
mod target;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::answer::Expectation;
use self::target::Target;
use super::wire::tls::{self, TlsSettings};
use super::wire::{bounded::Bounded, dial};
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings};
use crate::sample::{Fault, Phase, Unit};
use crate::secret::Secret;

/// The kind `postgres`.
pub struct Postgres;

/// What a check of kind `postgres` declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `postgres://user:password@host:port/database?sslmode=…`; other forms of connection strings
    /// are not read. `sslmode` is `disable`, `prefer`, `require` or `verify-full`. As with
    /// PostgreSQL's own client, `prefer` (when neither the URL nor `tls` says anything) takes TLS
    /// where the server offers it and `require` insists on it; neither verifies the certificate
    /// unless `tls` says how. With `tls` and no `sslmode`, the mode is `verify-full`.
    pub url: Secret,
    /// One statement that reads. The first row's columns that are numbers or booleans become
    /// readings under their names.
    #[serde(default = "default_query")]
    pub query: String,
    /// What the answer must be; without it, any answer to the query will do.
    #[serde(default)]
    pub expect: Option<Expectation>,
    /// How the server's certificate is checked. Where it stands, TLS is insisted on.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
}

fn default_query() -> String {
    "select 1".to_owned()
}

struct PostgresProbe {
    target: Target,
    query: String,
    expectation: Expectation,
}

impl Kind for Postgres {
    const NAME: &'static str = "postgres";
    const SUMMARY: &'static str =
        "a PostgreSQL server lets a client log in and answers one reading query";
    const READINGS: Readings = Readings {
        named: &[
            ("rows", Unit::Number, "how many rows the query returned"),
            tls::READINGS[0],
            tls::READINGS[1],
        ],
        open: true,
    };
    const DEPENDENCY: Option<&'static str> = Some("database");
    const OBSERVES: bool = true;
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if settings.query.trim().is_empty() {
            misfits.push(Misfit::at(&["query"], "the query is empty"));
        }
        if settings.expect.as_ref().is_some_and(Expectation::is_empty) {
            misfits.push(
                Misfit::at(&["expect"], "nothing is expected")
                    .hint("write `rows: 1`, or leave `expect` out"),
            );
        }
        match Target::read(&settings.url, settings.tls.as_ref(), surroundings) {
            Ok(target) if misfits.is_empty() => Ok(Box::new(PostgresProbe {
                target,
                query: settings.query,
                expectation: settings.expect.unwrap_or_default(),
            })),
            Ok(_) => Err(misfits),
            Err(more) => {
                misfits.extend(more);
                Err(misfits)
            }
        }
    }
}

#[async_trait]
impl Probe for PostgresProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let target = &self.target;
        let stream = dial::tcp(attempt, &target.host, target.port).await?;
        let stream = Bounded::new(stream, MOST_BYTES);
        let stream = encryption::negotiate(attempt, stream, target).await?;
        attempt.enter(Phase::Request);
        let answer = session::ask(attempt, stream, target, &self.query).await?;
        attempt.stop();
        answer.record(attempt);
        attempt.observe(|| Some(target.mask.apply(&answer.in_words())));
        self.expectation.judge(&answer)
    }
}

/// All that the server may send in one run, handshakes included: a check reads figures, not tables.
const MOST_BYTES: u64 = 1 << 20;
