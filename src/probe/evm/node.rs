//! The requests that a look sends to an EVM node, and what their answers mean.
//!
//! Every answer goes the same way: HTTP status first, then the envelope, then the node's error,
//! then the shape of the result. What is merely sloppy becomes a note of the visit.

use serde_json::{Value, json};

use super::block::{Newest, quantity};
use super::envelope;
use super::quantity::Quantity;
use super::syncing::Syncing;
use crate::probe::chain::answer;
use crate::probe::chain::conversation::Conversation;
use crate::probe::chain::fallback::Visit;
use crate::probe::chain::head::Head;
use crate::sample::{Fault, Reason};

/// The identity of a chain, as its node says it.
pub type Chain = Quantity;

/// A node, spoken to over one conversation.
#[derive(Debug)]
pub struct Node<'a> {
    conversation: Conversation<'a>,
    /// The identifier of the last request: each has its own, so that a late answer is recognised.
    last_id: u64,
}

impl<'a> Node<'a> {
    /// Prepares to speak to a node.
    #[must_use]
    pub const fn new(conversation: Conversation<'a>) -> Self {
        Self {
            conversation,
            last_id: 0,
        }
    }

    /// Asks which chain the node serves. Where that is not `needed`, a node that does not know the
    /// method is noted and not blamed.
    pub async fn chain(
        &mut self,
        visit: &mut Visit<'_>,
        needed: bool,
    ) -> Result<Option<Chain>, Fault> {
        match self.call(visit, "eth_chainId", json!([])).await {
            Ok(result) => {
                let chain = quantity("the chain id", &result)?;
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
        let block = self
            .call(visit, "eth_getBlockByNumber", json!(["latest", false]))
            .await?;
        let newest = Newest::read(&block)?;
        if !newest.canonical {
            visit.seen.note(NOT_CANONICAL);
        }
        Ok(newest.head)
    }

    /// Asks what the node says of its own syncing.
    pub async fn syncing(&mut self, visit: &mut Visit<'_>) -> Result<Syncing, Fault> {
        let result = self.call(visit, "eth_syncing", json!([])).await?;
        Ok(Syncing::read(&result))
    }

    async fn call(
        &mut self,
        visit: &mut Visit<'_>,
        method: &str,
        params: Value,
    ) -> Result<Value, Fault> {
        self.last_id += 1;
        let id = self.last_id;
        let request = envelope::request(id, method, params);
        let answer = self.conversation.post(visit.attempt, request).await?;
        let status = answer.status.as_u16();
        if let Some(refusal) = answer::refusal(status) {
            return Err(refusal);
        }
        let opened = match envelope::open(&answer.body, id) {
            Ok(opened) if opened.content.is_err() || answer.status.is_success() => opened,
            // The status says more than a body that explains nothing.
            _ if !answer.status.is_success() => return Err(answer::unexpected(status)),
            Ok(opened) => opened,
            Err(fault) => {
                let detail = format!("{method}: {fault}");
                return Err(Fault::new(Reason::Malformed, detail));
            }
        };
        for quirk in opened.quirks {
            visit.seen.note(quirk);
        }
        let masked = |text: &str| visit.endpoint.masked(text);
        opened
            .content
            .map_err(|complaint| complaint.fault(method, masked))
    }
}

const NOT_CANONICAL: &str = "the node writes quantities that are not canonical";
