//! Runs that are made of other runs: each part is a run of its own, under a deadline of its own, and
//! what it measured becomes a part of the whole. What lies between two parts is ours and is not
//! measured.
//!
//! What parts share travels with them: cookies, the values of a login, and whether somebody wants to
//! hear what was answered.

use std::sync::Arc;
use std::time::Duration;

use super::{Attempt, Conditions, Observed, attend};
use crate::clock::{Clock, WallTime};
use crate::probe::{Cookies, Probe, Reply, Values};
use crate::sample::{Fault, Phase, Reading};

/// What a part knows of the whole.
#[derive(Debug, Default)]
pub(super) struct Whole {
    cookies: Arc<Cookies>,
    given: Values,
    reply: Option<Reply>,
}

/// What makes the parts of a run.
#[derive(Clone, Debug)]
pub struct Parts {
    clock: Arc<dyn Clock>,
    conditions: Conditions,
    is_observed: bool,
}

/// A part that has run.
#[derive(Debug)]
pub struct Part {
    attempt: Attempt,
    /// How it ended.
    pub result: Result<(), Fault>,
}

impl Attempt {
    /// What makes the parts of this run.
    #[must_use]
    pub fn parts(&self) -> Parts {
        let conditions = Conditions {
            waited: Duration::ZERO,
            ..self.conditions.clone()
        };
        Parts {
            clock: Arc::clone(&self.clock),
            conditions,
            is_observed: self.is_observed(),
        }
    }

    /// How long parts may take so that they end before this run does: its deadline knows of no part,
    /// and would not say which one it cut off.
    #[must_use]
    pub fn left_for_parts(&self) -> Duration {
        self.remaining().saturating_sub(self.timeout / ENDING)
    }

    /// Says what was answered; kept only where somebody asked for it, and copied only then.
    pub fn reply(&mut self, reply: impl FnOnce() -> Reply) {
        if let Some(whole) = &mut self.whole {
            whole.reply = Some(reply());
        }
    }

    /// The cookies to send and to keep, where this run is a part of one that keeps them.
    #[must_use]
    pub fn cookies(&self) -> Option<Arc<Cookies>> {
        let whole = self.whole.as_ref();
        whole.map(|whole| Arc::clone(&whole.cookies))
    }

    /// What time it is for people, for what nobody judges: the dates of cookies, values to send.
    #[must_use]
    pub fn calendar(&self) -> WallTime {
        self.clock.wall()
    }

    /// What a login captured, where this run is attended by one.
    #[must_use]
    pub fn given(&self) -> Option<Values> {
        let whole = self.whole.as_ref();
        whole.map(|whole| Arc::clone(&whole.given))
    }

    /// Makes what a part measured a part of this run; its readings and notes are the caller's to tell.
    pub fn add(&mut self, part: &mut Part) {
        let measured = part.latency();
        let before = match (self.current, self.stopped) {
            (None, None) => Duration::ZERO,
            _ => self.latency(),
        };
        for phase in Phase::ALL {
            if let Some(span) = part.attempt.phases.get(phase) {
                self.phases.add(phase, span);
            }
        }
        let now = self.clock.now();
        self.current = None;
        self.stopped = Some(now);
        let all = now.since(self.started);
        self.paused = all.saturating_sub(before + measured);
        self.asked_wall |= part.attempt.asked_wall;
        self.session = part.attempt.session.take().or(self.session.take());
    }

    /// Makes a part the whole of this run: all that it measured and said.
    ///
    /// # Errors
    /// The fault of the part.
    pub fn become_part(&mut self, mut part: Part) -> Result<(), Fault> {
        part.latency();
        let attempt = part.attempt;
        self.started = attempt.started;
        self.phases = attempt.phases;
        self.current = None;
        self.stopped = attempt.stopped;
        self.paused = attempt.paused;
        self.asked_wall |= attempt.asked_wall;
        self.readings.extend(attempt.readings);
        self.notes.extend(attempt.notes);
        self.observation = attempt.observation;
        self.session = attempt.session;
        part.result
    }
}

impl Parts {
    /// The same, for parts that ask whoever stands behind a name, whatever place the whole asks.
    #[must_use]
    pub fn anywhere(mut self) -> Self {
        self.conditions.place = None;
        self
    }

    /// Runs a probe as a part, which may take so long, with these cookies and these values at hand.
    pub async fn run(
        &self,
        probe: &dyn Probe,
        timeout: Duration,
        cookies: Arc<Cookies>,
        given: Values,
    ) -> Part {
        let clock = Arc::clone(&self.clock);
        let mut attempt = Attempt::start(clock, timeout, self.conditions.clone());
        attempt.observation = self.is_observed.then(Observed::default);
        attempt.whole = Some(Box::new(Whole {
            cookies,
            given,
            reply: None,
        }));
        let result = attend(probe, &mut attempt).await;
        Part { attempt, result }
    }
}

impl Part {
    /// How long it took, from its first phase to the last byte.
    pub fn latency(&mut self) -> Duration {
        if self.attempt.current.is_some() || self.attempt.stopped.is_none() {
            self.attempt.stop();
            self.attempt.stopped.get_or_insert(self.attempt.clock.now());
        }
        self.attempt.latency()
    }

    /// The numbers that it observed.
    #[must_use]
    pub fn readings(&self) -> &[Reading] {
        &self.attempt.readings
    }

    /// What a person should know of it.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.attempt.notes
    }

    /// The same with its notes in other words.
    pub fn reword(&mut self, reword: impl Fn(&str) -> String) {
        for note in &mut self.attempt.notes {
            *note = reword(note);
        }
        if let Err(fault) = &mut self.result {
            fault.detail = reword(&fault.detail);
        }
    }

    /// What it was answered, where its kind says so and an answer came.
    #[must_use]
    pub fn reply(&self) -> Option<&Reply> {
        self.attempt.whole.as_ref()?.reply.as_ref()
    }

    /// Takes what it was answered.
    pub fn take_reply(&mut self) -> Option<Reply> {
        self.attempt.whole.as_mut()?.reply.take()
    }
}

/// The part of its time by which the parts of a run end before it: 40 ms of five seconds, which a
/// machine that keeps up does not lose between two timers.
const ENDING: u32 = 128;
