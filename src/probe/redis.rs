//! The kind `redis`: log in, PING, INFO.
//!
//! It proves that a client can reach the server, agree on TLS, log in and have two commands
//! answered in time, and it turns figures of INFO into readings. It does not prove that the server
//! can write, that a replica is current, or that the nodes of a cluster agree: name the fields of
//! INFO that say so under `expect.info`. It reads nothing that the service keeps in Redis.
//!
//! Each run opens a connection of its own. Where INFO is not permitted and nothing is expected of
//! it, the run passes without those readings and a note says so.

mod fault;
mod info;
mod talk;
mod target;

use std::collections::BTreeMap;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::info::Info;
use self::talk::Talk;
use self::target::Target;
use super::wire::dial;
use super::wire::session::Facts;
use super::wire::tls::TlsSettings;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings};
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
}

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
        match Target::read(&settings.url, settings.tls.as_ref(), surroundings) {
            Ok(target) if misfits.is_empty() => Ok(Box::new(RedisProbe {
                target,
                expected: expectation.info,
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
impl Probe for RedisProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let asked = self.ask(attempt).await;
        // The server may repeat what it was sent.
        asked.map_err(|mut fault| {
            fault.detail = self.target.mask.apply(&fault.detail);
            fault
        })
    }
}

impl RedisProbe {
    async fn ask(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let mut talk = self.open(attempt).await?;
        talk.log_in(attempt, &self.target.login).await?;
        talk.ping(attempt).await?;
        let text = talk.info(attempt).await;
        attempt.stop();
        let info = match text {
            Ok(text) => Info::parse(&text),
            Err(fault) if self.can_do_without_info(&fault) => {
                attempt.note(format!("no readings of INFO: {}", fault.detail));
                return Ok(());
            }
            Err(fault) => return Err(fault),
        };
        info.record(attempt, self.expected.keys());
        let mask = &self.target.mask;
        attempt.observe(|| Some(mask.apply(&info.in_words(self.expected.keys())?)));
        info.judge(&self.expected)
    }

    async fn open(&self, attempt: &mut Attempt) -> Result<Talk, Fault> {
        let target = &self.target;
        let stream = dial::tcp(attempt, &target.host, target.port).await?;
        let Some(settings) = &target.tls else {
            return Ok(Talk::plain(stream));
        };
        let mut facts = Facts::of(&stream);
        let (stream, session) = settings.connect(attempt, stream, &target.host).await?;
        facts.tls = Some(session);
        settings.over(attempt, &facts, false);
        Ok(Talk::encrypted(stream))
    }

    /// A server that answers PING and knows or allows no INFO is as well as it was asked to be.
    fn can_do_without_info(&self, fault: &Fault) -> bool {
        self.expected.is_empty()
            && matches!(fault.reason, Reason::Unauthorized | Reason::ServerFault)
    }
}
