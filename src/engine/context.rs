//! What every run of the engine shares: the clock, the way out for events, the slots for probes,
//! and the order to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::control::Control;
use super::instruments::Instruments;
use super::record::Stamp;
use super::slots::Slots;
use super::tape::Tape;
use super::threads::ProbeThreads;
use super::traces::Traces;
use crate::clock::{Clock, Moment};
use crate::event::{Event, What};
use crate::sample::Sample;

/// How many events may wait for whoever shows them.
const EVENT_QUEUE: usize = 16_384;
/// How many may wait for whoever tells people: they are few without the samples.
const LISTENER_QUEUE: usize = 1_024;

/// What every run of the engine shares.
#[derive(Clone, Debug)]
pub struct Context {
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// Where events go.
    pub events: Events,
    /// How many probes may run at once.
    pub slots: Arc<Slots>,
    /// Where they run.
    pub threads: ProbeThreads,
    /// Cancelled when the user or the platform asks us to stop.
    pub stop: CancellationToken,
    /// Whether we ourselves can reach anything.
    pub control: Control,
    /// What is counted of the probes, by the place of the check, and how late they start.
    pub instruments: Arc<Instruments>,
    /// Where the samples of the window are recorded, when somebody wants them.
    pub tape: Option<Tape>,
    /// Where runs get the names under which tracing systems know them.
    pub traces: Arc<Traces>,
}

impl Context {
    /// Records a sample that the judge is about to take in, of the window that began at `start`.
    pub fn tape(&self, start: Stamp, sample: &Sample) {
        if let Some(tape) = &self.tape {
            tape.take(start, sample);
        }
    }

    /// Waits until a moment has come.
    pub async fn sleep_until(&self, moment: Moment) {
        tokio::time::sleep(moment.since(self.clock.now())).await;
    }

    /// Waits for a span, or until we are asked to stop; says whether the span has passed.
    pub async fn pause(&self, span: Duration) -> bool {
        tokio::select! {
            () = tokio::time::sleep(span) => true,
            () = self.stop.cancelled() => false,
        }
    }
}

/// The way out for events. Emitting never waits: whoever shows them too slowly loses some, and a
/// blocked terminal cannot delay a rollback.
#[derive(Clone, Debug)]
pub struct Events {
    sender: mpsc::Sender<Event>,
    /// Where everything but samples goes as well, for whoever tells people.
    listener: Option<mpsc::Sender<Event>>,
    lost: Arc<AtomicU64>,
    service: Option<Arc<str>>,
    clock: Arc<dyn Clock>,
}

impl Events {
    /// Makes a bounded queue of events.
    #[must_use]
    pub fn queue(clock: Arc<dyn Clock>) -> (Self, mpsc::Receiver<Event>) {
        let (sender, receiver) = mpsc::channel(EVENT_QUEUE);
        (
            Self {
                sender,
                listener: None,
                lost: Arc::default(),
                service: None,
                clock,
            },
            receiver,
        )
    }

    /// The same way out, for events of one service.
    #[must_use]
    pub fn of(&self, service: &Arc<str>) -> Self {
        Self {
            service: Some(Arc::clone(service)),
            ..self.clone()
        }
    }

    /// The same way out, with a second queue for everything but samples: whoever tells people shall not
    /// wait for a terminal that is blocked.
    #[must_use]
    pub fn heard(self) -> (Self, mpsc::Receiver<Event>) {
        let (listener, receiver) = mpsc::channel(LISTENER_QUEUE);
        let listener = Some(listener);
        (Self { listener, ..self }, receiver)
    }

    /// Emits an event that happens now.
    pub fn emit(&self, what: What) {
        let event = Event {
            at: self.clock.now(),
            wall: self.clock.wall(),
            service: self.service.clone(),
            what,
        };
        if let Some(listener) = &self.listener
            && !matches!(event.what, What::Sampled(_))
            && listener.try_send(event.clone()).is_err()
        {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        if self.sender.try_send(event).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How many events found the queue full or closed.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}
