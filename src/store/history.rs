//! The seam of the history: what the daemon remembers of samples, windows and happenings, and what its
//! pages and its API ask of it.
//!
//! Samples are kept as they came for a while, then as histograms by minute and by hour, those that did
//! not pass longer. A window and what happened are kept for good. Nothing in it judges. Whoever probes
//! never waits for it: the daemon writes in batches from a task of its own.

mod kinds;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

pub use self::kinds::kind;
use super::StoreError;
use crate::clock::WallTime;
use crate::event::Verdict;
use crate::sample::{CheckId, Phase, Sample};
use crate::window::histogram::Histogram;

/// A sample with what it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// When the run started, for people.
    pub at: WallTime,
    /// The service of its check, as declared.
    pub service: Arc<str>,
    /// The window that it was judged in; absent where it belongs to none.
    pub window: Option<Arc<str>>,
    /// What was seen; its own moment means nothing beyond this process.
    pub sample: Sample,
}

/// Something that happened, as it is kept and shown: one line for people, facts for programs.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// Its name: a ULID, so that names sort by time.
    pub id: String,
    /// When.
    pub at: WallTime,
    /// The service; absent where it concerns all or none.
    pub service: Option<Arc<str>>,
    /// The window; absent where it belongs to none.
    pub window: Option<Arc<str>>,
    /// The check; absent where it concerns none.
    pub check: Option<CheckId>,
    /// What, from a closed set: `check_judged`, `window_opened`, `decided`, `rollback_intended`, ….
    pub kind: &'static str,
    /// One line for a person, masked.
    pub text: String,
    /// The facts, as a JSON object, masked.
    pub facts: serde_json::Value,
}

/// A window as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredWindow {
    /// Its name (a ULID).
    pub id: Arc<str>,
    /// The service, as declared.
    pub service: Arc<str>,
    /// When it was opened.
    pub opened: WallTime,
    /// When it was closed; absent while it is open, or after a daemon that died with it.
    pub closed: Option<WallTime>,
    /// The verdict; absent while it is open.
    pub verdict: Option<Verdict>,
    /// The revision that was judged, as people call it: `api:42`.
    pub revision: Option<String>,
    /// What was decided, as in reports; absent while nothing was.
    pub action: Option<String>,
    /// How a rollback ended, as in reports; absent where there was none.
    pub rollback: Option<String>,
    /// From the opening to the first proof of a failure; absent where none was proven.
    pub detected_after: Option<Duration>,
    /// The whole report (`smokejumper.report/1`), masked; absent while it is open.
    pub report: Option<serde_json::Value>,
}

/// What one batch brings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Samples, in any order.
    pub samples: Vec<Seen>,
    /// What happened, in its order.
    pub happenings: Vec<Happening>,
    /// Windows that are new or have changed: the last of a name counts.
    pub windows: Vec<StoredWindow>,
}

/// What a check did in a span: mergeable.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Slice {
    /// The start of the span.
    pub at: WallTime,
    /// Runs that passed.
    pub passed: u64,
    /// Runs that were answered wrongly.
    pub failed: u64,
    /// Runs that could not reach the target.
    pub errored: u64,
    /// Runs from which nothing was learnt.
    pub unknown: u64,
    /// How long the runs took that passed.
    pub latency: Histogram,
    /// The parts of it; a phase that did not happen is absent.
    pub phases: Vec<(Phase, Histogram)>,
    /// Each reading: its name, how many were seen, their sum, the least and the most.
    pub readings: Vec<ReadingSlice>,
}

/// What a reading was in a span.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadingSlice {
    /// Its name.
    pub name: Arc<str>,
    /// How many were seen.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

/// A span of time, its end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Between {
    /// From.
    pub from: WallTime,
    /// To, excluded.
    pub to: WallTime,
}

/// Which of many is asked for, the newest first: at most `limit`, older than `before` where that is
/// given (the name of the last of the page before).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Of this service only.
    pub service: Option<Arc<str>>,
    /// Of this window only.
    pub window: Option<Arc<str>>,
    /// Of this check only.
    pub check: Option<CheckId>,
    /// Of these kinds only; all where it is empty. Happenings alone have kinds.
    pub kinds: Vec<String>,
    /// Older than what has this name.
    pub before: Option<String>,
    /// At most so many.
    pub limit: usize,
}

/// How long each form of the past is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Samples as they came.
    pub samples: Duration,
    /// Samples that did not pass, as they came.
    pub failures: Duration,
    /// Histograms by minute.
    pub minutes: Duration,
    /// Histograms by hour.
    pub hours: Duration,
}

/// How much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Samples as they came.
    pub samples: u64,
    /// Histograms by minute and by hour.
    pub slices: u64,
    /// What happened.
    pub happenings: u64,
    /// Windows.
    pub windows: u64,
    /// Bytes on the disk, what is free to be used again included.
    pub bytes: u64,
}

/// What the daemon remembers.
#[async_trait]
pub trait History: Send + Sync {
    /// Keeps a batch, whole or not at all; it is durable when this returns. Times and spans of
    /// samples are kept to the microsecond. What is equal in every part to what is kept, or has its
    /// name, is kept once: a batch may be handed in again when it is not known whether it was kept.
    async fn keep(&self, batch: &Batch) -> Result<(), StoreError>;

    /// What a check did, in slices of `step` (a minute or a multiple of it; anything else is rounded
    /// up), the oldest first; a span in which it did not run has no slice. Slices begin at multiples
    /// of `step` since 1970 and are whole: those that the span touches. Of what is kept by the hour
    /// alone, an hour counts for the slice in which it begins.
    async fn slices(
        &self,
        check: &CheckId,
        between: Between,
        step: Duration,
    ) -> Result<Vec<Slice>, StoreError>;

    /// The samples of a check as they came, the oldest first, at most `limit`, as far as they are
    /// kept: of the time from which only failures are, those.
    async fn samples(
        &self,
        check: &CheckId,
        between: Between,
        limit: usize,
    ) -> Result<Vec<Seen>, StoreError>;

    /// The samples of a window as they came, the oldest first, as far as they are kept.
    async fn samples_of_window(&self, window: &str) -> Result<Vec<Seen>, StoreError>;

    /// The last samples of a check that did not pass, the newest first.
    async fn failures(&self, check: &CheckId, limit: usize) -> Result<Vec<Seen>, StoreError>;

    /// Windows, the newest first.
    async fn windows(&self, page: &Page) -> Result<Vec<StoredWindow>, StoreError>;

    /// One window.
    async fn window(&self, id: &str) -> Result<Option<StoredWindow>, StoreError>;

    /// What happened, the newest first.
    async fn happenings(&self, page: &Page) -> Result<Vec<Happening>, StoreError>;

    /// Makes histograms of what is over and drops what is older than it is kept; as much at once as
    /// holds nobody up. Says whether more is left to do.
    async fn thin(&self, now: WallTime, retention: &Retention) -> Result<bool, StoreError>;

    /// How much is kept.
    async fn figures(&self) -> Result<Figures, StoreError>;
}
