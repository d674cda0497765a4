//! OTLP: the instruments every quarter of a minute, and a span for each run that is kept.
//!
//! One pipeline: what is sent is what `/metrics` says (`report::metrics`), under the same names. A batch
//! that a collector does not take for a passing reason is tried again for a while; one that it refuses for
//! good is given up. The source of the protocol:
//! <https://opentelemetry.io/docs/specs/otlp/>.

mod measured;
mod metrics;
mod resource;
mod retrying;
mod send;
mod spans;
mod steps;
#[cfg(test)]
mod tests;
mod traced;
mod troubles;

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use opentelemetry_proto::tonic::resource::v1::Resource;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::send::Collector;
pub use self::spans::trace_of_window;
use crate::clock::{Clock, WallTime};
use crate::engine::instruments::{Instruments, Outbound};
use crate::engine::traces::Traces;
use crate::plan::telemetry::OtlpPlan;
use crate::sample::Outcome;
use crate::secret::Mask;
use crate::store::history::{Happening, Seen};

/// How many runs may wait to be sent: at a thousand a second, eight seconds.
const SPAN_QUEUE: usize = 8_192;
/// The last batch may take this long when the program ends.
const LAST_BATCH: Duration = Duration::from_secs(3);

/// What an exporter works with: the same for each of a process.
#[derive(Clone, Debug)]
pub struct Around {
    /// What is counted; asked for at each export, since a reload brings other instruments.
    pub instruments: Instrumented,
    /// Where what is not taken is counted.
    pub outbound: Arc<Outbound>,
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// What may not leave.
    pub mask: Mask,
    /// Since when it is counted.
    since: WallTime,
    resource: Resource,
}

impl Around {
    /// Of a process that begins to count now.
    #[must_use]
    pub fn new(
        instruments: Instrumented,
        outbound: Arc<Outbound>,
        clock: Arc<dyn Clock>,
        mask: Mask,
    ) -> Self {
        // A name that no other process has.
        let instance = Traces::default().begin().text();
        Self {
            instruments,
            outbound,
            since: clock.wall(),
            clock,
            mask,
            resource: resource::resource(&instance),
        }
    }
}

/// Where the instruments of the moment are.
#[derive(Clone)]
pub struct Instrumented(pub Arc<dyn Fn() -> Arc<Instruments> + Send + Sync>);

impl std::fmt::Debug for Instrumented {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Instrumented")
    }
}

/// An exporter that runs until it is ended.
#[derive(Debug)]
pub struct Exporter {
    stop: CancellationToken,
    // Dropping them ends the tasks.
    tasks: Vec<AbortOnDropHandle<()>>,
}

/// Where runs and happenings are handed in, whoever takes them at the time; without anybody, nowhere.
/// Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Traced(Arc<RwLock<Option<Queue>>>);

/// Where one exporter takes them from.
#[derive(Debug)]
struct Queue {
    spans: mpsc::Sender<spans::Kept>,
    outbound: Arc<Outbound>,
}

impl Traced {
    /// Takes in a run: those that are sampled, and all that failed. Never waits.
    pub fn ran(&self, seen: &Seen) {
        let Some(trace) = seen.sample.trace else {
            return;
        };
        let failed = matches!(seen.sample.outcome, Outcome::Fail | Outcome::Error);
        if failed || trace.sampled {
            self.keep(|| spans::Kept::Run(Box::new(seen.clone())));
        }
    }

    /// Takes in what happened: the steps of rollbacks become spans. Never waits.
    pub fn happened(&self, happening: &Happening) {
        if steps::is_step(happening) {
            self.keep(|| spans::Kept::Step(Box::new(happening.clone())));
        }
    }

    fn keep(&self, kept: impl FnOnce() -> spans::Kept) {
        let queue = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(Queue { spans, outbound }) = &*queue
            && spans.try_send(kept()).is_err()
        {
            outbound.lose(1);
        }
    }

    /// From now on nobody takes them.
    pub fn end(&self) {
        self.set(None);
    }

    fn set(&self, queue: Option<Queue>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = queue;
    }
}

impl Exporter {
    /// Starts to export, and takes what is handed in from now on.
    #[must_use]
    pub fn start(plan: &OtlpPlan, around: &Around, traced: &Traced) -> Self {
        let stop = CancellationToken::new();
        let (spans, queue) = mpsc::channel(SPAN_QUEUE);
        traced.set(Some(Queue {
            spans,
            outbound: Arc::clone(&around.outbound),
        }));
        let collector = Collector(plan.clone());
        let measured = measured::send(collector.clone(), around.clone(), stop.clone());
        let traced = traced::send(collector, around.clone(), queue, stop.clone());
        Self {
            stop,
            tasks: vec![
                AbortOnDropHandle::new(tokio::spawn(measured)),
                AbortOnDropHandle::new(tokio::spawn(traced)),
            ],
        }
    }

    /// Sends what is left, within a bound.
    pub async fn finish(mut self) {
        self.stop.cancel();
        let ending = async {
            for task in self.tasks.drain(..) {
                if let Err(error) = task.await {
                    tracing::debug!(%error, "an exporter did not end in order");
                }
            }
        };
        if tokio::time::timeout(LAST_BATCH, ending).await.is_err() {
            tracing::warn!("the collector did not take the last metrics and spans in time");
        }
    }
}
