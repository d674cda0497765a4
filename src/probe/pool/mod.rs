//! Connections that the runs of many checks share: at most so many to one server, whoever asks.
//!
//! A run takes a [`Place`] before it does anything; with it comes a connection that an earlier run
//! left, if one fits: same server, same login, opened in this runtime and late enough. A connection
//! that is not given back whole is closed with its place. Nobody's connection is used by a run that
//! would have opened another one.
//!
//! It knows no protocol and opens nothing; the kinds `postgres` and `redis` do. Waiting for a place
//! is our own affair: it is neither part of what is measured nor a fault of the target.

mod idle;
mod server;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use self::idle::Wanted;
pub use self::idle::{Kept, OLDEST, UNUSED_FOR};
use self::server::{Permit, Server};
use super::wire::session::{Facts, Sessions};
use super::{Attempt, Misfit, Target};
use crate::sample::Unit;

/// The servers in use, by their names.
type Servers<K, C> = BTreeMap<Arc<str>, Weak<Server<K, C>>>;

/// The pools of one kind in this process. It holds none of them: each ends with the last probe that
/// uses it.
pub struct Pools<K: 'static, C: 'static> {
    servers: Mutex<Servers<K, C>>,
}

/// What one probe shares with all others that ask the same server.
pub struct Pool<K: 'static, C: 'static> {
    server: Arc<Server<K, C>>,
    identity: K,
    declared: Option<usize>,
    met: Sessions,
}

/// The right to one connection, for one run. Dropping it gives the right to the next.
pub struct Place<'a, K: 'static, C: 'static> {
    pool: &'a Pool<K, C>,
    permit: Permit<K, C>,
    kept: Option<Kept<C>>,
}

/// How many connections a server gets from us where no check says otherwise. A run takes some
/// milliseconds, so that one connection already serves a hundred checks at an interval of ten
/// seconds; four let some of them be slow. A small server has room for about a hundred clients in
/// all, and they belong to the service.
pub const USUAL: usize = 4;

/// How many connections a check may ask for. More would be a load test, and each is a descriptor.
const MOST: u32 = 1_000;

/// Reads the setting `max_connections`.
///
/// # Errors
/// A [`Misfit`] for none, and for more than a thousand.
pub fn limit(declared: Option<u32>) -> Result<Option<usize>, Misfit> {
    match declared {
        None => Ok(None),
        Some(number @ 1..=MOST) => Ok(usize::try_from(number).ok()),
        Some(_) => Err(Misfit::at(
            &["max_connections"],
            format!("the number of connections must be from 1 to {MOST}"),
        )
        .hint(format!("leave it out for {USUAL}"))),
    }
}

impl<K: 'static, C: 'static> Pools<K, C> {
    /// No pools yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            servers: Mutex::new(BTreeMap::new()),
        }
    }

    /// Joins those who ask the server of this name. `identity` is all that one session to it has
    /// and another may lack: user, password, database, TLS. Of the limits that its members declare
    /// the smallest holds.
    pub fn join(&'static self, name: &str, identity: K, declared: Option<usize>) -> Pool<K, C> {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = servers.get(name).and_then(Weak::upgrade);
        let server = known.unwrap_or_else(|| {
            let name: Arc<str> = Arc::from(name);
            let server = Arc::new(Server::new(Arc::clone(&name), self));
            servers.insert(name, Arc::downgrade(&server));
            server
        });
        drop(servers);
        server.enrol(declared);
        Pool {
            server,
            identity,
            declared,
            met: Sessions::default(),
        }
    }

    /// Forgets a server that nobody asks any more.
    fn forget(&self, name: &str) {
        let mut servers = self.servers.lock().unwrap_or_else(PoisonError::into_inner);
        // Somebody may have joined anew since the last one left.
        if servers.get(name).is_some_and(|it| it.strong_count() == 0) {
            servers.remove(name);
        }
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.servers.lock().unwrap().len()
    }
}

impl<K: 'static, C: 'static> Default for Pools<K, C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Eq + 'static, C: 'static> Pool<K, C> {
    /// Takes a place, waiting for one where all are taken; that wait is not measured. Where the run
    /// `keeps` connections, one that fits comes with it.
    pub async fn place(&self, attempt: &mut Attempt, keeps: bool) -> Place<'_, K, C> {
        let mut permit = match self.server.enter() {
            Ok(permit) => permit,
            Err(turn) => attempt.queue(ALL_IN_USE, self.server.admitted(turn)).await,
        };
        let kept = permit.fit(keeps.then(|| Wanted {
            identity: &self.identity,
            runtime: tokio::runtime::Handle::current().id(),
            opened_since: attempt.opened_since(),
        }));
        Place {
            pool: self,
            permit,
            kept,
        }
    }

    /// Says over what a run talks; of a connection that an earlier one opened, also what it showed of
    /// itself then.
    pub fn over(&self, attempt: &mut Attempt, facts: &Facts, reused: bool) {
        attempt.over(self.met.share(facts, reused));
        if let Some(tls) = facts.tls.as_ref().filter(|_| reused) {
            tls.report(attempt);
        }
    }

    /// Whom the runs ask, and how many of them may at once.
    #[must_use]
    pub fn target(&self) -> Target {
        Target {
            name: self.server.name(),
            at_once: Some(self.server.limit()),
        }
    }
}

/// The reading that says whether a run used the connection of an earlier one.
pub const REUSED: (&str, Unit, &str) = (
    "reused",
    Unit::Number,
    "1 when the connection of an earlier run was used, 0 when not; of checks that keep connections",
);

/// Reports [`REUSED`].
pub fn report(attempt: &mut Attempt, reused: bool) {
    let (name, unit, _) = REUSED;
    attempt.reading(name, if reused { 1.0 } else { 0.0 }, unit);
}

/// What a run notes whose kept connection the server has closed.
pub const OPENED_ANEW: &str = "the kept connection was closed and has been opened anew";

/// What a run has waited for, as it is told where its time was over before.
const ALL_IN_USE: &str = "all connections that `max_connections` allows were in use";

impl<K: 'static, C: 'static> Drop for Pool<K, C> {
    fn drop(&mut self) {
        self.server.strike_off(self.declared);
    }
}

impl<K: Clone + Eq + Send + 'static, C: Send + 'static> Place<'_, K, C> {
    /// The connection that an earlier run left. It may have been closed by the server since.
    pub fn take(&mut self) -> Option<Kept<C>> {
        self.kept.take()
    }

    /// Leaves a connection to later runs. It must be whole: no answer unread, nothing begun.
    pub fn keep(self, connection: Kept<C>) {
        let identity = self.pool.identity.clone();
        let runtime = tokio::runtime::Handle::current().id();
        self.permit.leave((identity, runtime, connection));
    }
}

#[cfg(test)]
mod tests;
