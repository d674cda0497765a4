//! The right to act on a service, held for as long as a run lasts: taken from the journal, renewed
//! while it is held, given back at the end. Without it only calls that name the deployment itself
//! may be sent.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::task::AbortOnDropHandle;

use super::context::Context;
use super::logbook::Logbook;
use crate::clock::Clock;
use crate::decision::Interlock;
use crate::store::Lease;

/// A right that is not renewed for this long is free for others.
pub(super) const SPAN: Duration = Duration::from_secs(60);
/// It is renewed four times in that.
const RENEWED_EVERY: Duration = Duration::from_secs(15);

/// The right to act, while it is held.
#[derive(Debug)]
pub struct Guard {
    log: Logbook,
    clock: Arc<dyn Clock>,
    ours: Arc<AtomicBool>,
    /// Whether a person insists on it.
    is_insisted: bool,
    // Dropping it ends the renewing.
    renewing: Mutex<Option<AbortOnDropHandle<()>>>,
}

impl Guard {
    /// Asks for the right; says, where it is not given, why.
    pub async fn ask(context: &Context, log: &Logbook) -> (Self, Result<(), Interlock>) {
        let guard = Self::none(context, log);
        let given = guard.again().await;
        (guard, given)
    }

    /// Asks once more, where it was not given before.
    ///
    /// # Errors
    /// Why it is not given.
    pub async fn again(&self) -> Result<(), Interlock> {
        if self.is_ours() {
            return Ok(());
        }
        take(&self.log, &*self.clock).await?;
        self.ours.store(true, Ordering::SeqCst);
        let (log, clock, ours) = (
            self.log.clone(),
            Arc::clone(&self.clock),
            Arc::clone(&self.ours),
        );
        let renewing = AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                tokio::time::sleep(RENEWED_EVERY).await;
                let is_ours = take(&log, &*clock).await.is_ok();
                ours.store(is_ours, Ordering::SeqCst);
            }
        }));
        self.renewed_by(Some(renewing));
        Ok(())
    }

    /// Makes sure that it is held still: a process that was suspended may have lost it unseen.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn confirm(&self) -> Result<(), Interlock> {
        if self.is_insisted {
            return Ok(());
        }
        let confirmed = take(&self.log, &*self.clock).await;
        self.ours.store(confirmed.is_ok(), Ordering::SeqCst);
        confirmed
    }

    /// Whether it is held now, as far as is known.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.ours.load(Ordering::SeqCst)
    }

    /// A right that a person insists on, whoever holds it: nothing is taken and nothing renewed.
    #[must_use]
    pub fn insisted(context: &Context, log: &Logbook) -> Self {
        Self {
            ours: Arc::new(AtomicBool::new(true)),
            is_insisted: true,
            ..Self::none(context, log)
        }
    }

    /// A guard for runs that change nothing.
    #[must_use]
    pub fn none(context: &Context, log: &Logbook) -> Self {
        Self {
            log: log.clone(),
            clock: Arc::clone(&context.clock),
            ours: Arc::default(),
            is_insisted: false,
            renewing: Mutex::default(),
        }
    }

    /// Gives it back. One that cannot be given back runs out by itself.
    pub async fn give_back(self) {
        self.renewed_by(None);
        if self.is_ours()
            && !self.is_insisted
            && let Ok(store) = self.log.store()
            && let Err(error) = store.release(self.log.service()).await
        {
            tracing::debug!(%error, "the right to act runs out by itself");
        }
    }
}

impl Guard {
    fn renewed_by(&self, renewing: Option<AbortOnDropHandle<()>>) {
        *self.renewing.lock().unwrap_or_else(PoisonError::into_inner) = renewing;
    }
}

async fn take(log: &Logbook, clock: &dyn Clock) -> Result<(), Interlock> {
    let now = clock.wall();
    let store = log.store().map_err(|why| Interlock::Journal { why })?;
    match store.lease(log.service(), now, SPAN).await {
        Ok(Lease::Ours) => Ok(()),
        Ok(Lease::Held { by, until }) => Err(Interlock::Lease {
            by,
            left: until.since(now),
        }),
        Err(error) => Err(Interlock::Journal {
            why: error.to_string(),
        }),
    }
}
