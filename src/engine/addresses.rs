//! One run of a check: of one with `addresses: each`, a sample for every address that its name has
//! at that time; of any other, the one sample.
//!
//! The name is resolved first, within the deadline of the run; then all its addresses are probed at
//! the same time, each over a connection of its own. What the resolution took is part of each
//! sample. It judges nothing. Called by `sampling`, and so by `gate` and `watch` alike.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::context::Context;
use super::sampling;
use crate::plan::CheckPlan;
use crate::probe::attempt::{AddressPlace, Conditions, Place};
use crate::probe::wire::dial;
use crate::probe::{Attempt, Probe, attempt};
use crate::sample::{Fault, Phase, Sample};

/// Runs a check once; never no sample. Where the name cannot be resolved, that is the only one.
pub async fn each(
    context: &Context,
    check: &CheckPlan,
    of_target: Option<&Arc<Semaphore>>,
    conditions: Conditions,
) -> Vec<Sample> {
    let Some(host) = check.probe.asks_addresses_of() else {
        return vec![sampling::in_slot(context, check, of_target, conditions).await];
    };
    let (places, notes) = match find(context, check, host, &conditions).await {
        Ok(found) => found,
        Err(sample) => return vec![*sample],
    };
    let running = places.into_iter().map(|place| {
        let conditions = Conditions {
            // A kept connection leads to one of them, and not to the one that is meant.
            fresh: true,
            place: Some(Place::Address(place)),
            ..conditions.clone()
        };
        sampling::in_slot(context, check, of_target, conditions)
    });
    let mut samples = join_all(running).await;
    for sample in &mut samples {
        sample.notes.extend(notes.iter().cloned());
    }
    samples
}

/// What a name stands for, and what a person should know about that.
type Places = (Vec<AddressPlace>, Vec<String>);

/// The addresses to ask; the sample of the run that ended without any.
async fn find(
    context: &Context,
    check: &CheckPlan,
    host: &str,
    conditions: &Conditions,
) -> Result<Places, Box<Sample>> {
    let locating = Locating {
        host,
        found: OnceLock::new(),
    };
    let conditions = Conditions {
        fresh: true,
        resolver: conditions.resolver.clone(),
        ..Conditions::default()
    };
    let clock = Arc::clone(&context.clock);
    let id = &check.facts.id;
    let sample = attempt::run(&locating, id, clock, check.timeout, conditions).await;
    let Some((mut addresses, missing)) = locating.found.into_inner() else {
        return Err(Box::new(sample));
    };
    if sample.fault.is_some() {
        return Err(Box::new(sample));
    }
    let mut notes: Vec<String> = missing.into_iter().collect();
    if addresses.len() > MOST_ASKED {
        let of = addresses.len();
        notes.push(format!(
            "{MOST_ASKED} of the {of} addresses of {host} were asked"
        ));
        addresses.truncate(MOST_ASKED);
    }
    let host: Arc<str> = Arc::from(dial::bare(host));
    let took = sample.phases.get(Phase::Dns).unwrap_or_default();
    let places = addresses.into_iter().map(|address| AddressPlace {
        host: Arc::clone(&host),
        address,
        took,
    });
    Ok((places.collect(), notes))
}

/// The first part of the run: it resolves the name and asks nobody else.
struct Locating<'a> {
    host: &'a str,
    found: OnceLock<(Vec<IpAddr>, Option<String>)>,
}

#[async_trait]
impl Probe for Locating<'_> {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        let found = dial::addresses(attempt, self.host).await?;
        attempt.stop();
        self.found.get_or_init(|| found);
        Ok(())
    }
}

/// One run asks at most so many addresses: a name server must not make a load test of a check.
const MOST_ASKED: usize = 16;
