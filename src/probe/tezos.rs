//! The kind `tezos`: that a Tezos node is bootstrapped, in step with its peers, on the declared
//! chain, and that its head is young and moves.
//!
//! A node that says that it lags is at fault (`syncing`). One that says `stuck` is in step with
//! its peers while none of them has a new head: the chain stands still, which no rollback mends,
//! so nothing is learnt about the node (`chain_halted`, unknown) and the age of that head is told
//! in words only, lest a threshold condemn a deployment for it. A node whose synchronisation
//! threshold is 0 always calls itself synced: there the head's age decides alone, and how it stands
//! beside independent references where some are declared. It proves nothing about operations, and of
//! the past only what `capabilities` ask for.

mod chain_id;
mod node;
mod settings;
mod shape;

use std::time::Duration;

use async_trait::async_trait;

use self::node::{Delay, Node};
use self::settings::{Capabilities, Settings};
use self::shape::{Bootstrapped, SyncState};
use super::chain::endpoint::Endpoint;
use super::chain::fallback::{Look, Visit};
use super::chain::follower::{Follower, Seen};
use super::chain::head::Head;
use super::chain::hint;
use super::chain::pace::Pace;
use super::chain::references::{Interpreter, Question, Talk};
use super::chain::sighting::HEAD_READINGS;
use super::wire::exchange::BODY_LIMIT;
use super::wire::tls;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::quantity::human;
use crate::sample::{Fault, Reason, Unit};

/// The kind `tezos`.
#[derive(Debug)]
pub struct Tezos;

impl Kind for Tezos {
    const NAME: &'static str = "tezos";
    const SUMMARY: &'static str =
        "a Tezos node is bootstrapped, on the declared chain, and its head is young and moves";
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
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
            (
                "bootstrapped",
                Unit::Number,
                "1 when the node says that it is bootstrapped, 0 when it says that it is not.",
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
        let chain_id = settings.chain();
        let capabilities = settings.capabilities.unwrap_or_default();
        match (chain_id, settings.declared().lower(surroundings)) {
            (Ok(chain_id), Ok(follower)) if misfits.is_empty() => Ok(Box::new(TezosProbe {
                follower,
                chain_id,
                capabilities,
                delay: Delay::default(),
            })),
            (chain_id, lowered) => {
                misfits.extend(chain_id.err());
                misfits.extend(lowered.err().into_iter().flatten());
                Err(misfits)
            }
        }
    }
}

struct TezosProbe {
    follower: Follower,
    chain_id: Option<String>,
    capabilities: Capabilities,
    /// Outlives the attempt: the constants change with the protocol only.
    delay: Delay,
}

/// Speaks to references, which must serve the chain that is looked at.
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
impl Probe for TezosProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        self.follower.run(self, attempt).await
    }

    fn target(&self) -> Option<Target> {
        self.follower.target()
    }
}

#[async_trait]
impl Look for TezosProbe {
    async fn look(&self, visit: &mut Visit<'_>) -> Result<(), Fault> {
        let conversation = self.follower.converse(visit.endpoint, BODY_LIMIT);
        let mut node = Node::new(conversation, self.chain_id.clone());
        node.identify(visit).await?;
        let header = node.header(visit).await?;
        let named = header.chain.filter(|chain| chain_id::is_one(chain));
        let chain = named.or_else(|| self.chain_id.clone());
        self.follower.agree(visit, chain.as_deref())?;
        let told = node.bootstrapped(visit).await?;
        let is_stuck = told.bootstrapped && told.state == SyncState::Stuck;
        let seen = self.in_step(visit, &header.head, &told)?;
        self.demand(visit, &mut node, header.head.height).await?;
        let pace = self.pace(visit, &mut node, header.protocol).await;
        let question = Question {
            beside: header.head,
            finality: false,
        };
        let beside = Beside {
            follower: &self.follower,
            chain,
        };
        let council = self.follower.consult(&beside, &mut node, visit, question);
        let council = council.await;
        let judged = self
            .follower
            .judge(visit, &seen, council.as_ref(), Some(pace));
        if !is_stuck {
            return judged;
        }
        let pace = self.follower.pace(Some(pace)).unwrap_or(pace);
        let tip = council.and_then(|council| council.tip(pace.agreement()));
        match tip {
            None => Err(stuck(visit, &header.head)),
            Some(_) => judged.inspect(|()| {
                let note = "the node calls the chain stuck, and the references do not";
                visit.seen.note(note);
            }),
        }
    }
}

impl TezosProbe {
    /// Judges what the node says of itself, and notes its head.
    fn in_step(
        &self,
        visit: &mut Visit<'_>,
        head: &Head,
        told: &Bootstrapped,
    ) -> Result<Seen, Fault> {
        let bootstrapped = if told.bootstrapped { 1.0 } else { 0.0 };
        visit
            .seen
            .reading("bootstrapped", bootstrapped, Unit::Number);
        let is_stuck = told.bootstrapped && told.state == SyncState::Stuck;
        // A node that was cut off with a few others says so too: whoever has references asks them.
        if is_stuck && !self.follower.has_references() {
            return Err(stuck(visit, head));
        }
        let seen = self.follower.see(visit, *head);
        in_step(visit, told)?;
        Ok(seen)
    }

    /// Asks for what must be there beside the newest block.
    async fn demand(
        &self,
        visit: &mut Visit<'_>,
        node: &mut Node<'_>,
        level: u64,
    ) -> Result<(), Fault> {
        let expected = self.follower.expected();
        if expected.peers.is_some() {
            let peers = node.peers(visit).await?;
            // Nodes have thousands of peers at most: exact in a float.
            visit.seen.reading("peers", peers as f64, Unit::Number);
            expected.hold_peers(peers as u64)?;
        }
        match self.capabilities.archive {
            Some(depth) => node.state_at(visit, level.saturating_sub(depth)).await,
            None => Ok(()),
        }
    }

    /// How often the chain makes a block: asked for once a protocol, and only where it is not
    /// declared. A node that does not tell is noted, and mainnet's pace assumed.
    async fn pace(
        &self,
        visit: &mut Visit<'_>,
        node: &mut Node<'_>,
        protocol: Option<String>,
    ) -> Pace {
        let protocol = protocol.unwrap_or_default();
        let known = self.delay.of(&protocol).or(self.follower.block_time());
        if let Some(delay) = known {
            return Pace::scheduled(delay);
        }
        let half = visit.left() / 2;
        let delay = match hint::within(half, "the constants", node.delay(visit)).await {
            Ok(delay) => {
                self.delay.keep(protocol, delay);
                delay
            }
            Err(fault) => {
                hint::missed(&mut visit.seen, "the block time", &fault);
                BLOCK_TIME
            }
        };
        Pace::scheduled(delay)
    }
}

/// The fault of a node that calls its chain stuck; nothing that it says of ages condemns it then.
fn stuck(visit: &mut Visit<'_>, head: &Head) -> Fault {
    visit.seen.without_ages();
    let age = head.age(visit.attempt.wall()).unwrap_or_default();
    let detail = format!(
        "the node is in step with its peers and calls the chain stuck: its head, level {}, is {} old",
        head.height,
        human(Duration::from_secs(age.as_secs()))
    );
    Fault::new(Reason::ChainHalted, detail)
}

fn in_step(visit: &mut Visit<'_>, told: &Bootstrapped) -> Result<(), Fault> {
    if !told.bootstrapped {
        let detail = "the node says that it is not bootstrapped yet";
        return Err(Fault::new(Reason::Syncing, detail));
    }
    match told.state {
        SyncState::Unsynced => {
            let detail = "the node says that its head lags behind its peers (unsynced)";
            return Err(Fault::new(Reason::Syncing, detail));
        }
        SyncState::Untold => {
            visit
                .seen
                .note("the node does not say whether it is in step with its peers");
        }
        SyncState::Synced | SyncState::Stuck => {}
    }
    Ok(())
}

/// What is assumed of a chain whose nodes do not tell: no slower than mainnet ever was
/// since 2024.
const BLOCK_TIME: Duration = Duration::from_secs(10);
