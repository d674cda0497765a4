//! The witness of a rollback's calls: each is in the journal before it is sent and after it was
//! answered, and whoever pulled the brake meanwhile is heard to the last.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::context::Events;
use super::freeze::Freeze;
use super::guard::Guard;
use super::logbook::Logbook;
use crate::decision::Interlock;
use crate::deploy::{DeployError, Witness};
use crate::deployment::{Answer, Call};
use crate::event::What;
use crate::journal::Entry;

/// Writes down what one rollback sends.
#[derive(Debug)]
pub struct Hand<'a> {
    /// Where it is written.
    pub log: &'a Logbook,
    /// The right to act.
    pub guard: &'a Guard,
    /// The brake; absent where a person has overridden it.
    pub freeze: Option<Freeze<'a>>,
    /// Where it is told that an answer could not be written down.
    pub events: Events,
    known: Mutex<Known>,
}

/// What a witness has seen.
#[derive(Debug, Default)]
struct Known {
    /// What was sent and not refused, in this run and before it.
    sent: Vec<Call>,
    /// What forbade the last call that was forbidden.
    forbade: Option<Interlock>,
}

impl<'a> Hand<'a> {
    /// A witness that knows what was sent before.
    #[must_use]
    pub fn new(
        log: &'a Logbook,
        guard: &'a Guard,
        freeze: Option<Freeze<'a>>,
        events: Events,
        sent: Vec<Call>,
    ) -> Self {
        Self {
            log,
            guard,
            freeze,
            events,
            known: Mutex::new(Known {
                sent,
                forbade: None,
            }),
        }
    }

    /// Whether something that runs may have been changed: a call that was refused changed nothing;
    /// one without a clear answer may have.
    #[must_use]
    pub fn has_acted(&self) -> bool {
        self.known().sent.iter().any(|call| !call.only_prepares())
    }

    /// What forbade the last call that was forbidden.
    #[must_use]
    pub fn forbade(&self) -> Option<Interlock> {
        self.known().forbade.clone()
    }

    fn forbid(&self, interlock: Interlock) -> DeployError {
        let told = interlock.to_string();
        self.known().forbade = Some(interlock);
        DeployError::Forbidden(told)
    }

    /// What is known is changed in one step, even by a thread that panics.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Witness for Hand<'_> {
    async fn before(&self, call: &Call) -> Result<(), DeployError> {
        if let Some(freeze) = &self.freeze
            && let Some(why) = freeze.holds().await
        {
            return Err(self.forbid(Interlock::Freeze { by: why }));
        }
        // The right may have been lost since the plan was made: then it is not given up unseen.
        let needs_right = !call.is_keyed() && !call.only_prepares();
        if (needs_right || self.guard.is_ours())
            && let Err(why) = self.guard.confirm().await
        {
            return Err(self.forbid(why));
        }
        let entry = Entry::Calling { call: call.clone() };
        if let Err(why) = self.log.write(&entry).await {
            return Err(self.forbid(Interlock::Journal { why }));
        }
        self.known().sent.push(call.clone());
        Ok(())
    }

    async fn after(&self, call: &Call, answer: &Answer) {
        let entry = Entry::Answered {
            call: call.clone(),
            answer: answer.clone(),
        };
        if let Err(why) = self.log.write(&entry).await {
            let told = format!(
                "the answer to {} is not in the journal: {why}",
                call.operation
            );
            self.events.emit(What::Warned(told));
        }
        if matches!(answer, Answer::Refused { .. }) {
            let mut known = self.known();
            if let Some(place) = known.sent.iter().rposition(|sent| sent == call) {
                known.sent.remove(place);
            }
        }
    }

    fn sent(&self) -> Vec<Call> {
        self.known().sent.clone()
    }

    fn is_keyed_only(&self) -> bool {
        !self.guard.is_ours()
    }
}
