//! How far a replica is behind, in seconds: what two servers say, and what the runs before saw.
//!
//! A replica knows how old the last transaction is that it replayed. That is its lag only while there
//! is something to replay: after an hour without a write the age is an hour, and the lag none. So it
//! counts from the last moment at which nothing was left to replay, where an earlier run of the check
//! saw one. A replica that has lost its primary cannot hear of newer transactions: there the age is
//! all that one knows, and it is told.
//!
//! A primary measures how long its replicas take, as long as they answer. One that replays nothing at
//! all answers nothing new: then the lag is at least as long as its position has stood still.

use std::sync::{Mutex, PoisonError};

use crate::clock::Moment;

/// What a replica says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Replica {
    /// Whether it receives from its primary.
    pub connected: bool,
    /// How many bytes it has received and not replayed; absent where it never received any.
    pub to_replay: Option<f64>,
    /// How old the last transaction is that it replayed, in seconds; absent where there is none.
    pub age: Option<f64>,
}

/// What a primary says of the replica that is furthest behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Primary {
    /// How many bytes of the log it has not replayed.
    pub bytes: f64,
    /// Up to which byte of the log it has.
    pub position: f64,
    /// How long it took lately, in seconds, as the primary measured it; 0 where it did not.
    pub measured: f64,
}

/// What earlier runs of a check saw.
#[derive(Debug, Default)]
pub struct Standing(Mutex<Option<Mark>>);

#[derive(Debug)]
struct Mark {
    /// The start of the server that was seen: behind one name there may be several.
    server: String,
    /// The position that stands still; 0 of a replica.
    position: f64,
    since: Moment,
}

impl Standing {
    /// How many seconds a replica is behind; absent where nobody can know.
    pub fn of_replica(&self, now: Moment, server: &str, replica: Replica) -> Option<f64> {
        if !replica.connected {
            return replica.age;
        }
        let mut mark = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if replica.to_replay.is_none_or(|bytes| bytes <= 0.0) {
            *mark = Some(Mark::new(now, server, 0.0));
            return Some(0.0);
        }
        let known = mark.as_ref().filter(|mark| mark.server == server);
        let since = known.map(|mark| now.since(mark.since).as_secs_f64());
        match (replica.age, since) {
            (Some(age), Some(since)) => Some(age.min(since)),
            (age, since) => age.or(since),
        }
    }

    /// How many seconds the replica that is furthest behind its primary is behind, at the least.
    pub fn of_primary(&self, now: Moment, server: &str, primary: Primary) -> f64 {
        let mut mark = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if primary.bytes <= 0.0 {
            *mark = None;
            return 0.0;
        }
        #[expect(
            clippy::float_cmp,
            reason = "the very same position, as the server wrote it"
        )]
        let known = mark
            .as_ref()
            .filter(|mark| mark.server == server && mark.position == primary.position);
        let stood = known.map(|mark| now.since(mark.since).as_secs_f64());
        if stood.is_none() {
            *mark = Some(Mark::new(now, server, primary.position));
        }
        primary.measured.max(stood.unwrap_or_default())
    }
}

impl Mark {
    fn new(since: Moment, server: &str, position: f64) -> Self {
        Self {
            server: server.to_owned(),
            position,
            since,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> Moment {
        Moment::at(Duration::from_secs(seconds))
    }

    #[test]
    fn a_replica_is_behind_only_by_what_it_has_to_replay() {
        let standing = Standing::default();
        let cases = [
            // second, server, connected, to replay, age, lag, why
            (
                0,
                "a",
                true,
                Some(80.0),
                Some(3600.0),
                Some(3600.0),
                "nothing seen before: its age",
            ),
            (
                10,
                "a",
                true,
                Some(0.0),
                Some(3610.0),
                Some(0.0),
                "all replayed, an hour ago",
            ),
            (
                20,
                "a",
                true,
                Some(80.0),
                Some(3620.0),
                Some(10.0),
                "new since ten seconds at most",
            ),
            (
                30,
                "a",
                true,
                Some(90.0),
                Some(2.0),
                Some(2.0),
                "it replays, two seconds late",
            ),
            (
                40,
                "a",
                false,
                Some(0.0),
                Some(12.0),
                Some(12.0),
                "alone, only its age is known",
            ),
            (
                50,
                "b",
                true,
                Some(80.0),
                Some(3600.0),
                Some(3600.0),
                "another server",
            ),
            (
                60,
                "a",
                true,
                None,
                None,
                Some(0.0),
                "nothing was ever written",
            ),
            (70, "a", false, None, None, None, "alone from the start"),
        ];
        for (second, server, connected, to_replay, age, lag, why) in cases {
            let replica = Replica {
                connected,
                to_replay,
                age,
            };
            assert_eq!(
                standing.of_replica(at(second), server, replica),
                lag,
                "{why}"
            );
        }
    }

    #[test]
    fn a_replica_that_stands_still_falls_behind_by_the_time_that_passes() {
        let standing = Standing::default();
        let cases = [
            // second, bytes, position, measured, lag, why
            (0, 0.0, 100.0, 0.0, 0.0, "all is replayed"),
            (10, 50.0, 100.0, 0.0, 0.0, "behind since now"),
            (
                20,
                60.0,
                100.0,
                0.3,
                10.0,
                "what was measured is from before",
            ),
            (30, 60.0, 110.0, 12.0, 12.0, "it moves, and was measured"),
            (35, 90.0, 110.0, 0.0, 5.0, "and stands again"),
            (40, 0.0, 200.0, 0.0, 0.0, "all is replayed"),
        ];
        for (second, bytes, position, measured, lag, why) in cases {
            let primary = Primary {
                bytes,
                position,
                measured,
            };
            assert_eq!(standing.of_primary(at(second), "a", primary), lag, "{why}");
        }
    }
}
