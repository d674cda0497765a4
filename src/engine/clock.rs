//! The present, from the operating system: the one place that asks for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::clock::{Clock, Moment, WallTime};

/// The machine's clock. Moments come from the monotonic clock of the runtime, so that a test with
/// paused time pauses everything.
#[derive(Debug)]
pub struct SystemClock {
    origin: tokio::time::Instant,
}

impl SystemClock {
    /// A clock whose line of moments begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: tokio::time::Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        Moment::at(self.origin.elapsed())
    }

    #[expect(clippy::disallowed_methods, reason = "this is where wall time enters")]
    fn wall(&self) -> WallTime {
        // A clock before 1970 is shown as 1970: it is for people only, nothing is measured by it.
        let span = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        WallTime::since_unix_epoch(span)
    }
}
