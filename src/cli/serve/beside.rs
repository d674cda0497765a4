//! What stands beside the daemon: the history that it writes, whoever takes its metrics and spans, and the
//! server that answers. Begun before anything is probed, so that what is wrong is told at once, and ended
//! after the daemon, so that its last words are kept.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::answering::{Answering, Answers};
use super::exporting::Exporting;
use super::outside::Here;
use super::remembering::Remembering;
use crate::cli::state;
use crate::clock::Clock;
use crate::engine::instruments::Outbound;
use crate::engine::serve::handle::Handle;
use crate::plan::store::StorePlan;
use crate::secret::Mask;
use crate::store::behind::Behind;
use crate::store::history::History;
use crate::telemetry::otlp::{Around, Instrumented};

/// How long the end of the daemon waits for what is not written yet.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// What it is begun with.
pub(super) struct Beginning<'a> {
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) store: &'a StorePlan,
    pub(super) here: &'a Here,
    pub(super) handle: &'a Handle,
    pub(super) outbound: Arc<Outbound>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) mask: &'a Mask,
}

/// What stands beside a daemon that runs.
pub(super) struct Beside {
    pub(super) history: Arc<Behind>,
    exporting: Exporting,
    server: Answers,
}

impl Beginning<'_> {
    /// Begins all of it.
    ///
    /// # Errors
    /// What cannot begin, and why, in one line.
    pub(super) async fn begin(self) -> Result<Beside, String> {
        let (mask, clock) = (self.mask, self.clock);
        let opened = state::history(self.environment, self.store, mask, Arc::clone(&clock)).await;
        let history = Arc::new(opened.map_err(|error| error.to_string())?);
        let asked = self.handle.clone();
        let instruments = Instrumented(Arc::new(move || asked.instruments()));
        let around = Around::new(instruments, self.outbound, Arc::clone(&clock), mask.clone());
        let exporting = Exporting::begin(self.here.telemetry(), around);
        let answering = Answering {
            handle: self.handle,
            history: Arc::clone(&history) as Arc<dyn History>,
            clock,
            state: &state::folder(self.environment),
            mask: mask.clone(),
            settings: self.here.settings(),
        };
        Ok(Beside {
            server: answering.begin().await?,
            history,
            exporting,
        })
    }
}

impl Beside {
    /// Where the pages are reached from this machine.
    pub(super) fn url(&self) -> &str {
        &self.server.url
    }

    /// Takes over what the daemon hands in.
    pub(super) fn remembering(&self) -> Remembering {
        Remembering::new(Arc::clone(&self.history), self.exporting.traced.clone())
    }

    /// Ends it, each within its own bound, and all at once: platforms leave little time between their two
    /// signals.
    pub(super) async fn finish(self) {
        let written = self.history.finish(LAST_WRITES);
        tokio::join!(self.server.finish(), written, self.exporting.finish());
    }
}
