//! The desk at which somebody sits by an open window: a person's ruling goes in, the outlook comes out,
//! and before a rollback others are heard. A window without a desk is alone with the judge, as under
//! `watch`. Used by `serve`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

use crate::clock::Moment;
use crate::event::{Action, Verdict};
use crate::sample::CheckId;

/// What a person ordered about an open window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Who.
    pub by: String,
    /// What.
    pub ruled: Ruled,
    /// Why, in their words.
    pub reason: Option<String>,
}

/// What can be ordered about an open window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruled {
    /// The deployment stays.
    Accept,
    /// Nothing is changed, and nothing is judged any more.
    Hold,
    /// The deployment is undone, under all interlocks that do not ask for evidence.
    RollBack,
}

impl Ruling {
    /// Who ordered it and why, in one line.
    #[must_use]
    pub fn because(&self) -> String {
        match &self.reason {
            Some(reason) => format!("ordered by {}: {reason}", self.by),
            None => format!("ordered by {}", self.by),
        }
    }
}

/// How an open window stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// When the bake ends.
    pub ends: Moment,
    /// The worst verdict so far.
    pub verdict: Verdict,
    /// What would happen if it ended now, and why.
    pub would: (Action, Vec<String>),
    /// How many samples were heard.
    pub samples: u64,
}

/// Who is heard before a rollback that nobody ordered.
#[async_trait]
pub trait Counsel: Send + Sync + std::fmt::Debug {
    /// Why a service is not to be rolled back for what these checks say, in one line; nothing where
    /// there is no objection.
    async fn objects(&self, service: &str, failed: &[CheckId]) -> Option<String>;
}

/// The desk of one window.
#[derive(Clone, Debug)]
pub struct Desk {
    pub(super) rulings: watch::Receiver<Option<Ruling>>,
    pub(super) outlook: watch::Sender<Option<Outlook>>,
    pub(super) counsel: Option<Arc<dyn Counsel>>,
}

/// The side of whoever sits at it.
#[derive(Debug)]
pub struct Seat {
    /// Where a ruling is laid down: the first one counts.
    pub rulings: watch::Sender<Option<Ruling>>,
    /// How the window stands.
    pub outlook: watch::Receiver<Option<Outlook>>,
}

impl Desk {
    /// A desk, and the seat at it.
    #[must_use]
    pub fn new(counsel: Option<Arc<dyn Counsel>>) -> (Self, Seat) {
        let (ruler, rulings) = watch::channel(None);
        let (outlook, shown) = watch::channel(None);
        let desk = Self {
            rulings,
            outlook,
            counsel,
        };
        let seat = Seat {
            rulings: ruler,
            outlook: shown,
        };
        (desk, seat)
    }
}

/// When the outlook is told again: at most once a second, and so seldom that telling it costs a
/// fiftieth of our time however many checks there are.
#[derive(Debug, Default)]
pub(super) struct Telling {
    next: Moment,
}

const AT_MOST_EVERY: Duration = Duration::from_secs(1);
const SHARE: u32 = 50;

impl Telling {
    pub(super) fn is_due(&self, now: Moment) -> bool {
        now >= self.next
    }

    /// Notes that it was told from one moment to another.
    pub(super) fn told(&mut self, began: Moment, ended: Moment) {
        self.next = ended + AT_MOST_EVERY.max(ended.since(began) * SHARE);
    }
}
