//! What of a name server's answer, and of the hosts file, is taken, and for how long it holds.
//!
//! Takes nothing that was not asked for, and never too much. Called by [`super::servers`].

use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::Hosts;
use hickory_resolver::net::NoRecords;
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};

use super::answer::{Miss, Told};

/// What the hosts file says, which is all that there is to say about a name that stands there.
pub fn in_hosts(hosts: &Hosts, name: &Name, kind: RecordType) -> Option<Told> {
    let listed = |kind| {
        let found = hosts.lookup_static_host(&Query::query(name.clone(), kind))?;
        let records = found.answers().iter();
        let addresses: Vec<IpAddr> = records.filter_map(|it| it.data.ip_addr()).collect();
        (!addresses.is_empty()).then_some(addresses)
    };
    let answer = match listed(kind) {
        Some(addresses) => Ok(addresses.into()),
        None => {
            let other = match kind {
                RecordType::A => RecordType::AAAA,
                _ => RecordType::A,
            };
            listed(other)?;
            Err(Miss::NoAddress)
        }
    };
    Some(Told {
        answer,
        lasts: Duration::ZERO,
    })
}

/// The addresses among the records that a server gave for a name, and for how long they hold.
pub fn told(name: &Name, records: &[Record], kind: RecordType) -> Told {
    let names = names_of(name, records);
    let mut lasts = LONGEST_MEMORY;
    let mut addresses = Vec::new();
    for record in records
        .iter()
        .filter(|record| names.contains(&&record.name))
    {
        lasts = lasts.min(Duration::from_secs(record.ttl.into()));
        if record.record_type() == kind && addresses.len() < MOST_ADDRESSES {
            addresses.extend(record.data.ip_addr());
        }
    }
    if addresses.is_empty() {
        return Told {
            answer: Err(Miss::NoAddress),
            lasts: lasts.min(LONGEST_MEMORY_OF_NOTHING),
        };
    }
    Told {
        answer: Ok(addresses.into()),
        lasts,
    }
}

/// The name and those for which it stands. Records of other names were not asked for.
fn names_of<'a>(name: &'a Name, records: &'a [Record]) -> Vec<&'a Name> {
    let mut names = vec![name];
    // Each name adds those that it stands for, wherever in the answer they are.
    let mut next = 0;
    while let Some(owner) = names.get(next).copied() {
        for record in records.iter().filter(|record| record.name == *owner) {
            if let RData::CNAME(alias) = &record.data
                && !names.contains(&&alias.0)
            {
                names.push(&alias.0);
            }
        }
        next += 1;
    }
    names
}

/// The answer that there is nothing.
pub fn nothing_found(nothing: &NoRecords) -> Told {
    // Without an SOA record it must not be remembered (RFC 2308, section 5).
    let lasts = nothing.negative_ttl.unwrap_or_default();
    Told {
        answer: Err(match nothing.response_code {
            ResponseCode::NXDomain => Miss::NoSuchName,
            _ => Miss::NoAddress,
        }),
        lasts: Duration::from_secs(lasts.into()).min(LONGEST_MEMORY_OF_NOTHING),
    }
}

/// A name that moves is followed within this time, however long its name servers allow.
const LONGEST_MEMORY: Duration = Duration::from_secs(30);
/// A name that appears is seen within this time: deployments create names.
const LONGEST_MEMORY_OF_NOTHING: Duration = Duration::from_secs(2);
/// No target has more; an answer over TCP could hold thousands.
const MOST_ADDRESSES: usize = 64;

#[cfg(test)]
mod tests;
