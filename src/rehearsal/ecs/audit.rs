//! What was asked over the wire, in order: tests assert on it that nothing else was touched.

use std::collections::VecDeque;

use serde_json::Value;

use crate::clock::Moment;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// When it came in.
    pub at: Moment,
    /// The AWS service that it was signed for, its prefix in permissions: `ecs`.
    pub service: &'static str,
    /// The operation: `UpdateService` …
    pub operation: String,
    /// What it was given.
    pub parameters: Value,
    /// How it was answered.
    pub answer: Answer,
    /// Whether the work was done, whatever the answer was.
    pub carried_out: bool,
    /// The number under which it was answered, in `x-amzn-requestid`.
    pub request: String,
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
pub const MUTATING: [&str; 10] = [
    "ContinueServiceDeployment",
    "CreateCluster",
    "CreateDeployment",
    "CreateService",
    "DeregisterTaskDefinition",
    "RegisterTaskDefinition",
    "StopDeployment",
    "StopServiceDeployment",
    "UpdateService",
    "UpdateServicePrimaryTaskSet",
];

/// The latest calls, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Audit {
    calls: VecDeque<Call>,
    requests: u64,
}

impl Audit {
    pub(super) fn record(&mut self, call: Call) {
        if self.calls.len() == KEPT {
            self.calls.pop_front();
        }
        self.calls.push_back(call);
    }

    /// A number for a request, in the form of AWS's.
    pub(super) fn number(&mut self) -> String {
        self.requests += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.requests)
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.calls.iter().cloned().collect()
    }

    pub(super) fn clear(&mut self) {
        self.calls.clear();
    }
}

/// More than any rehearsal makes; a bound all the same.
const KEPT: usize = 20_000;
