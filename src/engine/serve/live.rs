//! What is true at this moment, as a value: what the daemon's pages, its API and its metrics show. It is
//! made by the daemon; whoever reads it gets a copy and can hold nobody up.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::WallTime;
use crate::deployment::Deployment;
use crate::engine::in_force::InForce;
use crate::event::{Action, Verdict};
use crate::sample::{CheckId, Outcome, Sample};
use crate::verdict::CheckFacts;

/// Everything at one moment.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// When it was looked.
    pub at: WallTime,
    /// Since when the daemon runs.
    pub since: WallTime,
    /// The services, in the order of declaration.
    pub services: Vec<ServiceNow>,
    /// The checks, in the order of declaration.
    pub checks: Vec<CheckNow>,
    /// Who stopped all rollbacks on this machine, and why; absent where nobody did.
    pub freeze: Option<Freeze>,
    /// The silences that are in force, and those that come within a day.
    pub silences: Vec<SilenceNow>,
    /// How the history does.
    pub store: StoreNow,
    /// How the configuration does.
    pub configuration: ConfigurationNow,
    /// How those do who tell people, in the order of declaration.
    pub notifiers: Vec<NotifierNow>,
}

/// One that tells people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifierNow {
    /// Its name.
    pub name: Arc<str>,
    /// Its channel: `slack`, `pagerduty`, `webhook`.
    pub channel: &'static str,
    /// How many notices wait.
    pub waiting: usize,
    /// How many arrived.
    pub sent: u64,
    /// How many never will.
    pub unsent: u64,
    /// Why the last one that failed did; absent where none did since one arrived.
    pub trouble: Option<String>,
}

/// A service.
#[derive(Clone, Debug)]
pub struct ServiceNow {
    /// Its name.
    pub name: Arc<str>,
    /// The worst verdict of its checks.
    pub verdict: Verdict,
    /// The revision that runs, as people call it; absent where nobody knows.
    pub revision: Option<String>,
    /// Why its deployments cannot be seen; absent where they can, or where none was declared.
    pub unseen: Option<String>,
    /// Whether it has deployments at all.
    pub is_deployed: bool,
    /// The name of its policy.
    pub policy: Arc<str>,
    /// Who stopped its rollbacks on this machine, and why; absent where nobody did, or only those of all
    /// services.
    pub freeze: Option<Freeze>,
    /// Its open window.
    pub window: Option<WindowNow>,
}

/// What an open window is doing: the states of `smokejumper_window_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WindowState {
    /// None is open.
    Closed,
    /// The deployment is looked for, or an earlier run is gone on with.
    Opening,
    /// The deployment bakes.
    Baking,
    /// It is being undone.
    RollingBack,
    /// The revision before is being proven.
    Verifying,
}

impl WindowState {
    /// All states, in the order in which they come.
    pub const ALL: [Self; 5] = [
        Self::Closed,
        Self::Opening,
        Self::Baking,
        Self::RollingBack,
        Self::Verifying,
    ];

    /// The name, as in metrics and in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Opening => "opening",
            Self::Baking => "baking",
            Self::RollingBack => "rolling_back",
            Self::Verifying => "verifying",
        }
    }
}

/// An open window.
#[derive(Clone, Debug)]
pub struct WindowNow {
    /// Its name.
    pub id: Arc<str>,
    /// What it is doing.
    pub state: WindowState,
    /// When it was opened.
    pub opened: WallTime,
    /// When the bake ends; absent before it begins.
    pub ends: Option<WallTime>,
    /// The deployment under test; absent before it is pinned.
    pub deployment: Option<Deployment>,
    /// The worst verdict so far.
    pub verdict: Verdict,
    /// What would happen if it ended now, and why.
    pub would: (Action, Vec<String>),
    /// How many samples it was given.
    pub samples: u64,
    /// The checks that judge it, as they were declared when it was opened, in their order.
    pub checks: Vec<WindowCheck>,
}

/// A check of an open window: the window goes on under what was declared when it was opened, whatever
/// is declared meanwhile.
#[derive(Clone, Debug)]
pub struct WindowCheck {
    /// By what it is judged.
    pub in_force: Arc<InForce>,
    /// How often it runs.
    pub every: Duration,
    /// The verdict on it, so far.
    pub verdict: Verdict,
    /// Why, in one line; empty for a pass.
    pub because: String,
}

impl WindowCheck {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> &CheckId {
        &self.in_force.facts.id
    }
}

/// A check.
#[derive(Clone, Debug)]
pub struct CheckNow {
    /// Its name, kind, service and tags.
    pub facts: CheckFacts,
    /// How often it runs.
    pub every: Duration,
    /// The verdict on it, over the last minutes or in the open window.
    pub verdict: Verdict,
    /// Since when that is the verdict.
    pub since: WallTime,
    /// Why, in one line; empty for a pass.
    pub because: String,
    /// The outcomes of its last runs, the oldest first.
    pub recent: Vec<Outcome>,
    /// Quantiles of the latency over the last minutes: 50 and 95 %; absent where too few runs passed.
    pub p50: Option<Duration>,
    /// See `p50`.
    pub p95: Option<Duration>,
    /// The 50 and 95 % quantiles of each of the last minutes, the oldest first; absent where none passed.
    pub sparkline: Vec<Option<(Duration, Duration)>>,
    /// Its last run; absent before the first.
    pub last: Option<(WallTime, Sample)>,
    /// How it was declared, as YAML, with secrets masked.
    pub declared: Arc<str>,
    /// The limits on its latency and errors, each as it was typed: subject, level, limit.
    pub limits: Arc<[String]>,
}

/// Who stopped all rollbacks on this machine, or those of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// Who, where that is known.
    pub by: Option<String>,
    /// Why.
    pub reason: String,
    /// Since when, where that is known.
    pub since: Option<WallTime>,
}

/// A silence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SilenceNow {
    /// Its name.
    pub id: String,
    /// Why, in the words of whoever declared it.
    pub reason: String,
    /// Who ordered it; absent where it was declared.
    pub by: Option<String>,
    /// From when.
    pub from: WallTime,
    /// To when.
    pub to: WallTime,
    /// Whether checks do not even run; otherwise only alerts are stopped.
    pub stops_checks: bool,
    /// What it is about, as it was declared: `service api`, `tag database`, `everything`.
    pub about: String,
}

/// How the history does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreNow {
    /// Where it is: a file, or a database without its password.
    pub place: String,
    /// Why it cannot be written at the moment; absent where it can.
    pub trouble: Option<String>,
    /// Samples, happenings and windows that wait to be written.
    pub waiting: u64,
    /// What was given up because the store did not come back in time.
    pub lost: u64,
}

impl From<crate::store::behind::State> for StoreNow {
    fn from(state: crate::store::behind::State) -> Self {
        Self {
            place: state.place,
            trouble: state.trouble,
            waiting: state.waiting,
            lost: state.lost,
        }
    }
}

/// How the configuration does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigurationNow {
    /// When the one in force was read.
    pub loaded: WallTime,
    /// What is wrong with the newer one that was refused; absent where there is none.
    pub refused: Option<String>,
}
