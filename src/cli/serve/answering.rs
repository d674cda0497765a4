//! The server beside the daemon: begun before anything is probed, so that an address that cannot be taken
//! is told at once, and ended after it.

use std::path::Path;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::clock::Clock;
use crate::engine::serve::handle::Handle;
use crate::plan::server::ServerPlan;
use crate::secret::Mask;
use crate::server::auth::{Doors, own};
use crate::server::{Current, Server, Shared};
use crate::store::history::History;

/// What the server works with.
pub(super) struct Answering<'a> {
    pub(super) handle: &'a Handle,
    pub(super) history: Arc<dyn History>,
    pub(super) clock: Arc<dyn Clock>,
    /// The state folder: the daemon's own token is in it.
    pub(super) state: &'a Path,
    pub(super) mask: Mask,
    pub(super) settings: watch::Receiver<Arc<ServerPlan>>,
}

/// A server that answers.
pub(super) struct Answers {
    /// Where it is reached from this machine.
    pub(super) url: String,
    stop: CancellationToken,
    serving: AbortOnDropHandle<()>,
    _renewing: AbortOnDropHandle<()>,
}

impl Answering<'_> {
    /// Takes the address and begins to answer.
    ///
    /// # Errors
    /// Why it cannot, in one line.
    pub(super) async fn begin(self) -> Result<Answers, String> {
        let own = own::token(self.state).map_err(|error| {
            let place = self.state.join(own::FILE);
            format!(
                "the daemon's own token cannot be kept in {}: {error}",
                place.display()
            )
        })?;
        self.mask.hide(own.reveal());
        let doors = Doors::new(Some(own)).map_err(|error| error.to_string())?;
        let mut settings = self.settings;
        let first = Current {
            mask: self.mask,
            settings: Arc::clone(&settings.borrow_and_update()),
        };
        let server = Server::bind(&first)
            .await
            .map_err(|error| error.to_string())?;
        let url = server.url();
        let (current, watched) = watch::channel(first);
        let renewing = tokio::spawn(async move {
            while settings.changed().await.is_ok() {
                let settings = Arc::clone(&settings.borrow_and_update());
                current.send_modify(|current| current.settings = settings);
            }
        });
        let shared = Shared::new(
            self.handle.clone(),
            self.history,
            self.clock,
            watched,
            doors,
        );
        let stop = CancellationToken::new();
        let serving = tokio::spawn(server.serve(shared, stop.clone()));
        Ok(Answers {
            url,
            stop,
            serving: AbortOnDropHandle::new(serving),
            _renewing: AbortOnDropHandle::new(renewing),
        })
    }
}

impl Answers {
    /// Ends what is in flight, within some seconds.
    pub(super) async fn finish(self) {
        self.stop.cancel();
        if let Err(error) = self.serving.await {
            tracing::debug!(%error, "the server did not end in order");
        }
    }
}
