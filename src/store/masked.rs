//! A journal that no secret gets into: what probes, guards, platforms and people said is masked
//! before it is handed on. Identifiers are kept as they are, for a later run acts on them. Put
//! before the store by `cli`, which knows the mask.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{Journal, Lease, StoreError};
use crate::clock::WallTime;
use crate::deployment::Answer;
use crate::journal::{Entry, Judged, Kept, Observation};
use crate::secret::Mask;

/// A journal behind a mask.
pub struct Masked {
    below: Arc<dyn Journal>,
    mask: Mask,
}

impl Masked {
    /// Puts a mask before a journal.
    #[must_use]
    pub fn new(below: Arc<dyn Journal>, mask: Mask) -> Self {
        Self { below, mask }
    }

    fn entry(&self, entry: &Entry) -> Entry {
        let mut entry = entry.clone();
        match &mut entry {
            Entry::Opened { guards, .. } | Entry::Ledger { guards, .. } => self.answers(guards),
            Entry::Ordered { reason, .. } => reason.iter_mut().for_each(|text| self.text(text)),
            Entry::Decided {
                because, judged, ..
            } => {
                because.iter_mut().for_each(|text| self.text(text));
                self.judged(judged);
            }
            Entry::Stopped { interlocks } => {
                interlocks.iter_mut().for_each(|(_, line)| self.text(line));
            }
            Entry::Answered {
                answer: Answer::Unclear { why },
                ..
            } => self.text(why),
            Entry::Ended { because, .. } => self.text(because),
            Entry::Intended { .. }
            | Entry::Calling { .. }
            | Entry::Answered { .. }
            | Entry::Carried { .. }
            | Entry::Restored
            | Entry::Closed { .. }
            | Entry::Left => {}
        }
        entry
    }

    fn answers(&self, guards: &mut [Observation]) {
        guards.iter_mut().for_each(|one| self.text(&mut one.answer));
    }

    fn judged(&self, judged: &mut Judged) {
        let reasons = judged.checks.iter_mut().flat_map(|one| &mut one.reasons);
        reasons.for_each(|text| self.text(text));
    }

    fn text(&self, text: &mut String) {
        *text = self.mask.apply(text);
    }
}

#[async_trait]
impl Journal for Masked {
    async fn append(
        &self,
        service: &str,
        window: &str,
        at: WallTime,
        entry: &Entry,
    ) -> Result<u64, StoreError> {
        let entry = self.entry(entry);
        self.below.append(service, window, at, &entry).await
    }

    async fn of_service(&self, service: &str) -> Result<Vec<Kept>, StoreError> {
        self.below.of_service(service).await
    }

    async fn lease(
        &self,
        service: &str,
        now: WallTime,
        span: Duration,
    ) -> Result<Lease, StoreError> {
        self.below.lease(service, now, span).await
    }

    async fn holder(
        &self,
        service: &str,
        now: WallTime,
    ) -> Result<Option<(String, WallTime)>, StoreError> {
        self.below.holder(service, now).await
    }

    async fn release(&self, service: &str) -> Result<(), StoreError> {
        self.below.release(service).await
    }
}
