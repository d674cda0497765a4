//! Samples on their way to the judge, several at a time: each hand-over wakes another thread.
//!
//! A sample waits some milliseconds at most, and not at all while nothing else is to come. Where
//! the judge does not keep up, samples are kept for a while and then lost, and counted.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::sync::mpsc::error::TrySendError;

use crate::clock::Moment;
use crate::sample::Sample;

/// The samples of one thread that were not handed on yet.
#[derive(Debug)]
pub(super) struct Batch {
    sender: mpsc::Sender<Vec<Sample>>,
    samples: Vec<Sample>,
    /// When they are handed on at the latest; absent while there are none.
    due: Option<Moment>,
}

/// A decision that comes twenty milliseconds later is no later decision.
pub(super) const LONGEST_WAIT: Duration = Duration::from_millis(20);
/// More than this many are handed on at once.
const LARGEST: usize = 256;
/// A judge that is so many samples behind will not catch up.
const MOST_KEPT: usize = 100_000;

/// Nobody wants samples any more.
#[derive(Debug)]
pub(super) struct Unwanted;

impl Batch {
    pub(super) const fn new(sender: mpsc::Sender<Vec<Sample>>) -> Self {
        Self {
            sender,
            samples: Vec::new(),
            due: None,
        }
    }

    pub(super) fn push(&mut self, sample: Sample, now: Moment) {
        self.samples.push(sample);
        if self.due.is_none() {
            self.due = Some(now + LONGEST_WAIT);
        }
    }

    /// When the samples are to be handed on at the latest.
    pub(super) const fn due(&self) -> Option<Moment> {
        self.due
    }

    /// Hands the samples on if that is due, or if nothing more is `expected` soon; says how many
    /// were lost.
    pub(super) fn hand_on(&mut self, now: Moment, expected: bool) -> Result<usize, Unwanted> {
        let is_due = self.due.is_some_and(|due| due <= now);
        if self.samples.is_empty() {
            return if self.sender.is_closed() {
                Err(Unwanted)
            } else {
                Ok(0)
            };
        }
        if !is_due && expected && self.samples.len() < LARGEST {
            return Ok(0);
        }
        let room = self.samples.len().min(LARGEST);
        let samples = std::mem::replace(&mut self.samples, Vec::with_capacity(room));
        self.due = None;
        match self.sender.try_send(samples) {
            Ok(()) => Ok(0),
            Err(TrySendError::Closed(_)) => Err(Unwanted),
            Err(TrySendError::Full(mut samples)) => {
                let lost = samples.len().saturating_sub(MOST_KEPT);
                samples.truncate(MOST_KEPT);
                self.samples = samples;
                self.due = Some(now + LONGEST_WAIT);
                Ok(lost)
            }
        }
    }

    /// Hands on what is left.
    pub(super) async fn close(self) {
        if !self.samples.is_empty() {
            // Whoever does not listen any more has no use for it.
            self.sender.send(self.samples).await.unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{CheckId, Outcome, Phases};

    fn at(millis: u64) -> Moment {
        Moment::at(Duration::from_millis(millis))
    }

    fn sample() -> Sample {
        Sample {
            check: CheckId::new("web"),
            started: at(0),
            latency: Duration::ZERO,
            phases: Phases::default(),
            outcome: Outcome::Pass,
            fault: None,
            readings: Vec::new(),
            notes: Vec::new(),
            retries: 0,
            closer_look: false,
            sending: None,
            session: None,
            trace: None,
        }
    }

    #[test]
    fn samples_are_handed_on_together_and_soon() {
        let (sender, mut receiver) = mpsc::channel(9);
        let mut batch = Batch::new(sender);
        batch.push(sample(), at(10));
        batch.push(sample(), at(12));
        assert!(matches!(batch.hand_on(at(12), true), Ok(0)));
        assert!(receiver.try_recv().is_err(), "others are about to end");
        assert!(matches!(batch.hand_on(at(30), true), Ok(0)));
        assert_eq!(receiver.try_recv().unwrap().len(), 2, "the time is over");
        batch.push(sample(), at(40));
        assert!(matches!(batch.hand_on(at(40), false), Ok(0)));
        assert_eq!(receiver.try_recv().unwrap().len(), 1, "nothing else is due");
    }

    #[test]
    fn a_judge_that_does_not_keep_up_loses_the_newest_and_it_is_counted() {
        let (sender, mut receiver) = mpsc::channel(1);
        let mut batch = Batch::new(sender);
        batch.push(sample(), at(0));
        assert!(matches!(batch.hand_on(at(0), false), Ok(0)));
        for _ in 0..MOST_KEPT + 7 {
            batch.push(sample(), at(1));
        }
        assert!(matches!(batch.hand_on(at(1), false), Ok(7)));
        assert_eq!(receiver.try_recv().unwrap().len(), 1);
        assert!(matches!(batch.hand_on(at(2), false), Ok(0)));
        assert_eq!(receiver.try_recv().unwrap().len(), MOST_KEPT);
        drop(receiver);
        assert!(batch.hand_on(at(3), false).is_err());
    }
}
