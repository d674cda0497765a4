//! How fast an open loop sends: a constant rate or a ramp, and how many runs may be in flight.
//!
//! Values and arithmetic: the time of each send follows from its number alone, so that a pause, a
//! late timer or a day of sending moves none of them. Nothing here keeps time or sends. Made by
//! `super::checks`, asked by `engine` for what is due and by the judge for what is promised.

mod rate;
#[cfg(test)]
mod tests;

use std::fmt;
use std::time::Duration;

pub use self::rate::{Rate, RateError};
use crate::quantity::human;

/// The open loop of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Load {
    /// When each run is sent.
    pub pace: Pace,
    /// How many runs may be in flight at once; what is due beyond waits for its turn.
    pub max_in_flight: u32,
}

/// When each run of an open loop is sent, whatever became of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Always as fast.
    Constant(Rate),
    /// Faster and faster, or slower and slower, and then as fast as at its end.
    Ramp(Ramp),
}

/// A rate that changes evenly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ramp {
    /// The rate at the start; may be none.
    pub from: Rate,
    /// The rate at the end and from then on.
    pub to: Rate,
    /// How long the change takes; not zero.
    pub over: Duration,
}

/// Where nothing says otherwise, so many runs are in flight at most: with a connection each they fit
/// into the 1,024 descriptors that a process usually has.
pub const MOST_IN_FLIGHT_BY_DEFAULT: u32 = 500;

impl Load {
    /// How many runs are in flight at most where nothing is declared: as many as a target that never
    /// answers can hold until each has timed out, so that no send ever waits for a place, but at most
    /// [`MOST_IN_FLIGHT_BY_DEFAULT`].
    #[must_use]
    pub fn usual_in_flight(pace: Pace, timeout: Duration) -> u32 {
        let held = pace.peak().per_second() * timeout.as_secs_f64();
        let most = f64::from(MOST_IN_FLIGHT_BY_DEFAULT);
        // Between 1 and 500 by the line itself.
        held.ceil().clamp(1.0, most) as u32
    }
}

/// How many runs begin within a span, the one at its start and one at its end included: by a pace,
/// or by an interval.
#[must_use]
pub fn runs_within(pace: Option<Pace>, every: Duration, span: Duration) -> u64 {
    match pace {
        Some(pace) => pace.sends_by(span),
        None => {
            let intervals = span.as_nanos() / every.as_nanos().max(1);
            u64::try_from(intervals)
                .unwrap_or(u64::MAX)
                .saturating_add(1)
        }
    }
}

impl Pace {
    /// When the send with this number is due, counted from 0 and from the start, which is when the
    /// first is due.
    ///
    /// A constant rate is divided in whole numbers, to the nanosecond. A ramp from `a` to `b` within
    /// `T` has sent `a·t + (b − a)·t²/2T` until `t`; the time of the n-th is the root of that, in the
    /// form that stays exact where the ramp is nearly flat.
    #[must_use]
    pub fn due(&self, number: u64) -> Duration {
        match self {
            Self::Constant(rate) => rate.due(number),
            Self::Ramp(ramp) => ramp.due(number),
        }
    }

    /// How many sends are due up to a moment, itself included: one at the start, and those after it.
    #[must_use]
    pub fn sends_by(&self, span: Duration) -> u64 {
        match self {
            Self::Constant(rate) => rate.sends_by(span),
            Self::Ramp(ramp) => {
                // The estimate is off by a rounding at most; the times themselves decide.
                let mut count = ramp.sent(span.as_secs_f64()).floor().max(0.0) as u64;
                while self.due(count) <= span {
                    count += 1;
                }
                while count > 1 && self.due(count - 1) > span {
                    count -= 1;
                }
                count
            }
        }
    }

    /// The mean time between two sends within a window that begins with the first: what the judge
    /// takes for an interval.
    #[must_use]
    pub fn interval(&self, window: Duration) -> Duration {
        match self {
            Self::Constant(rate) => rate.due(1),
            Self::Ramp(ramp) => {
                let seconds = window.as_secs_f64();
                let sent = ramp.sent(seconds);
                // Before the ramp has sent anything its end is the best that can be said.
                match sent >= 1.0 {
                    true => Duration::from_secs_f64(seconds / sent),
                    false => ramp.to.due(1),
                }
            }
        }
    }

    /// How fast it is at a moment after the start, a second.
    #[must_use]
    pub fn per_second_at(&self, span: Duration) -> f64 {
        match self {
            Self::Constant(rate) => rate.per_second(),
            Self::Ramp(ramp) => {
                let (from, to) = (ramp.from.per_second(), ramp.to.per_second());
                let part = (span.as_secs_f64() / ramp.over.as_secs_f64()).min(1.0);
                from + (to - from) * part
            }
        }
    }

    /// The highest rate that it has at any time.
    #[must_use]
    pub fn peak(&self) -> Rate {
        match self {
            Self::Constant(rate) => *rate,
            Self::Ramp(ramp) if ramp.from.per_second() > ramp.to.per_second() => ramp.from,
            Self::Ramp(ramp) => ramp.to,
        }
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(rate) => write!(f, "{rate}"),
            Self::Ramp(Ramp { from, to, over }) => {
                write!(f, "{from} to {to} over {}", human(*over))
            }
        }
    }
}

impl Ramp {
    /// How many have been sent after so many seconds, as a real number.
    fn sent(&self, seconds: f64) -> f64 {
        let (from, to, over) = self.numbers();
        let within = seconds.min(over);
        from * within + (to - from) * within * within / (2.0 * over) + to * (seconds - within)
    }

    fn due(&self, number: u64) -> Duration {
        if number == 0 {
            return Duration::ZERO;
        }
        let (from, to, over) = self.numbers();
        let number = number as f64;
        let in_ramp = self.sent(over);
        let seconds = if number >= in_ramp {
            over + (number - in_ramp) / to
        } else {
            let bend = (to - from) / over;
            // Below the sum of the ramp the root is real; rounding must not make it otherwise.
            let root = (from * from + 2.0 * bend * number).max(0.0).sqrt();
            2.0 * number / (from + root)
        };
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// The rates a second at both ends, and the seconds between them.
    fn numbers(&self) -> (f64, f64, f64) {
        let (from, to) = (self.from.per_second(), self.to.per_second());
        (from, to, self.over.as_secs_f64())
    }
}
