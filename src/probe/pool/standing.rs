//! What a connection told of itself when it was opened, told again by each run that uses it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::probe::Attempt;
use crate::sample::{Reading, Session, Unit};

/// What is known of an open connection.
#[derive(Debug)]
pub struct Standing {
    session: Arc<Session>,
    /// The same session as a later run has it; made for the first that does.
    again: Option<Arc<Session>>,
    readings: Vec<Reading>,
}

/// The reading that says whether a run used the connection of an earlier one.
pub const REUSED: (&str, Unit, &str) = (
    "reused",
    Unit::Number,
    "1 when the connection of an earlier run was used, 0 when not; of checks that keep connections",
);

impl Standing {
    /// Notes what the opening of a connection told the attempt: its readings after the first `told`
    /// ones, and the session. Says itself over what the run talks where the opening has not.
    pub fn opened(attempt: &mut Attempt, told: usize, address: Option<IpAddr>) -> Self {
        let session = attempt.session().cloned().unwrap_or_else(|| {
            Arc::new(Session {
                address,
                ..Session::default()
            })
        });
        attempt.over(Arc::clone(&session));
        Self {
            session,
            again: None,
            readings: attempt.readings()[told..].to_vec(),
        }
    }

    /// Tells an attempt that it uses this connection again.
    pub fn reused(&mut self, attempt: &mut Attempt) {
        let session = self.again.get_or_insert_with(|| {
            Arc::new(Session {
                reused: true,
                ..Session::clone(&self.session)
            })
        });
        attempt.over(Arc::clone(session));
        for reading in &self.readings {
            attempt.reading(&reading.name, reading.value, reading.unit);
        }
    }
}

/// Reports [`REUSED`].
pub fn report(attempt: &mut Attempt, reused: bool) {
    let (name, unit, _) = REUSED;
    attempt.reading(name, if reused { 1.0 } else { 0.0 }, unit);
}
