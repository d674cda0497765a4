//! What a server showed during a handshake, whether or not the handshake then came about.
//!
//! The TLS library keeps no certificate of a handshake that failed, and one verifier serves all
//! handshakes of a check. But it calls the verifier from within the handshake's own future: what
//! the verifier sees is left in a slot of that future, where whoever waits for it finds it.

use std::cell::Cell;
use std::future::Future;

use super::validity::Validity;
use crate::probe::Attempt;

tokio::task_local! {
    /// What the handshake that is being polled was shown.
    static SHOWN: Cell<Option<Validity>>;
}

/// Waits for a handshake, then tells `attempt` how long the certificates that the server showed are
/// still valid: also when it was refused for them. A session that is resumed shows none, and then
/// nothing is said: the server may have got another certificate since.
pub async fn witnessed<F: Future>(
    attempt: &mut Attempt,
    handshake: F,
) -> (F::Output, Option<Validity>) {
    let (ended, shown) = SHOWN
        .scope(Cell::new(None), async move {
            let ended = handshake.await;
            (ended, SHOWN.with(Cell::take))
        })
        .await;
    if let Some(shown) = &shown {
        shown.report(attempt);
    }
    (ended, shown)
}

/// Leaves what a server showed for whoever waits for this handshake.
pub fn saw(validity: Validity) {
    if SHOWN.try_with(|shown| shown.set(Some(validity))).is_err() {
        tracing::trace!("a handshake that nobody witnesses");
    }
}
