//! What every chain kind does beside its protocol: it lowers the same settings, looks at the
//! endpoints in turn, remembers the heads and judges the newest one.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::conversation::Conversation;
use super::endpoint::{self, Endpoint};
use super::expectation::Expected;
use super::fallback::{Look, Visit, first_that_serves};
use super::head::Head;
use super::pace::Pace;
use super::progress::{Advance, Progress};
use crate::clock::WallTime;
use crate::probe::wire::protocol::HttpProtocol;
use crate::probe::wire::tls::{Tls, TlsSettings};
use crate::probe::{Attempt, Misfit, Surroundings, Target};
use crate::quantity::Span;
use crate::sample::Fault;
use crate::secret::Secret;

/// The settings that the chain kinds share, as declared.
#[derive(Debug)]
pub struct Declared {
    /// The only endpoint.
    pub url: Option<Secret>,
    /// Several endpoints, the preferred one first.
    pub endpoints: Option<Vec<Secret>>,
    /// Headers that go with every request.
    pub headers: BTreeMap<String, Secret>,
    /// How certificates are checked.
    pub tls: TlsSettings,
    /// How often the chain makes a block.
    pub block_time: Option<Span>,
    /// What is expected of the head.
    pub expected: Expected,
}

/// Follows a chain from sample to sample.
#[derive(Debug)]
pub struct Follower {
    endpoints: Vec<Endpoint>,
    target: Option<Target>,
    tls: Tls,
    block_time: Option<Duration>,
    expected: Expected,
    /// Outlives the attempt: whether a head advances cannot be seen in one look.
    progress: Mutex<Progress>,
}

/// A head, and what it means now.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    head: Head,
    advance: Advance,
    at: WallTime,
}

impl Declared {
    /// Makes the follower.
    ///
    /// # Errors
    /// A [`Misfit`] for every setting that cannot work.
    pub fn lower(self, surroundings: &Surroundings) -> Result<Follower, Vec<Misfit>> {
        let mut misfits = self.expected.misfits();
        if self.block_time.is_some_and(|span| span.0.is_zero()) {
            let message = "no chain makes blocks that fast";
            misfits.push(Misfit::at(&["block_time"], message));
        }
        let (url, several) = (self.url.as_ref(), self.endpoints.as_deref());
        let endpoints = endpoint::lower(url, several, &self.headers);
        let tls = Tls::for_http(HttpProtocol::Auto, &self.tls, surroundings);
        match (endpoints, tls) {
            (Ok(endpoints), Ok(tls)) if misfits.is_empty() => {
                if endpoints.iter().any(|it| it.url().scheme() == "https") {
                    tls.prepare();
                }
                Ok(Follower {
                    target: only_one(&endpoints),
                    endpoints,
                    tls,
                    block_time: self.block_time.map(|span| span.0),
                    expected: self.expected,
                    progress: Mutex::default(),
                })
            }
            (endpoints, tls) => {
                misfits.extend(endpoints.err().into_iter().chain(tls.err()).flatten());
                Err(misfits)
            }
        }
    }
}

/// Several endpoints are not one place.
fn only_one(endpoints: &[Endpoint]) -> Option<Target> {
    match endpoints {
        [one] => Target::of(one.url()),
        _ => None,
    }
}

impl Follower {
    /// Whom the looks ask, where that is one endpoint.
    #[must_use]
    pub fn target(&self) -> Option<Target> {
        self.target.clone()
    }

    /// Looks at the endpoints until one serves, tells the attempt what was seen there, and
    /// remembers its head.
    ///
    /// # Errors
    /// The fault of the first endpoint, when none serves.
    pub async fn run(&self, looking: &dyn Look, attempt: &mut Attempt) -> Result<(), Fault> {
        let (seen, result) = first_that_serves(looking, attempt, &self.endpoints).await;
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        seen.report(attempt, &mut progress);
        result
    }

    /// Prepares to speak to an endpoint whose answers have at most so many bytes.
    #[must_use]
    pub const fn converse<'a>(
        &'a self,
        endpoint: &'a Endpoint,
        body_limit: u64,
    ) -> Conversation<'a> {
        Conversation::with(endpoint, &self.tls, body_limit)
    }

    /// Notes a head beside those of earlier samples.
    pub fn see(&self, visit: &mut Visit<'_>, head: Head) -> Seen {
        let (now, at) = (visit.attempt.now(), visit.attempt.wall());
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let advance = progress.weigh(head.height, now);
        visit.seen.head(&head, advance, at);
        Seen { head, advance, at }
    }

    /// Judges a head by what is expected of it or, where no age is, by the chain's pace: the
    /// declared block time, else the `usual` one, if there is one.
    ///
    /// # Errors
    /// The fault of the first expectation that does not hold.
    pub fn judge(
        &self,
        visit: &mut Visit<'_>,
        seen: &Seen,
        usual: Option<Duration>,
    ) -> Result<(), Fault> {
        if self.expected.head_age.is_none()
            && let Some(block_time) = self.block_time.or(usual)
            && let Some(note) = Pace(block_time).judge(&seen.head, seen.at)?
        {
            visit.seen.note(note);
        }
        self.expected.hold(&seen.head, &seen.advance, seen.at)
    }
}
