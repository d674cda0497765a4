//! The kind `bitcoin`: that a Bitcoin node serves the declared chain, has finished its first
//! download, has the blocks of its headers, and that its newest block is young and moves.
//!
//! Blocks come at random, and gaps of an hour are usual: an age says little in less than hours, and
//! how the node stands beside independent references says more. It proves nothing about transactions
//! and fees, does not tell Bitcoin from its forks that call their chain `main` as well, and does not
//! judge by `verificationprogress`, which is never exactly 1.

mod chain_id;
mod node;
mod settings;
mod shape;

use std::time::Duration;

use async_trait::async_trait;

use self::node::Node;
use self::settings::{Capabilities, Settings};
use self::shape::Info;
use super::chain::endpoint::Endpoint;
use super::chain::expectation::Bounds;
use super::chain::fallback::{Look, Visit};
use super::chain::follower::Follower;
use super::chain::pace::Pace;
use super::chain::references::{Interpreter, Question, Talk};
use super::chain::sighting::HEAD_READINGS;
use super::wire::exchange::BODY_LIMIT;
use super::wire::said::one_line;
use super::wire::tls;
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::sample::{Fault, Reason, Unit};

/// The kind `bitcoin`.
#[derive(Debug)]
pub struct Bitcoin;

impl Kind for Bitcoin {
    const NAME: &'static str = "bitcoin";
    const SUMMARY: &'static str =
        "a Bitcoin node serves the declared chain, has it whole, and its newest block is young";
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
                "headers_ahead",
                Unit::Number,
                "How many headers the node has whose blocks it has not.",
            ),
            (
                "verification_progress",
                Unit::Number,
                "How much of the chain the node has verified, as it guesses: never exactly 1.",
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
        let headers_ahead = settings.headers_ahead();
        match (chain_id, settings.declared().lower(surroundings)) {
            (Ok(chain_id), Ok(follower)) if misfits.is_empty() => Ok(Box::new(BitcoinProbe {
                follower,
                chain_id,
                headers_ahead,
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

struct BitcoinProbe {
    follower: Follower,
    chain_id: Option<&'static str>,
    headers_ahead: Option<Bounds<u64>>,
    capabilities: Capabilities,
}

/// Speaks to references, which must serve the chain that is looked at.
struct Beside<'a> {
    follower: &'a Follower,
    chain: Option<&'static str>,
}

impl Interpreter for Beside<'_> {
    fn knows_chain(&self) -> bool {
        self.chain.is_some()
    }

    fn speak<'a>(&'a self, endpoint: &'a Endpoint) -> Box<dyn Talk + 'a> {
        let conversation = self.follower.converse(endpoint, BODY_LIMIT);
        Box::new(Node::new(conversation, self.chain))
    }
}

#[async_trait]
impl Probe for BitcoinProbe {
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault> {
        self.follower.run(self, attempt).await
    }

    fn target(&self) -> Option<Target> {
        self.follower.target()
    }
}

#[async_trait]
impl Look for BitcoinProbe {
    async fn look(&self, visit: &mut Visit<'_>) -> Result<(), Fault> {
        let conversation = self.follower.converse(visit.endpoint, BODY_LIMIT);
        let mut node = Node::new(conversation, self.chain_id);
        let info = node.info(visit).await?;
        let chain = chain_id::known(&info.chain);
        self.follower.agree(visit, chain)?;
        let head = node.head(visit, &info).await?;
        let seen = self.follower.see(visit, head);
        let resting = info.chain == chain_id::RESTING;
        self.whole(visit, &info, resting)?;
        self.demand(visit, &mut node, &info).await?;
        let question = Question {
            beside: head,
            finality: false,
        };
        let beside = Beside {
            follower: &self.follower,
            chain,
        };
        let council = self.follower.consult(&beside, &mut node, visit, question);
        let council = council.await;
        let usual = (!resting).then_some(Pace::random(BLOCK_TIME));
        self.follower.judge(visit, &seen, council.as_ref(), usual)
    }
}

impl BitcoinProbe {
    /// Judges what the node says of itself: that it has its chain whole, as far as it knows headers.
    fn whole(&self, visit: &mut Visit<'_>, info: &Info, resting: bool) -> Result<(), Fault> {
        for warning in &info.warnings {
            // Masked before it is cut: a cut secret would not be found.
            let warning = one_line(&visit.endpoint.masked(warning));
            visit.seen.note(format!("the node warns: {warning}"));
        }
        let ahead = info.headers.saturating_sub(info.blocks);
        // A difference of heights: far below 2^53, up to which a float is exact.
        visit
            .seen
            .reading("headers_ahead", ahead as f64, Unit::Number);
        if let Some(progress) = info.progress {
            visit
                .seen
                .reading("verification_progress", progress, Unit::Number);
        }
        if info.downloading && !resting {
            let detail = format!(
                "the node still downloads the chain for the first time: it has block {} of {}",
                info.blocks, info.headers
            );
            return Err(Fault::new(Reason::Syncing, detail));
        }
        let limit = match self.headers_ahead {
            Some(bounds) => bounds.broken_by(ahead),
            None => (ahead > HEADERS_AHEAD).then(|| format!("at most {HEADERS_AHEAD}")),
        };
        let Some(limit) = limit else { return Ok(()) };
        let detail = format!(
            "the node has the headers of {ahead} blocks above its newest, block {}; expected {limit}",
            info.blocks
        );
        Err(Fault::new(Reason::Behind, detail))
    }

    /// Asks for what must be there beside the newest block.
    async fn demand(
        &self,
        visit: &mut Visit<'_>,
        node: &mut Node<'_>,
        info: &Info,
    ) -> Result<(), Fault> {
        let expected = self.follower.expected();
        if expected.peers.is_some() {
            let peers = node.peers(visit).await?;
            // Nodes have some hundred peers at most: exact in a float.
            visit.seen.reading("peers", peers as f64, Unit::Number);
            expected.hold_peers(peers)?;
        }
        let wanted = self
            .capabilities
            .history
            .map(|depth| info.blocks.saturating_sub(depth));
        if let Some((kept, wanted)) = info.pruned_below.zip(wanted)
            && kept > wanted
        {
            let detail = format!(
                "the node prunes: it keeps blocks from {kept} on, and {wanted} is expected"
            );
            return Err(Fault::new(Reason::MissingData, detail));
        }
        if self.capabilities.txindex {
            node.index(visit).await?;
        }
        Ok(())
    }
}

/// How often the chain makes a block, on average.
const BLOCK_TIME: Duration = Duration::from_secs(600);

/// So many headers may be ahead of the blocks: what a node that was cut off for half an hour fetches
/// at once.
const HEADERS_AHEAD: u64 = 3;
