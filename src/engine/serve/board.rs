//! What is true now, shared: written by the stations with every batch of samples, read by whoever asks.
//!
//! A check has a lock of its own, so that whoever copies a hundred thousand of them holds up no
//! station for longer than one copy takes. Nothing here grows with time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::live::{CheckNow, ServiceNow, WindowCheck, WindowNow, WindowState};
use super::pulse::Pulse;
use super::telling::Said;
use crate::clock::{Clock, WallTime};
use crate::engine::desk::Outlook;
use crate::engine::in_force;
use crate::event::{Action, Verdict};
use crate::plan::{CheckPlan, ServicePlan};

/// What is true of one service.
#[derive(Debug)]
pub(super) struct ServiceBoard {
    pub(super) checks: Vec<Mutex<Pulse>>,
    /// Shared with the board that takes this one's place.
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    service: ServicePlan,
    revision: Option<String>,
    unseen: Option<String>,
    window: Option<Shown>,
}

/// An open window, as it is shown.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) now: WindowNow,
    pub(super) outlook: watch::Receiver<Option<Outlook>>,
}

impl ServiceBoard {
    pub(super) fn new(service: ServicePlan, checks: Vec<Pulse>) -> Self {
        Self {
            checks: checks.into_iter().map(Mutex::new).collect(),
            state: Arc::new(Mutex::new(State {
                service,
                revision: None,
                unseen: None,
                window: None,
            })),
        }
    }

    /// A board for the same service with other checks: what is known of the service stays known.
    pub(super) fn succeeded_by(&self, checks: Vec<Pulse>) -> Self {
        Self {
            checks: checks.into_iter().map(Mutex::new).collect(),
            state: Arc::clone(&self.state),
        }
    }

    /// The service is declared otherwise.
    pub(super) fn declared(&self, service: &ServicePlan) {
        locked(&self.state).service = service.clone();
    }

    /// The check at a place.
    pub(super) fn pulse(&self, place: usize) -> MutexGuard<'_, Pulse> {
        locked(&self.checks[place])
    }

    /// The checks, in their order.
    pub(super) fn plans(&self) -> Vec<CheckPlan> {
        let pulses = self.checks.iter().map(|pulse| locked(pulse));
        pulses.map(|pulse| pulse.plan().clone()).collect()
    }

    pub(super) fn sees(&self, revision: Option<String>) {
        let mut state = locked(&self.state);
        state.revision = revision.or(state.revision.take());
    }

    /// Notes why its deployments cannot be seen; says whether that is new.
    pub(super) fn cannot_see(&self, why: String) -> bool {
        locked(&self.state).unseen.replace(why).is_none()
    }

    /// Notes that its deployments can be seen; says whether that is new.
    pub(super) fn is_seen_again(&self) -> bool {
        locked(&self.state).unseen.take().is_some()
    }

    pub(super) fn open(&self, window: Shown) {
        locked(&self.state).window = Some(window);
    }

    pub(super) fn close(&self) {
        locked(&self.state).window = None;
    }

    /// Whether this window is open here.
    pub(super) fn has_open(&self, window: &str) -> bool {
        let state = locked(&self.state);
        state
            .window
            .as_ref()
            .is_some_and(|open| *open.now.id == *window)
    }

    /// Whether a window is open.
    pub(super) fn is_open(&self) -> bool {
        locked(&self.state).window.is_some()
    }

    /// Changes what is shown of the open window.
    pub(super) fn window(&self, change: impl FnOnce(&mut WindowNow)) {
        if let Some(window) = &mut locked(&self.state).window {
            change(&mut window.now);
        }
    }

    /// Says of each check that fails or is near its limit what was said of it last. While a window is
    /// open, it speaks for itself.
    pub(super) fn each_bad(&self, mut say: impl FnMut(Said<'_>)) {
        let (service, revision) = {
            let state = locked(&self.state);
            if state.window.is_some() {
                return;
            }
            (Arc::clone(&state.service.name), state.revision.clone())
        };
        for pulse in &self.checks {
            let said = locked(pulse).proven_bad();
            if let Some((check, verdict, because)) = said {
                say(Said {
                    service: &service,
                    check: &check,
                    verdict,
                    because: &because,
                    revision: revision.as_deref(),
                });
            }
        }
    }

    /// The revision that runs, where it is known.
    pub(super) fn revision(&self) -> Option<String> {
        locked(&self.state).revision.clone()
    }

    /// The worst verdict of its checks.
    fn verdict(&self) -> Verdict {
        let verdicts = self.checks.iter().map(|pulse| locked(pulse).verdict());
        verdicts.max().unwrap_or(Verdict::Inconclusive)
    }

    /// The service now.
    pub(super) fn now(&self, clock: &dyn Clock) -> ServiceNow {
        let verdict = self.verdict();
        let state = locked(&self.state);
        let window = state.window.as_ref().map(|window| window.now(clock));
        ServiceNow {
            name: Arc::clone(&state.service.name),
            verdict,
            revision: state.revision.clone(),
            unseen: state.unseen.clone(),
            is_deployed: state.service.platform.is_some(),
            policy: Arc::clone(&state.service.policy.name),
            freeze: None,
            window,
        }
    }

    /// Its checks now, in their order.
    pub(super) fn checks_now(&self) -> impl Iterator<Item = CheckNow> + '_ {
        self.checks.iter().map(|pulse| locked(pulse).now())
    }

    /// Puts something in the place of a check, for a board that takes this one's place.
    pub(super) fn exchange(&self, place: usize, with: Pulse) -> Pulse {
        std::mem::replace(&mut *self.pulse(place), with)
    }
}

impl Shown {
    fn now(&self, clock: &dyn Clock) -> WindowNow {
        let mut now = self.now.clone();
        // While it is undone or proven, what would happen at the end of the bake is of no interest.
        if now.state == WindowState::Baking
            && let Some(outlook) = &*self.outlook.borrow()
        {
            now.verdict = outlook.verdict;
            now.would = outlook.would.clone();
            now.samples = outlook.samples;
            let left = outlook.ends.since(clock.now());
            now.ends = Some(WallTime::since_unix_epoch(clock.wall().unix() + left));
        }
        now
    }
}

/// A window that was just opened over these checks.
pub(super) fn opening(id: &Arc<str>, opened: WallTime, checks: &[CheckPlan]) -> WindowNow {
    let in_force = in_force::of(checks, &[]).into_iter();
    let unjudged = in_force.zip(checks).map(|(in_force, check)| WindowCheck {
        in_force: Arc::new(in_force),
        every: check.every,
        verdict: Verdict::Inconclusive,
        because: String::new(),
    });
    WindowNow {
        checks: unjudged.collect(),
        id: Arc::clone(id),
        state: WindowState::Opening,
        opened,
        ends: None,
        deployment: None,
        verdict: Verdict::Inconclusive,
        would: (Action::None, Vec::new()),
        samples: 0,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
