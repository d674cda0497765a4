//! One attempt: the stopwatch that a probe stamps, and the runner that holds it to its deadline.
//!
//! The runner turns whatever happens, a panic and a hang included, into one [`Sample`]. It never
//! retries and never judges. Called by `engine` only.

mod conditions;
mod dates;
mod deadline;
mod part;
mod queue;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use self::queue::Queue;
use super::{ConnectionPolicy, Probe, Resolver};
use crate::clock::{Clock, Moment, WallTime};
use crate::sample::{
    CheckId, Fault, Outcome, Phase, Phases, Reading, Sample, Sending, Session, Unit,
};

pub use conditions::{AddressPlace, Conditions, Place, TaskPlace, short};
use deadline::attend;
pub use part::{Part, Parts};

/// What a probe reports to while it runs.
#[derive(Debug)]
pub struct Attempt {
    clock: Arc<dyn Clock>,
    started: Moment,
    timeout: Duration,
    conditions: Conditions,
    queue: Option<Queue>,
    current: Option<(Phase, Moment)>,
    doing: Option<Cow<'static, str>>,
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
    policy: OnceLock<ConnectionPolicy>,
    /// Present where this run is a part of another one.
    whole: Option<Box<part::Whole>>,
}

/// What a guard compares with before: present when somebody asked for it.
#[derive(Debug, Default)]
struct Observed(Option<String>);

impl Attempt {
    /// Starts the stopwatch. Where an address of a name is asked, what it took to learn it has passed
    /// already.
    #[must_use]
    pub fn start(clock: Arc<dyn Clock>, timeout: Duration, conditions: Conditions) -> Self {
        let mut phases = Phases::default();
        let mut started = clock.now();
        if let Some(Place::Address(place)) = &conditions.place {
            phases.add(Phase::Dns, place.took);
            started = started - place.took;
        }
        Self {
            clock,
            started,
            timeout,
            conditions,
            queue: None,
            current: None,
            doing: None,
            stopped: None,
            paused: Duration::ZERO,
            phases,
            readings: Vec::with_capacity(USUAL_READINGS),
            notes: Vec::new(),
            observation: None,
            session: None,
            asked_wall: false,
            policy: OnceLock::new(),
            whole: None,
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
        self.doing = None;
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
    /// `declared` where the check says so, else `usual` for its kind; never where it must not. What is
    /// known of the target's name is handled alike: see [`Attempt::learnt_since`].
    #[must_use]
    pub fn policy(
        &self,
        declared: Option<ConnectionPolicy>,
        usual: ConnectionPolicy,
    ) -> ConnectionPolicy {
        *self.policy.get_or_init(|| {
            if self.conditions.fresh {
                return ConnectionPolicy::Fresh;
            }
            let usual = if self.conditions.in_window {
                ConnectionPolicy::Fresh
            } else {
                usual
            };
            declared.unwrap_or(usual)
        })
    }

    /// How names are to be resolved; absent where the check does not say.
    #[must_use]
    pub fn resolver(&self) -> Option<&Resolver> {
        self.conditions.resolver.as_deref()
    }

    /// For how long, seen from now, what was learnt about a name is of use: the time since this run
    /// began, where it opens its connections anew; since connections are of use, where it keeps them.
    #[must_use]
    pub fn learnt_since(&self) -> Duration {
        let since = match self.policy.get() {
            Some(ConnectionPolicy::KeepAlive) => self.conditions.opened_since,
            // A kind that never asked keeps nothing.
            Some(ConnectionPolicy::Fresh) | None => self.started,
        };
        self.clock.now().since(since)
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
        match &self.conditions.place {
            Some(Place::Task(task)) => Some(task),
            Some(Place::Address(_)) | None => None,
        }
    }

    /// The address of `host`, where that is not for a resolver to say: a task is asked, or one
    /// address of this very name.
    #[must_use]
    pub fn address_of(&self, host: &str) -> Option<IpAddr> {
        match self.conditions.place.as_ref()? {
            Place::Task(task) => Some(task.address),
            Place::Address(place) => (*place.host == *host).then_some(place.address),
        }
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
        let latency = waited + self.latency();
        let place = self.conditions.place;
        let fault = result.err().map(|fault| match &place {
            Some(place) => Fault {
                detail: format!("{place}: {}", fault.detail),
                ..fault
            },
            None => fault,
        });
        let session = self.session.or_else(|| match place {
            Some(Place::Address(place)) => Some(Arc::new(Session {
                address: Some(place.address),
                ..Session::default()
            })),
            Some(Place::Task(_)) | None => None,
        });
        Sample {
            check,
            started: self.started - waited,
            latency,
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
            session,
            trace: self.conditions.trace,
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
    resolver: Option<Arc<Resolver>>,
) -> Result<Option<String>, Fault> {
    // What is compared with before is the same question under either version.
    let conditions = Conditions {
        fresh: true,
        any_version: true,
        resolver,
        ..Conditions::default()
    };
    let mut attempt = Attempt::start(clock, timeout, conditions);
    attempt.observation = Some(Observed::default());
    attend(probe, &mut attempt).await?;
    Ok(attempt.observation.and_then(|observed| observed.0))
}

/// As many as the kind that is run most gives.
const USUAL_READINGS: usize = 3;

#[cfg(test)]
mod tests;
