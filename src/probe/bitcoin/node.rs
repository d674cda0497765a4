//! The requests that a look sends to a Bitcoin node, and what their answers and errors mean.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::chain_id;
use super::shape::{Info, is_hash};
use crate::probe::chain::complaint::{Complaint, LIMITED, REFUSED};
use crate::probe::chain::conversation::Conversation;
use crate::probe::chain::envelope::Dialect;
use crate::probe::chain::fallback::Visit;
use crate::probe::chain::head::Head;
use crate::probe::chain::references::Talk;
use crate::probe::chain::rpc::Rpc;
use crate::sample::{Fault, Reason};

/// A node, spoken to over one conversation.
#[derive(Debug)]
pub struct Node<'a> {
    rpc: Rpc<'a>,
    /// The chain that it must serve.
    chain: Option<&'static str>,
}

impl<'a> Node<'a> {
    /// Prepares to speak to a node that must serve `chain`, where one is given.
    pub const fn new(conversation: Conversation<'a>, chain: Option<&'static str>) -> Self {
        Self {
            rpc: Rpc::new(conversation, Dialect::One, meaning),
            chain,
        }
    }

    /// Asks what the node says of its chain, and makes sure that it is the declared one.
    pub async fn info(&mut self, visit: &mut Visit<'_>) -> Result<Info, Fault> {
        let method = "getblockchaininfo";
        let result = self.rpc.call(visit, method, json!([])).await?;
        let info = Info::read(&result);
        let info = info.map_err(|lacks| malformed(format!("{method}: {lacks}")))?;
        match self.chain {
            Some(declared) if declared != info.chain => {
                let served = chain_id::known(&info.chain);
                let served = served.map_or("no known chain".to_owned(), |it| format!("chain {it}"));
                let detail = format!("it serves {served}, and chain {declared} is declared");
                Err(Fault::new(Reason::WrongChain, detail))
            }
            _ => Ok(info),
        }
    }

    /// The head of that, whose time old nodes tell of the header only.
    pub async fn head(&mut self, visit: &mut Visit<'_>, info: &Info) -> Result<Head, Fault> {
        let time = match info.time {
            Some(time) => Some(time),
            None => {
                let header = self.rpc.call(visit, "getblockheader", json!([info.best]));
                header.await?.get("time").and_then(Value::as_u64)
            }
        };
        let head = time.and_then(|time| Head::dated(info.blocks, time));
        let odd = || malformed("the newest block is not dated in seconds since 1970".to_owned());
        head.ok_or_else(odd)
    }

    /// Asks how many peers the node has.
    pub async fn peers(&mut self, visit: &mut Visit<'_>) -> Result<u64, Fault> {
        let peers = self
            .rpc
            .call(visit, "getconnectioncount", json!([]))
            .await?;
        let odd =
            || malformed("getconnectioncount answered something else than a number".to_owned());
        peers.as_u64().ok_or_else(odd)
    }

    /// Makes sure that the node finds any transaction.
    pub async fn index(&mut self, visit: &mut Visit<'_>) -> Result<(), Fault> {
        let indices = self
            .rpc
            .call(visit, "getindexinfo", json!(["txindex"]))
            .await?;
        let synced = indices.pointer("/txindex/synced").and_then(Value::as_bool);
        let lacks = match synced {
            Some(true) => return Ok(()),
            Some(false) => "the node's txindex is not in step with its chain yet",
            None => "the node keeps no txindex",
        };
        Err(Fault::new(Reason::MissingData, lacks))
    }
}

#[async_trait]
impl Talk for Node<'_> {
    async fn tip(&mut self, visit: &mut Visit<'_>) -> Result<Head, Fault> {
        let info = self.info(visit).await?;
        self.head(visit, &info).await
    }

    async fn hash(&mut self, visit: &mut Visit<'_>, height: u64) -> Result<Option<String>, Fault> {
        let hash = self
            .rpc
            .call(visit, "getblockhash", json!([height]))
            .await?;
        let whole = hash.as_str().filter(|hash| is_hash(hash));
        let odd = || malformed("getblockhash answered something else than a hash".to_owned());
        whole.map(|hash| Some(hash.to_owned())).ok_or_else(odd)
    }

    async fn finalized(&mut self, _: &mut Visit<'_>) -> Result<Option<u64>, Fault> {
        // Work makes a block ever more certain and never final.
        Ok(None)
    }
}

/// What an error of a Bitcoin node means. The codes are those of `src/rpc/protocol.h`.
fn meaning(complaint: &Complaint) -> (Reason, bool) {
    match complaint.code {
        // It loads its block index, verifies, or rewinds: it says what.
        Some(-28) => (Reason::NotReady, true),
        // It has no peers, or still downloads.
        Some(-9 | -10) => (Reason::NotReady, true),
        Some(-32601) => (Reason::UnsupportedMethod, false),
        // Out of range, not found.
        Some(-5 | -8) => (Reason::MissingData, false),
        _ if complaint.says(&["pruned data"]) => (Reason::MissingData, false),
        Some(402 | 429) => (Reason::Throttled, true),
        _ if complaint.says(LIMITED) => (Reason::Throttled, true),
        _ if complaint.says(REFUSED) => (Reason::Unauthorized, false),
        _ => (Reason::ServerFault, false),
    }
}

fn malformed(detail: String) -> Fault {
    Fault::new(Reason::Malformed, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_bitcoin_s_own() {
        let cases = [
            (-28, "Loading block index…", Reason::NotReady, true),
            (
                -10,
                "Bitcoin Core is downloading blocks",
                Reason::NotReady,
                true,
            ),
            (-32601, "Method not found", Reason::UnsupportedMethod, false),
            (-8, "Block height out of range", Reason::MissingData, false),
            (
                -1,
                "Block not available (pruned data)",
                Reason::MissingData,
                false,
            ),
            (-32603, "Too many requests", Reason::Throttled, true),
            (-1, "internal", Reason::ServerFault, false),
        ];
        for (code, message, reason, transient) in cases {
            let complaint = Complaint::read(&json!({"code": code, "message": message}));
            assert_eq!(meaning(&complaint), (reason, transient), "{code} {message}");
        }
    }
}
