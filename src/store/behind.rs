//! The history as the daemon has it: whatever is handed in is taken at once and written behind.
//!
//! Nobody who hands something in waits, whatever the store does: there is a queue with a bound, and a
//! task that writes from it in batches. While the store cannot be written, what comes is kept in
//! memory, and written when the store returns; what does not fit is given up, the oldest samples
//! first and what happened last, and counted. What waits is found by whoever asks, as if it were
//! written; while the store cannot be read, that is all that is found. Secrets are masked on the way.
//! It is made by `cli` and used by `engine` and `server`.

mod masking;
mod queue;
mod recent;
#[cfg(test)]
mod tests;
mod trust;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::queue::Queue;
use self::writer::Writer;
use super::StoreError;
use super::history::{
    Batch, Between, Figures, Happening, History, Page, Retention, Seen, Slice, StoredWindow,
};
use crate::clock::{Clock, WallTime};
use crate::sample::{CheckId, Outcome};
use crate::secret::Mask;

/// How much is written at once and how much may wait.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At most so many samples, happenings and windows in one batch.
    pub batch: usize,
    /// Samples are waited for so long, so that many are written together: each batch is a row in
    /// which a question about the last hour has to look.
    pub linger: Duration,
    /// What happened, and windows, so long.
    pub linger_little: Duration,
    /// At most so many may wait.
    pub waiting: usize,
    /// A store that has not answered for so long is in trouble; it is waited for all the same.
    pub patience: Duration,
    /// A failed batch is tried again after this, then after twice as long, …
    pub again_after: Duration,
    /// … and at the latest after this.
    pub again_at_most: Duration,
    /// How often it is looked whether something is old enough to be thinned.
    pub thin_every: Duration,
}

impl Default for Bounds {
    /// For 100,000 checks every ten seconds on a machine of two cores.
    fn default() -> Self {
        Self {
            // Two seconds of samples at that rate: a transaction of some fifty milliseconds.
            batch: 20_000,
            // What a page shows of the last moments comes from memory. A killed process loses the
            // samples of so long.
            linger: Duration::from_secs(2),
            // Whole bursts of what happens come together, and little of it can be lost.
            linger_little: Duration::from_millis(100),
            // Half a kilobyte each: 100 MB at the worst, and 20 s at that rate. Of a hundred checks it
            // is what comes in five hours.
            waiting: 200_000,
            patience: Duration::from_secs(5),
            again_after: Duration::from_millis(500),
            again_at_most: Duration::from_secs(15),
            thin_every: Duration::from_secs(15),
        }
    }
}

/// How the history does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Where it is: a file, or a database without its password.
    pub place: String,
    /// Why it cannot be written at the moment; absent where it can.
    pub trouble: Option<String>,
    /// Samples, happenings and windows that wait to be written.
    pub waiting: u64,
    /// What was given up because the store did not come back in time.
    pub lost: u64,
}

/// A history that is written behind.
pub struct Behind {
    mask: Mask,
    below: Arc<dyn History>,
    shared: Arc<Shared>,
    place: String,
    ending: CancellationToken,
    task: Mutex<Option<AbortOnDropHandle<()>>>,
    questions: Semaphore,
}

impl fmt::Debug for Behind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behind")
            .field("place", &self.place)
            .finish_non_exhaustive()
    }
}

/// What whoever hands in and the task that writes both know.
struct Shared {
    queue: Mutex<Queue>,
    trouble: Mutex<Option<String>>,
    /// Why what is old cannot be thinned: no write that succeeds ends that.
    thinning: Mutex<Option<String>>,
    came: Notify,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn trouble(&self) -> MutexGuard<'_, Option<String>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn thinning(&self) -> MutexGuard<'_, Option<String>> {
        self.thinning.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many questions are asked of the store at once; one that hangs holds its place.
const QUESTIONS: usize = 16;
/// How long an answer of the store is waited for: whoever looks at a page waits no longer.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);

impl Behind {
    /// Begins to write to a history behind whoever hands something in. `place` is what people call
    /// it, without secrets.
    ///
    /// Must be called within a runtime: it spawns the task that writes, which ends with this.
    #[must_use]
    pub fn start(
        below: Arc<dyn History>,
        place: String,
        retention: Retention,
        bounds: Bounds,
        mask: Mask,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::new(bounds.waiting)),
            trouble: Mutex::default(),
            thinning: Mutex::default(),
            came: Notify::new(),
        });
        let ending = CancellationToken::new();
        let writer = Writer {
            below: Arc::clone(&below),
            shared: Arc::clone(&shared),
            ending: ending.clone(),
            retention,
            bounds,
            clock,
        };
        Self {
            mask,
            below,
            shared,
            place,
            ending,
            task: Mutex::new(Some(AbortOnDropHandle::new(tokio::spawn(writer.run())))),
            questions: Semaphore::new(QUESTIONS),
        }
    }

    /// Takes a batch over, masks it, and returns at once.
    pub fn hand_in(&self, mut batch: Batch) {
        masking::mask(&mut batch, &self.mask);
        self.shared.queue().put(batch);
        self.shared.came.notify_one();
    }

    fn trouble(&self) -> Option<String> {
        let writing = self.shared.trouble().clone();
        writing.or_else(|| {
            let thinning = self.shared.thinning();
            let told = |why: &String| format!("what is old cannot be thinned: {why}");
            thinning.as_ref().map(told)
        })
    }

    /// How it does.
    #[must_use]
    pub fn state(&self) -> State {
        let (waiting, lost) = {
            let queue = self.shared.queue();
            (queue.len(), queue.lost())
        };
        State {
            place: self.place.clone(),
            trouble: self.trouble(),
            waiting: waiting as u64,
            lost,
        }
    }

    /// Writes what waits, for at most so long, and ends. What is handed in later waits for ever.
    pub async fn finish(&self, within: Duration) {
        self.ending.cancel();
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(task) = task
            && let Ok(Err(error)) = tokio::time::timeout(within, task).await
        {
            tracing::error!(%error, "what writes the history has failed");
        }
    }

    /// The samples that wait, as far as they are asked for.
    fn waiting(&self, asked_for: impl Fn(&Seen) -> bool) -> Vec<Seen> {
        self.shared.queue().samples(asked_for)
    }

    /// Asks the store, for as long as somebody looks at a page.
    async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let asking = async {
            let place = self.questions.acquire().await;
            let _place = place.map_err(|error| StoreError::Unusable(error.to_string()))?;
            question.await
        };
        let answer = tokio::time::timeout(ANSWERED_WITHIN, asking).await;
        answer.unwrap_or_else(|_| {
            let why = format!("the history {} does not answer", self.place);
            Err(StoreError::Unusable(why))
        })
    }

    /// What the store answers; nothing while it cannot be read.
    async fn or_nothing<T>(
        &self,
        question: impl Future<Output = Result<Vec<T>, StoreError>>,
    ) -> Vec<T> {
        self.ask(question).await.unwrap_or_else(|error| {
            tracing::debug!(%error, "what waits is shown alone");
            Vec::new()
        })
    }
}

#[async_trait]
impl History for Behind {
    /// Takes the batch and returns at once: it is durable later.
    async fn keep(&self, batch: &Batch) -> Result<(), StoreError> {
        self.hand_in(batch.clone());
        Ok(())
    }

    async fn slices(
        &self,
        check: &CheckId,
        between: Between,
        step: Duration,
    ) -> Result<Vec<Slice>, StoreError> {
        self.ask(self.below.slices(check, between, step)).await
    }

    async fn samples(
        &self,
        check: &CheckId,
        between: Between,
        limit: usize,
    ) -> Result<Vec<Seen>, StoreError> {
        let span = between.from..between.to;
        let waiting = self.waiting(|seen| seen.sample.check == *check && span.contains(&seen.at));
        let kept = self
            .or_nothing(self.below.samples(check, between, limit))
            .await;
        Ok(recent::samples(kept, waiting, limit))
    }

    async fn samples_of_window(&self, window: &str) -> Result<Vec<Seen>, StoreError> {
        let waiting = self.waiting(|seen| seen.window.as_deref() == Some(window));
        let kept = self.or_nothing(self.below.samples_of_window(window)).await;
        Ok(recent::samples(kept, waiting, usize::MAX))
    }

    async fn failures(&self, check: &CheckId, limit: usize) -> Result<Vec<Seen>, StoreError> {
        let waiting = self
            .waiting(|seen| seen.sample.check == *check && seen.sample.outcome != Outcome::Pass);
        let kept = self.or_nothing(self.below.failures(check, limit)).await;
        Ok(recent::failures(kept, waiting, limit))
    }

    async fn windows(&self, page: &Page) -> Result<Vec<StoredWindow>, StoreError> {
        let waiting = self.shared.queue().windows();
        let of_check = match &page.check {
            Some(check) => self.waiting(|seen| seen.sample.check == *check),
            None => Vec::new(),
        };
        let kept = self.or_nothing(self.below.windows(page)).await;
        Ok(recent::windows(kept, waiting, &of_check, page))
    }

    async fn window(&self, id: &str) -> Result<Option<StoredWindow>, StoreError> {
        let waiting = self.shared.queue().windows();
        match waiting.into_iter().find(|window| &*window.id == id) {
            Some(window) => Ok(Some(window)),
            None => self.ask(self.below.window(id)).await,
        }
    }

    async fn happenings(&self, page: &Page) -> Result<Vec<Happening>, StoreError> {
        let asked_for = |one: &Happening| recent::is_asked_for(one, page);
        let waiting = self.shared.queue().happenings(asked_for);
        let kept = self.or_nothing(self.below.happenings(page)).await;
        Ok(recent::happenings(kept, waiting, page))
    }

    async fn thin(&self, now: WallTime, retention: &Retention) -> Result<bool, StoreError> {
        self.below.thin(now, retention).await
    }

    async fn figures(&self) -> Result<Figures, StoreError> {
        self.ask(self.below.figures()).await
    }
}
