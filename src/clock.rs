//! Time as a value: moments on one monotonic line, and the trait through which the present enters.
//!
//! The judge, the windows and the decisions never ask what time it is: a [`Moment`] comes in.
//! Only `engine` and the adapters hold a [`Clock`]. A jump of the wall clock moves no moment.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A point on the process's monotonic time line, as the span since the line's origin.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Moment(Duration);

impl Moment {
    /// The origin of the line.
    pub const ORIGIN: Self = Self(Duration::ZERO);

    /// Makes a moment from its distance to the origin.
    #[must_use]
    pub const fn at(since_origin: Duration) -> Self {
        Self(since_origin)
    }

    /// The distance to the origin.
    #[must_use]
    pub const fn since_origin(self) -> Duration {
        self.0
    }

    /// The span from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{:.1}s", self.0.as_secs_f64())
    }
}

/// Wall-clock time, as the span since 1970-01-01T00:00:00Z; for people and for other systems, never for measuring.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct WallTime(Duration);

impl WallTime {
    /// Makes a wall time from the span since the Unix epoch.
    #[must_use]
    pub const fn since_unix_epoch(span: Duration) -> Self {
        Self(span)
    }

    /// The span since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> Duration {
        self.0
    }

    /// The span from `earlier` to this time; zero when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// Where the present comes from.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present on the monotonic line.
    fn now(&self) -> Moment;

    /// The present for people and other systems.
    fn wall(&self) -> WallTime;

    /// The last jump of the wall clock, where one was seen: what was told by it before or is told
    /// by it now may be wrong.
    fn jump(&self) -> Option<Jump> {
        None
    }
}

mod steadiness;

pub use steadiness::{Jump, Steadiness};
