//! The present, from the operating system: the one place that asks for it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::{Clock, Jump, Moment, Steadiness, WallTime};

/// The machine's clock. Moments come from the monotonic clock of the runtime, so that a test with
/// paused time pauses everything.
#[derive(Debug)]
pub struct SystemClock {
    origin: tokio::time::Instant,
    steadiness: Mutex<Steadiness>,
}

impl SystemClock {
    /// A clock whose line of moments begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: tokio::time::Instant::now(),
            steadiness: Mutex::default(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment::at(self.origin.elapsed())
    }

    #[expect(clippy::disallowed_methods, reason = "this is where wall time enters")]
    fn wall(&self) -> WallTime {
        let before = self.now();
        // A clock before 1970 is shown as 1970: it is for people only, nothing is measured by it.
        let span = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        let wall = WallTime::since_unix_epoch(span);
        let mut steadiness = self
            .steadiness
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        steadiness.see(before, wall, self.now());
        wall
    }

    fn jump(&self) -> Option<Jump> {
        // Looks first: the jump may have happened since the last look.
        self.wall();
        let steadiness = self.steadiness.lock();
        steadiness.unwrap_or_else(PoisonError::into_inner).jump()
    }
}
