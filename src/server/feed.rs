//! What happens, on its way to those who listen: written and masked once, for all of them, and kept for
//! a while, so that one who was away hears what it missed without asking the history, which may not have
//! it yet.
//!
//! One task carries from the daemon to here; nothing is lost between what is kept and what is told,
//! since both happen under one lock. Whoever listens too slowly is told how many it missed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use super::api::{HappeningView, hide};
use crate::sample::CheckId;
use crate::secret::Mask;
use crate::store::history::Happening;

/// What happens.
pub struct Feed {
    recent: Mutex<VecDeque<Arc<Told>>>,
    live: broadcast::Sender<Arc<Told>>,
    listeners: Arc<Semaphore>,
}

/// Something that happened, as it is sent.
#[derive(Debug, PartialEq, Eq)]
pub struct Told {
    /// Its name; empty for a gap, which has none.
    pub id: String,
    /// What; `missed` for a gap.
    pub kind: &'static str,
    /// The service that it concerns.
    pub service: Option<Arc<str>>,
    /// The window that it belongs to.
    pub window: Option<Arc<str>>,
    /// The check that it concerns.
    pub check: Option<CheckId>,
    /// The JSON object that is sent, in one line.
    pub data: String,
}

/// Somebody begins to listen.
pub struct Joined {
    /// What is kept of the past, the oldest first.
    pub recent: Vec<Arc<Told>>,
    /// What follows it.
    pub live: broadcast::Receiver<Arc<Told>>,
}

/// The kind of a gap.
pub const MISSED: &str = "missed";
/// So much is kept: of a service that fails in every check, minutes.
const KEPT: usize = 4_096;
/// So far may a listener be behind.
const PATIENCE: usize = 1_024;
/// So many may listen at once.
const MOST_LISTENERS: usize = 128;

impl Default for Feed {
    fn default() -> Self {
        Self {
            recent: Mutex::default(),
            live: broadcast::Sender::new(PATIENCE),
            listeners: Arc::new(Semaphore::new(MOST_LISTENERS)),
        }
    }
}

impl Feed {
    /// Carries what the daemon tells until it ends.
    pub async fn carry(
        &self,
        mut from: broadcast::Receiver<Happening>,
        mask: impl Fn() -> Mask,
        stop: CancellationToken,
    ) {
        while let Some(heard) = stop.run_until_cancelled(from.recv()).await {
            match heard {
                Ok(happening) => self.tell(Told::of(&happening, &mask())),
                Err(RecvError::Lagged(missed)) => self.tell(Told::missed(missed)),
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// Lets somebody listen.
    #[must_use]
    pub fn join(&self) -> Joined {
        let recent = self.lock();
        Joined {
            recent: recent.iter().cloned().collect(),
            live: self.live.subscribe(),
        }
    }

    /// The places of those who listen.
    #[must_use]
    pub fn listeners(&self) -> Arc<Semaphore> {
        Arc::clone(&self.listeners)
    }

    fn tell(&self, told: Told) {
        let told = Arc::new(told);
        let mut recent = self.lock();
        if recent.len() >= KEPT {
            recent.pop_front();
        }
        recent.push_back(Arc::clone(&told));
        // That nobody listens is no error.
        drop(self.live.send(told));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Told>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    /// A happening, masked.
    #[must_use]
    pub fn of(happening: &Happening, mask: &Mask) -> Self {
        let written = serde_json::to_value(HappeningView::from(happening));
        // Never with these types; a listener is told that something is missing.
        let Ok(mut value) = written else {
            return Self::missed(1);
        };
        hide(&mut value, mask);
        Self {
            id: happening.id.clone(),
            kind: happening.kind,
            service: happening.service.clone(),
            window: happening.window.clone(),
            check: happening.check.clone(),
            data: value.to_string(),
        }
    }

    /// A gap of so many.
    #[must_use]
    pub fn missed(missed: u64) -> Self {
        Self {
            id: String::new(),
            kind: MISSED,
            service: None,
            window: None,
            check: None,
            data: format!("{{\"missed\":{missed}}}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(number: usize) -> Told {
        Told {
            id: number.to_string(),
            ..Told::missed(0)
        }
    }

    #[test]
    fn who_joins_hears_everything_once() {
        let feed = Feed::default();
        feed.tell(told(1));
        let mut joined = feed.join();
        feed.tell(told(2));
        let recent: Vec<&str> = joined.recent.iter().map(|told| &*told.id).collect();
        assert_eq!(recent, ["1"]);
        assert_eq!(joined.live.try_recv().unwrap().id, "2");
        assert!(joined.live.try_recv().is_err());
    }

    #[test]
    fn what_is_kept_is_bounded_and_a_slow_listener_is_told() {
        let feed = Feed::default();
        let mut joined = feed.join();
        for number in 0..KEPT + 10 {
            feed.tell(told(number));
        }
        let kept = feed.join().recent;
        assert_eq!((kept.len(), &*kept[0].id), (KEPT, "10"));
        let missed = joined.live.try_recv().unwrap_err();
        let expected = (KEPT + 10 - PATIENCE) as u64;
        assert_eq!(missed, broadcast::error::TryRecvError::Lagged(expected));
    }
}
