//! The connections that a check keeps between its runs. Runs of one check may overlap: each takes
//! one out, and puts it back when it is whole.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Moment;
use crate::probe::pool::UNUSED_FOR;
use crate::probe::wire::connection::Connection;

/// Idle connections to the origin of one check, the one used last at the end.
#[derive(Debug, Default)]
pub struct Kept(Mutex<Vec<Idle>>);

#[derive(Debug)]
struct Idle {
    connection: Connection,
    since: Moment,
}

impl Kept {
    /// The connection that was used last, of those opened at `opened_since` or later. Older ones
    /// lead to what ran then: they are closed, and so is one that was silent for [`UNUSED_FOR`].
    pub fn take(&self, opened_since: Moment, now: Moment) -> Option<Connection> {
        let mut idle = self.idle();
        while let Some(Idle { connection, since }) = idle.pop() {
            if connection.opened() >= opened_since && now.since(since) <= UNUSED_FOR {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps a connection that is idle from `now` on. Where there are several, one that no run has
    /// needed for [`LONGEST_IDLE`] is closed; and never are more than [`MOST`] kept.
    pub fn put(&self, connection: Connection, now: Moment) {
        let mut idle = self.idle();
        idle.reserve_exact(1);
        idle.push(Idle {
            connection,
            since: now,
        });
        let needless = |oldest: &Idle| now.since(oldest.since) > LONGEST_IDLE;
        let surplus = idle.len() > MOST || (idle.len() > 1 && idle.first().is_some_and(needless));
        let surplus = surplus.then(|| idle.remove(0));
        drop(idle);
        // Closing it is work of the system, for which no other run waits.
        drop(surplus);
    }

    /// Whole even where a panic held it: a connection is in the list or is not.
    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As many as runs of one check overlap at a rate of a thousand a second and a latency of 30 ms. Those
/// beyond are opened and closed by their runs.
const MOST: usize = 32;
/// Servers close an idle connection after about this time; a burst that is over needs its own no
/// longer.
const LONGEST_IDLE: Duration = Duration::from_secs(60);
