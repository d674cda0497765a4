//! The kind `dns`: one question to a name server, and what is expected of its answer.
//!
//! It proves that a name server answers for a name in time, with the expected records, code and
//! lifetimes; over UDP, and over TCP where an answer does not fit a datagram. It tells whether the
//! server calls the answer authenticated (the AD flag, RFC 4035), as seen.
//!
//! It does not prove that the signatures of DNSSEC are sound (it validates none), that other servers
//! of the zone say the same, nor that anything listens at the addresses it is told.
//!
//! A server that the check declares is the target: its silence is an error of it. Without one the
//! first name server of the system is asked; that is our own resolver, so that where it cannot be
//! reached or cannot tell, nothing is learnt.

mod answer;
mod expectation;
mod question;
mod record;
mod server;
mod talk;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::answer::Found;
use self::expectation::Expectation;
use self::question::Question;
use self::record::Sort;
use self::server::Server;
use self::talk::Transport;
use super::wire::host_port::HostPort;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::sample::{Fault, Unit};

/// The kind `dns`.
#[derive(Clone, Copy, Debug)]
pub struct Dns;

/// What a check of kind `dns` declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The name that is asked for, whole: no search list is applied. For `type: PTR` an IP address
    /// will do.
    pub name: String,
    /// The type of the records.
    #[serde(default, rename = "type")]
    pub sort: Sort,
    /// The name server, as `10.0.0.2` or `ns1.example.com:53`. Without it, the first one of the
    /// system (`/etc/resolv.conf`).
    #[serde(default)]
    pub server: Option<HostPort>,
    /// Over what is asked.
    #[serde(default)]
    pub transport: Transport,
    /// Whether the server is asked to find out what it does not know (the RD flag). Switch it off
    /// to see what an authoritative server says by itself.
    #[serde(default = "yes")]
    pub recursion: bool,
    /// Whether the question says that we know EDNS (RFC 6891) and take datagrams of 1232 bytes.
    #[serde(default = "yes")]
    pub edns: bool,
    /// Whether signatures are asked for along with the records (the DO flag, RFC 4035); needs
    /// `edns`. They are not validated.
    #[serde(default)]
    pub dnssec: bool,
    /// What is expected. Without it: the code NOERROR, and at least one record.
    #[serde(default)]
    pub expect: Option<Expectation>,
}

const fn yes() -> bool {
    true
}

struct DnsProbe {
    question: Question,
    server: Server,
    transport: Transport,
    expected: Expectation,
}

impl Kind for Dns {
    const NAME: &'static str = "dns";
    const SUMMARY: &'static str = "a name server answers for a name with the expected records";
    const READINGS: Readings = Readings {
        named: &[
            (
                "answers",
                Unit::Number,
                "how many records of the asked type the answer has for the name",
            ),
            (
                "ttl",
                Unit::Seconds,
                "the shortest time for which one of them may be kept, aliases included",
            ),
            (
                "authenticated",
                Unit::Number,
                "1 when the server calls the answer authenticated (AD), 0 when not",
            ),
            (
                "truncated",
                Unit::Number,
                "1 when the answer did not fit a datagram and was asked for again over TCP, 0 when not",
            ),
            (
                "repeated",
                Unit::Number,
                "how often the question was sent again over UDP, because no answer came for a second",
            ),
            (
                "serial",
                Unit::Number,
                "of an SOA record: the version of the zone, for a comparison of its servers",
            ),
        ],
        open: false,
    };
    const OBSERVES: bool = true;
    type Settings = Settings;

    fn probe(settings: Settings, _: &Surroundings) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let question = Question::read(&settings).map_err(|misfit| misfits.push(misfit));
        if settings.dnssec && !settings.edns {
            let message = "the DO flag travels in EDNS, which `edns: false` leaves out";
            misfits.push(Misfit::at(&["dnssec"], message).hint("leave out one of the two"));
        }
        if settings.expect.as_ref().is_some_and(Expectation::is_empty) {
            let hint = "leave `expect` out for NOERROR and at least one record";
            misfits.push(Misfit::at(&["expect"], "nothing is expected").hint(hint));
        }
        let Some(question) = question.ok().filter(|_| misfits.is_empty()) else {
            return Err(misfits);
        };
        Ok(Box::new(DnsProbe {
            question,
            server: settings
                .server
                .map_or(Server::OfTheSystem, Server::Declared),
            transport: settings.transport,
            expected: settings.expect.unwrap_or_default(),
        }))
    }
}

#[async_trait]
impl Probe for DnsProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let asked = self.ask(attempt).await;
        asked.map_err(|fault| self.server.blame(fault))
    }

    fn target(&self) -> Option<Target> {
        self.server.target()
    }
}

impl DnsProbe {
    async fn ask(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let place = self.server.place(attempt).await?;
        let told = talk::ask(attempt, &self.question, &place, self.transport).await;
        attempt.stop();
        let message = told?;
        let found = Found::read(&self.question, &message, place.name());
        found.report(attempt);
        attempt.observe(|| Some(found.in_words()));
        found.judge(&self.expected)
    }
}
