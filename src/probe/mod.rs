//! The seam of the probes: what a kind of check is, and what one run of its probe may do.
//!
//! A kind lives in one file beside this one and in one line of [`registry`]. It says what its
//! settings are, builds a [`Probe`] from them, and each run of that probe is one attempt under one
//! deadline that [`attempt`] enforces. A probe measures and says what it saw; it never judges.

mod addresses;
pub mod api;
pub mod attempt;
pub mod bitcoin;
pub mod chain;
pub mod cloudwatch;
mod cookies;
pub mod database;
pub mod datadog;
pub mod dns;
pub mod ecs;
pub mod evm;
pub mod exec;
pub mod flow;
mod generated;
pub mod grpc;
pub mod http;
pub mod icmp;
pub mod logs;
pub mod metrics;
mod mold;
pub mod mysql;
mod names;
pub mod pool;
pub mod postgres;
pub mod prometheus;
pub mod redis;
pub mod registry;
mod reply;
mod reuse;
pub mod sentry;
mod session;
pub mod solana;
pub mod target_health;
pub mod tcp;
pub mod tezos;
pub mod tls;
pub mod websocket;
pub mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::deployment::{EcsService, Platform};
use crate::sample::{Fault, Unit};
use crate::verdict::threshold::Threshold;
pub use addresses::Addresses;
pub use attempt::Attempt;
pub use cookies::{Cookie, Cookies};
pub use generated::Generated;
pub use mold::{Mold, Nature, ValueOf, Values};
pub use names::{Resolver, Source};
pub use reply::{Replies, Reply};
pub use reuse::ConnectionPolicy;
pub use session::{Attended, Session};
// How something is asked over HTTP that is no target of a check: where traces go, say.
pub use wire::address::{Address, place_name};
pub use wire::http_address::Address as HttpAddress;
pub use wire::protocol::HttpProtocol;
pub use wire::tls::{Tls, TlsSettings};

/// The executable made from a check. One call of [`Probe::run`] is one attempt: it never retries.
#[async_trait]
pub trait Probe: Send + Sync {
    /// Runs once: reports phases, readings and notes to `attempt`, and ends with the fault, if any.
    ///
    /// The future may be dropped at any await when the deadline passes, so it must hold nothing
    /// that dropping does not release.
    async fn run(&self, attempt: &mut Attempt) -> Result<(), Fault>;

    /// Whether each run asks one task of the deployment under test, [`Attempt::task`], and not
    /// whoever answers under a name. Where no task is given, nothing is learnt.
    fn asks_tasks(&self) -> bool {
        false
    }

    /// The name of whose addresses each is asked by itself, [`Place::Address`](attempt::Place); absent
    /// where whoever answers under the name is asked.
    fn asks_addresses_of(&self) -> Option<&str> {
        None
    }

    /// The readings that its settings name, and what they count; `name.more` belongs to `name`. So a
    /// limit may be written in the unit of its reading, and a misspelt one is found at load. Nothing
    /// where only a run tells.
    fn readings(&self) -> Option<Vec<(Arc<str>, Unit)>> {
        None
    }

    /// How long a run takes at least by what its check declares, as a connection that has to stay
    /// open. A timeout that is no longer cannot hold it.
    fn lasts(&self) -> Duration {
        Duration::ZERO
    }

    /// Whether its settings make it ask for something of which values can be captured, where its kind
    /// can say what it was answered.
    fn hears(&self) -> bool {
        true
    }

    /// The part of a run that may take longest by what the check declares, and how long: it cannot take
    /// longer than the whole.
    fn longest_part(&self) -> Option<(&str, Duration)> {
        None
    }

    /// Whom the runs ask, so that runs of many checks against one target can be counted together;
    /// absent where that is not one place.
    fn target(&self) -> Option<Target> {
        None
    }

    /// Whom the runs ask about the target, where they do not ask the target itself: `CloudWatch`.
    /// What keeps those from answering teaches nothing about the target: [`attempt`] makes of each
    /// reason its [`secondhand`](crate::sample::Reason::secondhand) one.
    fn source(&self) -> Option<&str> {
        None
    }

    /// The limits on its own readings that hold where the check declares no thresholds: a reading that
    /// every run gives and that means a warning.
    fn limits(&self) -> Vec<Threshold> {
        Vec::new()
    }
}

/// Whom a probe asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// Its name: scheme, host and port, as `http://api.test:80`. Never a secret.
    pub name: Arc<str>,
    /// How many runs may ask it at the same time, of all checks together; absent where its kind
    /// sets no limit of its own.
    pub at_once: Option<usize>,
}

impl Target {
    /// Whom an absolute address leads to, without a limit of its kind; absent where it has no host.
    #[must_use]
    pub fn of(url: &url::Url) -> Option<Self> {
        let (scheme, host) = (url.scheme(), url.host_str()?);
        let port = url.port_or_known_default()?;
        Some(Self {
            name: Arc::from(format!("{scheme}://{host}:{port}")),
            at_once: None,
        })
    }
}

/// A kind of check: implemented once per file, listed once in the registry.
pub trait Kind {
    /// The key under which the user declares it: `http`.
    const NAME: &'static str;
    /// One line on what it proves.
    const SUMMARY: &'static str;
    /// The readings it can give.
    const READINGS: Readings;
    /// What it probes, when that is seldom the service itself: `database`, `chain`. A failure of
    /// it is no reason to roll back unless a rule of the policy says so.
    const DEPENDENCY: Option<&'static str> = None;
    /// Whether it says what it was answered ([`Attempt::observe`]), so that a guard can compare it
    /// with before.
    const OBSERVES: bool = false;
    /// How much it says of what it was answered ([`Attempt::reply`]), so that a step of a flow can
    /// capture values of it.
    const REPLIES: Replies = Replies::Nothing;
    /// The lists in its settings whose items are steps: each has a kind of its own, whose settings
    /// reach the kind as [`Surroundings::steps`].
    const STEPS: &'static [&'static str] = &[];
    /// What the user writes below the key. Every field documented: the text becomes the schema.
    type Settings: DeserializeOwned + JsonSchema;

    /// Builds the probe; refuses settings that cannot work, naming the field.
    ///
    /// # Errors
    /// A [`Misfit`] for each setting that is well-formed and still cannot work.
    fn probe(
        settings: Self::Settings,
        surroundings: &Surroundings,
    ) -> Result<Box<dyn Probe>, Vec<Misfit>>;
}

/// The readings that a kind can give, so that a threshold on a misspelt one is found at load.
#[derive(Clone, Copy, Debug)]
pub struct Readings {
    /// The names it may give by itself, with unit and meaning.
    pub named: &'static [(&'static str, Unit, &'static str)],
    /// Whether the user's settings can name others (columns of a query).
    pub open: bool,
}

impl Readings {
    /// Those of a kind of which nothing is known.
    pub const UNKNOWN: Self = Self {
        named: &[],
        open: true,
    };
}

/// What a kind may know of the world at load time.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The folder of the file that declares the check: relative paths start here.
    pub folder: PathBuf,
    /// The environment of the program, for who runs another one. It may hold secrets: what is handed
    /// on is chosen by name.
    pub environment: Arc<BTreeMap<String, String>>,
    /// Where the service of the check is deployed, where it has one that says so.
    pub deployment: Option<Platform>,
    /// What the steps do that the settings declare, list by list as [`Kind::STEPS`] names them.
    pub steps: Vec<Vec<Arc<Mold>>>,
}

impl Surroundings {
    /// The ECS service to which the check's service is deployed, where it is one.
    #[must_use]
    pub fn ecs_service(&self) -> Option<&EcsService> {
        match self.deployment.as_ref()? {
            Platform::Ecs(service) => Some(service),
        }
    }

    /// The region in which AWS is asked about the check's service, unless the check names another;
    /// absent where the environment says.
    #[must_use]
    pub fn region(&self, declared: Option<String>) -> Option<String> {
        declared.or_else(|| self.ecs_service()?.region.clone())
    }
}

/// A setting that is well-formed and still cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The way to the setting below the kind's key: `["expect", "status"]`.
    pub path: Vec<String>,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
}

impl Misfit {
    /// Makes a misfit of the setting at `path`.
    #[must_use]
    pub fn at(path: &[&str], message: impl Into<String>) -> Self {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        Self {
            path,
            message: message.into(),
            hint: None,
        }
    }

    /// The same misfit with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
