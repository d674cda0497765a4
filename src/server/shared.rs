//! What every handler holds: the way to the daemon, to the past, and to what a reload replaces.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use super::auth::Doors;
use super::feed::Feed;
use super::problem::Problem;
use crate::clock::{Clock, Moment};
use crate::engine::instruments::Instruments;
use crate::engine::serve::handle::{Done, Handle, Order, Refused, Whose};
use crate::engine::serve::live::Live;
use crate::plan::server::ServerPlan;
use crate::secret::Mask;
use crate::store::history::History;

/// What a new configuration replaces.
#[derive(Clone, Debug)]
pub struct Current {
    /// What must not be seen in any answer.
    pub mask: Mask,
    /// Where and for whom the server listens.
    pub settings: Arc<ServerPlan>,
}

/// What every handler holds. Clones are of the same.
#[derive(Clone)]
pub struct Shared {
    /// The way to the daemon.
    pub handle: Handle,
    /// The past.
    pub history: Arc<dyn History>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    current: watch::Receiver<Current>,
    doors: Arc<Doors>,
    feed: Arc<Feed>,
    ending: CancellationToken,
    seen: Arc<Mutex<Option<Seen>>>,
}

/// What was true a moment ago.
struct Seen {
    at: Moment,
    /// For so long it is good.
    fresh: Duration,
    live: Arc<Live>,
}

/// For so long an answer of the daemon is good for the next one who asks: a page with a dozen
/// requests copies the state of all checks once.
const FRESH: Duration = Duration::from_millis(200);
/// Where there are very many checks it is good for longer: so many times what it took to put together, so
/// that any number of open pages costs a twentieth of a processor.
const SHARE: u32 = 20;
/// But a page is never older than this.
const OLDEST: Duration = Duration::from_secs(2);

impl Shared {
    /// What handlers hold; `current` brings what reloads replace.
    #[must_use]
    pub fn new(
        handle: Handle,
        history: Arc<dyn History>,
        clock: Arc<dyn Clock>,
        current: watch::Receiver<Current>,
        doors: Doors,
    ) -> Self {
        Self {
            handle,
            history,
            clock,
            current,
            doors: Arc::new(doors),
            feed: Arc::default(),
            ending: CancellationToken::new(),
            seen: Arc::default(),
        }
    }

    /// What must not be seen in any answer.
    #[must_use]
    pub fn mask(&self) -> Mask {
        self.current.borrow().mask.clone()
    }

    /// What is counted.
    #[must_use]
    pub fn instruments(&self) -> Arc<Instruments> {
        self.handle.instruments()
    }

    /// Where and for whom the server listens.
    #[must_use]
    pub fn settings(&self) -> Arc<ServerPlan> {
        Arc::clone(&self.current.borrow().settings)
    }

    /// Says when something of it is replaced.
    #[must_use]
    pub fn renewed(&self) -> watch::Receiver<Current> {
        self.current.clone()
    }

    /// Who is let in, and how forms are known to be ours.
    #[must_use]
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// What happens, for those who listen.
    #[must_use]
    pub fn feed(&self) -> &Feed {
        &self.feed
    }

    /// Cancelled when the server ends: streams end with it.
    #[must_use]
    pub fn ending(&self) -> CancellationToken {
        self.ending.clone()
    }

    /// What is true now, or was a moment ago.
    ///
    /// # Errors
    /// When the daemon is ending or does not answer.
    pub async fn live(&self) -> Result<Arc<Live>, Problem> {
        let mut seen = self.seen.lock().await;
        if let Some(seen) = &*seen
            && self.clock.now().since(seen.at) < seen.fresh
        {
            return Ok(Arc::clone(&seen.live));
        }
        let at = self.clock.now();
        let live = Arc::new(self.handle.live().await?);
        let took = self.clock.now().since(at);
        *seen = Some(Seen {
            at,
            fresh: (took * SHARE).clamp(FRESH, OLDEST),
            live: Arc::clone(&live),
        });
        Ok(live)
    }

    /// Orders something in the name of a caller; what is asked afterwards sees what came of it.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn order(&self, by: Whose, order: Order) -> Result<Done, Refused> {
        let done = self.handle.order(by, order).await;
        *self.seen.lock().await = None;
        done
    }
}
