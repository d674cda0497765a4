//! The seam of the notifiers: what people are told ([`Notice`]), along which way ([`Route`]), and what
//! one channel must be able to do ([`Notifier`], made by a [`Channel`]).
//!
//! A channel lives in one file beside this one and in one line of [`registry`]. It sends one notice and
//! says what came of it; it never tries twice, waits for no queue and knows no route: that is the
//! [`dispatcher`]'s business. Nothing here judges, and nothing that probes, decides or rolls back ever
//! waits for it.

pub mod dispatcher;
mod exchange;
pub mod narrator;
pub mod notice;
pub mod notices;
pub mod pagerduty;
pub mod registry;
pub mod route;
pub mod slack;
pub mod webhook;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

pub use notice::{Effect, Kind, Notice, Severity};
pub use route::Route;

/// One way to tell people. A dispatcher calls it from one task, one notice after the other.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Sends one notice, once. The future is dropped when [`Notifier::deadline`] has passed.
    ///
    /// # Errors
    /// Why it did not arrive, by what can be done about it; without any secret.
    async fn send(&self, notice: &Notice) -> Result<(), Unsent>;

    /// How long one sending may take.
    fn deadline(&self) -> Duration {
        DEADLINE
    }

    /// Whether it has a way to say this at all: a pager has none for what is no incident.
    fn takes(&self, _notice: &Notice) -> bool {
        true
    }
}

/// How long one sending may take where nothing else is declared: those who answer at all do so within a
/// second or two.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// Why a notice did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unsent {
    /// It never will as it is: a wrong key, a channel that does not exist. A person has to mend it.
    #[error("{0}")]
    Refused(String),
    /// Too much was sent; later it will be taken.
    #[error("{why}")]
    Throttled {
        /// What was answered.
        why: String,
        /// How long nothing may be sent, where that was said.
        after: Option<Duration>,
    },
    /// It may well arrive at the next try: no connection, no answer in time, a fault of theirs.
    #[error("{0}")]
    Passing(String),
}

/// A channel: implemented once per file, listed once in the registry.
pub trait Channel {
    /// The key under which the user declares it: `slack`.
    const NAME: &'static str;
    /// One line on what it is.
    const SUMMARY: &'static str;
    /// What the user writes below the key. Every field documented: the text becomes the schema.
    type Settings: DeserializeOwned + JsonSchema;

    /// Makes a notifier; refuses settings that cannot work, naming the field. Reaches nothing.
    ///
    /// # Errors
    /// A [`Misfit`] for each setting that is well-formed and still cannot work.
    fn notifier(settings: Self::Settings) -> Result<Arc<dyn Notifier>, Vec<Misfit>>;
}

/// A setting that is well-formed and still cannot work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The way to the setting below the channel's key.
    pub path: Vec<String>,
    /// The part of its text that is wrong, where only a part is.
    pub found: Option<String>,
    /// What is wrong, as a lower-case fragment.
    pub message: String,
    /// What to write instead, where that is known.
    pub hint: Option<String>,
}

impl Misfit {
    /// Makes a misfit of the setting at `path`.
    #[must_use]
    pub fn at(path: &[&str], message: impl Into<String>) -> Self {
        Self {
            path: path.iter().map(|&part| part.to_owned()).collect(),
            found: None,
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

/// A notifier as it was declared.
#[derive(Clone)]
pub struct Declared {
    /// Its name.
    pub name: Arc<str>,
    /// Its channel.
    pub channel: &'static str,
    /// What sends.
    pub notifier: Arc<dyn Notifier>,
}

impl fmt::Debug for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declared")
            .field("name", &self.name)
            .field("channel", &self.channel)
            .finish_non_exhaustive()
    }
}

/// Who can be told, and who is told of what.
#[derive(Clone, Debug, Default)]
pub struct Notifying {
    /// The notifiers, in the order of declaration.
    pub notifiers: Vec<Declared>,
    /// The routes, in the order of declaration; where none is declared, the one that holds then.
    pub routes: Vec<Route>,
}
