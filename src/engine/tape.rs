//! The way out for the samples of a window, in the order in which they reach the judge, for whoever
//! records them. A replay of the recording then meets what the judge met.
//!
//! Taking never waits: a disk that does not keep up cannot delay a rollback. It loses samples then,
//! and the recording knows that it is not whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::record::Stamp;
use crate::clock::WallTime;
use crate::sample::Sample;

/// How many samples may wait to be written: with five hundred checks a second, two minutes.
const TAPE_QUEUE: usize = 65_536;

/// A sample on its way into a recording.
#[derive(Clone, Debug)]
pub struct Taped {
    /// When the window began, for people.
    pub window_start: WallTime,
    /// How long after that the run started.
    pub after: Duration,
    /// The sample.
    pub sample: Sample,
}

/// Where the engine puts samples.
#[derive(Clone, Debug)]
pub struct Tape {
    sender: mpsc::Sender<Taped>,
    lost: Arc<AtomicU64>,
}

/// Where they come out. It ends when every [`Tape`] is gone.
#[derive(Debug)]
pub struct Taping {
    receiver: mpsc::Receiver<Taped>,
    lost: Arc<AtomicU64>,
}

impl Tape {
    /// Makes a tape and its other end.
    #[must_use]
    pub fn queue() -> (Self, Taping) {
        let (sender, receiver) = mpsc::channel(TAPE_QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let taping = Taping {
            receiver,
            lost: Arc::clone(&lost),
        };
        (Self { sender, lost }, taping)
    }

    /// Takes a sample of the window that began at `start`.
    pub fn take(&self, start: Stamp, sample: &Sample) {
        let taped = Taped {
            window_start: start.wall,
            after: sample.started.since(start.moment),
            sample: sample.clone(),
        };
        if self.sender.try_send(taped).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Taping {
    /// Waits for the next sample, blocking its thread; `None` at the end.
    pub fn wait(&mut self) -> Option<Taped> {
        self.receiver.blocking_recv()
    }

    /// How many samples found no place.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Moment;
    use crate::sample::{CheckId, Outcome, Phases};

    #[test]
    fn a_tape_never_waits_and_counts_what_it_lost() {
        let (tape, mut taping) = Tape::queue();
        let start = Stamp {
            moment: Moment::at(Duration::from_secs(100)),
            wall: WallTime::default(),
        };
        let sample = Sample {
            check: CheckId::new("web"),
            started: start.moment + Duration::from_secs(3),
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
        };
        for _ in 0..TAPE_QUEUE + 2 {
            tape.take(start, &sample);
        }
        assert_eq!(taping.lost(), 2);
        drop(tape);
        let taped = taping.wait().unwrap();
        assert_eq!(taped.after, Duration::from_secs(3));
        assert_eq!(std::iter::from_fn(|| taping.wait()).count(), TAPE_QUEUE - 1);
    }
}
