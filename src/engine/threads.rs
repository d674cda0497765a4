//! The threads on which probes run: each has a runtime of its own, so that an answer wakes one thread
//! and no second one to share the work, and whoever judges, draws or writes delays no probe.
//!
//! The checks are dealt out to as many threads as their load asks for. A test with paused time runs
//! them where it runs itself.

use std::future::Future;
use std::num::NonZero;
use std::sync::Arc;

use tokio::runtime::{Builder, Handle};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Where probes run. Clones share it; the threads end with the last of them.
#[derive(Clone, Debug, Default)]
pub struct ProbeThreads(Option<Arc<Own>>);

#[derive(Debug)]
struct Own {
    handles: Vec<Handle>,
    _end: DropGuard,
}

impl ProbeThreads {
    /// Where the caller runs.
    #[must_use]
    pub const fn here() -> Self {
        Self(None)
    }

    /// So many threads of their own.
    ///
    /// # Errors
    /// What the operating system says when it gives us no more threads or descriptors.
    pub fn start(count: NonZero<usize>) -> std::io::Result<Self> {
        let end = CancellationToken::new();
        let started = (0..count.get()).map(|number| start_one(number, end.clone()));
        let handles = started.collect::<std::io::Result<Vec<_>>>()?;
        Ok(Self(Some(Arc::new(Own {
            handles,
            _end: end.drop_guard(),
        }))))
    }

    /// Over how many threads checks with so many runs a second altogether are dealt out.
    #[must_use]
    pub fn wanted(&self, runs_a_second: f64) -> usize {
        let most = self.0.as_ref().map_or(1, |own| own.handles.len());
        let wanted = (runs_a_second / ENOUGH_FOR_ONE).ceil().max(1.0);
        (1..most)
            .find(|count| *count as f64 >= wanted)
            .unwrap_or(most)
    }

    /// Starts a task on the thread with this number, counted round.
    pub fn spawn<F>(&self, number: usize, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        match &self.0 {
            Some(own) => own.handles[number % own.handles.len()].spawn(task),
            None => tokio::spawn(task),
        }
    }
}

/// So many runs a second keep one thread half busy at the price of a fresh connection, and the more
/// runs a thread has, the more of them one wake-up serves.
const ENOUGH_FOR_ONE: f64 = 12_000.0;

fn start_one(number: usize, end: CancellationToken) -> std::io::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name(format!("probes-{number}"))
        .spawn(move || {
            runtime.block_on(end.cancelled());
            // A question to the operating system's resolver may hang: nobody waits for it.
            runtime.shutdown_background();
        })?;
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn tasks_run_on_the_threads_in_turn_and_end_with_them() {
        let threads = ProbeThreads::start(NonZero::new(2).unwrap()).unwrap();
        let name = || async { std::thread::current().name().map(str::to_owned) };
        let mut seen = Vec::new();
        for number in 0..3 {
            seen.extend(threads.spawn(number, name()).await.unwrap());
        }
        assert_eq!(seen, ["probes-0", "probes-1", "probes-0"]);
        let hanging = threads.spawn(0, std::future::pending::<()>());
        drop(threads);
        assert!(hanging.await.unwrap_err().is_cancelled());
    }

    #[test]
    fn a_small_load_stays_on_one_thread() {
        let threads = ProbeThreads::start(NonZero::new(2).unwrap()).unwrap();
        for (load, wanted) in [(0.0, 1), (5_000.0, 1), (20_000.0, 2), (1e9, 2)] {
            assert_eq!(threads.wanted(load), wanted, "{load}");
        }
        assert_eq!(ProbeThreads::here().wanted(1e9), 1);
    }
}
