//! The witness of a rollback's calls: what was sent is remembered, so that nothing is sent twice.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::deploy::{DeployError, Witness};
use crate::deployment::{Answer, Call};

/// Remembers what was sent.
#[derive(Debug, Default)]
pub struct Hand {
    sent: Mutex<Vec<Call>>,
}

impl Hand {
    /// A list is changed in one step, even by a thread that panics.
    fn known(&self) -> MutexGuard<'_, Vec<Call>> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Witness for Hand {
    async fn before(&self, call: &Call) -> Result<(), DeployError> {
        self.known().push(call.clone());
        Ok(())
    }

    async fn after(&self, call: &Call, answer: &Answer) {
        if matches!(answer, Answer::Refused { .. }) {
            let mut known = self.known();
            if let Some(place) = known.iter().rposition(|sent| sent == call) {
                known.remove(place);
            }
        }
    }

    fn sent(&self) -> Vec<Call> {
        self.known().clone()
    }

    fn is_keyed_only(&self) -> bool {
        false
    }
}
