//! From a host and a port to an open TCP connection; and what an I/O error means.
//!
//! All addresses of the host are tried, each with a head start over the next, so that one dead
//! address neither fails nor stalls a run. Called by the kinds and by [`super::exchange`].

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;

use super::{resolve, shortage};
use crate::probe::Attempt;
use crate::sample::{Fault, Phase, Reason};

/// Opens a connection to `host`, a name or an address, with Nagle's algorithm off. Where the attempt
/// asks a task, to that one's address, whatever the name stands for.
///
/// Enters [`Phase::Dns`] (unless an address is known) and [`Phase::Connect`]. Dropping the
/// future closes whatever it had opened.
///
/// # Errors
/// The fault of the resolver, or the most telling one of all the addresses.
pub async fn tcp(attempt: &mut Attempt, host: &str, port: u16) -> Result<TcpStream, Fault> {
    let known = attempt.task().map(|task| task.address);
    let addresses = match known.map_or_else(|| resolve::bare(host).parse::<IpAddr>(), Ok) {
        Ok(address) => vec![address],
        Err(_) => {
            attempt.enter(Phase::Dns);
            resolve::addresses(host, attempt.fresh()).await?
        }
    };
    attempt.enter(Phase::Connect);
    race(&in_turn(&addresses), port).await
}

/// What an I/O error says about the target, or about ourselves. `doing` completes
/// "connection refused while …": `connecting to 10.0.0.1:5432`.
#[must_use]
pub fn fault(error: &io::Error, doing: &str) -> Fault {
    let reason = reason(error);
    let detail = match reason {
        Reason::Refused => format!("connection refused while {doing}"),
        Reason::Reset => format!("connection reset while {doing}"),
        Reason::Closed => format!("connection closed while {doing}"),
        Reason::Timeout => format!("the network gave up while {doing}"),
        Reason::Unreachable => format!("no way to the host while {doing}: {error}"),
        Reason::NoRoute => format!("our own machine has no way out while {doing}: {error}"),
        Reason::Exhausted => {
            let what = shortage::words(error);
            format!("our own machine is out of {what} while {doing}")
        }
        _ => format!("{error} while {doing}"),
    };
    Fault::new(reason, detail)
}

fn reason(error: &io::Error) -> Reason {
    use io::ErrorKind as Kind;
    if error
        .raw_os_error()
        .is_some_and(|code| OURS.contains(&code))
    {
        return Reason::Exhausted;
    }
    match error.kind() {
        Kind::ConnectionRefused => Reason::Refused,
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe => Reason::Reset,
        Kind::UnexpectedEof | Kind::NotConnected | Kind::WriteZero => Reason::Closed,
        Kind::TimedOut => Reason::Timeout,
        Kind::HostUnreachable => Reason::Unreachable,
        // No route, no interface, or a filter of our own: the kernel says so before anything is
        // sent, and the target was not asked.
        Kind::NetworkUnreachable | Kind::NetworkDown | Kind::PermissionDenied => Reason::NoRoute,
        Kind::OutOfMemory | Kind::AddrInUse | Kind::AddrNotAvailable => Reason::Exhausted,
        Kind::InvalidData | Kind::InvalidInput => Reason::Malformed,
        _ => Reason::Closed,
    }
}

/// Numbers of Linux and macOS that mean that our own machine has run out: ENOMEM, ENFILE, EMFILE
/// (the same on both), then EADDRNOTAVAIL and ENOBUFS of each.
#[cfg(target_os = "linux")]
const OURS: &[i32] = &[12, 23, 24, 99, 105];
#[cfg(not(target_os = "linux"))]
const OURS: &[i32] = &[12, 23, 24, 49, 55];

/// Tries the addresses, each [`HEAD_START`] after the one before or as soon as that one fails.
async fn race(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Fault> {
    let mut waiting = addresses.iter();
    let mut opening = FuturesUnordered::new();
    let mut faults: Vec<Fault> = Vec::new();
    loop {
        if let Some(&address) = waiting.next() {
            opening.push(open(SocketAddr::new(address, port)));
        } else if opening.is_empty() {
            return Err(most_telling(faults));
        }
        tokio::select! {
            Some(opened) = opening.next() => match opened {
                Ok(stream) => return Ok(stream),
                Err(fault) => faults.push(fault),
            },
            () = tokio::time::sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

async fn open(address: SocketAddr) -> Result<TcpStream, Fault> {
    let doing = || format!("connecting to {address}");
    let stream = TcpStream::connect(address)
        .await
        .map_err(|error| fault(&error, &doing()))?;
    stream
        .set_nodelay(true)
        .map_err(|error| fault(&error, &doing()))?;
    Ok(stream)
}

/// Alternates the families, IPv6 first, so that a host whose one family is dead is reached through
/// the other at the second try (RFC 8305, section 4).
fn in_turn(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let (mut six, mut four): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.iter().copied().partition(IpAddr::is_ipv6);
    six.reverse();
    four.reverse();
    let mut ordered = Vec::with_capacity(addresses.len());
    while !(six.is_empty() && four.is_empty()) {
        ordered.extend(six.pop());
        ordered.extend(four.pop());
    }
    ordered.truncate(MOST_ADDRESSES);
    ordered
}

/// What the target said outweighs what our machine lacks, and that outweighs an address at which
/// nobody is. A missing route comes last: a machine without IPv6 has none to any IPv6 address, and
/// that says nothing about the target.
fn most_telling(mut faults: Vec<Fault>) -> Fault {
    faults.sort_by_key(|fault| match fault.reason {
        Reason::NoRoute => 3,
        Reason::Unreachable => 2,
        Reason::Exhausted => 1,
        _ => 0,
    });
    let tried = faults.len();
    let mut faults = faults.into_iter();
    match faults.next() {
        Some(first) if tried == 1 => first,
        Some(mut first) => {
            first.detail = format!("{} (none of {tried} addresses answers)", first.detail);
            first
        }
        None => Fault::new(Reason::Dns, "the name has no address"),
    }
}

/// How long an address has before the next one is tried too (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);
/// More addresses than this are not tried: an answer of the name server must not cost a thousand
/// descriptors.
const MOST_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Outcome;

    #[test]
    fn families_alternate_and_their_number_is_bounded() {
        let ips = |texts: &[&str]| -> Vec<IpAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let mixed = ips(&["10.0.0.1", "10.0.0.2", "10.0.0.3", "::1"]);
        assert_eq!(
            in_turn(&mixed),
            ips(&["::1", "10.0.0.1", "10.0.0.2", "10.0.0.3"])
        );
        let many: Vec<IpAddr> = (0..200).map(|n| IpAddr::from([10, 0, 0, n])).collect();
        assert_eq!(in_turn(&many).len(), MOST_ADDRESSES);
    }

    #[test]
    fn a_refusal_outweighs_a_missing_route() {
        let faults = [
            Reason::NoRoute,
            Reason::Unreachable,
            Reason::Exhausted,
            Reason::Refused,
        ]
        .map(|reason| Fault::new(reason, reason.code()));
        for (met, told) in [
            (4, Reason::Refused),
            (3, Reason::Exhausted),
            (2, Reason::Unreachable),
            (1, Reason::NoRoute),
        ] {
            assert_eq!(most_telling(faults[..met].to_vec()).reason, told);
        }
    }

    #[test]
    fn a_machine_without_network_learns_nothing_about_the_target() {
        use io::ErrorKind as Kind;
        for (kind, outcome) in [
            (Kind::NetworkUnreachable, Outcome::Unknown),
            (Kind::NetworkDown, Outcome::Unknown),
            (Kind::PermissionDenied, Outcome::Unknown),
            (Kind::HostUnreachable, Outcome::Error),
            (Kind::ConnectionRefused, Outcome::Error),
        ] {
            let fault = fault(&kind.into(), "connecting");
            assert_eq!(fault.reason.outcome(), outcome, "{kind}: {}", fault.detail);
        }
    }

    #[test]
    fn our_own_exhaustion_is_not_the_targets_fault() {
        for code in OURS {
            let fault = fault(&io::Error::from_raw_os_error(*code), "connecting");
            assert_eq!(fault.reason, Reason::Exhausted, "{code}");
        }
    }

    /// Takes connections until nobody is let in any more: the next one hangs, as behind a firewall
    /// that drops what it does not like.
    async fn fill(address: SocketAddr) -> Vec<TcpStream> {
        let mut queued = Vec::new();
        while let Ok(stream) =
            tokio::time::timeout(Duration::from_millis(200), TcpStream::connect(address)).await
        {
            queued.push(stream.unwrap());
        }
        queued
    }

    #[tokio::test]
    async fn an_address_that_hangs_gives_way_to_the_next_and_alone_never_answers() {
        let well = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = well.local_addr().unwrap().port();
        let full = tokio::net::TcpSocket::new_v4().unwrap();
        full.bind(SocketAddr::from(([127, 0, 0, 2], port))).unwrap();
        let full = full.listen(1).unwrap();
        let _queued = fill(full.local_addr().unwrap()).await;
        let addresses = ["127.0.0.2", "127.0.0.1"].map(|ip| ip.parse().unwrap());
        let started = tokio::time::Instant::now();
        let stream = race(&addresses, port).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), well.local_addr().unwrap());
        assert!(started.elapsed() >= HEAD_START, "the first had its turn");
        let alone = tokio::time::timeout(Duration::from_millis(500), race(&addresses[..1], port));
        assert!(alone.await.is_err(), "it hangs until the deadline ends it");
    }

    #[tokio::test]
    async fn a_dead_address_is_passed_over() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let addresses = ["127.0.0.2", "127.0.0.1"].map(|ip| ip.parse().unwrap());
        let stream = race(&addresses, port).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    }
}
