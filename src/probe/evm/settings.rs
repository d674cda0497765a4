//! What is declared below `evm`, and what of it cannot work.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::chain_id::ChainId;
use super::node::Tracing;
use crate::probe::Misfit;
use crate::probe::chain::expectation::{Bounds, Expected};
use crate::probe::chain::follower::Declared;
use crate::probe::chain::named::Named;
use crate::probe::chain::pace::Rhythm;
use crate::probe::wire::tls::TlsSettings;
use crate::quantity::Span;
use crate::secret::Secret;

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
    pub chain_id: Option<ChainId>,
    /// Two to eight addresses of the same chain at other providers, beside which the node is judged:
    /// how many blocks it lacks, whether its blocks are theirs, and whether a head that stands still
    /// is the node's or the chain's. `headers` do not go to them; one that
    /// needs a key is written as a mapping with `url` and `headers` of its own.
    #[serde(default)]
    references: Option<Vec<Named>>,
    /// How often the chain makes a block; 12s when absent. Where `expect.head_age` is absent, a
    /// head older than ten block times (at least 30s) fails, and one older than four is noted; where
    /// `expect.lag` is, a node may lack eight blocks, or what the chain makes in 30s if that is more.
    /// Chains for development (1337, 31337) have no limit of age unless this is set; another chain
    /// that rests between transactions needs an `expect.head_age` of its own.
    #[serde(default)]
    block_time: Option<Span>,
    /// Whether to ask which blocks are final and which are safe, up to two requests more; they are
    /// when this is absent.
    #[serde(default)]
    pub finality: Option<bool>,
    /// What the node must be able to do beside serving its newest block. Nothing is asked of what is
    /// not set.
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
    /// What is expected of the head.
    #[serde(default)]
    expect: Option<Expect>,
}

/// What the node must be able to do beside serving its newest block.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Give state of so many blocks ago: a balance at that depth, or at the first block of a chain
    /// that is not as long. A node that does not keep it gives `missing_data`.
    #[serde(default)]
    pub archive: Option<u64>,
    /// Follow a call step by step: `debug` for `debug_traceCall`, `trace` for `trace_call`.
    #[serde(default)]
    pub trace: Option<Tracing>,
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
    /// How many blocks the node may lack that the references agree on: `{ le: 5 }`. Replaces the
    /// limit that follows from `block_time`; where the references do not agree, nothing is learnt.
    #[serde(default)]
    lag: Option<Bounds<u64>>,
    /// How many blocks the final one may lie below the head: `{ le: 128 }`. Absent, it is read only.
    #[serde(default)]
    finality_lag: Option<Bounds<u64>>,
    /// How many peers the node has: `{ ge: 3 }`. They are asked for where this is set only:
    /// providers do not tell.
    #[serde(default)]
    peers: Option<Bounds<u64>>,
    /// What `eth_syncing` must say. Absent, it is a hint that is noted.
    #[serde(default)]
    syncing: Option<bool>,
}

impl Settings {
    /// What `eth_syncing` must say.
    pub fn syncing(&self) -> Option<bool> {
        self.expect.and_then(|expect| expect.syncing)
    }

    /// What cannot work in it by itself.
    pub fn misfits(&self) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        let expected = self.expected();
        if self.expect.is_some() && expected == Expected::default() && self.syncing().is_none() {
            misfits.push(Expected::emptiness());
        }
        if self.finality == Some(false) && expected.finality_lag.is_some() {
            let message = "a lag is expected of what is not asked for: `finality` is false";
            misfits.push(Misfit::at(&["expect", "finality_lag"], message));
        }
        let empty = |it: &Capabilities| it.archive.is_none() && it.trace.is_none();
        if self.capabilities.as_ref().is_some_and(empty) {
            let hint = "leave it out, or write `archive: 100000` or `trace: debug`";
            misfits.push(Misfit::at(&["capabilities"], "nothing is asked for").hint(hint));
        }
        misfits
    }

    /// What is shared with the other chains.
    pub fn declared(self) -> Declared {
        Declared {
            expected: self.expected(),
            url: self.url,
            endpoints: self.endpoints,
            headers: self.headers,
            tls: self.tls,
            references: self.references,
            block_time: self.block_time,
            rhythm: Rhythm::Scheduled,
        }
    }

    fn expected(&self) -> Expected {
        let expect = self.expect.unwrap_or_default();
        Expected {
            head_age: expect.head_age,
            head: expect.head,
            since_advance: expect.since_advance,
            lag: expect.lag,
            finality_lag: expect.finality_lag,
            peers: expect.peers,
        }
    }
}
