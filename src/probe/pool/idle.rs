//! The connections to one server that no run uses: which of them fits a run, and how long they stay.

use std::time::Duration;

use tokio::runtime;
use tokio::time::Instant;

use crate::clock::Moment;

/// How long a connection stays that nobody uses: checks come every minute or more often, and what
/// stands between us and a server drops silent connections after five minutes or so.
pub const UNUSED_FOR: Duration = Duration::from_secs(120);

/// How old a connection becomes. A name may lead elsewhere by then: a database that failed over
/// lives on under its old address for those who never look again.
pub const OLDEST: Duration = Duration::from_secs(600);

/// A connection and how old it is.
pub struct Kept<C> {
    /// The connection.
    pub connection: C,
    opened: Moment,
    since: Instant,
}

impl<C> Kept<C> {
    /// A connection whose opening began at this moment.
    pub fn new(connection: C, opened: Moment) -> Self {
        Self {
            connection,
            opened,
            since: Instant::now(),
        }
    }
}

/// What a run can use.
pub struct Wanted<'a, K> {
    /// The session that it would open.
    pub identity: &'a K,
    /// Where it runs. A socket belongs to the runtime that opened it: another one would hear of its
    /// answers late, and lose it when that one ends.
    pub runtime: runtime::Id,
    /// Connections that were opened before are of no use.
    pub opened_since: Moment,
}

/// The connections that no run uses, the longest unused first.
pub struct Idle<K, C>(Vec<Entry<K, C>>);

struct Entry<K, C> {
    identity: K,
    runtime: runtime::Id,
    kept: Kept<C>,
    unused_since: Instant,
}

impl<K: Eq, C> Idle<K, C> {
    /// Takes one that fits out, the one used last.
    pub fn take(&mut self, wanted: &Wanted<'_, K>) -> Option<Kept<C>> {
        let now = Instant::now();
        let fits = |entry: &Entry<K, C>| {
            entry.runtime == wanted.runtime
                && entry.kept.opened >= wanted.opened_since
                && entry.ends() > now
                && entry.identity == *wanted.identity
        };
        let at = self.0.iter().rposition(fits)?;
        Some(self.0.remove(at).kept)
    }
}

impl<K, C> Idle<K, C> {
    /// None.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Takes one in.
    pub fn put(&mut self, identity: K, runtime: runtime::Id, kept: Kept<C>) {
        self.0.push(Entry {
            identity,
            runtime,
            kept,
            unused_since: Instant::now(),
        });
    }

    /// Takes those out that are more than there is room for, to be closed.
    pub fn beyond(&mut self, room: usize) -> Vec<Kept<C>> {
        let surplus = self.0.len().saturating_sub(room);
        self.0.drain(..surplus).map(|entry| entry.kept).collect()
    }

    /// Takes those out whose time is over, to be closed.
    pub fn ended(&mut self) -> Vec<Kept<C>> {
        let now = Instant::now();
        let ended = self.0.extract_if(.., |entry| entry.ends() <= now);
        ended.map(|entry| entry.kept).collect()
    }

    /// When the time of the next one is over; absent when there is none.
    pub fn next_end(&self) -> Option<Instant> {
        self.0.iter().map(Entry::ends).min()
    }
}

impl<K, C> Entry<K, C> {
    fn ends(&self) -> Instant {
        (self.unused_since + UNUSED_FOR).min(self.kept.since + OLDEST)
    }
}
