//! What one run of a probe observed, as a value. Nothing here probes, judges or prints.

mod reason;
mod sending;
mod session;
mod trace;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
pub use reason::Reason;
pub use sending::Sending;
pub use session::{Session, TlsSession};
pub use trace::Trace;

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
    /// Whether it depends on what time it is: a certificate that has expired, a block that is old.
    /// When our own clock has jumped, it teaches nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dated: bool,
    /// What else is wrong with the same answer, one line each and worth a reason of its own: the
    /// other tests of a suite that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<String>,
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
                | Reason::SourceDown
                | Reason::Resolver
                | Reason::NoRoute
                | Reason::Offline
        );
        Self {
            reason,
            detail: detail.into(),
            transient,
            dated: false,
            further: Vec::new(),
        }
    }

    /// The same fault with what else is wrong, as much of it as a report can carry.
    #[must_use]
    pub fn further(mut self, others: impl IntoIterator<Item = String>) -> Self {
        self.further = others.into_iter().take(MOST_FURTHER).collect();
        self
    }

    /// The same fault, marked as one that depends on what time it is.
    #[must_use]
    pub fn dated(mut self) -> Self {
        self.dated = true;
        self
    }

    /// The same fault, marked as one that another try may well mend.
    #[must_use]
    pub fn transient(mut self) -> Self {
        self.transient = true;
        self
    }
}

/// Every sample of a window keeps its fault, and nobody reads a longer list.
const MOST_FURTHER: usize = 20;

/// What a reading counts.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
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
    /// A part of a whole: 0.05 for 5 %.
    Share,
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
///
/// There is one of these for every sample that is held, so it is small: nanoseconds and one, and
/// nothing for a phase that did not happen. No run takes the centuries that would not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    from = "[Option<Duration>; Phase::ALL.len()]",
    into = "[Option<Duration>; Phase::ALL.len()]"
)]
pub struct Phases([u64; Phase::ALL.len()]);

impl Phases {
    /// The time spent in a phase.
    #[must_use]
    pub const fn get(&self, phase: Phase) -> Option<Duration> {
        match self.0[phase as usize].checked_sub(1) {
            Some(nanoseconds) => Some(Duration::from_nanos(nanoseconds)),
            None => None,
        }
    }

    /// Adds time to a phase: redirects and several round trips sum up.
    pub fn add(&mut self, phase: Phase, span: Duration) {
        let slot = &mut self.0[phase as usize];
        let nanoseconds = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        *slot = (*slot).max(1).saturating_add(nanoseconds);
    }

    /// The sum of all phases.
    #[must_use]
    pub fn total(&self) -> Duration {
        let phases = Phase::ALL.into_iter();
        phases.filter_map(|phase| self.get(phase)).sum()
    }
}

impl From<[Option<Duration>; Phase::ALL.len()]> for Phases {
    fn from(spans: [Option<Duration>; Phase::ALL.len()]) -> Self {
        let mut phases = Self::default();
        for (phase, span) in Phase::ALL.into_iter().zip(spans) {
            if let Some(span) = span {
                phases.add(phase, span);
            }
        }
        phases
    }
}

impl From<Phases> for [Option<Duration>; Phase::ALL.len()] {
    fn from(phases: Phases) -> Self {
        Phase::ALL.map(|phase| phases.get(phase))
    }
}

/// The result of one run of a probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Which check was run.
    pub check: CheckId,
    /// When the run started.
    pub started: Moment,
    /// From the start to the last byte, scheduler delay not included. A run of an open loop that
    /// waited because the target held every place in flight started when it began to wait.
    pub latency: Duration,
    /// The parts of the latency; those of an open loop's run are of what followed its wait.
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
    /// How an open loop sent it; absent where it ran by its interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sending: Option<Sending>,
    /// What it talked over; absent where that is not known. Equal ones of a check share it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<Arc<Session>>,
    /// By which names it can be found in a tracing system; absent where nobody named it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<Trace>,
}
