//! The kind `icmp`: echo requests to a host ("ping"), over IPv4 or IPv6.
//!
//! It proves that the host, or whoever answers in its place, returns small packets, and tells how
//! many are lost and how long they take. It does not prove that any service of the host works, and
//! silence does not prove that the host is down: many networks let no echo through.
//!
//! Where the system permits it, a socket for echoes alone is used; else a raw one, which needs a
//! privilege. Where neither is permitted, nothing is learnt.

mod echo;
mod socket;

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::echo::Echo;
use self::socket::Pinging;
use super::wire::dial;
use super::wire::host_port::HostPort;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::expect::{Inquiry, Undated};
use crate::quantity::{Span, human};
use crate::sample::{Fault, Phase, Reason, Unit};

/// The kind `icmp`.
#[derive(Clone, Copy, Debug)]
pub struct Icmp;

/// What a check of kind `icmp` declares.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The host: a name or an IP address.
    pub host: String,
    /// Over which version of IP a name is asked; without it, whichever address is told first.
    #[serde(default)]
    pub family: Option<Family>,
    /// How many packets are sent, one after the other; 3 where this is absent.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 100))]
    pub packets: u32,
    /// How long the answer to one packet is waited for before it counts as lost; 1s where this is
    /// absent. The timeout of the check must be longer than all packets together may take.
    #[serde(default = "one_second")]
    #[schemars(with = "String")]
    pub wait: Span,
    /// How many bytes a packet carries beside its header; 56 where this is absent.
    #[serde(default = "usual_size")]
    #[schemars(range(min = 16, max = 1400))]
    pub size: u16,
    /// What is expected. Without it: that at least one packet comes back.
    #[serde(default)]
    pub expect: Option<Expectation>,
}

const fn three() -> u32 {
    3
}

const fn one_second() -> Span {
    Span(Duration::from_secs(1))
}

/// As other programs of this sort have it: 64 bytes with the header.
const fn usual_size() -> u16 {
    56
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// What is expected of the packets.
#[derive(Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// How many of a hundred packets may be lost: `{ le: 34 }`, or 0.
    #[serde(default)]
    pub loss_pct: Option<Undated>,
    /// How many seconds the packets that came back took on average: `{ lt: 0.05 }`.
    #[serde(default)]
    pub rtt_mean: Option<Undated>,
}

struct IcmpProbe {
    host: String,
    family: Option<Family>,
    packets: u32,
    wait: Duration,
    size: usize,
    expected: Expectation,
}

impl Kind for Icmp {
    const NAME: &'static str = "icmp";
    const SUMMARY: &'static str = "a host returns echo requests, with few of them lost";
    const READINGS: Readings = Readings {
        named: &[LOSS, RTT_MIN, RTT_MEAN, RTT_MAX],
        open: false,
    };
    type Settings = Settings;

    fn probe(settings: Settings, _: &Surroundings) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = Vec::new();
        let host =
            HostPort::parse(&settings.host).map_err(|why| misfits.push(Misfit::at(&["host"], why)));
        if host.as_ref().is_ok_and(|host| host.port.is_some()) {
            misfits.push(Misfit::at(
                &["host"],
                "an echo goes to a host, and to no port of it",
            ));
        }
        for (field, value, least, most) in [
            ("packets", settings.packets, 1, MOST_PACKETS),
            ("size", u32::from(settings.size), LEAST_SIZE, MOST_SIZE),
        ] {
            if !(least..=most).contains(&value) {
                misfits.push(Misfit::at(&[field], format!("from {least} to {most}")));
            }
        }
        if settings.wait.0.is_zero() {
            misfits.push(Misfit::at(&["wait"], "no packet comes back at once"));
        }
        if settings.expect == Some(Expectation::default()) {
            let hint = "leave `expect` out: that a packet comes back is always expected";
            misfits.push(Misfit::at(&["expect"], "nothing is expected").hint(hint));
        }
        let Some(host) = host.ok().filter(|_| misfits.is_empty()) else {
            return Err(misfits);
        };
        Ok(Box::new(IcmpProbe {
            host: host.host,
            family: settings.family,
            packets: settings.packets,
            wait: settings.wait.0,
            size: usize::from(settings.size),
            expected: settings.expect.unwrap_or_default(),
        }))
    }
}

const LOSS: (&str, Unit, &str) = (
    "loss_pct",
    Unit::Number,
    "how many of a hundred packets did not come back",
);
const RTT_MIN: (&str, Unit, &str) = (
    "rtt_min",
    Unit::Seconds,
    "how long the fastest packet took there and back; absent where none came back",
);
const RTT_MEAN: (&str, Unit, &str) = ("rtt_mean", Unit::Seconds, "how long they took on average");
const RTT_MAX: (&str, Unit, &str) = ("rtt_max", Unit::Seconds, "how long the slowest took");

/// More is a load, and not a look.
const MOST_PACKETS: u32 = 100;
/// A packet carries a number of its own of so many bytes.
const LEAST_SIZE: u32 = 16;
/// What fits every network in one piece.
const MOST_SIZE: u32 = 1_400;

#[async_trait]
impl Probe for IcmpProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let address = self.address(attempt).await?;
        let socket = Pinging::open(address)?;
        let mut took = Vec::new();
        for sequence in (1_u16..).take(usize::try_from(self.packets).unwrap_or_default()) {
            let echo = Echo::new(address, sequence, self.size);
            attempt.enter(Phase::Ttfb);
            let sent = attempt.now();
            match tokio::time::timeout(self.wait, socket.exchange(&echo)).await {
                Ok(Ok(())) => took.push(attempt.now().since(sent)),
                Ok(Err(error)) => {
                    let doing = format!("sending an echo to {}", self.host);
                    return Err(dial::fault(&error, &doing));
                }
                Err(_) => {}
            }
        }
        attempt.stop();
        self.judge(attempt, &took)
    }

    fn lasts(&self) -> Duration {
        self.wait.saturating_mul(self.packets)
    }

    fn target(&self) -> Option<Target> {
        Some(Target {
            name: format!("icmp://{}", self.host).into(),
            at_once: None,
        })
    }
}

impl IcmpProbe {
    async fn address(&self, attempt: &mut Attempt) -> Result<IpAddr, Fault> {
        let (addresses, missing) = match attempt.address_of(&self.host) {
            Some(address) => (vec![address], None),
            None => dial::addresses(attempt, &self.host).await?,
        };
        let fits = |address: &&IpAddr| match self.family {
            Some(Family::Ipv4) => address.is_ipv4(),
            Some(Family::Ipv6) => address.is_ipv6(),
            None => true,
        };
        let first = addresses.iter().find(fits).copied();
        first.ok_or_else(|| match missing {
            Some(why) => Fault::new(Reason::Resolver, why),
            None => {
                let detail = format!("the name {} has no address of that family", self.host);
                Fault::new(Reason::Dns, detail)
            }
        })
    }

    fn judge(&self, attempt: &mut Attempt, took: &[Duration]) -> Result<(), Fault> {
        let back = u32::try_from(took.len()).unwrap_or(u32::MAX);
        let loss =
            100.0 * f64::from(self.packets - back.min(self.packets)) / f64::from(self.packets);
        attempt.reading(LOSS.0, loss, LOSS.1);
        let (Some(fastest), Some(slowest)) = (took.iter().min(), took.iter().max()) else {
            let (packets, wait) = (self.packets, human(self.wait));
            let detail = format!(
                "none of {packets} packets came back from {}, each was waited for for {wait}",
                self.host
            );
            return Err(Fault::new(Reason::Timeout, detail));
        };
        let mean = took.iter().sum::<Duration>() / back;
        for (reading, span) in [(RTT_MIN, fastest), (RTT_MEAN, &mean), (RTT_MAX, slowest)] {
            attempt.reading(reading.0, span.as_secs_f64(), reading.1);
        }
        let expected = [
            (LOSS.0, &self.expected.loss_pct, loss),
            (RTT_MEAN.0, &self.expected.rtt_mean, mean.as_secs_f64()),
        ];
        let mut inquiry = Inquiry::default();
        for (what, matcher, value) in expected {
            if let Some(matcher) = matcher {
                inquiry.ask_of(what, matcher, |matcher, _| matcher.judge(&value.into()));
            }
        }
        inquiry.end()
    }
}
