//! Why a run did not pass, as a closed set, and whose fault each reason is. Decided here by one table,
//! for all kinds.

use serde::{Deserialize, Serialize};

use super::Outcome;

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
    /// A chain node has fewer of the newest blocks than others have.
    Behind,
    /// A chain node has another block than others at a height that all have.
    Forked,
    /// A chain's final blocks lie further behind its head than allowed.
    FinalityStalled,
    /// A chain node has fewer peers than expected.
    FewPeers,
    /// The node does not keep the data of the past that the check needs.
    MissingData,
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
    /// Too few of the independent references answered alike for what is expected beside them.
    NoReference,
    /// Another revision than the one under test answered, or it is not known which.
    OtherVersion,
    /// The check asks each task by its address, and there is none to ask, or it is not known whether
    /// this one still runs.
    NoTask,
    /// Whoever was asked about the target (the cloud's API, a store of metrics) gave no usable answer.
    SourceDown,
    /// Whoever was asked about the target does not let us look: the cloud's API, a store of metrics,
    /// a file of logs. That the target itself lets us in and hides something is [`Self::NotPermitted`].
    SourceDenied,
    /// There is nothing to judge by: no value in that time, no test in the suite.
    NoData,
    /// The check's own program says that it cannot tell, or ended before it could.
    Undecided,
    /// Our own machine could not run the check's program.
    NotStarted,
    /// The target itself let us in and does not let us see what the check asks about: our login there
    /// lacks a permission, and the message says which. That somebody else refuses us who is asked
    /// about the target is [`Self::SourceDenied`].
    NotPermitted,
    /// Our own resolver did not answer.
    Resolver,
    /// Our own machine has no resources left: descriptors, ports, memory.
    Exhausted,
    /// Our own machine has no way to the target's network, or does not let us out.
    NoRoute,
    /// Our own code failed.
    Panic,
    /// The run was given up before it ended: shutdown.
    Abandoned,
    /// Our own machine was too busy: the run began or was noticed too late to measure anything.
    Starved,
    /// Our own clock jumped, and the fault depends on what it says.
    ClockJumped,
    /// The control check failed at the same time: it is our own network.
    Offline,
}

impl Reason {
    /// All reasons, in the order of declaration.
    pub const ALL: [Self; 44] = [
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
        Self::Behind,
        Self::Forked,
        Self::FinalityStalled,
        Self::FewPeers,
        Self::MissingData,
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
        Self::NoReference,
        Self::OtherVersion,
        Self::NoTask,
        Self::SourceDown,
        Self::SourceDenied,
        Self::NoData,
        Self::Undecided,
        Self::NotStarted,
        Self::NotPermitted,
        Self::Resolver,
        Self::Exhausted,
        Self::NoRoute,
        Self::Panic,
        Self::Abandoned,
        Self::Starved,
        Self::ClockJumped,
        Self::Offline,
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
            | Self::UnsupportedMethod
            | Self::Behind
            | Self::Forked
            | Self::FinalityStalled
            | Self::FewPeers
            | Self::MissingData => Outcome::Fail,
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
            | Self::NoReference
            | Self::OtherVersion
            | Self::NoTask
            | Self::SourceDown
            | Self::SourceDenied
            | Self::NoData
            | Self::Undecided
            | Self::NotStarted
            | Self::NotPermitted
            | Self::Resolver
            | Self::Exhausted
            | Self::NoRoute
            | Self::Panic
            | Self::Abandoned
            | Self::Starved
            | Self::ClockJumped
            | Self::Offline => Outcome::Unknown,
        }
    }

    /// What it means when it was met on the way to somebody who was asked about the target, and not to
    /// the target itself: that they cannot be reached, fail or refuse us says nothing of the target.
    #[must_use]
    pub const fn secondhand(self) -> Self {
        match self {
            Self::TooLarge
            | Self::Malformed
            | Self::ServerFault
            | Self::UnsupportedMethod
            | Self::Redirect
            | Self::Dns
            | Self::Refused
            | Self::Reset
            | Self::Closed
            | Self::Timeout
            | Self::Tls
            | Self::Certificate
            | Self::Unreachable
            | Self::NotReady => Self::SourceDown,
            Self::Unauthorized | Self::NotPermitted => Self::SourceDenied,
            // What was made of their answer, and what is unknown anyway.
            Self::Status
            | Self::Expectation
            | Self::Syncing
            | Self::Behind
            | Self::Forked
            | Self::FinalityStalled
            | Self::FewPeers
            | Self::MissingData
            | Self::NoReference
            | Self::Stale
            | Self::Throttled
            | Self::WrongChain
            | Self::ChainHalted
            | Self::OtherVersion
            | Self::NoTask
            | Self::SourceDown
            | Self::SourceDenied
            | Self::NoData
            | Self::Undecided
            | Self::NotStarted
            | Self::Resolver
            | Self::Exhausted
            | Self::NoRoute
            | Self::Panic
            | Self::Abandoned
            | Self::Starved
            | Self::ClockJumped
            | Self::Offline => self,
        }
    }

    /// Whether it is our own machine that kept us from learning anything, and nobody else.
    #[must_use]
    pub const fn is_our_own(self) -> bool {
        matches!(
            self,
            Self::NotStarted
                | Self::Resolver
                | Self::Exhausted
                | Self::NoRoute
                | Self::Panic
                | Self::Abandoned
                | Self::Starved
                | Self::ClockJumped
                | Self::Offline
        )
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
            Self::Behind => "behind",
            Self::Forked => "forked",
            Self::FinalityStalled => "finality_stalled",
            Self::FewPeers => "few_peers",
            Self::MissingData => "missing_data",
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
            Self::NoReference => "no_reference",
            Self::OtherVersion => "other_version",
            Self::NoTask => "no_task",
            Self::SourceDown => "source_down",
            Self::SourceDenied => "source_denied",
            Self::NoData => "no_data",
            Self::Undecided => "undecided",
            Self::NotStarted => "not_started",
            Self::NotPermitted => "not_permitted",
            Self::Resolver => "resolver",
            Self::Exhausted => "exhausted",
            Self::NoRoute => "no_route",
            Self::Panic => "panic",
            Self::Abandoned => "abandoned",
            Self::Starved => "starved",
            Self::ClockJumped => "clock_jumped",
            Self::Offline => "offline",
        }
    }
}
