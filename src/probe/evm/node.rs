//! The requests that a look sends to an EVM node, and what their answers mean.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::block::{self, Newest, quantity};
use super::meaning::meaning;
use super::quantity::Quantity;
use super::syncing::Syncing;
use crate::probe::chain::conversation::Conversation;
use crate::probe::chain::envelope::Dialect;
use crate::probe::chain::fallback::Visit;
use crate::probe::chain::finality::Marks;
use crate::probe::chain::head::Head;
use crate::probe::chain::references::Talk;
use crate::probe::chain::rpc::Rpc;
use crate::sample::{Fault, Reason};

/// The identity of a chain, as its node says it.
pub type Chain = Quantity;

/// A node, spoken to over one conversation.
#[derive(Debug)]
pub struct Node<'a> {
    rpc: Rpc<'a>,
    /// The chain that a reference must serve to be one.
    chain: Option<Chain>,
}

/// Which way a node is asked to follow a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tracing {
    /// `debug_traceCall`, as of Geth.
    Debug,
    /// `trace_call`, as of Parity and Erigon.
    Trace,
}

impl<'a> Node<'a> {
    /// Prepares to speak to a node; as a reference, it must serve `chain`.
    #[must_use]
    pub const fn new(conversation: Conversation<'a>, chain: Option<Chain>) -> Self {
        Self {
            rpc: Rpc::new(conversation, Dialect::Two, meaning),
            chain,
        }
    }

    /// Asks which chain the node serves. Where that is not `needed`, a node that does not know the
    /// method is noted and not blamed.
    pub async fn chain(
        &mut self,
        visit: &mut Visit<'_>,
        needed: bool,
    ) -> Result<Option<Chain>, Fault> {
        match self.rpc.call(visit, "eth_chainId", json!([])).await {
            Ok(result) => {
                let chain = quantity("the chain id", &result)?;
                if chain.is_zero() {
                    // Nobody's: what is broken is the node, and not our choice of it.
                    let detail = "the node answered no chain id: zero is that of no chain";
                    return Err(Fault::new(Reason::Malformed, detail));
                }
                if !chain.canonical {
                    visit.seen.note(NOT_CANONICAL);
                }
                Ok(Some(chain))
            }
            Err(fault) if fault.reason == Reason::UnsupportedMethod && !needed => {
                visit.seen.note(fault.detail);
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    /// Asks for the newest block.
    pub async fn head(&mut self, visit: &mut Visit<'_>) -> Result<Head, Fault> {
        let newest = Newest::read(&self.block(visit, "latest").await?)?;
        if !newest.canonical {
            visit.seen.note(NOT_CANONICAL);
        }
        Ok(newest.head)
    }

    /// Asks what the node says of its own syncing.
    pub async fn syncing(&mut self, visit: &mut Visit<'_>) -> Result<Syncing, Fault> {
        let result = self.rpc.call(visit, "eth_syncing", json!([])).await?;
        Ok(Syncing::read(&result))
    }

    /// Asks which blocks the node marks. Where the marks contradict the head, that is asked for
    /// again: on a chain that is final at once, a block may have come between.
    pub async fn marks(&mut self, visit: &mut Visit<'_>, latest: u64) -> Result<Marks, Fault> {
        let finalized = self.mark(visit, "finalized").await?;
        let safe = match finalized {
            Some(_) => self.mark(visit, "safe").await?,
            None => None,
        };
        let marks = Marks {
            finalized,
            safe,
            latest,
        };
        if marks.disorder().is_none() {
            return Ok(marks);
        }
        let latest = self.head(visit).await?.height;
        Ok(Marks {
            // What was seen once is there.
            latest: latest.max(marks.latest),
            ..marks
        })
    }

    /// Asks how many peers the node has.
    pub async fn peers(&mut self, visit: &mut Visit<'_>) -> Result<u64, Fault> {
        let result = self.rpc.call(visit, "net_peerCount", json!([])).await?;
        let peers = quantity("the number of peers", &result)?;
        peers.to_u64().ok_or_else(|| {
            let detail = format!("the number of peers cannot be true: {peers}");
            Fault::new(Reason::Malformed, detail)
        })
    }

    /// Asks for state of the past, at a height.
    pub async fn state_at(&mut self, visit: &mut Visit<'_>, height: u64) -> Result<(), Fault> {
        let params = json!([NOBODY, format!("{height:#x}")]);
        match self.rpc.call(visit, "eth_getBalance", params).await {
            Ok(balance) => quantity("a balance of the past", &balance).map(|_| ()),
            // Of a block that exists, this is what nodes without its state say.
            Err(fault) if matches!(fault.reason, Reason::NotReady | Reason::MissingData) => {
                let detail = format!("no state at block {height}: {}", fault.detail);
                Err(Fault::new(Reason::MissingData, detail))
            }
            Err(fault) => Err(fault),
        }
    }

    /// Asks the node to follow a call that does nothing.
    pub async fn trace(&mut self, visit: &mut Visit<'_>, tracing: Tracing) -> Result<(), Fault> {
        let call = json!({"to": NOBODY});
        let (method, params) = match tracing {
            Tracing::Debug => (
                "debug_traceCall",
                json!([call, "latest", {"tracer": "callTracer"}]),
            ),
            Tracing::Trace => ("trace_call", json!([call, ["trace"], "latest"])),
        };
        let result = self.rpc.call(visit, method, params).await?;
        if result.is_object() {
            return Ok(());
        }
        let detail = format!("{method} answered something else than a trace");
        Err(Fault::new(Reason::Malformed, detail))
    }

    async fn block(&mut self, visit: &mut Visit<'_>, which: &str) -> Result<Value, Fault> {
        let params = json!([which, false]);
        self.rpc.call(visit, "eth_getBlockByNumber", params).await
    }

    /// The number of a marked block; nothing where the chain knows no such mark, which nodes say in
    /// many ways.
    async fn mark(&mut self, visit: &mut Visit<'_>, mark: &str) -> Result<Option<u64>, Fault> {
        match self.block(visit, mark).await {
            Ok(result) => block::marked(mark, &result),
            Err(fault) if is_of_the_method(fault.reason) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

#[async_trait]
impl Talk for Node<'_> {
    async fn tip(&mut self, visit: &mut Visit<'_>) -> Result<Head, Fault> {
        if let Some(expected) = self.chain.clone() {
            let served = self.chain(visit, true).await?;
            if let Some(served) = served.filter(|served| !served.equals(&expected)) {
                let detail = format!("it serves chain {served}, not {expected}");
                return Err(Fault::new(Reason::WrongChain, detail));
            }
        }
        self.head(visit).await
    }

    async fn hash(&mut self, visit: &mut Visit<'_>, height: u64) -> Result<Option<String>, Fault> {
        let result = self.block(visit, &format!("{height:#x}")).await?;
        block::hash(&result)
    }

    async fn finalized(&mut self, visit: &mut Visit<'_>) -> Result<Option<u64>, Fault> {
        self.mark(visit, "finalized").await
    }
}

/// Whether the node itself answered and refused what was asked, for whatever reason.
const fn is_of_the_method(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::UnsupportedMethod | Reason::ServerFault | Reason::NotReady | Reason::MissingData
    )
}

const NOT_CANONICAL: &str = "the node writes quantities that are not canonical";

/// The address of which everybody knows that nobody has its key.
const NOBODY: &str = "0x0000000000000000000000000000000000000000";
