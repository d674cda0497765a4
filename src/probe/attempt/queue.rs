//! A run that must wait for its turn on our side: what is measured begins after it, and what it costs
//! is not the target's fault.

use std::time::Duration;

use super::Attempt;
use crate::quantity::human;
use crate::sample::{Fault, Reason};

/// A wait for something of our own, before the run began.
#[derive(Debug)]
pub(super) struct Queue {
    /// What was lacking on our side; absent where the wait was for something of the target's.
    why: Option<&'static str>,
    /// How long it took; nothing as long as it lasts.
    spent: Option<Duration>,
}

impl Attempt {
    /// Waits for a turn that we ourselves make the run wait for, as for a connection of a limited
    /// number. Called before the first phase: the stopwatch begins anew when the wait is over, so
    /// that it is in neither the latency nor a phase. The deadline stays; where it passes because
    /// of the wait, nothing is learnt about the target. `why` says what was lacking.
    pub async fn queue<T>(&mut self, why: &'static str, turn: impl Future<Output = T>) -> T {
        self.wait(Some(why), turn).await
    }

    /// Does first what the run needs and does not measure, as logging in. As [`Attempt::queue`], but
    /// the time that it takes is the target's own doing.
    pub async fn first<T>(&mut self, needed: impl Future<Output = T>) -> T {
        self.wait(None, needed).await
    }

    async fn wait<T>(&mut self, why: Option<&'static str>, turn: impl Future<Output = T>) -> T {
        let before = self.queue.take().and_then(|queue| queue.spent);
        self.queue = Some(Queue { why, spent: None });
        let turn = turn.await;
        let now = self.clock.now();
        let spent = Some(before.unwrap_or_default() + now.since(self.started));
        self.queue = Some(Queue { why, spent });
        self.started = now;
        turn
    }

    /// How long the run may take, without what it waited for its turn.
    pub(super) fn allowed(&self) -> Duration {
        let queued = self.queue.as_ref().and_then(|queue| queue.spent);
        self.timeout.saturating_sub(queued.unwrap_or_default())
    }

    /// What took so much of the time that too little was left for the target.
    pub(super) fn kept_waiting(&self) -> Option<&Queue> {
        let negligible = self.timeout / NEGLIGIBLE;
        let queue = self.queue.as_ref().filter(|queue| queue.why.is_some());
        queue.filter(|queue| queue.spent.is_none_or(|spent| spent > negligible))
    }
}

impl Queue {
    /// What is said of a deadline that passed because of it.
    pub(super) fn fault(&self, timeout: Duration) -> Fault {
        let why = self.why.unwrap_or_default();
        let detail = match self.spent.map(human) {
            None => format!("the run did not begin within {}: {why}", human(timeout)),
            Some(spent) => {
                format!("the run began {spent} late and had too little time left: {why}")
            }
        };
        Fault::new(Reason::Exhausted, detail).transient()
    }
}

/// The part of the time that a run may lose to our own queue and still tell of a target that took
/// all the rest: a hundredth, which is what a measurement may be off.
const NEGLIGIBLE: u32 = 100;
