//! From a host's name to its addresses: `/etc/hosts`, then the system's name servers.
//!
//! Keeps apart the two ways in which this fails: the name has no address (the target's fault) and
//! nobody could tell us (ours). Called by [`super::dial`] only.

use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ResolverConfig, ResolverOpts};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RecordType;

use crate::sample::{Fault, Reason};

/// The addresses of `host`, at least one; a literal address is its own answer.
///
/// With `anew`, what was learnt before is forgotten first.
///
/// # Errors
/// [`Reason::Dns`] when the name has no address, [`Reason::Resolver`] when that could not be learnt.
pub async fn addresses(host: &str, anew: bool) -> Result<Vec<IpAddr>, Fault> {
    if let Ok(literal) = bare(host).parse() {
        return Ok(vec![literal]);
    }
    let resolver = RESOLVER
        .as_ref()
        .map_err(|detail| Fault::new(Reason::Resolver, detail.clone()))?;
    if anew {
        resolver.clear_cache();
    }
    ask(resolver, host).await
}

async fn ask(resolver: &TokioResolver, host: &str) -> Result<Vec<IpAddr>, Fault> {
    match resolver.lookup_ip(host).await {
        Ok(found) => {
            let addresses: Vec<IpAddr> = found.iter().collect();
            if addresses.is_empty() {
                return Err(no_address(host));
            }
            Ok(addresses)
        }
        Err(error) => Err(refine(resolver, host, error).await),
    }
}

/// The host without the brackets that a URL puts around an IPv6 address.
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// The error is the one for IPv4. A name without IPv4 addresses whose IPv6 question failed has not
/// been shown to have none.
async fn refine(resolver: &TokioResolver, host: &str, error: NetError) -> Fault {
    if error.is_nx_domain() {
        return Fault::new(Reason::Dns, format!("the name {host} does not exist"));
    }
    if !error.is_no_records_found() {
        return could_not_tell(host, &error);
    }
    match resolver.lookup(host, RecordType::AAAA).await {
        Err(error) if !error.is_no_records_found() => could_not_tell(host, &error),
        Ok(_) | Err(_) => no_address(host),
    }
}

fn no_address(host: &str) -> Fault {
    Fault::new(Reason::Dns, format!("the name {host} has no address"))
}

fn could_not_tell(host: &str, error: &NetError) -> Fault {
    let detail = format!("our resolver could not tell the address of {host}: {error}");
    Fault::new(Reason::Resolver, detail)
}

/// One resolver for the process: it keeps what it learnt for as long as the name servers allow,
/// within [`LONGEST_MEMORY`].
static RESOLVER: LazyLock<Result<TokioResolver, String>> = LazyLock::new(|| {
    let mut builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
        // No name server is configured. Names in the hosts file still have their addresses.
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        TokioResolver::builder_with_config(nobody, TokioRuntimeProvider::default())
    });
    tune(builder.options_mut());
    builder
        .build()
        .map_err(|error| format!("our resolver could not be set up: {error}"))
});

fn tune(options: &mut ResolverOpts) {
    use hickory_resolver::config::LookupIpStrategy;
    // IPv4's error is reported when both fail: see `refine`.
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.timeout = options.timeout.min(ONE_QUESTION);
    options.positive_max_ttl = Some(LONGEST_MEMORY);
    options.negative_max_ttl = Some(LONGEST_MEMORY_OF_NOTHING);
    options.max_active_requests = QUESTIONS_AT_ONCE;
}

/// How long one question to one name server may take, so that a second one is asked in time.
const ONE_QUESTION: Duration = Duration::from_secs(2);
/// A name that moves is followed within this time.
const LONGEST_MEMORY: Duration = Duration::from_secs(30);
/// A name that appears is seen within this time: deployments create names.
const LONGEST_MEMORY_OF_NOTHING: Duration = Duration::from_secs(2);
/// Many checks start together.
const QUESTIONS_AT_ONCE: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;
    use hickory_resolver::config::{ConnectionConfig, NameServerConfig};

    #[tokio::test]
    async fn literal_addresses_need_no_resolver() {
        for (host, address) in [("127.0.0.1", "127.0.0.1"), ("[::1]", "::1"), ("::1", "::1")] {
            let found = addresses(host, false).await.unwrap();
            assert_eq!(found, vec![address.parse::<IpAddr>().unwrap()], "{host}");
        }
    }

    /// How a name server of ours answers: to questions for IPv4, and to those for IPv6.
    #[derive(Clone, Copy, Debug)]
    enum Says {
        Address,
        NoSuchName,
        NoRecord,
        ServerFailure,
        Refused,
        Nothing,
    }

    /// A name server on loopback, and a resolver that asks only it.
    async fn resolver(four: Says, six: Says) -> TokioResolver {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = socket.local_addr().unwrap().port();
        tokio::spawn(async move {
            let mut question = [0; 512];
            while let Ok((length, asker)) = socket.recv_from(&mut question).await {
                if let Some(answer) = answer(&question[..length], four, six) {
                    socket.send_to(&answer, asker).await.unwrap();
                }
            }
        });
        let mut udp = ConnectionConfig::udp();
        udp.port = port;
        let server = NameServerConfig::new([127, 0, 0, 1].into(), true, vec![udp]);
        let config = ResolverConfig::from_parts(None, Vec::new(), vec![server]);
        let mut builder =
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        tune(builder.options_mut());
        builder.options_mut().timeout = Duration::from_millis(100);
        builder.build().unwrap()
    }

    /// The question with another header and, where there is one, an address behind it.
    fn answer(question: &[u8], four: Says, six: Says) -> Option<Vec<u8>> {
        let name = question[12..].iter().position(|byte| *byte == 0)?;
        let end = 12 + name + 5;
        let is_six = question[end - 4..end - 2] == [0, 28];
        let says = if is_six { six } else { four };
        let (code, answers) = match says {
            Says::Address => (0, 1),
            Says::NoRecord => (0, 0),
            Says::ServerFailure => (2, 0),
            Says::NoSuchName => (3, 0),
            Says::Refused => (5, 0),
            Says::Nothing => return None,
        };
        let mut bytes = question[..end].to_vec();
        bytes[2..12].copy_from_slice(&[0x81, 0x80 | code, 0, 1, 0, answers, 0, 0, 0, 0]);
        if answers == 1 {
            let (kind, address): (u8, &[u8]) = if is_six {
                (28, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7])
            } else {
                (1, &[10, 0, 0, 7])
            };
            bytes.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60, 0, address.len() as u8]);
            bytes.extend(address);
        }
        Some(bytes)
    }

    #[tokio::test]
    async fn one_family_is_enough() {
        for (four, six, address) in [
            (Says::Address, Says::NoRecord, "10.0.0.7"),
            (Says::Address, Says::ServerFailure, "10.0.0.7"),
            (Says::NoRecord, Says::Address, "::7"),
        ] {
            let resolver = resolver(four, six).await;
            let found = ask(&resolver, "a.test.").await.unwrap();
            assert_eq!(
                found,
                [address.parse::<IpAddr>().unwrap()],
                "{four:?} {six:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_name_without_address_is_told_from_a_resolver_that_cannot_tell() {
        for (four, six, reason) in [
            (Says::NoSuchName, Says::NoSuchName, Reason::Dns),
            (Says::NoRecord, Says::NoRecord, Reason::Dns),
            (Says::ServerFailure, Says::ServerFailure, Reason::Resolver),
            (Says::Refused, Says::Refused, Reason::Resolver),
            (Says::Nothing, Says::Nothing, Reason::Resolver),
            (Says::NoRecord, Says::ServerFailure, Reason::Resolver),
            (Says::ServerFailure, Says::NoRecord, Reason::Resolver),
        ] {
            let resolver = resolver(four, six).await;
            let fault = ask(&resolver, "a.test.").await.unwrap_err();
            assert_eq!(fault.reason, reason, "{four:?} {six:?}: {}", fault.detail);
        }
    }

    #[tokio::test]
    async fn without_any_name_server_nothing_is_learnt() {
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        let resolver = TokioResolver::builder_with_config(nobody, TokioRuntimeProvider::default())
            .build()
            .unwrap();
        let fault = ask(&resolver, "a.test.").await.unwrap_err();
        assert_eq!(fault.reason, Reason::Resolver, "{}", fault.detail);
    }

    #[tokio::test]
    async fn the_hosts_file_is_read() {
        let found = addresses("localhost", true).await.unwrap();
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
    }
}
