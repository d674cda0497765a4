//! The open loop of one check: which sends may start now, and how long each was kept waiting.
//!
//! A closed loop that waits for an answer before it asks again asks a stalled target less, and the
//! stall all but vanishes from its percentiles (coordinated omission). Here each send has its moment,
//! whatever became of those before it. What is due while every place in flight is taken waits in
//! order. What has waited as long as its timeout is given up and counted, and never becomes a sample.
//!
//! A wait is the target's doing until the first place comes free: until then it held all of them.
//! What is left of it is the queue that our own limit made: where the limit is too small for the
//! rate, a target that is slow and well would otherwise seem to be minutes behind. And how late our
//! own machine comes to look is never part of a latency.
//!
//! A value: it holds no timer, asks for no time and runs nothing. `engine` asks it at every tick and
//! whenever a run ended.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Moment;
use crate::plan::Load;
use crate::sample::Sending;

/// The open loop of one check.
#[derive(Debug)]
pub struct OpenLoop {
    load: Load,
    timeout: Duration,
    start: Moment,
    /// The number of the next send.
    next: u64,
    /// How many sends there are in all.
    sends: u64,
    waiting: VecDeque<Waiting>,
    in_flight: u32,
    /// What was not told with a sample yet.
    untold: Untold,
    /// What was due while our machine was away, and was not asked for yet.
    missed: u64,
}

/// A run that may start now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Its number, counted from 0.
    pub number: u64,
    /// When it was due.
    pub intended: Moment,
    /// How long it waited because the target held every place in flight: part of its latency, and of
    /// the time that it may take. Goes into [`crate::probe::attempt::Conditions::waited`].
    pub waited: Duration,
}

/// A send without a place.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    number: u64,
    intended: Moment,
    /// When it began to wait: when we came to look.
    since: Moment,
    /// When the first place came free after that, for whomever.
    freed: Option<Moment>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Untold {
    unsent: u64,
    peak: u32,
}

/// So many sends wait at most, in some hundred kilobytes: the oldest makes room, as the one that is
/// nearest to its deadline.
const MOST_WAITING: usize = 16_384;

/// A send that we come to look for later than this is not made up for: our machine was away, and a
/// burst of all that was missed would measure nothing but itself.
const TOO_LATE: Duration = Duration::from_secs(1);

impl OpenLoop {
    /// A loop whose first send is due at `start`, and that goes on until it is closed.
    #[must_use]
    pub const fn new(load: Load, timeout: Duration, start: Moment) -> Self {
        Self {
            load,
            timeout,
            start,
            next: 0,
            sends: u64::MAX,
            waiting: VecDeque::new(),
            in_flight: 0,
            untold: Untold { unsent: 0, peak: 0 },
            missed: 0,
        }
    }

    /// The same loop with so many sends in all.
    #[must_use]
    pub fn ending_after(self, sends: u64) -> Self {
        Self { sends, ..self }
    }

    /// Ends the sending: nothing more is due. What waits may still start, at the latest when its
    /// timeout passes, as what is in flight still ends.
    pub fn close(&mut self) {
        self.sends = self.next;
    }

    /// Ends the sending, and gives up what waits: what is in flight still ends, and tells of it.
    pub fn stop(&mut self) {
        self.close();
        self.untold.unsent += self.waiting.len() as u64;
        self.waiting.clear();
    }

    /// When the next send is due; `None` when none will be.
    #[must_use]
    pub fn next_due(&self) -> Option<Moment> {
        (self.next < self.sends).then(|| self.start + self.load.pace.due(self.next))
    }

    /// How many runs are in flight.
    #[must_use]
    pub const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Takes a run that may start now; to be asked until there is none. Each that is taken must be
    /// given back by [`OpenLoop::ended`].
    pub fn take(&mut self, now: Moment) -> Option<Start> {
        self.give_up_late(now);
        if self.has_place()
            && let Some(first) = self.waiting.pop_front()
        {
            let held = first.freed.unwrap_or(now).since(first.since);
            return Some(self.started(first.number, first.intended, held));
        }
        while let Some(intended) = self.next_due().filter(|due| *due <= now) {
            let number = self.next;
            self.next += 1;
            if self.has_place() {
                return Some(self.started(number, intended, Duration::ZERO));
            }
            self.keep_waiting(Waiting {
                number,
                intended,
                since: now,
                freed: None,
            });
        }
        None
    }

    /// Hears that a run ended, and says what its sample has to tell besides its own wait. Its place
    /// is free: [`OpenLoop::take`] may have a run for it.
    pub fn ended(&mut self, now: Moment) -> Sending {
        self.in_flight = self.in_flight.saturating_sub(1);
        // Those behind the first marked one began to wait earlier and are marked already.
        for waiting in self.waiting.iter_mut().rev() {
            if waiting.freed.is_some() {
                break;
            }
            waiting.freed = Some(now);
        }
        self.give_up_late(now);
        let Untold { unsent, peak } = std::mem::take(&mut self.untold);
        self.untold.peak = self.in_flight;
        Sending {
            waited: Duration::ZERO,
            unsent,
            in_flight: peak,
        }
    }

    /// How many sends were left out since this was asked last, because our own machine was away.
    pub const fn take_missed(&mut self) -> u64 {
        std::mem::replace(&mut self.missed, 0)
    }

    const fn has_place(&self) -> bool {
        self.in_flight < self.load.max_in_flight
    }

    fn started(&mut self, number: u64, intended: Moment, waited: Duration) -> Start {
        self.in_flight += 1;
        self.untold.peak = self.untold.peak.max(self.in_flight);
        Start {
            number,
            intended,
            waited,
        }
    }

    fn keep_waiting(&mut self, waiting: Waiting) {
        if self.waiting.len() >= MOST_WAITING && self.waiting.pop_front().is_some() {
            self.untold.unsent += 1;
        }
        self.waiting.push_back(waiting);
    }

    /// Gives up what has waited for its whole timeout, and leaves out what was due while our machine
    /// was away: the one is counted as unsent, the other is our own fault.
    fn give_up_late(&mut self, now: Moment) {
        let is_over = |waiting: &Waiting| waiting.since + self.timeout <= now;
        while self.waiting.front().is_some_and(is_over) {
            self.waiting.pop_front();
            self.untold.unsent += 1;
        }
        let Some(away) = now.since(self.start).checked_sub(TOO_LATE) else {
            return;
        };
        let is_late = self.next_due().is_some_and(|due| due + TOO_LATE <= now);
        if is_late {
            let due = self.load.pace.sends_by(away).min(self.sends);
            let missed = due.saturating_sub(self.next);
            self.next += missed;
            self.missed += missed;
        }
    }
}
