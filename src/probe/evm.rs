//! The kind `evm`: that a node of an Ethereum-like chain serves the declared chain and that its
//! head is young and moves.
//!
//! One look asks for the chain's identity, the newest block, and what the node says of its own
//! syncing. The last is a hint: nodes are known to say `false` while days behind, and `true` while
//! two blocks behind, so only the head's age and progress decide unless `expect.syncing` is set.
//! It proves nothing about transactions, logs or archived state. An endpoint of another chain is a
//! fault of the configuration, never of the node.

mod block;
mod chain_id;
mod complaint;
mod envelope;
mod node;
mod quantity;
mod syncing;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::Deserialize;

use self::chain_id::{ChainId, rests_between_transactions};
use self::node::{Chain, Node};
use self::syncing::Syncing;
use super::chain::expectation::{Bounds, Expected};
use super::chain::fallback::{Look, Visit};
use super::chain::follower::{Declared, Follower};
use super::chain::sighting::HEAD_READINGS;
use super::wire::tls::{self, TlsSettings};
use super::{Attempt, Kind, Misfit, Probe, Readings, Surroundings, Target};
use crate::quantity::Span;
use crate::sample::{Fault, Reason, Unit};
use crate::secret::Secret;

/// The kind `evm`.
#[derive(Debug)]
pub struct Evm;

/// What is declared below `evm`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The node's JSON-RPC address, `http` or `https`. Messages show its host and port only.
    #[serde(default)]
    url: Option<Secret>,
    /// Several addresses instead of `url`, the preferred one first: the others are asked, in this
    /// order and within the same timeout, when the one before does not serve.
    #[serde(default)]
    endpoints: Option<Vec<Secret>>,
    /// Headers that go with every request, such as a provider's key.
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    /// How the certificates of `https` endpoints are checked.
    #[serde(default)]
    tls: TlsSettings,
    /// The chain that every endpoint must serve. One that serves another gives `wrong_chain`: the
    /// configuration is at fault, and nothing is learnt about the node.
    #[serde(default)]
    chain_id: Option<ChainId>,
    /// How often the chain makes a block; 12s when absent. Where `expect.head_age` is absent, a
    /// head older than ten block times (at least 30s) fails, and one older than four is noted.
    /// Chains for development (1337, 31337) have no such limit unless this is set; another chain
    /// that rests between transactions needs an `expect.head_age` of its own.
    #[serde(default)]
    block_time: Option<Span>,
    /// What is expected of the head.
    #[serde(default)]
    expect: Option<Expect>,
}

/// What is expected of the head.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// How old the newest block may be: `{ lt: 90s }`. Replaces the limit that follows from
    /// `block_time`.
    #[serde(default)]
    head_age: Option<Bounds<Span>>,
    /// The height of the newest block: `{ ge: 1000000 }`.
    #[serde(default)]
    head: Option<Bounds<u64>>,
    /// For how long the head may stand at one height, over the samples of this check:
    /// `{ lt: 2m }`.
    #[serde(default)]
    since_advance: Option<Bounds<Span>>,
    /// What `eth_syncing` must say. Absent, it is a hint that is noted.
    #[serde(default)]
    syncing: Option<bool>,
}

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
            tls::READINGS[0],
            tls::READINGS[1],
            tls::READINGS[2],
            tls::READINGS[3],
            (
                "syncing",
                Unit::Number,
                "1 when the node says that it is syncing, 0 when it says that it is not.",
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
        let declared = settings.expect.is_some();
        let expect = settings.expect.unwrap_or_default();
        let expected = Expected {
            head_age: expect.head_age,
            head: expect.head,
            since_advance: expect.since_advance,
        };
        let lowered = Declared {
            url: settings.url,
            endpoints: settings.endpoints,
            headers: settings.headers,
            tls: settings.tls,
            block_time: settings.block_time,
            expected,
        }
        .lower(surroundings);
        if declared && expect.syncing.is_none() && expected == Expected::default() {
            let mut misfits = vec![Expected::emptiness()];
            misfits.extend(lowered.err().into_iter().flatten());
            return Err(misfits);
        }
        Ok(Box::new(EvmProbe {
            follower: lowered?,
            chain_id: settings.chain_id,
            syncing: expect.syncing,
        }))
    }
}

struct EvmProbe {
    follower: Follower,
    chain_id: Option<ChainId>,
    syncing: Option<bool>,
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
        let mut node = Node::new(self.follower.converse(visit.endpoint, BODY_LIMIT));
        let chain = node.chain(visit, self.chain_id.is_some()).await?;
        self.identify(chain.as_ref())?;
        let head = node.head(visit).await?;
        let seen = self.follower.see(visit, head);
        self.hint(visit, &mut node).await?;
        let resting = chain.as_ref().is_some_and(rests_between_transactions);
        let usual = (!resting).then_some(BLOCK_TIME);
        self.follower.judge(visit, &seen, usual)
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

    /// Asks the node whether it is syncing. A hint may not cost the look: it has half of the time
    /// that is left, and what goes wrong with it is a note unless something is expected of it.
    async fn hint(&self, visit: &mut Visit<'_>, node: &mut Node<'_>) -> Result<(), Fault> {
        let half = visit.left() / 2;
        let told = match tokio::time::timeout(half, node.syncing(visit)).await {
            Ok(told) => told,
            Err(_) => Err(Fault::new(
                Reason::Timeout,
                "eth_syncing was not answered in time",
            )),
        };
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
                visit
                    .seen
                    .note(format!("no hint about syncing: {}", fault.detail));
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
