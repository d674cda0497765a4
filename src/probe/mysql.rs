//! The kind `mysql`: one login to MySQL or MariaDB, and in a read-only transaction one query, the
//! server's own figures, its part in replication, or the revision of its schema.
//!
//! It proves that a client can reach the server, agree on TLS, log in and have its statements
//! answered in time, and it turns the first row's numbers into readings. With `expect` it proves what
//! rows hold, that this is the primary or a replica and how far behind, who fills the connections,
//! holds transactions open or waits for locks, and that the schema is the one that the release needs.
//! It does not prove that the server can write, or that other databases are well.
//!
//! The packets are the protocol library's; the socket is ours, so that the phases of a run, TLS and
//! the bounds on what a server may send are those of all kinds. In the bake of a deployment each run
//! logs in anew; elsewhere runs share sessions, which the server resets between them.
//!
//! The query cannot write: the transaction is read-only, one text holds one statement, and one that
//! returns no rows is not run. What our login may not see is noted, and where the check expects
//! something of it, the run is `Unknown` and says what to grant.

mod expectation;
mod fault;
mod following;
mod login;
mod measures;
mod packets;
mod questions;
mod revision;
mod session;
mod target;

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::expectation::{Expectation, Heard};
use self::fault::Refusal;
use self::measures::Memory;
use self::questions::Questions;
use self::session::Talk;
use self::target::{Identity, Target};
use super::database::{self, Metrics};
use super::pool::{self, Kept, Place, Pool, Pools};
use super::wire::tls::{self, TlsSettings};
use super::{Attempt, ConnectionPolicy, Kind, Misfit, Probe, Readings, Replies, Surroundings};
use crate::sample::{Fault, Unit};
use crate::secret::Secret;
use crate::verdict::threshold::Threshold;

/// The kind `mysql`.
pub struct Mysql;

/// What a check of kind `mysql` declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `mysql://user:password@host:port/database?ssl-mode=…`; `mariadb://` means the same.
    /// `ssl-mode` is `disabled`, `preferred`, `required` or `verify_identity`. As with MySQL's own
    /// client, `preferred` (when neither the URL nor `tls` says anything) takes TLS where the server
    /// offers it and `required` insists on it; neither verifies the certificate unless `tls` says
    /// how. With `tls` and no `ssl-mode`, the mode is `verify_identity`.
    pub url: Secret,
    /// One statement that reads. The first row's columns that are numbers become readings under
    /// their names. Where it is left out and nothing else is asked, `select 1`.
    #[serde(default)]
    pub query: Option<String>,
    /// What the server and its answers must be; without it, any answer will do.
    #[serde(default)]
    pub expect: Option<Expectation>,
    /// `standard` gives the server's own figures as readings: connections, transactions, waits for
    /// locks, cache, replication.
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

struct MysqlProbe {
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

impl Kind for Mysql {
    const NAME: &'static str = "mysql";
    const SUMMARY: &'static str =
        "a MySQL or MariaDB server lets a client log in, answers, has its part and is well";
    const READINGS: Readings = Readings {
        named: &[
            ("rows", Unit::Number, "how many rows the query returned"),
            (
                "connections",
                Unit::Number,
                "clients connected, ourselves included",
            ),
            (
                "connections_pct",
                Unit::Number,
                "the same as a percentage of max_connections",
            ),
            (
                "locks_waiting",
                Unit::Number,
                "transactions that wait for the lock of a row",
            ),
            (
                "cache_hit_pct",
                Unit::Number,
                "pages found in memory, of all read since the run before",
            ),
            (
                "longest_transaction",
                Unit::Seconds,
                "how long the oldest transaction is open",
            ),
            ("lag", Unit::Seconds, "how far a replica is behind"),
            (
                "replication_running",
                Unit::Number,
                "of a replica: 1 when it receives and applies",
            ),
            (
                "migrations_applied",
                Unit::Number,
                "migrations that were applied",
            ),
            ("migrations_failed", Unit::Number, "migrations that failed"),
            (
                "migrations_pending",
                Unit::Number,
                "migrations that were begun and are not finished",
            ),
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
            pool::REUSED,
        ],
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
        Ok(Box::new(MysqlProbe {
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
impl Probe for MysqlProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let asked = self.look(attempt).await;
        // The server may repeat what it was sent.
        asked.map_err(|mut fault| {
            fault.detail = self.target.mask.apply(&fault.detail);
            fault
        })
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

impl MysqlProbe {
    async fn look(&self, attempt: &mut Attempt) -> Result<(), Fault> {
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

    /// Asks over the connection that came with the place, where it still stands; else over a new
    /// one. The server may have ended a kept session at any time, which says nothing about its
    /// health: what fails before the first question has left is tried once more, over a new
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
                let talk = &mut kept.connection;
                let heard = self.questions.ask(attempt, talk, &self.memory).await?;
                return Ok((kept, heard));
            }
            attempt.note(pool::OPENED_ANEW);
        }
        let began = attempt.now();
        let mut talk = Talk::open(attempt, &self.target, &self.pool).await?;
        if keeps {
            pool::report(attempt, false);
        }
        talk.begin(attempt).await.map_err(Refusal::fault)?;
        let heard = self.questions.ask(attempt, &mut talk, &self.memory).await?;
        Ok((Kept::new(talk, began), heard))
    }
}
