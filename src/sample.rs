//! What one run of a probe observed, as a value. Nothing here probes, judges or prints.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;

/// The name under which the user declared a check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CheckId(Arc<str>);

impl CheckId {
    /// Makes an identifier from the declared name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    /// The declared name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How one run ended, told by who is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The target answered as expected.
    Pass,
    /// The target answered, wrongly.
    Fail,
    /// The target could not be reached or did not answer in time: the target's fault.
    Error,
    /// Our own fault or a third party's: nothing is learnt about the target.
    Unknown,
}

/// Why a run did not pass: a closed set, so that it can be a metric's label and a program's condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    // It answered, wrongly (`Outcome::Fail`).
    /// The status code or status word was not the expected one.
    Status,
    /// An expectation over the answer does not hold or cannot be told.
    Expectation,
    /// Redirected too often, in a circle, or to a place that is not allowed.
    Redirect,
    /// The answer is larger than the check allows, compressed or decompressed.
    TooLarge,
    /// The answer is not of the protocol's form.
    Malformed,
    /// The target refused our credentials.
    Unauthorized,
    /// The target executed the request and reported an error of its own.
    ServerFault,
    /// A chain node answers, but says that it is still catching up.
    Syncing,
    /// A chain's head is older than allowed, or does not advance.
    Stale,
    /// The node does not know a method that the check needs.
    UnsupportedMethod,
    // It could not be reached or did not answer (`Outcome::Error`).
    /// The name does not exist or has no address.
    Dns,
    /// The connection was refused.
    Refused,
    /// The connection was reset.
    Reset,
    /// The connection was closed before the answer was whole.
    Closed,
    /// The deadline passed.
    Timeout,
    /// No TLS session came about for another reason than the certificate.
    Tls,
    /// The certificate is not acceptable.
    Certificate,
    /// The network says that nobody is at the host's address.
    Unreachable,
    /// The target is starting or stopping and says so itself.
    NotReady,
    // Nothing is learnt about the target (`Outcome::Unknown`).
    /// A third party limits our rate of requests.
    Throttled,
    /// The endpoint serves another chain than the declared one: a fault of the configuration.
    WrongChain,
    /// The whole chain stands still, as its nodes say of each other: no fault of this one.
    ChainHalted,
    /// Our own resolver did not answer.
    Resolver,
    /// Our own machine has no resources left: descriptors, ports, memory.
    Exhausted,
    /// Our own machine has no way to the target's network, or does not let us out.
    NoRoute,
    /// Our own code failed.
    Panic,
    /// The run was given up before it ended: shutdown, or our own machine was too busy.
    Abandoned,
}

impl Reason {
    /// All reasons, in the order of declaration.
    pub const ALL: [Self; 27] = [
        Self::Status,
        Self::Expectation,
        Self::Redirect,
        Self::TooLarge,
        Self::Malformed,
        Self::Unauthorized,
        Self::ServerFault,
        Self::Syncing,
        Self::Stale,
        Self::UnsupportedMethod,
        Self::Dns,
        Self::Refused,
        Self::Reset,
        Self::Closed,
        Self::Timeout,
        Self::Tls,
        Self::Certificate,
        Self::Unreachable,
        Self::NotReady,
        Self::Throttled,
        Self::WrongChain,
        Self::ChainHalted,
        Self::Resolver,
        Self::Exhausted,
        Self::NoRoute,
        Self::Panic,
        Self::Abandoned,
    ];

    /// The reason with this machine-readable name.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }

    /// The outcome that this reason stands for.
    #[must_use]
    pub const fn outcome(self) -> Outcome {
        match self {
            Self::Status
            | Self::Expectation
            | Self::Redirect
            | Self::TooLarge
            | Self::Malformed
            | Self::Unauthorized
            | Self::ServerFault
            | Self::Syncing
            | Self::Stale
            | Self::UnsupportedMethod => Outcome::Fail,
            Self::Dns
            | Self::Refused
            | Self::Reset
            | Self::Closed
            | Self::Timeout
            | Self::Tls
            | Self::Certificate
            | Self::Unreachable
            | Self::NotReady => Outcome::Error,
            Self::Throttled
            | Self::WrongChain
            | Self::ChainHalted
            | Self::Resolver
            | Self::Exhausted
            | Self::NoRoute
            | Self::Panic
            | Self::Abandoned => Outcome::Unknown,
        }
    }

    /// The machine-readable name, as in reports and metrics.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Expectation => "expectation",
            Self::Redirect => "redirect",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::Unauthorized => "unauthorized",
            Self::ServerFault => "server_fault",
            Self::Syncing => "syncing",
            Self::Stale => "stale",
            Self::UnsupportedMethod => "unsupported_method",
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Certificate => "certificate",
            Self::Unreachable => "unreachable",
            Self::NotReady => "not_ready",
            Self::Throttled => "throttled",
            Self::WrongChain => "wrong_chain",
            Self::ChainHalted => "chain_halted",
            Self::Resolver => "resolver",
            Self::Exhausted => "exhausted",
            Self::NoRoute => "no_route",
            Self::Panic => "panic",
            Self::Abandoned => "abandoned",
        }
    }
}

/// Why a run did not pass: the code for programs, one line for people.
///
/// `detail` says what was expected and what was seen, in one line, with secrets already masked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The machine-readable reason.
    pub reason: Reason,
    /// One line for a person.
    pub detail: String,
    /// Whether another try may well pass: refused, reset, timeout, or a status of 429, 502, 503, 504.
    pub transient: bool,
}

impl Fault {
    /// Makes a fault whose transience follows from its reason.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        let transient = matches!(
            reason,
            Reason::Refused
                | Reason::Reset
                | Reason::Closed
                | Reason::Timeout
                | Reason::Dns
                | Reason::Unreachable
                | Reason::NotReady
                | Reason::Throttled
                | Reason::Resolver
                | Reason::NoRoute
        );
        Self {
            reason,
            detail: detail.into(),
            transient,
        }
    }

    /// The same fault, marked as one that another try may well mend.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.transient = true;
        self
    }
}

/// What a reading counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A plain number.
    #[default]
    Number,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
    /// Days.
    Days,
}

/// A named number that a sample observed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The name, as thresholds and reports use it.
    pub name: Arc<str>,
    /// The value, in `unit`.
    pub value: f64,
    /// What the value counts.
    #[serde(default)]
    pub unit: Unit,
}

impl Reading {
    /// Makes a reading.
    #[must_use]
    pub fn new(name: &str, value: f64, unit: Unit) -> Self {
        Self {
            name: Arc::from(name),
            value,
            unit,
        }
    }
}

/// A part of the time that one run took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Resolving the name.
    Dns,
    /// Opening the connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Writing the request.
    Request,
    /// From the request's last byte to the answer's first.
    Ttfb,
    /// From the answer's first byte to its last.
    Body,
}

impl Phase {
    /// All phases, in the order in which they happen.
    pub const ALL: [Self; 6] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Request,
        Self::Ttfb,
        Self::Body,
    ];

    /// The name, as in reports and thresholds.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Request => "request",
            Self::Ttfb => "ttfb",
            Self::Body => "body",
        }
    }
}

/// How long each phase of a run took; a phase that did not happen is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases([Option<Duration>; 6]);

impl Phases {
    /// The time spent in a phase.
    #[must_use]
    pub const fn get(&self, phase: Phase) -> Option<Duration> {
        self.0[phase as usize]
    }

    /// Adds time to a phase: redirects and several round trips sum up.
    pub fn add(&mut self, phase: Phase, span: Duration) {
        let slot = &mut self.0[phase as usize];
        *slot = Some(slot.unwrap_or_default() + span);
    }

    /// The sum of all phases.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.0.iter().flatten().sum()
    }
}

/// The result of one run of a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which check was run.
    pub check: CheckId,
    /// When the run started.
    pub started: Moment,
    /// From the start to the last byte, scheduler delay not included.
    pub latency: Duration,
    /// The parts of the latency.
    pub phases: Phases,
    /// How the run ended.
    pub outcome: Outcome,
    /// Why it did not pass; absent exactly when the outcome is `Pass`.
    pub fault: Option<Fault>,
    /// The numbers observed; a failed run may have observed some.
    pub readings: Vec<Reading>,
    /// What a person should know about a run that passed: a fallback used, an odd answer tolerated.
    pub notes: Vec<String>,
    /// How many tries came before this one and are not samples of their own (`gate --wait`).
    pub retries: u32,
    /// Whether it was taken beside the schedule, because an earlier one looked bad (`closer_look`).
    pub closer_look: bool,
}
