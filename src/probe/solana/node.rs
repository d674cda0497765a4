//! The requests that a look sends to a Solana node, and what their answers mean.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::chain_id;
use super::meaning::{meaning, slots_behind};
use crate::probe::chain::conversation::Conversation;
use crate::probe::chain::envelope::Dialect;
use crate::probe::chain::fallback::Visit;
use crate::probe::chain::finality::Marks;
use crate::probe::chain::head::Head;
use crate::probe::chain::references::Talk;
use crate::probe::chain::rpc::Rpc;
use crate::sample::{Fault, Reason};

/// A node, spoken to over one conversation.
#[derive(Debug)]
pub struct Node<'a> {
    rpc: Rpc<'a>,
    /// The cluster that it must serve.
    chain: Option<String>,
}

/// What a node says of itself beside its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It is within its own limit, 128 slots unless its operator set another.
    Near,
    /// It is so many slots behind.
    Behind(u64),
}

impl<'a> Node<'a> {
    /// Prepares to speak to a node that must serve the cluster of this genesis, where one is given.
    pub const fn new(conversation: Conversation<'a>, chain: Option<String>) -> Self {
        Self {
            rpc: Rpc::new(conversation, Dialect::Two, meaning),
            chain,
        }
    }

    /// Makes sure of the cluster, and gives the hash of its genesis. Where none is declared, a node
    /// that does not tell is noted and not blamed.
    pub async fn identify(&mut self, visit: &mut Visit<'_>) -> Result<Option<String>, Fault> {
        let served = match self.rpc.call(visit, "getGenesisHash", json!([])).await {
            Ok(Value::String(served)) if chain_id::is_hash(&served) => served,
            Ok(_) => {
                return Err(malformed(
                    "getGenesisHash answered something else than a hash",
                ));
            }
            Err(fault) if fault.reason == Reason::UnsupportedMethod && self.chain.is_none() => {
                visit.seen.note(fault.detail);
                return Ok(None);
            }
            Err(fault) => return Err(fault),
        };
        match &self.chain {
            Some(declared) if *declared != served => {
                let (served, declared) = (chain_id::shown(&served), chain_id::shown(declared));
                let detail = format!("it serves {served}, and {declared} is declared");
                Err(Fault::new(Reason::WrongChain, detail))
            }
            _ => Ok(Some(served)),
        }
    }

    /// Asks for the newest confirmed slot and when its block was made. A slot may have been skipped,
    /// or its block may not be there yet: then the time of one just below it is as good. A node that
    /// does not tell the time of any is noted.
    pub async fn head(&mut self, visit: &mut Visit<'_>) -> Result<Head, Fault> {
        let slot = self.slot(visit, "confirmed").await?;
        for below in 0..LOOKED_BACK {
            let Some(asked) = slot.checked_sub(below) else {
                break;
            };
            match self.rpc.call(visit, "getBlockTime", json!([asked])).await {
                Ok(Value::Null) => {}
                Ok(time) => return dated(slot, &time),
                Err(fault) if is_of_the_slot(fault.reason) => {}
                Err(fault) => return Err(fault),
            }
        }
        visit
            .seen
            .note("the node does not tell when its newest block was made");
        Ok(Head::undated(slot))
    }

    /// Asks how the node stands beside its cluster.
    pub async fn health(&mut self, visit: &mut Visit<'_>) -> Result<Health, Fault> {
        match self.rpc.hear(visit, "getHealth", json!([])).await? {
            Ok(Value::String(word)) if word == "ok" => Ok(Health::Near),
            Ok(_) => Err(malformed("getHealth answered something else than ok")),
            Err(complaint) => match slots_behind(&complaint) {
                Some(slots) => Ok(Health::Behind(slots)),
                None => Err(self.rpc.fault(visit, "getHealth", &complaint)),
            },
        }
    }

    /// Asks which slot is finalized. Where it is above the head, that is asked for again: an answer
    /// may have taken long.
    pub async fn marks(&mut self, visit: &mut Visit<'_>, latest: u64) -> Result<Marks, Fault> {
        let finalized = Some(self.slot(visit, "finalized").await?);
        let marks = Marks {
            finalized,
            safe: None,
            latest,
        };
        if marks.disorder().is_none() {
            return Ok(marks);
        }
        let latest = self.slot(visit, "confirmed").await?;
        Ok(Marks {
            // What was seen once is there.
            latest: latest.max(marks.latest),
            ..marks
        })
    }

    /// Asks for the lowest slot whose block the node still has.
    pub async fn oldest(&mut self, visit: &mut Visit<'_>) -> Result<u64, Fault> {
        let method = "getFirstAvailableBlock";
        let slot = self.rpc.call(visit, method, json!([])).await?;
        let odd = || malformed("getFirstAvailableBlock answered something else than a slot");
        slot.as_u64().ok_or_else(odd)
    }

    async fn slot(&mut self, visit: &mut Visit<'_>, commitment: &str) -> Result<u64, Fault> {
        let params = json!([{"commitment": commitment}]);
        let slot = self.rpc.call(visit, "getSlot", params).await?;
        let odd = || malformed("getSlot answered something else than a slot");
        slot.as_u64().ok_or_else(odd)
    }
}

#[async_trait]
impl Talk for Node<'_> {
    async fn tip(&mut self, visit: &mut Visit<'_>) -> Result<Head, Fault> {
        self.identify(visit).await?;
        self.head(visit).await
    }

    async fn hash(&mut self, _: &mut Visit<'_>, _: u64) -> Result<Option<String>, Fault> {
        // What is confirmed has the votes of two thirds of the stake: there is no other branch.
        Ok(None)
    }

    async fn finalized(&mut self, visit: &mut Visit<'_>) -> Result<Option<u64>, Fault> {
        self.slot(visit, "finalized").await.map(Some)
    }
}

fn dated(slot: u64, time: &Value) -> Result<Head, Fault> {
    let head = time.as_u64().and_then(|seconds| Head::dated(slot, seconds));
    head.ok_or_else(|| malformed("getBlockTime answered something else than seconds since 1970"))
}

fn malformed(detail: &str) -> Fault {
    Fault::new(Reason::Malformed, detail)
}

/// Whether the node answered that it has no time for that very slot, or for none.
const fn is_of_the_slot(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::MissingData | Reason::NotReady | Reason::UnsupportedMethod
    )
}

/// How many slots are asked for their time: a leader that is down skips four in a row.
const LOOKED_BACK: u64 = 5;
