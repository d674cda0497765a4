//! The task that writes: batch by batch, again and again what fails, and in between it thins.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::trust::Trust;
use super::{Bounds, Shared};
use crate::clock::Clock;
use crate::quantity::human;
use crate::store::StoreError;
use crate::store::history::{Batch, History, Retention};

/// Who writes.
pub struct Writer {
    pub below: Arc<dyn History>,
    pub shared: Arc<Shared>,
    pub ending: CancellationToken,
    pub retention: Retention,
    pub bounds: Bounds,
    pub clock: Arc<dyn Clock>,
}

impl Writer {
    /// Writes until it is told to end and nothing waits any more.
    pub async fn run(self) {
        let mut thin_at = Instant::now() + self.bounds.thin_every;
        let mut trust = Trust::begin();
        loop {
            let is_empty = self.shared.queue().is_empty();
            if is_empty && self.ending.is_cancelled() {
                return;
            }
            if is_empty {
                tokio::select! {
                    () = self.shared.came.notified() => continue,
                    () = self.ending.cancelled() => continue,
                    () = sleep_until(thin_at) => {}
                }
            } else {
                self.linger().await;
                self.write().await;
            }
            if Instant::now() >= thin_at && !self.ending.is_cancelled() {
                thin_at = Instant::now() + self.thin(&mut trust).await;
            }
        }
    }

    /// Waits for more to come, unless there is enough for a batch.
    async fn linger(&self) {
        let begun = Instant::now();
        loop {
            let (length, is_urgent) = {
                let queue = self.shared.queue();
                (queue.len(), queue.is_urgent())
            };
            let linger = match is_urgent {
                true => self.bounds.linger_little,
                false => self.bounds.linger,
            };
            if length >= self.bounds.batch {
                return;
            }
            tokio::select! {
                () = self.shared.came.notified() => {}
                () = self.ending.cancelled() => return,
                () = sleep_until(begun + linger) => return,
            }
        }
    }

    /// Writes a batch, however often it takes.
    async fn write(&self) {
        let mut again_after = self.bounds.again_after;
        loop {
            let batch = self.shared.queue().take(self.bounds.batch);
            match self.keep(&batch).await {
                Ok(()) => {
                    self.shared.queue().written();
                    self.well();
                    return;
                }
                Err(error) => {
                    self.shared.queue().failed();
                    self.trouble(error.to_string());
                }
            }
            // Whoever ends us waits for at most so long as it said.
            sleep(again_after).await;
            again_after = (again_after * 2).min(self.bounds.again_at_most);
        }
    }

    /// Hands a batch to the store and waits for it, however long: what was asked cannot be taken
    /// back, and a second one beside it would only wait for the first.
    async fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut keeping = pin!(self.below.keep(batch));
        let begun = Instant::now();
        loop {
            if let Ok(kept) = timeout(self.bounds.patience, &mut keeping).await {
                return kept;
            }
            let since = Duration::from_secs(begun.elapsed().as_secs());
            self.trouble(format!("it has not answered for {}", human(since)));
        }
    }

    /// Does one step of thinning; says after how long to go on.
    async fn thin(&self, trust: &mut Trust) -> Duration {
        let asking = trust.is_given(&*self.clock, &*self.below);
        // A store that cannot say what it remembers cannot be thinned either: that is told of its writing.
        let is_trusted = matches!(timeout(self.bounds.patience, asking).await, Ok(Ok(true)));
        if !is_trusted {
            return self.bounds.thin_every;
        }
        let begun = Instant::now();
        let mut thinning = pin!(self.below.thin(self.clock.wall(), &self.retention));
        let thinned = loop {
            if let Ok(thinned) = timeout(self.bounds.patience, &mut thinning).await {
                break thinned;
            }
            let since = Duration::from_secs(begun.elapsed().as_secs());
            self.cannot_thin(format!("it has not answered for {}", human(since)));
        };
        match thinned {
            // As long as it took, so that whoever reads and writes gets half of the time.
            Ok(true) => {
                self.shared.thinning().take();
                begun.elapsed()
            }
            Ok(false) => {
                self.shared.thinning().take();
                self.bounds.thin_every
            }
            Err(error) => {
                self.cannot_thin(error.to_string());
                self.bounds.thin_every
            }
        }
    }

    fn well(&self) {
        if let Some(trouble) = self.shared.trouble().take() {
            tracing::info!(%trouble, "the history can be written again");
        }
    }

    fn cannot_thin(&self, why: String) {
        let mut thinning = self.shared.thinning();
        if thinning.is_none() {
            tracing::warn!(%why, "what is old in the history cannot be thinned");
        }
        *thinning = Some(why);
    }

    fn trouble(&self, why: String) {
        let mut trouble = self.shared.trouble();
        if trouble.is_none() {
            tracing::warn!(%why, "the history cannot be written; what comes is kept in memory");
        }
        *trouble = Some(why);
    }
}
