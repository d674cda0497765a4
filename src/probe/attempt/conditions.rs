//! How one run is to be carried out: over which connections, by whose names, and at which one place
//! where several are asked one by one. Made by `engine`, read through [`super::Attempt`].

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Attempt;
use crate::clock::Moment;
use crate::probe::Resolver;
use crate::sample::Trace;

/// How one run is to be carried out, besides what its check declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Whether it must open new connections, whatever the check declares.
    pub fresh: bool,
    /// Whether it is judged for a deployment: unless the check declares another wish, connections
    /// are then opened anew.
    pub in_window: bool,
    /// Connections that were opened before are of no use: they lead to what ran then.
    pub opened_since: Moment,
    /// The one place that it asks, where the check asks each by itself.
    pub place: Option<Place>,
    /// How the check wants names to be resolved; absent where it does not say.
    pub resolver: Option<Arc<Resolver>>,
    /// How long it waited for its turn because the target held every place of its open loop: a part
    /// of the latency, and of the time that it may take.
    pub waited: Duration,
    /// Whether an answer of any version counts: what runs before the deployment under test, or
    /// after its rollback, is of another.
    pub any_version: bool,
    /// By which names tracing systems know it.
    pub trace: Option<Trace>,
}

impl Attempt {
    /// An attempt beside this one, for who asks somebody else within the same run: its time, its
    /// connections and its readings are not those of the target. Whoever makes it holds it to its
    /// deadline.
    #[must_use]
    pub fn aside(&self, timeout: Duration) -> Self {
        let conditions = Conditions {
            fresh: self.conditions.fresh,
            in_window: self.conditions.in_window,
            opened_since: self.conditions.opened_since,
            resolver: self.conditions.resolver.clone(),
            ..Conditions::default()
        };
        Self::start(Arc::clone(&self.clock), timeout, conditions)
    }

    /// The header by which the target's own spans hang below this run; absent where nobody named it.
    #[must_use]
    pub fn traceparent(&self) -> Option<String> {
        self.conditions.trace.map(|trace| trace.traceparent())
    }

    /// Since when the window is open in which this run is judged: for who counts what has happened
    /// since. Absent where it is judged by itself.
    #[must_use]
    pub fn window_since(&self) -> Option<Moment> {
        let conditions = &self.conditions;
        conditions.in_window.then_some(conditions.opened_since)
    }
}

/// The one place that a run asks, whatever else stands for its target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A task of the deployment under test.
    Task(TaskPlace),
    /// An address of the target's name.
    Address(AddressPlace),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Task(task) => task.fmt(f),
            Self::Address(place) => place.address.fmt(f),
        }
    }
}

/// An address of a name, and what it took to learn it: that is a part of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressPlace {
    /// The name.
    pub host: Arc<str>,
    /// One of its addresses.
    pub address: IpAddr,
    /// How long it took to resolve the name.
    pub took: Duration,
}

/// A task and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskPlace {
    /// The last part of its identifier.
    pub id: Arc<str>,
    /// Its private address.
    pub address: IpAddr,
}

impl fmt::Display for TaskPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {}", short(&self.id))
    }
}

/// The beginning of a task's identifier: people tell tasks apart by it.
#[must_use]
pub fn short(id: &str) -> String {
    match id.char_indices().nth(SHORT) {
        Some((end, _)) => format!("{}…", &id[..end]),
        None => id.to_owned(),
    }
}

/// Real identifiers have 32 digits; eight of them are the same by chance once in a hundred million.
const SHORT: usize = 8;
