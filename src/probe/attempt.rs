//! One attempt: the stopwatch that a probe stamps, and the runner that holds it to its deadline.
//!
//! The runner turns whatever happens, a panic and a hang included, into one [`Sample`]. It never
//! retries and never judges. Called by `engine` only.

mod dates;
mod deadline;
mod queue;
mod task_place;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;

use self::deadline::{FAR_TOO_LATE, timed_out};
use self::queue::Queue;
pub use self::task_place::{TaskPlace, short};
use super::{ConnectionPolicy, Probe};
use crate::clock::{Clock, Moment, WallTime};
use crate::sample::{
    CheckId, Fault, Outcome, Phase, Phases, Reading, Reason, Sample, Sending, Session, Unit,
};

/// How one run is to be carried out, besides what its check declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// Whether it must open new connections, whatever the check declares.
    pub fresh: bool,
    /// Whether it is judged for a deployment: unless the check declares another wish, connections
    /// are then opened anew.
    pub in_window: bool,
    /// Connections that were opened before are of no use: they lead to what ran then.
    pub opened_since: Moment,
    /// The task that it asks, where the check asks each by itself.
    pub task: Option<TaskPlace>,
    /// How long it waited for its turn because the target held every place of its open loop: a part
    /// of the latency, and of the time that it may take.
    pub waited: Duration,
    /// Whether an answer of any version counts: what runs before the deployment under test, or
    /// after its rollback, is of another.
    pub any_version: bool,
}

/// What a probe reports to while it runs.
#[derive(Debug)]
pub struct Attempt {
    clock: Arc<dyn Clock>,
    started: Moment,
    timeout: Duration,
    conditions: Conditions,
    queue: Option<Queue>,
    current: Option<(Phase, Moment)>,
    stopped: Option<Moment>,
    /// How long the stopwatch stood still between two answers.
    paused: Duration,
    phases: Phases,
    readings: Vec<Reading>,
    notes: Vec<String>,
    observation: Option<Observed>,
    session: Option<Arc<Session>>,
    /// Whether it was asked what time it is for people.
    asked_wall: bool,
}

/// What a guard compares with before: present when somebody asked for it.
#[derive(Debug, Default)]
struct Observed(Option<String>);

impl Attempt {
    /// Starts the stopwatch.
    #[must_use]
    pub fn start(clock: Arc<dyn Clock>, timeout: Duration, conditions: Conditions) -> Self {
        let started = clock.now();
        Self {
            clock,
            started,
            timeout,
            conditions,
            queue: None,
            current: None,
            stopped: None,
            paused: Duration::ZERO,
            phases: Phases::default(),
            readings: Vec::with_capacity(USUAL_READINGS),
            notes: Vec::new(),
            observation: None,
            session: None,
            asked_wall: false,
        }
    }

    /// Ends the phase that is running, if any, and begins this one. The first phase begins with the
    /// run: whatever came before it belongs to it.
    pub fn enter(&mut self, phase: Phase) {
        self.enter_at(phase, self.clock.now());
    }

    /// As [`Attempt::enter`], at a moment that has passed already: only later does one know which
    /// byte was the request's last. Never before what was stamped last.
    pub fn enter_at(&mut self, phase: Phase, at: Moment) {
        let since = match (self.current.take(), self.stopped.take()) {
            (Some((running, since)), _) => {
                let at = at.max(since);
                self.phases.add(running, at.since(since));
                at
            }
            (None, Some(stopped)) => {
                let at = at.max(stopped);
                self.paused += at.since(stopped);
                at
            }
            (None, None) => self.started + self.phases.total(),
        };
        self.current = Some((phase, since));
    }

    /// Stops the stopwatch: the last byte is here. What follows is evaluation and costs the target
    /// nothing. A later [`Attempt::enter`] starts it again.
    pub fn stop(&mut self) {
        self.stop_at(self.clock.now());
    }

    /// As [`Attempt::stop`], at the moment at which the last byte came.
    pub fn stop_at(&mut self, at: Moment) {
        if let Some((running, since)) = self.current.take() {
            let at = at.max(since);
            self.phases.add(running, at.since(since));
            self.stopped = Some(at);
        }
    }

    /// Records a number.
    pub fn reading(&mut self, name: &str, value: f64, unit: Unit) {
        self.named(Arc::from(name), value, unit);
    }

    /// As [`Attempt::reading`], for who reports under the same name in every run.
    pub fn named(&mut self, name: Arc<str>, value: f64, unit: Unit) {
        self.readings.push(Reading { name, value, unit });
    }

    /// Records a number of which only the last counts, as those of a connection when there are
    /// several.
    pub fn latest(&mut self, name: &str, value: f64, unit: Unit) {
        match self.readings.iter_mut().find(|known| &*known.name == name) {
            Some(known) => (known.value, known.unit) = (value, unit),
            None => self.reading(name, value, unit),
        }
    }

    /// Records what a person should know although the run may pass.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    /// Says what was answered, in words that stay the same as long as the answer does; without what
    /// must not be seen. Kept only where somebody asked for it, and put into words only then.
    pub fn observe(&mut self, answer: impl FnOnce() -> Option<String>) {
        if let Some(observed) = &mut self.observation {
            observed.0 = answer();
        }
    }

    /// Whether somebody asked what was answered.
    #[must_use]
    pub const fn is_observed(&self) -> bool {
        self.observation.is_some()
    }

    /// Says over what this run talks.
    pub fn over(&mut self, session: Arc<Session>) {
        self.session = Some(session);
    }

    /// Whether this run may use a connection of an earlier one and leave its own to a later one:
    /// `declared` where the check says so, else `usual` for its kind; never where it must not.
    #[must_use]
    pub fn policy(
        &self,
        declared: Option<ConnectionPolicy>,
        usual: ConnectionPolicy,
    ) -> ConnectionPolicy {
        if self.conditions.fresh {
            return ConnectionPolicy::Fresh;
        }
        let usual = if self.conditions.in_window {
            ConnectionPolicy::Fresh
        } else {
            usual
        };
        declared.unwrap_or(usual)
    }

    /// Connections that were opened before this moment must not be used.
    #[must_use]
    pub const fn opened_since(&self) -> Moment {
        self.conditions.opened_since
    }

    /// Whether this run must open new connections, whatever the check declares.
    #[must_use]
    pub const fn fresh(&self) -> bool {
        self.conditions.fresh
    }

    /// The task that is asked, where the check asks each by itself.
    #[must_use]
    pub const fn task(&self) -> Option<&TaskPlace> {
        self.conditions.task.as_ref()
    }

    /// Whether an answer of another version than the declared one counts.
    #[must_use]
    pub const fn any_version(&self) -> bool {
        self.conditions.any_version
    }

    /// How long the whole run may take.
    #[must_use]
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// How much of the time is left; zero when the deadline has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.allowed()
            .saturating_sub(self.clock.now().since(self.started))
    }

    /// The present on the monotonic line.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.clock.now()
    }

    /// What time it is for people, for ages of what the target reports and dates that it has.
    ///
    /// A run that asked is not believed after our own clock has jumped: its readings in seconds and
    /// days are left out, and a fault that is [`Fault::dated`] teaches nothing.
    pub fn wall(&mut self) -> WallTime {
        self.asked_wall = true;
        self.clock.wall()
    }

    /// When the run began.
    #[must_use]
    pub const fn started(&self) -> Moment {
        self.started
    }

    /// The clock, for who stamps bytes as they pass.
    #[must_use]
    pub fn stopwatch(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The readings recorded so far.
    #[must_use]
    pub fn readings(&self) -> &[Reading] {
        &self.readings
    }

    /// From the start to the last byte, or to the present where that is not here, without what lay
    /// between one answer and the next request.
    fn latency(&self) -> Duration {
        let ended = self.stopped.unwrap_or_else(|| self.clock.now());
        ended.since(self.started).saturating_sub(self.paused)
    }

    /// By how much the latency is beyond the deadline.
    fn late(&self) -> Duration {
        self.latency().saturating_sub(self.allowed())
    }

    fn into_sample(mut self, check: CheckId, result: Result<(), Fault>) -> Sample {
        if self.current.is_some() {
            self.stop();
        }
        let waited = self.conditions.waited;
        let result = self.without_dates(result);
        let fault = result.err().map(|fault| match &self.conditions.task {
            Some(task) => Fault {
                detail: format!("{task}: {}", fault.detail),
                ..fault
            },
            None => fault,
        });
        Sample {
            check,
            started: self.started - waited,
            latency: waited + self.latency(),
            phases: self.phases,
            outcome: fault
                .as_ref()
                .map_or(Outcome::Pass, |fault| fault.reason.outcome()),
            fault,
            readings: self.readings,
            notes: self.notes,
            retries: 0,
            closer_look: false,
            sending: (!waited.is_zero()).then(|| Sending {
                waited,
                ..Sending::default()
            }),
            session: self.session,
        }
    }
}

/// Runs a probe once and makes a sample of whatever happens.
///
/// The deadline covers everything from resolving the name to the last byte, and a wait for a place
/// in flight before that where there was one. It holds also for an answer that was already there
/// when a busy machine came to look. A panic of the probe, a deadline that passed while our own
/// resolver was silent, and one that our machine noticed far too late are `Unknown` samples: nothing
/// was learnt about the target.
pub async fn run(
    probe: &dyn Probe,
    check: &CheckId,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    conditions: Conditions,
) -> Sample {
    let left = timeout.saturating_sub(conditions.waited);
    let mut attempt = Attempt::start(clock, left, conditions);
    let result = attend(probe, &mut attempt).await;
    attempt.into_sample(check.clone(), result)
}

/// Runs a probe once, over new connections, and says what it was answered; nothing where its kind
/// or its settings give nothing to compare.
///
/// # Errors
/// The fault in which the run ended, as [`run`] would have it in the sample.
pub async fn observe(
    probe: &dyn Probe,
    clock: Arc<dyn Clock>,
    timeout: Duration,
) -> Result<Option<String>, Fault> {
    // What is compared with before is the same question under either version.
    let conditions = Conditions {
        fresh: true,
        any_version: true,
        ..Conditions::default()
    };
    let mut attempt = Attempt::start(clock, timeout, conditions);
    attempt.observation = Some(Observed::default());
    attend(probe, &mut attempt).await?;
    Ok(attempt.observation.and_then(|observed| observed.0))
}

/// Holds one run to its deadline.
async fn attend(probe: &dyn Probe, attempt: &mut Attempt) -> Result<(), Fault> {
    let timeout = attempt.timeout;
    let guarded = AssertUnwindSafe(probe.run(attempt)).catch_unwind();
    let ended = tokio::time::timeout(timeout, guarded).await;
    match ended {
        Ok(Ok(Ok(()))) if attempt.latency() > attempt.allowed() => Err(timed_out(attempt)),
        // Whatever went wrong was met by a machine that was away: the target may have waited.
        Ok(Ok(Err(_))) if attempt.late() > FAR_TOO_LATE => Err(timed_out(attempt)),
        // The server's own deadline, which is what was left of ours.
        Ok(Ok(Err(fault)))
            if fault.reason == Reason::Timeout && attempt.kept_waiting().is_some() =>
        {
            Err(timed_out(attempt))
        }
        Ok(Ok(result)) => result,
        Ok(Err(panic)) => Err(Fault::new(Reason::Panic, panic_text(&*panic))),
        Err(_) => Err(timed_out(attempt)),
    }
}

/// As many as the kind that is run most gives.
const USUAL_READINGS: usize = 3;

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("the probe itself failed, which is a bug of ours: {text}")
}

#[cfg(test)]
mod tests;
