//! What is counted of the windows of one service: what is going on, what was decided, how rollbacks ended.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::deployment::RollbackOutcome;
use crate::engine::serve::live::WindowState;
use crate::event::Action;

/// What is counted of the windows of one service.
#[derive(Debug)]
pub struct ServiceMeter {
    service: Arc<str>,
    counted: Mutex<Counted>,
}

#[derive(Debug)]
struct Counted {
    state: WindowState,
    decisions: [u64; ACTIONS.len()],
    rollbacks: HashMap<RollbackOutcome, u64>,
}

/// All actions, in the order of their names in reports.
const ACTIONS: [Action; 4] = [Action::Accept, Action::RollBack, Action::Hold, Action::None];

impl ServiceMeter {
    pub(super) fn of(service: &Arc<str>) -> Self {
        Self {
            service: Arc::clone(service),
            counted: Mutex::new(Counted {
                state: WindowState::Closed,
                decisions: [0; ACTIONS.len()],
                rollbacks: HashMap::new(),
            }),
        }
    }

    /// The service.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Takes in what its window is doing.
    pub fn is(&self, state: WindowState) {
        self.change(|counted| counted.state = state);
    }

    /// Takes in what was decided about a window that is over, and how a rollback ended.
    pub fn ended(&self, action: Action, rollback: Option<RollbackOutcome>) {
        self.change(|counted| {
            if let Some(place) = ACTIONS.iter().position(|one| *one == action) {
                counted.decisions[place] += 1;
            }
            if let Some(outcome) = rollback {
                *counted.rollbacks.entry(outcome).or_default() += 1;
            }
        });
    }

    /// What its window is doing.
    #[must_use]
    pub fn state(&self) -> WindowState {
        self.change(|counted| counted.state)
    }

    /// What was decided, and how often.
    #[must_use]
    pub fn decisions(&self) -> [(Action, u64); ACTIONS.len()] {
        self.change(|counted| std::array::from_fn(|at| (ACTIONS[at], counted.decisions[at])))
    }

    /// How rollbacks ended, and how often; those that never happened are absent.
    #[must_use]
    pub fn rollbacks(&self) -> Vec<(RollbackOutcome, u64)> {
        let count = |counted: &mut Counted| {
            let all = RollbackOutcome::ALL.into_iter();
            let counts = all.filter_map(|one| Some((one, *counted.rollbacks.get(&one)?)));
            counts.collect()
        };
        self.change(count)
    }

    fn change<T>(&self, change: impl FnOnce(&mut Counted) -> T) -> T {
        change(&mut self.counted.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
