//! What is declared below `solana`, and what of it cannot work.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::chain_id;
use crate::probe::Misfit;
use crate::probe::chain::expectation::{Bounds, Expected, no_limit};
use crate::probe::chain::follower::Declared;
use crate::probe::chain::named::Named;
use crate::probe::chain::pace::Rhythm;
use crate::probe::wire::tls::TlsSettings;
use crate::quantity::Span;
use crate::secret::Secret;

/// What is declared below `solana`.
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
    /// The cluster that every endpoint must serve: `mainnet`, `devnet`, `testnet`, or the hash of its
    /// genesis. One that serves another gives `wrong_chain`: the configuration is at fault, and
    /// nothing is learnt about the node.
    #[serde(default)]
    chain_id: Option<String>,
    /// Two to eight addresses of the same cluster at other providers, beside which the node is
    /// judged: how many slots it lacks, and whether a head that stands still is the node's or the
    /// cluster's. `headers` do not go to them; one that needs a key is written as a mapping with
    /// `url` and `headers` of its own.
    #[serde(default)]
    references: Option<Vec<Named>>,
    /// How long a slot is; 400ms when absent. Where `expect.head_age` is absent, a head older than
    /// ten slots (at least 30s, which is more) fails; where `expect.lag` is, a node may lack the
    /// slots of 30s.
    #[serde(default)]
    block_time: Option<Span>,
    /// What the node must be able to do beside serving its newest slot. Nothing is asked of what is
    /// not set.
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
    /// What is expected of the head.
    #[serde(default)]
    expect: Option<Expect>,
}

/// What the node must be able to do beside serving its newest slot.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Have the blocks of so many slots ago. A node that let go of them gives `missing_data`.
    #[serde(default)]
    pub history: Option<u64>,
}

/// What is expected of the head.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// How old the newest block may be: `{ lt: 60s }`. Replaces the limit that follows from
    /// `block_time`.
    #[serde(default)]
    head_age: Option<Bounds<Span>>,
    /// The newest confirmed slot: `{ ge: 1000000 }`.
    #[serde(default)]
    head: Option<Bounds<u64>>,
    /// For how long the head may stand at one slot, over the samples of this check: `{ lt: 1m }`.
    #[serde(default)]
    since_advance: Option<Bounds<Span>>,
    /// How many slots the node may lack that the references agree on: `{ le: 150 }`. Replaces the
    /// limit that follows from `block_time`; where the references do not agree, nothing is learnt.
    #[serde(default)]
    lag: Option<Bounds<u64>>,
    /// How many slots the finalized one may lie below the confirmed one: `{ le: 64 }`. Absent, it is
    /// read only.
    #[serde(default)]
    finality_lag: Option<Bounds<u64>>,
    /// How many slots the node may say that it is behind its cluster: `{ le: 300 }`. Absent, one that
    /// calls itself behind fails, which nodes do from 128 slots on.
    #[serde(default)]
    slots_behind: Option<Bounds<u64>>,
}

impl Settings {
    /// The declared identity in full, or why it is none.
    pub fn chain(&self) -> Result<Option<String>, Misfit> {
        self.chain_id.as_deref().map(chain_id::read).transpose()
    }

    /// How many slots the node may say that it is behind.
    pub fn slots_behind(&self) -> Option<Bounds<u64>> {
        self.expect.and_then(|expect| expect.slots_behind)
    }

    /// What cannot work in it by itself.
    pub fn misfits(&self) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        let slots = self.slots_behind();
        if self.expect.is_some() && self.expected() == Expected::default() && slots.is_none() {
            misfits.push(Expected::emptiness());
        }
        if slots.is_some_and(|bounds| bounds.is_empty()) {
            misfits.push(no_limit("slots_behind"));
        }
        if self.capabilities.is_some_and(|it| it.history.is_none()) {
            let hint = "leave it out, or write `history: 1000000`";
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
            peers: None,
        }
    }
}
