//! What is declared below `bitcoin`, and what of it cannot work.

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

/// What is declared below `bitcoin`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The node's JSON-RPC address, `http` or `https`, with the user and password of its RPC. Messages show its host and port only.
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
    /// The chain that every endpoint must serve: `main`, `test`, `testnet4`, `signet` or `regtest`.
    /// One that serves another gives `wrong_chain`: the configuration is at fault, and nothing is
    /// learnt about the node.
    #[serde(default)]
    chain_id: Option<String>,
    /// Two to eight addresses of the same chain elsewhere, beside which the node is judged: how many
    /// blocks it lacks, whether its blocks are theirs, and whether a head that stands still is the
    /// node's or the chain's. `headers` do not go to them; one that
    /// needs a key is written as a mapping with `url` and `headers` of its own.
    #[serde(default)]
    references: Option<Vec<Named>>,
    /// How often the chain makes a block, on average; 10m when absent. They come at random, so that
    /// a head is noted from six block times on (1h) and fails from eighteen on (3h) where
    /// `expect.head_age` is absent. Regtest has no such limit unless this is set.
    #[serde(default)]
    block_time: Option<Span>,
    /// What the node must be able to do beside serving its newest block. Nothing is asked of what is
    /// not set.
    #[serde(default)]
    pub capabilities: Option<Capabilities>,
    /// What is expected of the head. That the node has finished its first download is expected
    /// always, save on regtest.
    #[serde(default)]
    expect: Option<Expect>,
}

/// What the node must be able to do beside serving its newest block.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Capabilities {
    /// Have the blocks of so many ago: a node that prunes them gives `missing_data`.
    #[serde(default)]
    pub history: Option<u64>,
    /// Whether it must find any transaction by its id: an index (`-txindex`) that is in step.
    #[serde(default)]
    pub txindex: bool,
}

/// What is expected of the head.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Expect {
    /// How old the newest block may be: `{ lt: 2h }`. Replaces the limit that follows from
    /// `block_time`. Gaps of more than an hour are usual.
    #[serde(default)]
    head_age: Option<Bounds<Span>>,
    /// The height of the newest block: `{ ge: 900000 }`.
    #[serde(default)]
    head: Option<Bounds<u64>>,
    /// For how long the head may stand at one height, over the samples of this check:
    /// `{ lt: 3h }`.
    #[serde(default)]
    since_advance: Option<Bounds<Span>>,
    /// How many blocks the node may lack that the references agree on: `{ le: 1 }`; three when
    /// absent. Where the references do not agree, nothing is learnt.
    #[serde(default)]
    lag: Option<Bounds<u64>>,
    /// How many headers the node may have whose blocks it has not: `{ le: 1 }`; three when absent.
    #[serde(default)]
    headers_ahead: Option<Bounds<u64>>,
    /// How many peers the node has: `{ ge: 8 }`. They are asked for where this is set only:
    /// providers do not tell.
    #[serde(default)]
    peers: Option<Bounds<u64>>,
}

impl Settings {
    /// The declared chain, or why it is none.
    pub fn chain(&self) -> Result<Option<&'static str>, Misfit> {
        self.chain_id.as_deref().map(chain_id::read).transpose()
    }

    /// How many headers the node may have whose blocks it has not.
    pub fn headers_ahead(&self) -> Option<Bounds<u64>> {
        self.expect.and_then(|expect| expect.headers_ahead)
    }

    /// What cannot work in it by itself.
    pub fn misfits(&self) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        let headers = self.headers_ahead();
        if self.expect.is_some() && self.expected() == Expected::default() && headers.is_none() {
            misfits.push(Expected::emptiness());
        }
        if headers.is_some_and(|bounds| bounds.is_empty()) {
            misfits.push(no_limit("headers_ahead"));
        }
        let empty = |it: &Capabilities| it.history.is_none() && !it.txindex;
        if self.capabilities.as_ref().is_some_and(empty) {
            let hint = "leave it out, or write `history: 100000` or `txindex: true`";
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
            rhythm: Rhythm::Random,
        }
    }

    fn expected(&self) -> Expected {
        let expect = self.expect.unwrap_or_default();
        Expected {
            head_age: expect.head_age,
            head: expect.head,
            since_advance: expect.since_advance,
            lag: expect.lag,
            finality_lag: None,
            peers: expect.peers,
        }
    }
}
