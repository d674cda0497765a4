//! What was asked over the wire, in order: tests assert on it that nothing else was touched.

use std::collections::VecDeque;

use serde_json::Value;

use crate::clock::Moment;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// When it came in.
    pub at: Moment,
    /// The operation: `UpdateService` …
    pub operation: String,
    /// What it was given.
    pub parameters: Value,
    /// How it was answered.
    pub answer: Answer,
}

impl Call {
    /// Whether an operation of this name changes something.
    #[must_use]
    pub fn is_mutating(&self) -> bool {
        MUTATING.contains(&self.operation.as_str())
    }
}

/// How a request was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// As asked.
    Done,
    /// With this error code.
    Refused(String),
    /// By a fault that was ordered.
    Fault(&'static str),
}

/// The operations that change something.
pub const MUTATING: [&str; 6] = [
    "CreateCluster",
    "CreateService",
    "DeregisterTaskDefinition",
    "RegisterTaskDefinition",
    "StopServiceDeployment",
    "UpdateService",
];

/// The latest calls, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Audit(VecDeque<Call>);

impl Audit {
    pub(super) fn record(&mut self, call: Call) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(call);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.0.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

/// More than any rehearsal makes; a bound all the same.
const KEPT: usize = 20_000;
