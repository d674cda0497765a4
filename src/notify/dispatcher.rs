//! Brings notices to those who are to be told: one bounded outbox and one task for each notifier, so that
//! one that hangs delays neither another nor whoever tells.
//!
//! [`Dispatcher::tell`] never waits: it masks, chooses (`Route`), damps what flaps (`damper`) and leaves
//! the notice in outboxes (`outbox`), which know what was told to whom (`ledger`). [`Dispatcher::finish`]
//! ends it in a bounded time and says what could not be sent. [`Dispatcher::succeeded_by`] puts other
//! declarations in force: what waits for a notifier and what it was told are taken over. Called by the
//! daemon and by `watch`.

mod damper;
mod desk;
pub mod hush;
mod ledger;
mod memory;
mod outbox;
mod storm;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::damper::{Damper, Flow, flapping};
use self::desk::{Desk, Tray};
use self::hush::Hush;
use self::memory::Memory;
use self::outbox::Ways;
use super::{Notice, Notifying, Route};
use crate::clock::Clock;
use crate::secret::Mask;

pub use self::outbox::{Counts, Failure};

/// What a dispatcher works with.
#[derive(Clone, Debug)]
pub struct Surroundings {
    /// The present.
    pub clock: Arc<dyn Clock>,
    /// What may be seen nowhere.
    pub mask: Mask,
    /// The folder where it is remembered who was told of what; without one, a restart forgets it.
    pub memory: Option<PathBuf>,
    /// Of what nobody is to be reminded for now.
    pub hush: Arc<dyn Hush>,
}

/// Tells people. Clones speak to the same one; it ends with the last of them.
#[derive(Clone)]
pub struct Dispatcher(Arc<Office>);

struct Office {
    desks: Vec<Arc<Desk>>,
    /// Those that are not declared any more, until they are again: what they could not send is told of.
    left: Vec<Arc<Desk>>,
    tasks: Mutex<Vec<AbortOnDropHandle<()>>>,
    damper: Mutex<Damper>,
    around: Surroundings,
    closing: CancellationToken,
}

/// Of so many that are not declared any more it is known at the end what they could not send.
const MOST_LEFT: usize = 64;

/// How one notifier does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doing {
    /// Its name.
    pub notifier: Arc<str>,
    /// Its channel.
    pub channel: &'static str,
    /// How many notices wait.
    pub waiting: usize,
    /// What became of all others.
    pub counts: Counts,
    /// Why the last one that failed did; absent where none did since one arrived.
    pub trouble: Option<String>,
}

impl Dispatcher {
    /// Starts a task for each notifier. Must be called within a runtime.
    #[must_use]
    pub fn start(notifying: &Notifying, around: Surroundings) -> Self {
        Self::after(None, notifying, around)
    }

    /// Starts another in this one's place, for other declarations. A notifier of the same name takes over
    /// what waits and what it was told; what waits for one that is not declared any more is still sent,
    /// once. Nothing may be told here any more.
    #[must_use]
    pub fn succeeded_by(&self, notifying: &Notifying) -> Self {
        Self::after(Some(self), notifying, self.0.around.clone())
    }

    fn after(before: Option<&Self>, notifying: &Notifying, around: Surroundings) -> Self {
        let closing = CancellationToken::new();
        let office = before.map(|before| &*before.0);
        let mut left = office.map_or_else(Vec::new, |office| office.left.clone());
        let mut known = office.map_or_else(Vec::new, |office| office.desks.clone());
        let desks = notifying.notifiers.iter().enumerate();
        let desks = desks.map(|(place, declared)| {
            let memory = around.memory.as_deref();
            let memory = memory.map(|folder| Memory::of(folder, &declared.name));
            let ways = Ways::to(place, &notifying.routes, &around);
            let now = around.clock.now();
            let back = taken(&mut left, &declared.name);
            if let Some(back) = &back {
                lock(&back.tray.outbox).comes_back();
            }
            let tray = match taken(&mut known, &declared.name).or(back) {
                Some(known) => {
                    known.leaving.cancel();
                    lock(&known.tray.outbox).handed_over(ways, now);
                    Arc::clone(&known.tray)
                }
                None => {
                    let ledger = memory.as_ref().map(Memory::recall).unwrap_or_default();
                    // One that was not declared for a while has not heard of every end.
                    let ledger = match office {
                        Some(_) => ledger.doubted(),
                        None => ledger,
                    };
                    Arc::new(Tray::new(ledger, ways, now))
                }
            };
            Arc::new(Desk {
                declared: declared.clone(),
                tray,
                clock: Arc::clone(&around.clock),
                memory,
                leaving: CancellationToken::new(),
            })
        });
        let desks: Vec<Arc<Desk>> = desks.collect();
        left.append(&mut known);
        left.drain(..left.len().saturating_sub(MOST_LEFT));
        let tasks = desks.iter().map(|desk| {
            let work = Arc::clone(desk).work(closing.clone());
            AbortOnDropHandle::new(tokio::spawn(work))
        });
        let mut tasks: Vec<_> = tasks.collect();
        if let Some(office) = office {
            // Those whose desks were taken over end with what they are sending, the others with what waits.
            office.closing.cancel();
            let mut earlier = lock(&office.tasks);
            earlier.retain(|task| !task.is_finished());
            tasks.append(&mut earlier);
        }
        let damper = office.map(|office| std::mem::take(&mut *lock(&office.damper)));
        Self(Arc::new(Office {
            desks,
            left,
            tasks: Mutex::new(tasks),
            damper: Mutex::new(damper.unwrap_or_default()),
            around,
            closing,
        }))
    }

    /// Tells whoever is to be told. Never waits, whatever the notifiers do.
    pub fn tell(&self, notice: Notice) {
        let office = &*self.0;
        let now = office.around.clock.now();
        let notice = notice.masked(&office.around.mask);
        let flow = lock(&office.damper).take(&notice, now);
        let notice = match flow {
            Flow::Flapping => flapping(notice),
            Flow::Free | Flow::Calmed => notice,
        };
        for desk in &office.desks {
            if desk.declared.notifier.takes(&notice) {
                lock(&desk.tray.outbox).offer(notice.clone(), flow, now);
                desk.tray.bell.notify_one();
            }
        }
    }

    /// The subjects of everything that somebody was told, or is about to be told, and what is not over.
    #[must_use]
    pub fn open_subjects(&self) -> BTreeSet<String> {
        let desks = self.0.desks.iter();
        desks
            .flat_map(|desk| {
                let outbox = lock(&desk.tray.outbox);
                let subjects: Vec<String> = outbox.subjects().map(str::to_owned).collect();
                subjects
            })
            .collect()
    }

    /// How each notifier does.
    #[must_use]
    pub fn doing(&self) -> Vec<Doing> {
        self.0.desks.iter().map(|desk| desk.doing()).collect()
    }

    /// Sends what still waits, for at most `bound`, and ends. Says what could not be sent since the
    /// start, the first of it where there was much; by notifiers that are not declared any more as well.
    pub async fn finish(self, bound: Duration) -> Vec<Failure> {
        self.0.closing.cancel();
        let tasks = std::mem::take(&mut *lock(&self.0.tasks));
        // Those that are not done by then are dropped, and end thereby.
        drop(tokio::time::timeout(bound, join_all(tasks)).await);
        let desks = self.0.desks.iter().chain(&self.0.left);
        desks.flat_map(|desk| desk.failures()).collect()
    }
}

impl Ways {
    fn to(place: usize, routes: &[Route], around: &Surroundings) -> Self {
        let routes = routes.iter().filter(|route| route.to.contains(&place));
        Self {
            routes: routes.cloned().collect(),
            hush: Arc::clone(&around.hush),
        }
    }
}

/// Takes the desk of this name out of those.
fn taken(desks: &mut Vec<Arc<Desk>>, name: &str) -> Option<Arc<Desk>> {
    let place = desks.iter().position(|desk| *desk.declared.name == *name)?;
    Some(desks.remove(place))
}

/// Nothing that can panic is done while one of these is held, and nothing that waits.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
