//! The kind `evm`: that a node of an Ethereum-like chain serves the declared chain and that its
//! head is young and moves.
//!
//! One look asks for the chain's identity, the newest block, what the node says of its own syncing,
//! and which blocks are final. What it says of syncing is a hint: nodes are known to say `false`
//! while days behind, and `true` while two blocks behind, so the head's age and progress decide, and
//! how it stands beside independent references where some are declared. It proves nothing about
//! transactions and logs, and of the past only what `capabilities` ask for. An endpoint of another
//! chain is a fault of the configuration, never of the node; a head that is old because the whole
//! chain stands still is nobody's that a rollback mends.

mod block;
mod chain_id;
mod meaning;
mod node;
mod quantity;
mod settings;
mod syncing;

use std::time::Duration;

use async_trait::async_trait;

use self::chain_id::{ChainId, rests_between_transactions};
use self::node::{Chain, Node};
use self::settings::{Capabilities, Settings};
use self::syncing::Syncing;
use super::chain::endpoint::Endpoint;
use super::chain::fallback::{Look, Visit};
use super::chain::finality::{self, Marks};
use super::chain::follower::Follower;
use super::chain::hint;
use super::chain::pace::Pace;
use super::chain::references::{Interpreter, Question, Talk};
use super::chain::sighting::HEAD_READINGS;
use super::wire::tls;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::sample::{Fault, Reason, Unit};

/// The kind `evm`.
#[derive(Debug)]
pub struct Evm;

impl Kind for Evm {
    const NAME: &'static str = "evm";
    const SUMMARY: &'static str =
        "an Ethereum-like node serves the declared chain, and its head is young and moves";
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
                "syncing",
                Unit::Number,
                "1 when the node says that it is syncing, 0 when it says that it is not.",
            ),
            (
                "peers",
                Unit::Number,
                "How many peers the node has, where `expect.peers` is set.",
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
        let (syncing, finality) = (settings.syncing(), settings.finality.unwrap_or(true));
        let capabilities = settings.capabilities.unwrap_or_default();
        let chain_id = settings.chain_id.clone();
        match settings.declared().lower(surroundings) {
            Ok(follower) if misfits.is_empty() => Ok(Box::new(EvmProbe {
                follower,
                chain_id,
                syncing,
                finality,
                capabilities,
            })),
            lowered => {
                misfits.extend(lowered.err().into_iter().flatten());
                Err(misfits)
            }
        }
    }
}

struct EvmProbe {
    follower: Follower,
    chain_id: Option<ChainId>,
    syncing: Option<bool>,
    finality: bool,
    capabilities: Capabilities,
}

/// Speaks to references, which must serve the chain that is looked at.
struct Beside<'a> {
    follower: &'a Follower,
    chain: Option<Chain>,
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
impl Probe for EvmProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        self.follower.run(self, attempt).await
    }

    fn target(&self) -> Option<Target> {
        self.follower.target()
    }
}

#[async_trait]
impl Look for EvmProbe {
    async fn look(&self, visit: &mut Visit<'_>) -> Result<(), Fault> {
        let conversation = self.follower.converse(visit.endpoint, BODY_LIMIT);
        let mut node = Node::new(conversation, None);
        let chain = node.chain(visit, self.chain_id.is_some()).await?;
        self.identify(chain.as_ref())?;
        let served = chain.as_ref().map(ToString::to_string);
        self.follower.agree(visit, served.as_deref())?;
        let head = node.head(visit).await?;
        let seen = self.follower.see(visit, head);
        self.demand(visit, &mut node, head.height).await?;
        self.hint(visit, &mut node).await?;
        let marks = self.marks(visit, &mut node, head.height).await?;
        let expected = self.follower.expected();
        let resting = chain.as_ref().is_some_and(rests_between_transactions);
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
        let usual = (!resting).then_some(Pace::scheduled(BLOCK_TIME));
        self.follower.judge(visit, &seen, council.as_ref(), usual)?;
        marks.map_or(Ok(()), |marks| marks.hold(expected, council.as_ref()))
    }
}

impl EvmProbe {
    fn identify(&self, served: Option<&Chain>) -> Result<(), Fault> {
        match (&self.chain_id, served) {
            (Some(declared), Some(served)) if !declared.is(served) => {
                let detail = format!("it serves chain {served}, and chain {declared} is declared");
                Err(Fault::new(Reason::WrongChain, detail))
            }
            _ => Ok(()),
        }
    }

    /// Asks for what must be there beside the newest block.
    async fn demand(
        &self,
        visit: &mut Visit<'_>,
        node: &mut Node<'_>,
        height: u64,
    ) -> Result<(), Fault> {
        let expected = self.follower.expected();
        if expected.peers.is_some() {
            let peers = node.peers(visit).await?;
            // Nodes have thousands of peers at most: exact in a float.
            visit.seen.reading("peers", peers as f64, Unit::Number);
            expected.hold_peers(peers)?;
        }
        if let Some(depth) = self.capabilities.archive {
            node.state_at(visit, height.saturating_sub(depth)).await?;
        }
        if let Some(tracing) = self.capabilities.trace {
            node.trace(visit, tracing).await?;
        }
        Ok(())
    }

    /// Asks which blocks are final. Chains that do not know are not blamed; a node that contradicts
    /// itself is.
    async fn marks(
        &self,
        visit: &mut Visit<'_>,
        node: &mut Node<'_>,
        latest: u64,
    ) -> Result<Option<Marks>, Fault> {
        if !self.finality {
            return Ok(None);
        }
        let half = visit.left() / 2;
        let marks = match hint::within(half, "the final block", node.marks(visit, latest)).await {
            Ok(marks) => marks,
            Err(fault) if self.follower.expected().finality_lag.is_some() => return Err(fault),
            Err(fault) => {
                hint::missed(&mut visit.seen, "finality", &fault);
                return Ok(None);
            }
        };
        let pace = self.follower.pace(Some(Pace::scheduled(BLOCK_TIME)));
        if let Some(note) = marks.ordered(pace.map_or(0, Pace::agreement))? {
            visit.seen.note(note);
        }
        marks.see(&mut visit.seen);
        Ok(Some(marks))
    }

    /// Asks the node whether it is syncing. A hint may not cost the look: it has half of the time
    /// that is left, and what goes wrong with it is a note unless something is expected of it.
    async fn hint(&self, visit: &mut Visit<'_>, node: &mut Node<'_>) -> Result<(), Fault> {
        let half = visit.left() / 2;
        let told = hint::within(half, "eth_syncing", node.syncing(visit)).await;
        match &told {
            Ok(Syncing::No) => visit.seen.reading("syncing", 0.0, Unit::Number),
            Ok(Syncing::Yes { .. }) => visit.seen.reading("syncing", 1.0, Unit::Number),
            Ok(Syncing::Untold) | Err(_) => {}
        }
        match (self.syncing, told) {
            (Some(expected), told) => hold_syncing(expected, told?),
            (None, Ok(Syncing::No)) => Ok(()),
            (None, Ok(told)) => {
                visit.seen.note(told.to_string());
                Ok(())
            }
            (None, Err(fault)) => {
                hint::missed(&mut visit.seen, "syncing", &fault);
                Ok(())
            }
        }
    }
}

fn hold_syncing(expected: bool, told: Syncing) -> Result<(), Fault> {
    match told {
        Syncing::Untold => Err(Fault::new(Reason::Expectation, told.to_string())),
        Syncing::No if expected => Err(Fault::new(
            Reason::Expectation,
            "the node says that it is not syncing, and it is expected to be",
        )),
        Syncing::Yes { .. } if !expected => Err(Fault::new(Reason::Syncing, told.to_string())),
        Syncing::No | Syncing::Yes { .. } => Ok(()),
    }
}

/// What is assumed of a chain whose block time is not declared: Ethereum's.
const BLOCK_TIME: Duration = Duration::from_secs(12);

/// A block with the hashes of fifty thousand transactions fits.
const BODY_LIMIT: u64 = 4 << 20;
