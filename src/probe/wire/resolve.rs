//! From a host's name to its addresses: as written in the check, as the system has them, or as name
//! servers tell, each family by itself.
//!
//! Keeps apart the two ways in which this fails: the name has no address (the target's fault) and
//! nobody could tell us (ours). Called by [`super::dial`] only, and by it only for names: an address
//! costs nothing here.

mod answer;
mod desk;
mod memory;
mod records;
mod servers;
mod system;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use answer::{Addresses, Answer, Family, Miss, Question};
use memory::Lookup;

use crate::probe::{Attempt, Resolver, Source};
use crate::sample::{Fault, Reason};

/// Addresses of a name: the lists that are known, and the family that is not yet.
#[derive(Debug)]
pub struct Found {
    /// What is known, the family to begin with first.
    pub known: [Option<Addresses>; 2],
    /// What may come while the first addresses are tried already.
    pub later: Option<Later>,
}

impl Found {
    fn one(addresses: Addresses) -> Self {
        Self {
            known: [Some(addresses), None],
            later: None,
        }
    }

    /// The only address, where there is but one and nothing more can come.
    #[must_use]
    pub fn only(&self) -> Option<IpAddr> {
        if self.later.is_some() {
            return None;
        }
        let mut all = self.known.iter().flatten().flat_map(|list| list.iter());
        let first = all.next().copied();
        first.filter(|_| all.next().is_none())
    }
}

/// The family whose addresses were not known in time.
#[derive(Debug)]
pub struct Later(Coming);

impl Later {
    /// The addresses, when they are there; none where there are none or nobody can tell.
    pub async fn addresses(&mut self) -> Addresses {
        self.0.arrive().await;
        match self.0.answer() {
            Some(Ok(addresses)) => Arc::clone(addresses),
            Some(Err(_)) | None => Arc::from([]),
        }
    }
}

/// The addresses of a name with which a connection can be tried now.
///
/// Both families are asked for at once. IPv6 addresses are of use as soon as they are there; IPv4
/// addresses once the others are there as well, or [`RESOLUTION_DELAY`] has passed (RFC 8305,
/// section 3).
///
/// # Errors
/// [`Reason::Dns`] when the name has no address, [`Reason::Resolver`] when that could not be learnt,
/// [`Reason::Exhausted`] when too many names are being resolved.
pub async fn addresses(attempt: &Attempt, host: &str) -> Result<Found, Fault> {
    let (mut six, mut four) = match begin(attempt, host)? {
        Begun::Done(found) => return Ok(found),
        Begun::Whole(mut coming) => return coming.whole(host).await.map(Found::one),
        Begun::Families { six, four } => (six, four),
    };
    loop {
        match (six.answer(), four.answer()) {
            (Some(six), Some(four)) => {
                let known = both(host, six, four)?;
                return Ok(Found { known, later: None });
            }
            (Some(Err(Miss::NoSuchName)), None) => contradicted(&mut four, host).await?,
            (None, Some(Err(Miss::NoSuchName))) => contradicted(&mut six, host).await?,
            (Some(Ok(addresses)), None) => {
                return Ok(Found {
                    known: [Some(Arc::clone(addresses)), None],
                    later: Some(Later(four)),
                });
            }
            (None, Some(Ok(addresses))) => {
                let addresses = Arc::clone(addresses);
                let arrived = tokio::time::timeout(RESOLUTION_DELAY, six.arrive());
                if arrived.await.is_err() {
                    return Ok(Found {
                        known: [Some(addresses), None],
                        later: Some(Later(six)),
                    });
                }
            }
            (Some(Err(_)), None) => four.arrive().await,
            (None, Some(Err(_))) => six.arrive().await,
            (None, None) => tokio::select! {
                () = six.arrive() => {}
                () = four.arrive() => {}
            },
        }
    }
}

/// Waits a little for the family that is still to come, where the other one says that there is no
/// such name. Some servers say so of a name that lacks but the one family (RFC 4074, section 4.2):
/// a name that has an address must not be called missing because of them.
async fn contradicted(other: &mut Coming, host: &str) -> Result<(), Fault> {
    let arrived = tokio::time::timeout(RESOLUTION_DELAY, other.arrive());
    arrived.await.map_err(|_| fault(host, &Miss::NoSuchName))
}

/// All addresses of a name, each once; and why those of one family could not be learnt.
///
/// # Errors
/// As [`addresses`].
pub async fn all(attempt: &Attempt, host: &str) -> Result<(Vec<IpAddr>, Option<String>), Fault> {
    let (mut six, mut four) = match begin(attempt, host)? {
        Begun::Done(found) => return Ok((each_once(&found.known), None)),
        Begun::Whole(mut coming) => {
            let addresses = coming.whole(host).await?;
            return Ok((each_once(&[Some(addresses)]), None));
        }
        Begun::Families { six, four } => (six, four),
    };
    tokio::select! {
        () = six.arrive() => {}
        () = four.arrive() => {}
    }
    let patience = tokio::time::timeout(PATIENCE, async {
        six.arrive().await;
        four.arrive().await;
    });
    let in_time = patience.await.is_ok();
    let silent = || Miss::CannotTell(Arc::from("no answer in time"));
    let or_silent = |coming: &mut Coming| match coming.answer() {
        Some(answer) => answer.clone(),
        None => Err(silent()),
    };
    let known_one = matches!(six.answer(), Some(Ok(_))) || matches!(four.answer(), Some(Ok(_)));
    if !in_time && !known_one {
        six.arrive().await;
        four.arrive().await;
    }
    let (six, four) = (or_silent(&mut six), or_silent(&mut four));
    let known = both(host, &six, &four)?;
    let missing = [("IPv6", &six), ("IPv4", &four)]
        .into_iter()
        .find_map(|(name, answer)| {
            let Err(Miss::CannotTell(why)) = answer else {
                return None;
            };
            Some(format!(
                "the {name} addresses of {host} could not be learnt: {why}"
            ))
        });
    Ok((each_once(&known), missing))
}

fn each_once(lists: &[Option<Addresses>]) -> Vec<IpAddr> {
    let mut each = Vec::new();
    for address in lists.iter().flatten().flat_map(|list| list.iter()) {
        if !each.contains(address) {
            each.push(*address);
        }
    }
    each
}

/// The host without the brackets that a URL puts around an IPv6 address.
pub fn bare(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

/// How far a resolution is once it has begun.
enum Begun {
    /// Nobody had to be asked.
    Done(Found),
    /// Both families come in one answer.
    Whole(Coming),
    /// Each family comes by itself.
    Families { six: Coming, four: Coming },
}

fn begin(attempt: &Attempt, host: &str) -> Result<Begun, Fault> {
    let name: Arc<str> = if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Arc::from(host.to_ascii_lowercase())
    } else {
        Arc::from(host)
    };
    if let Some(written) = attempt
        .resolver()
        .and_then(|resolver| resolver.written(&name))
    {
        return Ok(Begun::Done(Found::one(Arc::clone(written))));
    }
    let source = attempt
        .resolver()
        .map_or(&Source::Usual, |resolver: &Resolver| &resolver.source);
    // The clock is read first: so nothing is of use that was asked for before the run began.
    let of_use = attempt.learnt_since();
    let of_use = Instant::now().checked_sub(of_use);
    let ask = |family| {
        let question = Question {
            source: source.clone(),
            family,
            name: Arc::clone(&name),
        };
        desk::ask(question, of_use).map(Coming)
    };
    Ok(match source {
        Source::System => Begun::Whole(ask(Family::Both)?),
        Source::Usual | Source::Servers(_) => Begun::Families {
            six: ask(Family::Six)?,
            four: ask(Family::Four)?,
        },
    })
}

/// An answer that is there or will be.
#[derive(Debug)]
struct Coming(Lookup);

impl Coming {
    /// The answer, where it is there.
    fn answer(&mut self) -> Option<&Answer> {
        if let Lookup::Coming(answer) = &mut self.0 {
            let told = answer.borrow().clone();
            // Whoever asked is gone, by a fault of ours.
            let lost = || answer.has_changed().is_err().then(|| Err(Miss::lost()));
            self.0 = Lookup::Known(told.or_else(lost)?);
        }
        match &self.0 {
            Lookup::Known(answer) => Some(answer),
            Lookup::Coming(_) => None,
        }
    }

    /// Waits until the answer is there.
    async fn arrive(&mut self) {
        if let Lookup::Coming(answer) = &mut self.0 {
            let told = answer.wait_for(Option::is_some).await;
            let told = told.ok().and_then(|told| told.clone());
            self.0 = Lookup::Known(told.unwrap_or_else(|| Err(Miss::lost())));
        }
    }

    /// The answer that is the only one.
    async fn whole(&mut self, host: &str) -> Result<Addresses, Fault> {
        self.arrive().await;
        match self.answer() {
            Some(Ok(addresses)) => Ok(Arc::clone(addresses)),
            Some(Err(miss)) => Err(fault(host, miss)),
            None => Err(fault(host, &Miss::lost())),
        }
    }
}

/// What both families together say: addresses of one are enough. A name without IPv4 addresses whose
/// IPv6 question failed has not been shown to have none.
fn both(host: &str, six: &Answer, four: &Answer) -> Result<[Option<Addresses>; 2], Fault> {
    match (six, four) {
        (Err(six), Err(four)) => Err(fault(host, four.weightier(six))),
        _ => Ok([six, four].map(|answer| answer.as_ref().ok().cloned())),
    }
}

fn fault(host: &str, miss: &Miss) -> Fault {
    match miss {
        Miss::NoSuchName => Fault::new(Reason::Dns, format!("the name {host} does not exist")),
        Miss::NoAddress => Fault::new(Reason::Dns, format!("the name {host} has no address")),
        Miss::CannotTell(why) => {
            let detail = format!("our resolver could not tell the address of {host}: {why}");
            Fault::new(Reason::Resolver, detail)
        }
    }
}

/// How long IPv4 addresses wait for IPv6 ones (RFC 8305, section 3).
pub const RESOLUTION_DELAY: Duration = Duration::from_millis(50);
/// How long whoever wants all addresses waits for the second family once the first is there.
const PATIENCE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
