//! Calls of a node that speaks JSON-RPC over HTTP.
//!
//! Every answer goes the same way: HTTP status first, then the envelope, then the node's error as
//! its family means it. What is merely sloppy becomes a note of the visit. Called by the nodes of
//! the kinds; what a result means is theirs.

use serde_json::Value;

use super::answer;
use super::complaint::{Complaint, Meaning};
use super::conversation::Conversation;
use super::envelope::{self, Dialect};
use super::fallback::Visit;
use crate::sample::{Fault, Reason};

/// A conversation in JSON-RPC.
#[derive(Debug)]
pub struct Rpc<'a> {
    conversation: Conversation<'a>,
    dialect: Dialect,
    meaning: Meaning,
    /// The identifier of the last request: each has its own, so that a late answer is recognised.
    last_id: u64,
}

impl<'a> Rpc<'a> {
    /// Prepares to call a node of the family whose errors have this meaning.
    #[must_use]
    pub const fn new(conversation: Conversation<'a>, dialect: Dialect, meaning: Meaning) -> Self {
        Self {
            conversation,
            dialect,
            meaning,
            last_id: 0,
        }
    }

    /// Calls a method and gives its result, whatever its shape.
    ///
    /// # Errors
    /// The fault of the connection, of the HTTP status, of the envelope, or the node's own error.
    pub async fn call(
        &mut self,
        visit: &mut Visit<'_>,
        method: &str,
        params: Value,
    ) -> Result<Value, Fault> {
        let content = self.hear(visit, method, params).await?;
        content.map_err(|complaint| self.fault(visit, method, &complaint))
    }

    /// The fault that an error of the node stands for.
    #[must_use]
    pub fn fault(&self, visit: &Visit<'_>, method: &str, complaint: &Complaint) -> Fault {
        let masked = |text: &str| visit.endpoint.masked(text);
        complaint.fault(method, self.meaning, masked)
    }

    /// As [`Rpc::call`], for who reads the node's own error as well.
    ///
    /// # Errors
    /// The fault of the connection, of the HTTP status or of the envelope.
    pub async fn hear(
        &mut self,
        visit: &mut Visit<'_>,
        method: &str,
        params: Value,
    ) -> Result<Result<Value, Complaint>, Fault> {
        self.last_id += 1;
        let id = self.last_id;
        let request = envelope::request(self.dialect, id, method, params);
        let answer = self.conversation.post(visit.attempt, request).await?;
        let status = answer.status.as_u16();
        if let Some(refusal) = answer::refusal(status) {
            return Err(refusal);
        }
        let opened = match envelope::open(self.dialect, &answer.body, id) {
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
        Ok(opened.content)
    }
}
