//! The places at one server: who has one, who waits, and which connections stay open meanwhile.
//!
//! Connections in use and idle ones together are never more than the limit. Whoever waits is served
//! in turn. All locks are held for a few comparisons and never over an await; connections are closed
//! outside of them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::runtime;
use tokio::sync::oneshot;
use tokio_util::task::AbortOnDropHandle;

use super::idle::{Idle, Kept, Wanted};
use super::{Pools, USUAL};

/// One server, shared by all who ask it.
pub struct Server<K: 'static, C: 'static> {
    name: Arc<str>,
    pools: &'static Pools<K, C>,
    state: Mutex<State<K, C>>,
}

struct State<K: 'static, C: 'static> {
    /// How many members declare which limit.
    declared: BTreeMap<usize, usize>,
    in_use: usize,
    /// How many of those in use have no connection yet: they may still take an idle one.
    undecided: usize,
    waiting: VecDeque<oneshot::Sender<Permit<K, C>>>,
    idle: Idle<K, C>,
    /// Closes what nobody uses; there is one only while there is something to close.
    sweeper: Option<AbortOnDropHandle<()>>,
}

/// The right to one connection.
pub struct Permit<K: 'static, C: 'static> {
    server: Arc<Server<K, C>>,
    /// Whether it has got its connection or is to open one.
    decided: bool,
    left: Option<Left<K, C>>,
}

/// What a run leaves to later ones: whose session it is, where it was opened, the connection.
pub type Left<K, C> = (K, runtime::Id, Kept<C>);

impl<K: 'static, C: 'static> Server<K, C> {
    /// A server that nobody asks yet.
    pub fn new(name: Arc<str>, pools: &'static Pools<K, C>) -> Self {
        Self {
            name,
            pools,
            state: Mutex::new(State {
                declared: BTreeMap::new(),
                in_use: 0,
                undecided: 0,
                waiting: VecDeque::new(),
                idle: Idle::new(),
                sweeper: None,
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> Arc<str> {
        Arc::clone(&self.name)
    }

    /// How many connections there may be.
    pub fn limit(&self) -> usize {
        self.state().limit()
    }

    /// Takes a member in, and with it the limit that it declares.
    pub fn enrol(&self, declared: Option<usize>) {
        if let Some(limit) = declared {
            *self.state().declared.entry(limit).or_default() += 1;
        }
    }

    /// Lets a member go, and with it the limit that it declared.
    pub fn strike_off(self: &Arc<Self>, declared: Option<usize>) {
        let Some(limit) = declared else { return };
        let mut state = self.state();
        if let Some(members) = state.declared.get_mut(&limit) {
            *members -= 1;
            if *members == 0 {
                state.declared.remove(&limit);
            }
        }
        drop(state);
        self.admit();
    }

    /// Takes a place, or a number in the queue for one.
    pub fn enter(self: &Arc<Self>) -> Result<Permit<K, C>, oneshot::Receiver<Permit<K, C>>> {
        let mut state = self.state();
        if state.has_room() && !state.somebody_waits() {
            return Ok(self.permit(&mut state));
        }
        let (sender, turn) = oneshot::channel();
        state.waiting.push_back(sender);
        Err(turn)
    }

    /// Waits until the turn comes.
    pub async fn admitted(
        self: &Arc<Self>,
        mut turn: oneshot::Receiver<Permit<K, C>>,
    ) -> Permit<K, C> {
        loop {
            // A number is only lost with the server, which we hold.
            if let Ok(permit) = turn.await {
                return permit;
            }
            match self.enter() {
                Ok(permit) => return permit,
                Err(next) => turn = next,
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State<K, C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn permit(self: &Arc<Self>, state: &mut State<K, C>) -> Permit<K, C> {
        state.in_use += 1;
        state.undecided += 1;
        Permit {
            server: Arc::clone(self),
            decided: false,
            left: None,
        }
    }

    fn release(self: &Arc<Self>, decided: bool, left: Option<Left<K, C>>) {
        let mut state = self.state();
        state.in_use -= 1;
        state.undecided -= usize::from(!decided);
        if let Some((identity, runtime, kept)) = left {
            state.idle.put(identity, runtime, kept);
        }
        drop(state);
        self.admit();
    }

    /// Gives places to those who wait, as far as there are any.
    fn admit(self: &Arc<Self>) {
        loop {
            let mut state = self.state();
            if !state.has_room() || !state.somebody_waits() {
                return;
            }
            let Some(next) = state.waiting.pop_front() else {
                return;
            };
            let permit = self.permit(&mut state);
            drop(state);
            if let Err(permit) = next.send(permit) {
                // Gone at this very moment: the place comes back and goes to the next.
                drop(permit);
            }
        }
    }
}

impl<K: Send + 'static, C: Send + 'static> Server<K, C> {
    /// Sees to it that somebody closes what nobody uses.
    fn sweep(self: &Arc<Self>) {
        let mut state = self.state();
        // One whose runtime has ended sweeps no more.
        if state.sweeper.as_ref().is_none_or(|it| it.is_finished()) {
            let task = tokio::spawn(close_in_time(Arc::downgrade(self)));
            state.sweeper = Some(AbortOnDropHandle::new(task));
        }
    }

    /// Closes what nobody has used for long; says when to come again.
    fn close_ended(&self) -> Option<tokio::time::Instant> {
        let mut state = self.state();
        let ended = state.idle.ended();
        let next = state.idle.next_end();
        let sweeper = if next.is_none() {
            state.sweeper.take()
        } else {
            None
        };
        drop(state);
        drop(ended);
        // The task that is running: it ends by itself.
        drop(sweeper);
        next
    }
}

async fn close_in_time<K: Send + 'static, C: Send + 'static>(server: Weak<Server<K, C>>) {
    while let Some(next) = server.upgrade().and_then(|server| server.close_ended()) {
        tokio::time::sleep_until(next).await;
    }
}

impl<K: 'static, C: 'static> State<K, C> {
    fn limit(&self) -> usize {
        self.declared.keys().next().copied().unwrap_or(USUAL)
    }

    fn has_room(&self) -> bool {
        self.in_use < self.limit()
    }

    /// Whether there is a queue, apart from those at its head who have gone away.
    fn somebody_waits(&mut self) -> bool {
        while self.waiting.front().is_some_and(oneshot::Sender::is_closed) {
            self.waiting.pop_front();
        }
        !self.waiting.is_empty()
    }
}

impl<K: Eq + 'static, C: 'static> Permit<K, C> {
    /// Takes a connection, if one fits; else one is to be opened, and those are closed for which
    /// there is no room beside it.
    pub fn fit(&mut self, wanted: Option<Wanted<'_, K>>) -> Option<Kept<C>> {
        let mut state = self.server.state();
        if !self.decided {
            state.undecided -= 1;
            self.decided = true;
        }
        let taken = wanted.and_then(|wanted| state.idle.take(&wanted));
        let open = state.in_use - state.undecided;
        let room = state.limit().saturating_sub(open);
        let surplus = state.idle.beyond(room);
        drop(state);
        drop(surplus);
        taken
    }
}

impl<K: Send + 'static, C: Send + 'static> Permit<K, C> {
    /// Gives the place back and leaves a connection behind.
    pub fn leave(mut self, left: Left<K, C>) {
        let server = Arc::clone(&self.server);
        self.left = Some(left);
        drop(self);
        server.sweep();
    }
}

impl<K: 'static, C: 'static> Drop for Permit<K, C> {
    fn drop(&mut self) {
        self.server.release(self.decided, self.left.take());
    }
}

impl<K: 'static, C: 'static> Drop for Server<K, C> {
    fn drop(&mut self) {
        self.pools.forget(&self.name);
    }
}
