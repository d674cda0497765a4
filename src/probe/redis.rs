//! The kind `redis`: log in, PING, INFO; where asked, a key of our own written, read and deleted, the
//! state of a cluster, the view of a sentinel.
//!
//! It proves that a client can reach the server, agree on TLS, log in and have its commands answered
//! in time, and it turns figures of INFO into readings. With `expect` it proves the server's part in
//! replication, how far its replicas are, that memory has room, that a cluster serves all its slots,
//! that sentinels could agree on a failover; with `round_trip`, that the server takes writes. It does
//! not prove that what is written survives a restart. It reads nothing that the service keeps in
//! Redis and touches no key but its own.
//!
//! In the bake of a deployment each run opens a connection of its own; elsewhere runs share them. A
//! session is never given to another login or database, and nothing that is asked changes its
//! state, so that there is nothing to take back between two runs.
//!
//! Where INFO is not permitted and nothing is expected of it, the run passes without those readings
//! and a note says so; where something is expected, nothing is learnt.

mod cluster;
mod expectation;
mod fault;
mod info;
mod replication;
mod round_trip;
mod sentinel;
mod talk;
mod target;

use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::expectation::{Expectation, Heard};
use self::info::Info;
use self::talk::Talk;
use self::target::{Identity, Target};
use super::database::Gains;
use super::pool::{self, Kept, Place, Pool, Pools};
use super::wire::tls::TlsSettings;
use super::{Attempt, ConnectionPolicy, Kind, Misfit, Probe, Readings, Replies, Surroundings};
use crate::sample::{Fault, Reason, Unit};
use crate::secret::Secret;

/// The kind `redis`.
pub struct Redis;

/// What a check of kind `redis` declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `redis://user:password@host:port/database`, or `rediss://…` for TLS. User, password, port
    /// and database may be left out.
    pub url: Secret,
    /// What the server must say; without it, an answer to PING will do.
    #[serde(default)]
    pub expect: Option<Expectation>,
    /// Whether a key of our own is written, read and deleted. Its name begins with
    /// `smokejumper:round-trip:` and it expires after a minute, should we not come to delete it; no
    /// other key is touched.
    #[serde(default)]
    pub round_trip: bool,
    /// How the server's certificate is checked; for `rediss://` only.
    #[serde(default)]
    pub tls: Option<TlsSettings>,
    /// Whether each run opens a connection of its own. Without it, it does in the bake of a
    /// deployment; elsewhere checks of the same server, user and database share connections.
    #[serde(default)]
    pub connection: Option<ConnectionPolicy>,
    /// How many connections to the server there may be at the same time, of all checks of this kind
    /// together, 4 where none says; where checks differ, the smallest number holds. A run that finds
    /// all of them in use waits for its turn, which is not measured.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub max_connections: Option<u32>,
}

struct RedisProbe {
    target: Target,
    expectation: Expectation,
    round_trip: bool,
    evictions: Gains<1>,
    connection: Option<ConnectionPolicy>,
    pool: Shared,
}

/// What checks of the same server share.
type Shared = Pool<Arc<Identity>, Talk>;

/// The servers that checks of this kind ask.
static POOLS: Pools<Arc<Identity>, Talk> = Pools::new();

impl Kind for Redis {
    const NAME: &'static str = "redis";
    const SUMMARY: &'static str =
        "a Redis server lets a client log in, answers, has its part and is well";
    const READINGS: Readings = Readings {
        named: info::STANDARD,
        open: true,
    };
    const OBSERVES: bool = true;
    const REPLIES: Replies = Replies::Body;
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let expectation = settings.expect.unwrap_or(Expectation {
            ping: Some(true),
            ..Expectation::default()
        });
        misfits.extend(expectation.misfits());
        let limit = pool::limit(settings.max_connections).map_err(|misfit| misfits.push(misfit));
        let target = Target::read(&settings.url, settings.tls.as_ref(), surroundings)
            .map_err(|more| misfits.extend(more));
        let (Ok((target, identity)), Ok(limit), true) = (target, limit, misfits.is_empty()) else {
            return Err(misfits);
        };
        Ok(Box::new(RedisProbe {
            pool: POOLS.join(&target.name(), Arc::new(identity), limit),
            target,
            expectation,
            round_trip: settings.round_trip,
            evictions: Gains::new(),
            connection: settings.connection,
        }))
    }
}

#[async_trait]
impl Probe for RedisProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let asked = self.ask(attempt).await;
        // The server may repeat what it was sent.
        asked.map_err(|mut fault| {
            fault.detail = self.target.mask.apply(&fault.detail);
            fault
        })
    }

    fn target(&self) -> Option<super::Target> {
        Some(self.pool.target())
    }
}

impl RedisProbe {
    async fn ask(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let policy = attempt.policy(self.connection, ConnectionPolicy::KeepAlive);
        let keeps = policy == ConnectionPolicy::KeepAlive;
        let mut place = self.pool.place(attempt, keeps).await;
        let mut kept = self.answering(attempt, &mut place, keeps).await?;
        let heard = self.hear(attempt, &mut kept.connection).await?;
        attempt.stop();
        if keeps && kept.connection.is_whole() {
            place.keep(kept);
        }
        let mask = &self.target.mask;
        attempt.observe(|| Some(mask.apply(&heard.in_words(&self.expectation)?)));
        let now = attempt.wall_if(self.expectation.is_dated());
        self.expectation.judge(&heard, now)
    }

    /// Asks all questions, one after the other, and reports what is a number.
    async fn hear(&self, attempt: &mut Attempt, talk: &mut Talk) -> Result<Heard, Fault> {
        let mut heard = Heard {
            info: self.info(attempt, talk).await?,
            ..Heard::default()
        };
        if let Some(info) = &heard.info {
            info.record(attempt, self.expectation.info.keys());
            attempt.reply(|| info.reply());
            heard.figures = replication::figures(info, &self.evictions, attempt.now());
            heard.figures.record(attempt, "");
        }
        if self.expectation.cluster.is_some() {
            heard.cluster = Some(self.cluster(attempt, talk).await?);
        }
        if let (Some(sentinel), Some(info)) = (&self.expectation.sentinel, &heard.info)
            && sentinel.field(info).is_some()
        {
            heard.quorum = Some(quorum(attempt, talk, &sentinel.master).await?);
        }
        if self.round_trip {
            heard.round_trip = round_trip::go(attempt, talk).await?;
        }
        Ok(heard)
    }

    /// The fields of INFO; nothing where the server refuses them and nothing is expected of them: one
    /// that answers PING is then as well as it was asked to be.
    async fn info(&self, attempt: &mut Attempt, talk: &mut Talk) -> Result<Option<Info>, Fault> {
        let error = match talk.figures(attempt, &redis::cmd("INFO"), "INFO").await? {
            Ok(text) => return Ok(Some(Info::parse(&text))),
            Err(error) => error,
        };
        let refused = fault::of_question(&error, "+info");
        let expected = self.expectation.needs_info();
        if expected || !matches!(refused.reason, Reason::NotPermitted | Reason::ServerFault) {
            return Err(refused);
        }
        let why = self.target.mask.apply(&refused.detail);
        attempt.note(format!("no readings of INFO: {why}"));
        Ok(None)
    }

    async fn cluster(&self, attempt: &mut Attempt, talk: &mut Talk) -> Result<Info, Fault> {
        let mut command = redis::cmd("CLUSTER");
        command.arg("INFO");
        let text = match talk.figures(attempt, &command, "CLUSTER INFO").await? {
            Ok(text) => text,
            Err(error) if fault::knows_no_cluster(&error) => {
                let detail = "cluster: the server is not a node of a cluster";
                return Err(Fault::new(Reason::Expectation, detail));
            }
            Err(error) => return Err(fault::of_question(&error, "+cluster|info")),
        };
        let info = Info::parse(&text);
        for name in cluster::FIELDS {
            if let Some(number) = info.number(name) {
                attempt.reading(name, number, Unit::Number);
            }
        }
        Ok(info)
    }

    /// A connection over which PING was answered: the one that came with the place, where it still
    /// stands; else a new one. The server may have closed a kept connection at any time, which says
    /// nothing about its health: one that ends before it answers is opened anew, once.
    async fn answering(
        &self,
        attempt: &mut Attempt,
        place: &mut Place<'_, Arc<Identity>, Talk>,
        keeps: bool,
    ) -> Result<Kept<Talk>, Fault> {
        if let Some(mut kept) = place.take() {
            if kept.connection.is_whole() {
                match kept.connection.ping(attempt).await {
                    Err(fault) if matches!(fault.reason, Reason::Closed | Reason::Reset) => {}
                    answered => {
                        self.pool.over(attempt, kept.connection.facts(), true);
                        pool::report(attempt, true);
                        return answered.map(|()| kept);
                    }
                }
            }
            attempt.note(pool::OPENED_ANEW);
        }
        let began = attempt.now();
        let mut talk = Talk::open(attempt, &self.target, &self.pool).await?;
        if keeps {
            pool::report(attempt, false);
        }
        talk.ping(attempt).await?;
        Ok(Kept::new(talk, began))
    }
}

/// Whether the sentinels could agree on a failover of this primary, and what they say where not.
async fn quorum(
    attempt: &mut Attempt,
    talk: &mut Talk,
    master: &str,
) -> Result<Result<(), String>, Fault> {
    let mut command = redis::cmd("SENTINEL");
    command.arg("CKQUORUM").arg(master);
    let doing = "asking the sentinel for its quorum";
    match talk.exchange(attempt, &command, doing).await? {
        Ok(_) => Ok(Ok(())),
        Err(error) if error.code() == "NOQUORUM" => Ok(Err(fault::of_server(&error).detail)),
        Err(error) => Err(fault::of_question(&error, "+sentinel|ckquorum")),
    }
}
