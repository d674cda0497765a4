//! Who is asked, where that is, and whose fault its silence is. The system's list of name servers
//! is read anew in each run: it changes while a program runs.

use std::net::{IpAddr, SocketAddr};

use hickory_resolver::system_conf;

use crate::probe::wire::address::place_name;
use crate::probe::wire::aside::aside;
use crate::probe::wire::dial;
use crate::probe::wire::host_port::HostPort;
use crate::probe::{Attempt, Target};
use crate::sample::{Fault, Outcome, Phase, Reason};

/// Who is asked.
pub enum Server {
    /// The one that the check declares: it is the target.
    Declared(HostPort),
    /// The first of the system's: our own resolver.
    OfTheSystem,
}

/// Where it is.
pub struct Place {
    /// Its address.
    pub address: SocketAddr,
    is_ours: bool,
    name: String,
}

impl Server {
    /// Where the server is, for this run.
    ///
    /// # Errors
    /// The fault of the resolver that is asked for a server's name; [`Reason::Resolver`] where the
    /// system has no name server.
    pub async fn place(&self, attempt: &mut Attempt) -> Result<Place, Fault> {
        let Self::Declared(declared) = self else {
            attempt.enter(Phase::Dns);
            let first = aside(first_of_the_system).await;
            let address = first.ok_or_else(|| {
                let detail = "the system has no name server (/etc/resolv.conf); declare `server`";
                Fault::new(Reason::Resolver, detail)
            })?;
            return Ok(Place {
                address: SocketAddr::new(address, DOMAIN),
                is_ours: true,
                name: format!("our resolver {address}"),
            });
        };
        let host = declared.host.as_str();
        let known = attempt.address_of(host);
        let address = match known {
            Some(address) => address,
            None => {
                let (addresses, _) = dial::addresses(attempt, host).await?;
                let first = addresses.first().copied();
                first.ok_or_else(|| Fault::new(Reason::Dns, format!("{host} has no address")))?
            }
        };
        Ok(Place {
            address: SocketAddr::new(address, declared.port.unwrap_or(DOMAIN)),
            is_ours: false,
            name: host.to_owned(),
        })
    }

    /// The fault, blamed on whom it belongs to: where our own resolver cannot be reached or cannot
    /// tell, nothing is learnt about anybody.
    pub fn blame(&self, fault: Fault) -> Fault {
        let cannot_tell =
            fault.reason.outcome() == Outcome::Error || fault.reason == Reason::ServerFault;
        match self {
            Self::OfTheSystem if cannot_tell => Fault::new(Reason::Resolver, fault.detail),
            Self::OfTheSystem | Self::Declared(_) => fault,
        }
    }

    /// Whom the runs ask; the system's list is no one place.
    pub fn target(&self) -> Option<Target> {
        let Self::Declared(declared) = self else {
            return None;
        };
        let port = declared.port.unwrap_or(DOMAIN);
        Some(Target {
            name: place_name("dns", &declared.host, port).into(),
            at_once: None,
        })
    }
}

impl Place {
    /// The server as a message names it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Enters a phase of the talk. All of that with our own resolver is resolving a name: a deadline
    /// that passes meanwhile is not the target's.
    pub fn enter(&self, attempt: &mut Attempt, phase: Phase) {
        attempt.enter(if self.is_ours { Phase::Dns } else { phase });
    }
}

fn first_of_the_system() -> Option<IpAddr> {
    let (config, _) = system_conf::read_system_conf().ok()?;
    config.name_servers().first().map(|server| server.ip)
}

/// The registered port of DNS.
const DOMAIN: u16 = 53;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_resolvers_trouble_is_nobodys_fault_and_a_declared_servers_is_its_own() {
        let declared = Server::Declared(HostPort::parse("ns.test").unwrap());
        for (reason, ours) in [
            (Reason::Timeout, Reason::Resolver),
            (Reason::Refused, Reason::Resolver),
            (Reason::ServerFault, Reason::Resolver),
            (Reason::Status, Reason::Status),
            (Reason::Expectation, Reason::Expectation),
            (Reason::Malformed, Reason::Malformed),
            (Reason::NoRoute, Reason::NoRoute),
        ] {
            let fault = Fault::new(reason, "x");
            assert_eq!(Server::OfTheSystem.blame(fault.clone()).reason, ours);
            assert_eq!(declared.blame(fault).reason, reason);
        }
    }
}
