//! The task of one notifier: takes from its outbox what is due, sends it under a deadline, and writes
//! down what came of it. It alone waits for the notifier.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

use super::ledger::Ledger;
use super::memory::Memory;
use super::outbox::{Failure, Next, Outbox, Ways};
use super::{Doing, lock};
use crate::clock::{Clock, Moment};
use crate::notify::{Declared, Notice, Unsent};
use crate::quantity::human;

/// One notifier and what waits for it.
pub(super) struct Desk {
    pub(super) declared: Declared,
    pub(super) tray: Arc<Tray>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) memory: Option<Memory>,
    /// Somebody else takes over, as soon as what is being sent is settled.
    pub(super) leaving: CancellationToken,
}

/// What is handed over from one desk to the next of its name.
pub(super) struct Tray {
    pub(super) outbox: Mutex<Outbox>,
    /// Rung when something was left in the outbox, and when nothing is being sent any more.
    pub(super) bell: tokio::sync::Notify,
}

impl Tray {
    pub(super) fn new(ledger: Ledger, ways: Ways, now: Moment) -> Self {
        Self {
            outbox: Mutex::new(Outbox::new(ledger, ways, now)),
            bell: tokio::sync::Notify::new(),
        }
    }
}

impl Desk {
    /// Works until it is told to close and nothing is left, or until somebody else takes over.
    pub(super) async fn work(self: Arc<Self>, closing: CancellationToken) {
        let (outbox, bell) = (&self.tray.outbox, &self.tray.bell);
        while !self.leaving.is_cancelled() {
            let closes = closing.is_cancelled();
            let next = lock(outbox).take(self.clock.now(), closes);
            match next {
                Next::Send(parcel) => {
                    let came = self.send(&parcel.notice).await;
                    let changed = lock(outbox).settle(*parcel, came, self.clock.now());
                    if changed {
                        self.remember().await;
                    }
                }
                Next::Nothing if closes => return,
                Next::Nothing => tokio::select! {
                    () = bell.notified() => {}
                    () = closing.cancelled() => {}
                    () = self.leaving.cancelled() => {}
                },
                Next::At(moment) => tokio::select! {
                    () = tokio::time::sleep(moment.since(self.clock.now())) => {}
                    () = bell.notified() => {}
                    () = closing.cancelled(), if !closes => {}
                    () = self.leaving.cancelled() => {}
                },
            }
        }
        // Whoever took over may have waited for what was being sent, or the ring have come here.
        bell.notify_one();
    }

    async fn send(&self, notice: &Notice) -> Result<(), Unsent> {
        let notifier = &self.declared.notifier;
        let deadline = notifier.deadline();
        let sending = AssertUnwindSafe(notifier.send(notice)).catch_unwind();
        match tokio::time::timeout(deadline, sending).await {
            Ok(Ok(came)) => came,
            Ok(Err(_)) => Err(Unsent::Refused("internal error: this is a bug".to_owned())),
            Err(_) => {
                let why = format!("no answer within {}", human(deadline));
                Err(Unsent::Passing(why))
            }
        }
    }

    async fn remember(&self) {
        let Some(memory) = &self.memory else { return };
        let ledger = lock(&self.tray.outbox).ledger().clone();
        if let Err(why) = memory.keep(ledger).await {
            // What was told is known for as long as we run; only a restart forgets it.
            tracing::warn!(notifier = %self.declared.name, %why, "who was told of what is not remembered");
        }
    }

    pub(super) fn doing(&self) -> Doing {
        let outbox = lock(&self.tray.outbox);
        Doing {
            notifier: Arc::clone(&self.declared.name),
            channel: self.declared.channel,
            waiting: outbox.waiting(),
            counts: outbox.counts(),
            trouble: outbox.trouble().map(str::to_owned),
        }
    }

    /// What could not be sent, what still waits included.
    pub(super) fn failures(&self) -> Vec<Failure> {
        lock(&self.tray.outbox).failures(&self.declared.name)
    }
}
