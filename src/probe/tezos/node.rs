//! The requests that a look sends to a Tezos node, and what their answers mean: HTTP status first,
//! then the errors that the node explains itself with, then the shape.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::chain_id;
use super::shape::{self, Bootstrapped, Complaint, Header, ShapeFault};
use crate::probe::chain::answer;
use crate::probe::chain::conversation::Conversation;
use crate::probe::chain::fallback::Visit;
use crate::probe::chain::head::Head;
use crate::probe::chain::references::Talk;
use crate::probe::wire::said::one_line;
use crate::sample::{Fault, Reason};

/// A node, spoken to over one conversation.
#[derive(Debug)]
pub struct Node<'a> {
    conversation: Conversation<'a>,
    /// The chain that it must serve.
    chain: Option<String>,
}

/// The block time of a protocol, as the nodes of a chain said it last.
#[derive(Debug, Default)]
pub struct Delay(Mutex<Option<(String, Duration)>>);

impl Delay {
    /// The block time, where this protocol's was read.
    pub fn of(&self, protocol: &str) -> Option<Duration> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().filter(|(of, _)| of == protocol);
        known.map(|(_, delay)| *delay)
    }

    /// Remembers the block time of the protocol that is in force now.
    pub fn keep(&self, protocol: String, delay: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((protocol, delay));
    }
}

impl<'a> Node<'a> {
    /// Prepares to speak to a node that must serve `chain`, where one is declared.
    pub const fn new(conversation: Conversation<'a>, chain: Option<String>) -> Self {
        Self {
            conversation,
            chain,
        }
    }

    /// Makes sure of the chain by a request of its own: before it is known that the node has a head.
    pub async fn identify(&mut self, visit: &mut Visit<'_>) -> Result<(), Fault> {
        if self.chain.is_none() {
            return Ok(());
        }
        let body = self.ask(visit, CHAIN_ID).await?;
        let served = shape::chain(&body).map_err(|fault| malformed(CHAIN_ID, &fault))?;
        self.compare(&served)
    }

    /// Asks for the header of the newest block, and makes sure of the chain that it names.
    pub async fn header(&mut self, visit: &mut Visit<'_>) -> Result<Header, Fault> {
        let body = self.ask(visit, HEADER).await?;
        let header = Header::read(&body).map_err(|fault| malformed(HEADER, &fault))?;
        if let Some(chain) = &header.chain {
            self.compare(chain)?;
        }
        Ok(header)
    }

    /// Asks what the node says of itself beside its peers.
    pub async fn bootstrapped(&mut self, visit: &mut Visit<'_>) -> Result<Bootstrapped, Fault> {
        let body = self.ask(visit, IS_BOOTSTRAPPED).await?;
        Bootstrapped::read(&body).map_err(|fault| malformed(IS_BOOTSTRAPPED, &fault))
    }

    /// Asks how often the protocol that is in force makes a block.
    pub async fn delay(&mut self, visit: &mut Visit<'_>) -> Result<Duration, Fault> {
        let body = self.ask(visit, CONSTANTS).await?;
        shape::delay(&body).map_err(|fault| malformed(CONSTANTS, &fault))
    }

    /// Asks how many peers the node has.
    pub async fn peers(&mut self, visit: &mut Visit<'_>) -> Result<usize, Fault> {
        let body = self.ask(visit, CONNECTIONS).await?;
        shape::count(&body).map_err(|fault| malformed(CONNECTIONS, &fault))
    }

    /// Asks for state of the past, at a level.
    pub async fn state_at(&mut self, visit: &mut Visit<'_>, level: u64) -> Result<(), Fault> {
        let path = format!("/chains/main/blocks/{level}/context/constants");
        let answer = self.conversation.get(visit.attempt, &path).await?;
        // Of a level below the head: a node of another history mode has let go of it.
        if matches!(answer.status.as_u16(), 404 | 410) {
            let detail = format!("no state at block {level}: the node's history does not reach it");
            return Err(Fault::new(Reason::MissingData, detail));
        }
        let body = understood(visit, &path, answer)?;
        shape::delay(&body).map_err(|fault| malformed(&path, &fault))?;
        Ok(())
    }

    fn compare(&self, served: &str) -> Result<(), Fault> {
        match &self.chain {
            Some(declared) if declared != served && !chain_id::is_one(served) => {
                // No other chain: what is broken is the node, and not our choice of it.
                let why = "the node answered a chain id that is none";
                Err(Fault::new(Reason::Malformed, why))
            }
            Some(declared) if declared != served => {
                let detail = format!("it serves chain {served}, and chain {declared} is declared");
                Err(Fault::new(Reason::WrongChain, detail))
            }
            _ => Ok(()),
        }
    }

    async fn ask(&mut self, visit: &mut Visit<'_>, path: &str) -> Result<Bytes, Fault> {
        let answer = self.conversation.get(visit.attempt, path).await?;
        understood(visit, path, answer)
    }
}

#[async_trait]
impl Talk for Node<'_> {
    async fn tip(&mut self, visit: &mut Visit<'_>) -> Result<Head, Fault> {
        let header = self.header(visit).await?;
        if header.chain.is_none() {
            self.identify(visit).await?;
        }
        Ok(header.head)
    }

    async fn hash(&mut self, visit: &mut Visit<'_>, height: u64) -> Result<Option<String>, Fault> {
        let path = format!("/chains/main/blocks/{height}/hash");
        let body = self.ask(visit, &path).await?;
        let hash = shape::hash(&body).map_err(|fault| malformed(&path, &fault))?;
        Ok(Some(hash))
    }

    async fn finalized(&mut self, _visit: &mut Visit<'_>) -> Result<Option<u64>, Fault> {
        // Two blocks below the head, always: there is nothing to ask for.
        Ok(None)
    }
}

/// The body of an answer that is one, or the fault that the status or the node's errors stand for.
fn understood(
    visit: &Visit<'_>,
    path: &str,
    answer: crate::probe::wire::exchange::Answer,
) -> Result<Bytes, Fault> {
    let status = answer.status.as_u16();
    if let Some(refusal) = answer::refusal(status) {
        return Err(refusal);
    }
    if answer.status.is_success() {
        return Ok(answer.body);
    }
    let Some(complaint) = Complaint::read(&answer.body) else {
        return Err(answer::unexpected(status));
    };
    // Masked before it is cut: a cut secret would not be found.
    let ids = one_line(&visit.endpoint.masked(&complaint.ids));
    let detail = format!("{path} answered HTTP status {status}: {ids}");
    let fault = Fault::new(Reason::ServerFault, detail);
    Err(if complaint.temporary {
        fault.transient()
    } else {
        fault
    })
}

fn malformed(path: &str, fault: &ShapeFault) -> Fault {
    Fault::new(Reason::Malformed, format!("{path}: {fault}"))
}

const IS_BOOTSTRAPPED: &str = "/chains/main/is_bootstrapped";
const CHAIN_ID: &str = "/chains/main/chain_id";
const HEADER: &str = "/chains/main/blocks/head/header";
const CONSTANTS: &str = "/chains/main/blocks/head/context/constants";
const CONNECTIONS: &str = "/network/connections";
