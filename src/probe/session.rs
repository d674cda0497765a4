//! One login for many checks, as `plan` sees it: it hands a check over and gets a probe that is run
//! while logged in. Who logs in, when and again is its maker's business.

use std::sync::Arc;

use super::{Mold, Probe};

/// What logs in once for all checks that name it.
pub trait Session: Send + Sync {
    /// The names that the login captures, for the settings of the checks.
    fn names(&self) -> Vec<Arc<str>>;

    /// The probe of a check that is run while logged in.
    fn attended(self: Arc<Self>, check: Attended) -> Box<dyn Probe>;
}

/// A check that is run while logged in.
pub enum Attended {
    /// One whose settings are filled in with what the login captured.
    Settings(Arc<Mold>),
    /// One that fills in its own and finds the login's in its [`Attempt`](super::Attempt).
    Whole(Box<dyn Probe>),
}
