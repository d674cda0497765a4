//! From a host and a port to an open TCP connection; and what an I/O error means.
//!
//! An address is connected to directly; of a name's several addresses `super::race` finds one that
//! answers. Called by the kinds and by [`super::exchange`].

use std::io;
use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpStream;

use super::{race, resolve, shortage};
use crate::probe::Attempt;
use crate::sample::{Fault, Phase, Reason};

pub use resolve::bare;

/// Opens a connection to `host`, a name or an address, with Nagle's algorithm off. Where the attempt
/// asks a task, or one address of this name, to that one's address.
///
/// Enters [`Phase::Dns`] (unless an address is known) and [`Phase::Connect`]. The first ends when
/// there is an address to try; an address that becomes known later, while others are tried already,
/// is part of the second. Dropping the future closes whatever it had opened.
///
/// # Errors
/// The fault of the resolver, or the most telling one of all the addresses.
pub async fn tcp(attempt: &mut Attempt, host: &str, port: u16) -> Result<TcpStream, Fault> {
    let host = resolve::bare(host);
    if let Some(address) = attempt.address_of(host).or_else(|| host.parse().ok()) {
        attempt.enter(Phase::Connect);
        return open(SocketAddr::new(address, port)).await;
    }
    attempt.enter(Phase::Dns);
    let found = resolve::addresses(attempt, host).await?;
    attempt.enter(Phase::Connect);
    match found.only() {
        Some(address) => open(SocketAddr::new(address, port)).await,
        None => race::race(found, port).await,
    }
}

/// All addresses of `host`, for whoever asks each by itself; and what of them could not be learnt.
/// Enters [`Phase::Dns`].
///
/// # Errors
/// The fault of the resolver.
pub async fn addresses(
    attempt: &mut Attempt,
    host: &str,
) -> Result<(Vec<IpAddr>, Option<String>), Fault> {
    let host = resolve::bare(host);
    if let Ok(literal) = host.parse() {
        return Ok((vec![literal], None));
    }
    attempt.enter(Phase::Dns);
    resolve::all(attempt, host).await
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

/// Opens a connection to one address.
pub(super) async fn open(address: SocketAddr) -> Result<TcpStream, Fault> {
    let failed = |error| fault(&error, &format!("connecting to {address}"));
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::Outcome;

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
}
