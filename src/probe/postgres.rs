//! The kind `postgres`: one login, and in a read-only transaction one query, the server's own figures,
//! its part in replication, or the revision of its schema.
//!
//! It proves that a client can reach the server, agree on TLS, log in and have its statements
//! answered in time, and it turns the first row's numbers into readings. With `expect` it proves what
//! rows hold, that this is the primary or a replica, how far replicas are behind, who fills the
//! connections, holds transactions open or waits for locks, and that the schema is the one that the
//! release needs. It does not prove that the server can write, that other databases are well, or that
//! a pool in front of it has room for a second client.
//!
//! In the bake of a deployment each run logs in anew, so that the login is part of what is measured;
//! elsewhere runs share connections, because a login costs the server some milliseconds of work and
//! a hundred checks would cost it a hundred clients. A query whose columns are of the database's own
//! types gets a login for itself each time.
//!
//! The query cannot write: the transaction is read-only and one text may hold one statement. A
//! function with effects outside the transaction is beyond that; give the check a role that may
//! only read. The server ends the statement itself when the run's time is over.
//!
//! What our role may not see is never taken for something that the server lacks: it is noted, and
//! where the check expects something of it, the run is `Unknown` and says what to grant.

mod bounds;
mod columns;
mod encryption;
mod expectation;
mod fault;
mod lag;
mod measures;
mod part;
mod questions;
mod readings;
mod revision;
mod session;
mod target;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use std::sync::Arc;

use self::expectation::{Expectation, Heard};
use self::measures::Memory;
use self::questions::Questions;
use self::session::Talk;
use self::target::{Identity, Target};
use super::database::{self, Metrics};
use super::pool::{self, Kept, Place, Pool, Pools};
use super::wire::tls::TlsSettings;
use super::{Attempt, ConnectionPolicy, Kind, Misfit, Probe, Readings, Replies, Surroundings};
use crate::sample::Fault;
use crate::secret::Secret;
use crate::verdict::threshold::Threshold;

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
    /// readings under their names. Where it is left out and nothing else is asked, `select 1`.
    #[serde(default)]
    pub query: Option<String>,
    /// What the server and its answers must be; without it, any answer will do.
    #[serde(default)]
    pub expect: Option<Expectation>,
    /// `standard` gives the server's own figures as readings: connections, transactions, locks,
    /// replication, cache, deadlocks, dead tuples.
    #[serde(default)]
    pub metrics: Option<Metrics>,
    /// How the server's certificate is checked. Where it stands, TLS is insisted on.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// Whether each run logs in anew. Without it, it does in the bake of a deployment; elsewhere
    /// checks of the same server, user and database share connections.
    #[serde(default)]
    pub connection: Option<ConnectionPolicy>,
    /// How many connections to the server there may be at the same time, of all checks of this kind
    /// together, 4 where none says; where checks differ, the smallest number holds. A run that finds
    /// all of them in use waits for its turn, which is not measured.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub max_connections: Option<u32>,
}

struct PostgresProbe {
    target: Target,
    metrics: Option<Metrics>,
    questions: Questions,
    expectation: Expectation,
    memory: Memory,
    connection: Option<ConnectionPolicy>,
    pool: Shared,
}

/// What checks of the same server share.
type Shared = Pool<Arc<Identity>, Talk>;

/// The servers that checks of this kind ask.
static POOLS: Pools<Arc<Identity>, Talk> = Pools::new();

impl Kind for Postgres {
    const NAME: &'static str = "postgres";
    const SUMMARY: &'static str =
        "a PostgreSQL server lets a client log in, answers, has its part and is well";
    const READINGS: Readings = Readings {
        named: readings::NAMED,
        open: true,
    };
    const DEPENDENCY: Option<&'static str> = Some("database");
    const OBSERVES: bool = true;
    const REPLIES: Replies = Replies::Body;
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        if settings.expect.as_ref().is_some_and(Expectation::is_empty) {
            misfits.push(
                Misfit::at(&["expect"], "nothing is expected")
                    .hint("write `rows: 1`, or leave `expect` out"),
            );
        }
        let expectation = settings.expect.unwrap_or_default();
        let questions = Questions::of(settings.query, &expectation, settings.metrics)
            .map_err(|more| misfits.extend(more));
        let limit = pool::limit(settings.max_connections).map_err(|misfit| misfits.push(misfit));
        let target = Target::read(&settings.url, settings.tls.as_ref(), surroundings)
            .map_err(|more| misfits.extend(more));
        let (Ok((target, identity)), Ok(limit), Ok(questions), true) =
            (target, limit, questions, misfits.is_empty())
        else {
            return Err(misfits);
        };
        Ok(Box::new(PostgresProbe {
            pool: POOLS.join(&target.name(), Arc::new(identity), limit),
            target,
            metrics: settings.metrics,
            questions,
            expectation,
            memory: Memory::default(),
            connection: settings.connection,
        }))
    }
}

#[async_trait]
impl Probe for PostgresProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let policy = attempt.policy(self.connection, ConnectionPolicy::KeepAlive);
        let keeps = policy == ConnectionPolicy::KeepAlive;
        let mut place = self.pool.place(attempt, keeps).await;
        let (mut kept, heard) = self.ask(attempt, &mut place, keeps).await?;
        attempt.stop();
        heard.record(attempt);
        if let Some(answer) = &heard.answer {
            attempt.reply(|| answer.reply());
        }
        let mask = &self.target.mask;
        attempt.observe(|| Some(mask.apply(&heard.in_words(&self.expectation)?)));
        let now = attempt.wall_if(self.expectation.is_dated());
        let judged = self.expectation.judge(&heard, now);
        // Whatever the server makes of the end of the session is no part of its answer.
        let within = attempt.remaining() / 2;
        if keeps && kept.connection.clean(within).await {
            place.keep(kept);
        } else {
            kept.connection.leave();
        }
        judged
    }

    fn target(&self) -> Option<super::Target> {
        Some(self.pool.target())
    }

    fn hears(&self) -> bool {
        self.questions.has_a_query()
    }

    fn limits(&self) -> Vec<Threshold> {
        database::limits(self.metrics)
    }
}

impl PostgresProbe {
    /// Asks over the connection that came with the place, where it still stands; else over a new
    /// one. The server may have ended a kept session at any time, which says nothing about its
    /// health: what fails before the first statement has left is tried once more, over a new
    /// connection.
    async fn ask(
        &self,
        attempt: &mut Attempt,
        place: &mut Place<'_, Arc<Identity>, Talk>,
        keeps: bool,
    ) -> Result<(Kept<Talk>, Heard), Fault> {
        if let Some(mut kept) = place.take() {
            if kept.connection.stands() && kept.connection.begin(attempt).await.is_ok() {
                self.pool.over(attempt, kept.connection.facts(), true);
                pool::report(attempt, true);
                let heard = self.hear(attempt, &mut kept.connection).await?;
                return Ok((kept, heard));
            }
            attempt.note(pool::OPENED_ANEW);
        }
        let began = attempt.now();
        let mut talk = Talk::open(attempt, &self.target, &self.pool).await?;
        if keeps {
            pool::report(attempt, false);
        }
        talk.begin(attempt)
            .await
            .map_err(|broken| fault::of(broken, &self.target.mask))?;
        let heard = self.hear(attempt, &mut talk).await?;
        Ok((Kept::new(talk, began), heard))
    }

    async fn hear(&self, attempt: &mut Attempt, talk: &mut Talk) -> Result<Heard, Fault> {
        let Self { memory, target, .. } = self;
        self.questions
            .ask(attempt, talk, memory, &target.mask)
            .await
    }
}
