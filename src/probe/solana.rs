//! The kind `solana`: that a Solana node serves the declared cluster, that its newest confirmed slot
//! is young and moves, and that it does not call itself behind.
//!
//! One look asks for the genesis, the newest slot and its time, what the node says of its own health,
//! and the finalized slot. `ok` proves little: through a provider it describes a pool in which any
//! node may be well, so the age of the head decides, and how it stands beside independent references.
//! A node that calls itself behind is believed. It proves nothing about transactions and accounts,
//! and of the past only what `capabilities` ask for. Forks are not looked for: what is confirmed has
//! no other branch.

mod chain_id;
mod meaning;
mod node;
mod settings;

use std::time::Duration;

use async_trait::async_trait;

use self::node::{Health, Node};
use self::settings::{Capabilities, Settings};
use super::chain::endpoint::Endpoint;
use super::chain::expectation::Bounds;
use super::chain::fallback::{Look, Visit};
use super::chain::finality::{self, Marks};
use super::chain::follower::Follower;
use super::chain::hint;
use super::chain::pace::Pace;
use super::chain::references::{Interpreter, Question, Talk};
use super::chain::sighting::HEAD_READINGS;
use super::wire::exchange::BODY_LIMIT;
use super::wire::tls;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::sample::{Fault, Reason, Unit};

/// The kind `solana`.
#[derive(Debug)]
pub struct Solana;

impl Kind for Solana {
    const NAME: &'static str = "solana";
    const SUMMARY: &'static str =
        "a Solana node serves the declared cluster, and its newest slot is young and moves";
    const READINGS: Readings = Readings {
        named: &[
            HEAD_READINGS[0],
            HEAD_READINGS[1],
            HEAD_READINGS[2],
            HEAD_READINGS[3],
            HEAD_READINGS[4],
            HEAD_READINGS[5],
            HEAD_READINGS[6],
            HEAD_READINGS[7],
            finality::READING,
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
            (
                "slots_behind",
                Unit::Number,
                "How many slots the node says that it is behind its cluster; 0 when it says ok.",
            ),
        ],
        open: false,
    };
    const DEPENDENCY: Option<&'static str> = Some("chain");
    type Settings = Settings;

    fn probe(
        settings: Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>> {
        let mut misfits = settings.misfits();
        let chain_id = settings.chain();
        let capabilities = settings.capabilities.unwrap_or_default();
        let slots_behind = settings.slots_behind();
        match (chain_id, settings.declared().lower(surroundings)) {
            (Ok(chain_id), Ok(follower)) if misfits.is_empty() => Ok(Box::new(SolanaProbe {
                follower,
                chain_id,
                slots_behind,
                capabilities,
            })),
            (chain_id, lowered) => {
                misfits.extend(chain_id.err());
                misfits.extend(lowered.err().into_iter().flatten());
                Err(misfits)
            }
        }
    }
}

struct SolanaProbe {
    follower: Follower,
    chain_id: Option<String>,
    slots_behind: Option<Bounds<u64>>,
    capabilities: Capabilities,
}

/// Speaks to references, which must serve the cluster that is looked at.
struct Beside<'a> {
    follower: &'a Follower,
    chain: Option<String>,
}

impl Interpreter for Beside<'_> {
    fn knows_chain(&self) -> bool {
        self.chain.is_some()
    }

    fn speak<'a>(&'a self, endpoint: &'a Endpoint) -> Box<dyn Talk + 'a> {
        let conversation = self.follower.converse(endpoint, BODY_LIMIT);
        Box::new(Node::new(conversation, self.chain.clone()))
    }
}

#[async_trait]
impl Probe for SolanaProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        self.follower.run(self, attempt).await
    }

    fn target(&self) -> Option<Target> {
        self.follower.target()
    }
}

#[async_trait]
impl Look for SolanaProbe {
    async fn look(&self, visit: &mut Visit<'_>) -> Result<(), Fault> {
        let conversation = self.follower.converse(visit.endpoint, BODY_LIMIT);
        let mut node = Node::new(conversation, self.chain_id.clone());
        let chain = node.identify(visit).await?;
        self.follower.agree(visit, chain.as_deref())?;
        let head = node.head(visit).await?;
        let seen = self.follower.see(visit, head);
        self.demand(visit, &mut node, head.height).await?;
        self.health(visit, &mut node).await?;
        let marks = self.marks(visit, &mut node, head.height).await?;
        let expected = self.follower.expected();
        let question = Question {
            beside: head,
            finality: marks.is_some_and(|marks| marks.breaks(expected)),
        };
        let beside = Beside {
            follower: &self.follower,
            chain,
        };
        let council = self.follower.consult(&beside, &mut node, visit, question);
        let council = council.await;
        let usual = Some(Pace::scheduled(SLOT));
        self.follower.judge(visit, &seen, council.as_ref(), usual)?;
        marks.map_or(Ok(()), |marks| marks.hold(expected, council.as_ref()))
    }
}

impl SolanaProbe {
    /// Asks for what must be there beside the newest slot.
    async fn demand(
        &self,
        visit: &mut Visit<'_>,
        node: &mut Node<'_>,
        slot: u64,
    ) -> Result<(), Fault> {
        let Some(depth) = self.capabilities.history else {
            return Ok(());
        };
        let oldest = node.oldest(visit).await?;
        let wanted = slot.saturating_sub(depth);
        if oldest <= wanted {
            return Ok(());
        }
        let detail =
            format!("the node's oldest block is of slot {oldest}, and {wanted} is expected");
        Err(Fault::new(Reason::MissingData, detail))
    }

    /// Asks how the node stands beside its cluster. That it is behind is believed; where it cannot
    /// be asked, that is a note unless something is expected of it.
    async fn health(&self, visit: &mut Visit<'_>, node: &mut Node<'_>) -> Result<(), Fault> {
        let half = visit.left() / 2;
        let slots = match hint::within(half, "getHealth", node.health(visit)).await {
            Ok(Health::Near) => 0,
            Ok(Health::Behind(slots)) => slots,
            Err(fault) if self.slots_behind.is_some() || fault.reason == Reason::NotReady => {
                return Err(fault);
            }
            Err(fault) => {
                hint::missed(&mut visit.seen, "the node's health", &fault);
                return Ok(());
            }
        };
        // A difference of slots: far below 2^53, up to which a float is exact.
        visit
            .seen
            .reading("slots_behind", slots as f64, Unit::Number);
        let limit = match self.slots_behind {
            Some(bounds) => bounds.broken_by(slots),
            None => (slots > 0).then(|| "not to be behind".to_owned()),
        };
        let Some(limit) = limit else { return Ok(()) };
        let detail = format!("the node says that it is {slots} slots behind, expected {limit}");
        Err(Fault::new(Reason::Behind, detail))
    }

    /// Asks which slot is finalized; a node that contradicts itself is blamed.
    async fn marks(
        &self,
        visit: &mut Visit<'_>,
        node: &mut Node<'_>,
        latest: u64,
    ) -> Result<Option<Marks>, Fault> {
        let half = visit.left() / 2;
        let asked = hint::within(half, "the finalized slot", node.marks(visit, latest)).await;
        let marks = match asked {
            Ok(marks) => marks,
            Err(fault) if self.follower.expected().finality_lag.is_some() => return Err(fault),
            Err(fault) => {
                hint::missed(&mut visit.seen, "finality", &fault);
                return Ok(None);
            }
        };
        let pace = self.follower.pace(Some(Pace::scheduled(SLOT)));
        if let Some(note) = marks.ordered(pace.map_or(0, Pace::agreement))? {
            visit.seen.note(note);
        }
        marks.see(&mut visit.seen);
        Ok(Some(marks))
    }
}

/// How long a slot is meant to be.
const SLOT: Duration = Duration::from_millis(400);
