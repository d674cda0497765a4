//! `--report html` of a run: gathers what happens for the page, and renders it at the end.

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::record::Record;
use crate::event::Event;
use crate::report::html::story::Story;
use crate::report::html::telling::Telling;
use crate::report::{html, json};
use crate::secret::Mask;

/// What is gathered for the page of a run. Clones gather for the same one.
#[derive(Clone, Debug, Default)]
pub(super) struct Page(Arc<Mutex<Telling>>);

impl Page {
    /// Takes an event.
    pub(super) fn take(&self, event: &Event, mask: &Mask) {
        let mut telling = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        telling.take(event, mask);
    }

    /// Renders the page of the run that has ended; what was gathered is used up.
    ///
    /// # Errors
    /// Never with these types; the serializer's error is handed on all the same.
    pub(super) fn render(
        &self,
        record: &Record,
        code: u8,
        mask: &Mask,
    ) -> serde_json::Result<String> {
        let report = json::value(record, code, mask)?;
        let mut story = Story::of_report(&report)?;
        let telling = {
            let mut telling = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *telling)
        };
        telling.tell(&mut story);
        Ok(html::render(&story))
    }
}
