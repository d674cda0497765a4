//! How long our own machine stood still, and which runs that concerns: an answer that was there while
//! nobody could look was measured too slow, and a deadline that passed meanwhile says nothing.
//!
//! Told by timers that come late. A value; used by the probing threads.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;
use crate::quantity::human;
use crate::sample::{Fault, Outcome, Reason, Sample};

/// The standstills that runs in flight may have met.
#[derive(Debug, Default)]
pub struct Stalls {
    /// Each from when a timer was due to when it came, the oldest first.
    known: VecDeque<(Moment, Moment)>,
}

/// A timer that comes later tells of a standstill. Timers are exact to a millisecond, and a machine
/// with other work is now and then late by several.
const NOTICED: Duration = Duration::from_millis(20);
/// Less than this says nothing against a sample.
const MATTERS: Duration = Duration::from_millis(100);
/// Nor does less than this share of the latency of what passed.
const MATTERS_OF_LATENCY: u32 = 10;
/// A target that did not answer in more than half of its time hung, whatever we did in the rest.
const MATTERS_OF_DEADLINE: u32 = 2;
/// How many are remembered; older ones are of runs that are over.
const REMEMBERED: usize = 64;

impl Stalls {
    /// Takes in that a timer due at one moment came at another, or has not come until then. Of the
    /// same standstill it may be told several times.
    pub fn note(&mut self, due: Moment, came: Moment) {
        if came.since(due) < NOTICED {
            return;
        }
        if let Some((_, end)) = self.known.back_mut()
            && due <= *end
        {
            *end = came.max(*end);
            return;
        }
        if self.known.len() == REMEMBERED {
            self.known.pop_front();
        }
        self.known.push_back((due, came));
    }

    /// Turns a sample whose time is mostly our own into one from which nothing is learnt, where its
    /// time matters. What was answered wrongly, or refused, stays so; and what passed, where nobody
    /// asks how long it took. A peer that hung up may have grown tired of waiting for us.
    pub fn judge(&self, sample: &mut Sample, is_timed: bool) {
        let share = match &sample.fault {
            None if is_timed => MATTERS_OF_LATENCY,
            Some(fault) if is_about_waiting(fault.reason) => MATTERS_OF_DEADLINE,
            None | Some(_) => return,
        };
        if self.known.is_empty() {
            return;
        }
        let stood = self.within(sample.started, sample.started + sample.latency);
        if stood < MATTERS.max(sample.latency / share) {
            return;
        }
        let detail = format!(
            "our own machine stood still for {} while it ran",
            human(stood)
        );
        sample.outcome = Outcome::Unknown;
        sample.fault = Some(Fault::new(Reason::Starved, detail));
    }

    fn within(&self, from: Moment, to: Moment) -> Duration {
        let parts = self.known.iter().map(|&(due, came)| {
            let (begin, end) = (due.max(from), came.min(to));
            end.since(begin)
        });
        parts.sum()
    }
}

const fn is_about_waiting(reason: Reason) -> bool {
    matches!(reason, Reason::Timeout | Reason::Closed | Reason::Reset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::{CheckId, Phases};

    fn at(millis: u64) -> Moment {
        Moment::at(Duration::from_millis(millis))
    }

    fn sample(started: u64, latency: u64, reason: Option<Reason>) -> Sample {
        Sample {
            check: CheckId::new("web"),
            started: at(started),
            latency: Duration::from_millis(latency),
            phases: Phases::default(),
            outcome: reason.map_or(Outcome::Pass, Reason::outcome),
            fault: reason.map(|reason| Fault::new(reason, reason.code())),
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
    fn a_run_during_a_standstill_teaches_nothing_about_time() {
        let mut stalls = Stalls::default();
        stalls.note(at(1_000), at(1_300));
        stalls.note(at(5_000), at(5_019));
        for (started, latency, reason, outcome, why) in [
            (
                900,
                410,
                None,
                Outcome::Unknown,
                "its answer lay there for 300 ms",
            ),
            (
                900,
                4_900,
                Some(Reason::Timeout),
                Outcome::Error,
                "300 ms of five seconds",
            ),
            (
                900,
                450,
                Some(Reason::Timeout),
                Outcome::Unknown,
                "most of its time was ours",
            ),
            (
                900,
                410,
                Some(Reason::Status),
                Outcome::Fail,
                "what it answered is wrong",
            ),
            (
                900,
                410,
                Some(Reason::Refused),
                Outcome::Error,
                "it refused",
            ),
            (
                900,
                410,
                Some(Reason::Closed),
                Outcome::Unknown,
                "it may have waited for us",
            ),
            (
                900,
                50,
                Some(Reason::Reset),
                Outcome::Error,
                "that was before it",
            ),
            (1_250, 300, None, Outcome::Pass, "50 ms are little"),
            (2_000, 400, None, Outcome::Pass, "it began after it"),
            (4_999, 22, None, Outcome::Pass, "19 ms are no standstill"),
        ] {
            let mut sample = sample(started, latency, reason);
            stalls.judge(&mut sample, true);
            assert_eq!(sample.outcome, outcome, "{why}");
            assert_eq!(sample.fault.is_none(), outcome == Outcome::Pass, "{why}");
        }
        stalls.note(at(8_000), at(8_120));
        stalls.note(at(8_000), at(8_150));
        let mut twice = sample(8_000, 1_600, None);
        stalls.judge(&mut twice, true);
        assert_eq!(twice.outcome, Outcome::Pass, "one standstill, told twice");
        let mut untimed = sample(900, 410, None);
        stalls.judge(&mut untimed, false);
        assert_eq!(untimed.outcome, Outcome::Pass, "nobody asks how long");
    }
}
