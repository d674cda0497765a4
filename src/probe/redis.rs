//! The kind `redis`: log in, PING, INFO.
//!
//! It proves that a client can reach the server, agree on TLS, log in and have two commands
//! answered in time, and it turns figures of INFO into readings. It does not prove that the server
//! can write, that a replica is current, or that the nodes of a cluster agree: name the fields of
//! INFO that say so under `expect.info`. It reads nothing that the service keeps in Redis.
//!
//! In the bake of a deployment each run opens a connection of its own; elsewhere runs share them. A
//! session is never given to another login or database, and nothing that is asked changes its
//! state, so that there is nothing to take back between two runs.
//!
//! Where INFO is not permitted and nothing is expected of
//! it, the run passes without those readings and a note says so.

mod fault;
mod info;
mod talk;
mod target;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::info::Info;
use self::talk::Talk;
use self::target::{Identity, Target};
use super::pool::{self, Kept, Place, Pool, Pools};
use super::wire::tls::TlsSettings;
use super::{Attempt, ConnectionPolicy, Kind, Misfit, Probe, Readings, Surroundings};
use crate::expect::Matcher;
use crate::sample::{Fault, Reason};
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

/// What the server must say.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// That PING is answered with PONG: always asked, so that only `true` makes sense here.
    #[serde(default)]
    pub ping: Option<bool>,
    /// Fields of INFO, by name: `role: master`. A field made of parts is named by both:
    /// `db0.keys`, `slave0.lag`. Named fields that are numbers become readings.
    #[serde(default)]
    pub info: BTreeMap<String, Matcher>,
}

struct RedisProbe {
    target: Target,
    expected: BTreeMap<String, Matcher>,
    connection: Option<ConnectionPolicy>,
    pool: Shared,
}

/// What checks of the same server share.
type Shared = Pool<Arc<Identity>, Talk>;

/// The servers that checks of this kind ask.
static POOLS: Pools<Arc<Identity>, Talk> = Pools::new();

impl Kind for Redis {
    const NAME: &'static str = "redis";
    const SUMMARY: &'static str = "a Redis server lets a client log in and answers PING and INFO";
    const READINGS: Readings = Readings {
        named: info::STANDARD,
        open: true,
    };
    const OBSERVES: bool = true;
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
        match expectation.ping {
            Some(false) => misfits.push(
                Misfit::at(
                    &["expect", "ping"],
                    "PING is always asked and must be answered",
                )
                .hint("write `ping: true`, or leave it out"),
            ),
            None if expectation.info.is_empty() => misfits.push(
                Misfit::at(&["expect"], "nothing is expected")
                    .hint("write `ping: true`, or leave `expect` out"),
            ),
            None | Some(true) => {}
        }
        let limit = pool::limit(settings.max_connections).map_err(|misfit| misfits.push(misfit));
        let target = Target::read(&settings.url, settings.tls.as_ref(), surroundings)
            .map_err(|more| misfits.extend(more));
        let (Ok((target, identity)), Ok(limit), true) = (target, limit, misfits.is_empty()) else {
            return Err(misfits);
        };
        Ok(Box::new(RedisProbe {
            pool: POOLS.join(&target.name(), Arc::new(identity), limit),
            target,
            expected: expectation.info,
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
        let text = kept.connection.info(attempt).await;
        attempt.stop();
        let refused = text
            .as_ref()
            .is_err_and(|fault| self.can_do_without_info(fault));
        if keeps && (text.is_ok() || refused) && kept.connection.is_whole() {
            place.keep(kept);
        }
        let info = match text {
            Ok(text) => Info::parse(&text),
            Err(fault) if refused => {
                let why = self.target.mask.apply(&fault.detail);
                attempt.note(format!("no readings of INFO: {why}"));
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        info.record(attempt, self.expected.keys());
        let mask = &self.target.mask;
        attempt.observe(|| Some(mask.apply(&info.in_words(self.expected.keys())?)));
        info.judge(&self.expected)
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

    /// A server that answers PING and knows or allows no INFO is as well as it was asked to be.
    fn can_do_without_info(&self, fault: &Fault) -> bool {
        self.expected.is_empty()
            && matches!(fault.reason, Reason::Unauthorized | Reason::ServerFault)
    }
}
