//! What every chain kind does beside its protocol: it lowers the same settings, looks at the
//! endpoints in turn, remembers the heads, asks the references and judges the newest head.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::beside;
use super::conversation::Conversation;
use super::endpoint::{self, Endpoint};
use super::expectation::Expected;
use super::fallback::{Look, Visit, first_that_serves};
use super::head::Head;
use super::hint;
use super::identity::Identities;
use super::named::Named;
use super::pace::{Pace, Rhythm};
use super::progress::{Advance, Progress};
use super::quorum::{Council, FEWEST};
use super::references::{Interpreter, Question, References, Talk};
use crate::clock::WallTime;
use crate::probe::wire::protocol::HttpProtocol;
use crate::probe::wire::tls::{Tls, TlsSettings};
use crate::probe::{Attempt, Misfit, Surroundings, Target};
use crate::quantity::Span;
use crate::sample::{Fault, Reason, Unit};
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
    /// Independent endpoints of the same chain.
    pub references: Option<Vec<Named>>,
    /// How often the chain makes a block.
    pub block_time: Option<Span>,
    /// How regularly it does.
    pub rhythm: Rhythm,
    /// What is expected of the head.
    pub expected: Expected,
}

/// Follows a chain from sample to sample.
#[derive(Debug)]
pub struct Follower {
    endpoints: Vec<Endpoint>,
    target: Option<Target>,
    tls: Tls,
    references: References,
    block_time: Option<Duration>,
    rhythm: Rhythm,
    expected: Expected,
    /// Outlives the attempt: whether a head advances cannot be seen in one look.
    progress: Mutex<Progress>,
    identities: Mutex<Identities>,
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
        if self.expected.lag.is_some() && self.references.is_none() {
            let message = "nothing is given beside which the node could be behind";
            let hint = "name two independent endpoints below `references`";
            misfits.push(Misfit::at(&["expect", "lag"], message).hint(hint));
        }
        let (url, several) = (self.url.as_ref(), self.endpoints.as_deref());
        let endpoints = endpoint::lower(url, several, &self.headers);
        let known = endpoints.as_deref().unwrap_or_default();
        let references = References::lower(self.references.as_deref(), known);
        let tls = Tls::for_http(HttpProtocol::Auto, &self.tls, surroundings);
        match (endpoints, references, tls) {
            (Ok(endpoints), Ok(references), Ok(tls)) if misfits.is_empty() => {
                let is_https = |it: &Endpoint| it.url().scheme() == "https";
                if endpoints.iter().any(is_https) || references.iter().any(is_https) {
                    tls.prepare();
                }
                Ok(Follower {
                    target: only_one(&endpoints),
                    endpoints,
                    tls,
                    references,
                    block_time: self.block_time.map(|span| span.0),
                    rhythm: self.rhythm,
                    expected: self.expected,
                    progress: Mutex::default(),
                    identities: Mutex::default(),
                })
            }
            (endpoints, references, tls) => {
                misfits.extend(endpoints.err().into_iter().flatten());
                misfits.extend(references.err().into_iter().flatten());
                misfits.extend(tls.err().into_iter().flatten());
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

    /// The declared block time.
    #[must_use]
    pub const fn block_time(&self) -> Option<Duration> {
        self.block_time
    }

    /// Whether references are declared.
    #[must_use]
    pub const fn has_references(&self) -> bool {
        !self.references.is_empty()
    }

    /// What is expected.
    #[must_use]
    pub const fn expected(&self) -> &Expected {
        &self.expected
    }

    /// How often blocks come: as declared, else as `usual` for such a chain.
    #[must_use]
    pub fn pace(&self, usual: Option<Pace>) -> Option<Pace> {
        let rhythm = self.rhythm;
        let declared = self.block_time;
        let declared = declared.map(|block_time| Pace { block_time, rhythm });
        declared.or(usual)
    }

    /// Makes sure that an endpoint serves the chain of those before it, where it told which; asked
    /// before its head is looked at.
    ///
    /// # Errors
    /// [`Reason::WrongChain`].
    pub fn agree(&self, visit: &Visit<'_>, chain: Option<&str>) -> Result<(), Fault> {
        let mut endpoints = self.endpoints.iter();
        let place = endpoints.position(|endpoint| std::ptr::eq(endpoint, visit.endpoint));
        let (Some(place), Some(chain)) = (place, chain) else {
            return Ok(());
        };
        let are_others = self
            .identities
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .tell(place, chain)?;
        if are_others {
            *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = Progress::default();
        }
        Ok(())
    }

    /// Notes a head beside those of earlier samples.
    pub fn see(&self, visit: &mut Visit<'_>, head: Head) -> Seen {
        let (now, at) = (visit.attempt.now(), visit.attempt.wall());
        let progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        let advance = progress.weigh(head.height, now);
        let skew = self.rhythm.tolerated_skew();
        visit.seen.head(&head, advance, at, skew);
        Seen { head, advance, at }
    }

    /// Asks the references, if there are any, and the node for its own blocks at the heights of
    /// which they told theirs. A node that cannot tell is not compared.
    pub async fn consult(
        &self,
        interpreter: &dyn Interpreter,
        node: &mut dyn Talk,
        visit: &mut Visit<'_>,
        question: Question,
    ) -> Option<Council> {
        if self.references.is_empty() {
            return None;
        }
        // A head of who knows which chain says nothing of this one.
        let mut council = if interpreter.knows_chain() {
            self.references.ask(interpreter, visit, question).await
        } else {
            let note =
                "the node does not tell which chain it serves: nothing can be held beside it";
            visit.seen.note(note);
            Council::default()
        };
        for height in council.heights() {
            let half = visit.left() / 2;
            match hint::within(half, "a block below the head", node.hash(visit, height)).await {
                Ok(hash) => council.own.extend(hash.map(|hash| (height, hash))),
                Err(fault) => {
                    hint::missed(&mut visit.seen, "its branch", &fault);
                    break;
                }
            }
        }
        let usable = council.testimonies.len();
        // A handful: exact in a float.
        visit
            .seen
            .reading("references", usable as f64, Unit::Number);
        Some(council)
    }

    /// Judges a head: beside the references, by what is expected of it and, where no age is, by the
    /// chain's pace: the declared block time, else the `usual` one, if there is one.
    ///
    /// # Errors
    /// The fault of the first judgement that does not hold.
    pub fn judge(
        &self,
        visit: &mut Visit<'_>,
        seen: &Seen,
        council: Option<&Council>,
        usual: Option<Pace>,
    ) -> Result<(), Fault> {
        let pace = self.pace(usual);
        let tip = council.and_then(|council| council.tip(pace.map_or(AGREEMENT, Pace::agreement)));
        if let Some(council) = council {
            self.judge_beside(visit, seen, council, tip.as_ref(), pace)?;
        }
        let age = |head: &Head| match (self.expected.head_age, pace) {
            (None, Some(pace)) => pace.judge(head, seen.at),
            _ => self.expected.hold_age(head, seen.at).map(|()| None),
        };
        let judged = age(&seen.head).and_then(|note| {
            let held = self.expected.hold(&seen.head, &seen.advance, seen.at);
            held.map(|()| note)
        });
        match judged {
            Ok(note) => note.into_iter().for_each(|note| visit.seen.note(note)),
            Err(stale) if stale.reason == Reason::Stale => {
                let breaks =
                    |tip: &Head| age(tip).is_err_and(|fault| fault.reason == Reason::Stale);
                let fault = beside::excused(stale, &seen.head, tip.as_ref(), seen.at, breaks);
                if fault.reason == Reason::ChainHalted {
                    visit.seen.without_ages();
                }
                return Err(fault);
            }
            Err(fault) => return Err(fault),
        }
        if self.expected.lag.is_some() && tip.is_none() {
            let detail = "it cannot be told how far the node is behind: fewer than two references \
                          agree on a head";
            return Err(Fault::new(Reason::NoReference, detail));
        }
        Ok(())
    }

    fn judge_beside(
        &self,
        visit: &mut Visit<'_>,
        seen: &Seen,
        council: &Council,
        tip: Option<&Head>,
        pace: Option<Pace>,
    ) -> Result<(), Fault> {
        let Some(tip) = tip else {
            let (usable, declared) = (council.testimonies.len(), self.references.len());
            visit.seen.note(format!(
                "how far the node is behind is not known: {usable} of {declared} references were of \
                 use, and no {FEWEST} of them agree on a head"
            ));
            return Ok(());
        };
        let lag = beside::lag(&seen.head, tip);
        // A difference of heights: far below 2^53, up to which a float is exact.
        visit.seen.reading("lag", lag as f64, Unit::Number);
        beside::judge_lag(&seen.head, tip, self.expected.lag, pace)?;
        if let Some(note) = beside::judge_branch(council)? {
            visit.seen.note(note);
        }
        Ok(())
    }
}

/// How far the heads of references that agree may lie apart where the chain's pace is not known.
const AGREEMENT: u64 = 2;
