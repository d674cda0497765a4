//! Opens a connection to whichever of several addresses answers first, as browsers do (RFC 8305).
//!
//! All addresses are tried, the families in turn, each with a head start over the next, so that one
//! dead address neither fails nor stalls a run. Called by [`super::dial`].

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use super::dial;
use super::resolve::{Found, Later};
use crate::sample::{Fault, Reason};

/// Tries the addresses, each [`HEAD_START`] after the one before or as soon as that one fails.
/// Addresses that become known meanwhile take their turns.
///
/// # Errors
/// The most telling of the faults, when none of the addresses answers.
pub async fn race(found: Found, port: u16) -> Result<TcpStream, Fault> {
    let Found { known, mut later } = found;
    let mut turns = Turns::default();
    for list in known.iter().flatten() {
        turns.add(list);
    }
    let mut opening = FuturesUnordered::new();
    let mut faults = Vec::new();
    let mut head_start = pin!(sleep(Duration::ZERO));
    // Whether the next address may begin now.
    let mut due = true;
    loop {
        if due && let Some(address) = turns.next() {
            opening.push(dial::open(SocketAddr::new(address, port)));
            head_start.as_mut().reset(Instant::now() + HEAD_START);
            due = false;
        }
        if opening.is_empty() && turns.is_empty() && later.is_none() {
            return Err(most_telling(faults));
        }
        tokio::select! {
            Some(opened) = opening.next() => match opened {
                Ok(stream) => return Ok(stream),
                Err(fault) => {
                    faults.push(fault);
                    due = true;
                }
            },
            more = arrival(&mut later) => {
                later = None;
                turns.add(&more);
            }
            () = &mut head_start, if !due => due = true,
            () = sleep(PATIENCE), if opening.is_empty() && turns.is_empty() => {
                return Err(most_telling(faults));
            }
        }
    }
}

/// The addresses of the other family; never, where nothing is to come.
async fn arrival(later: &mut Option<Later>) -> Arc<[IpAddr]> {
    match later {
        Some(later) => later.addresses().await,
        None => std::future::pending().await,
    }
}

/// Whose turn it is: the families alternate, so that a host whose one family is dead is reached
/// through the other at the second try (RFC 8305, section 4).
#[derive(Debug, Default)]
pub struct Turns {
    six: VecDeque<IpAddr>,
    four: VecDeque<IpAddr>,
    /// Whether the last one was of IPv6; absent before the first, which is the first that is known.
    was_six: Option<bool>,
    given: usize,
}

impl Turns {
    /// Adds addresses behind those of their family.
    pub fn add(&mut self, addresses: &[IpAddr]) {
        if let Some(first) = addresses.first() {
            self.was_six.get_or_insert(first.is_ipv4());
        }
        for address in addresses {
            let family = match address {
                IpAddr::V6(_) => &mut self.six,
                IpAddr::V4(_) => &mut self.four,
            };
            if family.len() < MOST_ADDRESSES && !family.contains(address) {
                family.push_back(*address);
            }
        }
    }

    /// Whether nobody waits for a turn.
    pub fn is_empty(&self) -> bool {
        self.given >= MOST_ADDRESSES || (self.six.is_empty() && self.four.is_empty())
    }
}

impl Iterator for Turns {
    type Item = IpAddr;

    fn next(&mut self) -> Option<IpAddr> {
        if self.is_empty() {
            return None;
        }
        let wants_six = self.was_six != Some(true);
        let from_six = (wants_six && !self.six.is_empty()) || self.four.is_empty();
        self.was_six = Some(from_six);
        self.given += 1;
        let family = if from_six {
            &mut self.six
        } else {
            &mut self.four
        };
        family.pop_front()
    }
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
pub const HEAD_START: Duration = Duration::from_millis(250);
/// How long addresses that are not known yet are waited for when all the others have failed. Their
/// faults are told then: until the deadline the silence of our own resolver would hide them.
const PATIENCE: Duration = Duration::from_secs(1);
/// More addresses than this are not tried: an answer of the name server must not cost a thousand
/// descriptors.
pub const MOST_ADDRESSES: usize = 16;

#[cfg(test)]
mod tests;
