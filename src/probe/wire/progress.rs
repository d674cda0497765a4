//! From the stamps of the bytes to the phases of an exchange. Called by [`super::exchange`] only.

use std::sync::Arc;

use super::counted::Counts;
use crate::clock::Moment;
use crate::probe::Attempt;
use crate::sample::Phase;

/// An exchange under way. Dropped before its answer, by the deadline or by a fault, it still tells
/// the attempt how far it came.
pub struct Progress<'a> {
    attempt: &'a mut Attempt,
    counts: Arc<Counts>,
    is_answered: bool,
    /// HTTP/2 reads and writes for its own purposes, so that a first byte is no sign of the answer.
    two: bool,
}

impl<'a> Progress<'a> {
    /// Begins an exchange over the connection of these counts: `most` bytes may come in, and a
    /// request body of `size` bytes goes out.
    pub fn begin(
        attempt: &'a mut Attempt,
        counts: &Arc<Counts>,
        most: u64,
        size: u64,
        two: bool,
    ) -> Self {
        attempt.enter(Phase::Request);
        // Nothing that leaves before the body is the end of it. HTTP/2 writes after it too; what frames
        // the body there is not counted: the very last of a large one may be taken for waiting.
        counts.begin(attempt.stopwatch(), most, size.saturating_add(1), two);
        Self {
            attempt,
            counts: Arc::clone(counts),
            is_answered: false,
            two,
        }
    }

    /// The head of the answer is here.
    pub fn answered(&mut self) {
        self.is_answered = true;
        let stamps = self.counts.stamps();
        self.settle(
            stamps.sent,
            if self.two {
                stamps.last_read
            } else {
                stamps.first_read
            },
        );
    }

    /// The last byte of the answer is here.
    pub fn whole(self) {
        match self.counts.stamps().last_read {
            Some(at) => self.attempt.stop_at(at),
            None => self.attempt.stop(),
        }
    }

    /// The waiting begins with the request's last byte, and ends with the answer's first, which may
    /// come before the request was sent whole.
    fn settle(&mut self, sent: Option<Moment>, first: Option<Moment>) {
        let waiting = match (sent, first) {
            (Some(sent), Some(first)) => Some(sent.min(first)),
            (sent, first) => sent.or(first),
        };
        if let Some(waiting) = waiting {
            self.attempt.enter_at(Phase::Ttfb, waiting);
        }
        if let Some(first) = first {
            self.attempt.enter_at(Phase::Body, first);
        }
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            let stamps = self.counts.stamps();
            self.settle(stamps.sent, stamps.first_read.filter(|_| !self.two));
        }
    }
}
