//! What the counters of a server gained since the run before: how a sum since the start becomes a
//! rate.
//!
//! A server that was started or reset meanwhile, or another server under the same name, has counters
//! that say nothing beside the ones before: then there is no gain, and the next run has one again.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Moment;

/// The counters as the last run saw them.
#[derive(Debug)]
pub struct Gains<const N: usize>(Mutex<Option<Before<N>>>);

#[derive(Debug)]
struct Before<const N: usize> {
    at: Moment,
    life: String,
    counters: [f64; N],
}

/// What counters gained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain<const N: usize> {
    /// In how many seconds.
    pub seconds: f64,
    /// By how much each.
    pub gained: [f64; N],
}

impl<const N: usize> Gain<N> {
    /// What one counter gained in a second.
    #[must_use]
    pub fn per_second(&self, at: usize) -> f64 {
        self.gained[at] / self.seconds
    }
}

/// Two runs so close to each other would make a large rate of a single event.
const CLOSEST: Duration = Duration::from_millis(100);

impl<const N: usize> Gains<N> {
    /// Nothing seen yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Takes the counters of this run in, and says what they gained since the one before. `life` is
    /// what stays the same as long as the server counts on: when it was started, when it was reset.
    pub fn since(&self, now: Moment, life: &str, counters: [f64; N]) -> Option<Gain<N>> {
        let mut before = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gain = match &*before {
            Some(known) if known.life == life => {
                let passed = now.since(known.at);
                if passed < CLOSEST {
                    return None;
                }
                known.gain(passed, counters)
            }
            Some(_) | None => None,
        };
        *before = Some(Before {
            at: now,
            life: life.to_owned(),
            counters,
        });
        gain
    }
}

impl<const N: usize> Default for Gains<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> Before<N> {
    fn gain(&self, passed: Duration, counters: [f64; N]) -> Option<Gain<N>> {
        let mut gained = counters;
        for (now, before) in gained.iter_mut().zip(self.counters) {
            *now -= before;
        }
        gained.iter().all(|gained| *gained >= 0.0).then_some(Gain {
            seconds: passed.as_secs_f64(),
            gained,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_two_runs_of_one_life_differ_by() {
        let gains = Gains::new();
        let at = |seconds: f64| Moment::at(Duration::from_secs_f64(seconds));
        let cases = [
            // second, life, counters, gained a second, why
            (
                0.0,
                "a",
                [10.0, 0.0],
                None,
                "the first run has nothing before it",
            ),
            (
                10.0,
                "a",
                [30.0, 5.0],
                Some([2.0, 0.5]),
                "twenty and five in ten seconds",
            ),
            (10.05, "a", [31.0, 5.0], None, "too close to be a rate"),
            (
                20.0,
                "a",
                [40.0, 5.0],
                Some([1.0, 0.0]),
                "the close one left no trace",
            ),
            (30.0, "b", [50.0, 6.0], None, "another life"),
            (
                40.0,
                "b",
                [50.0, 16.0],
                Some([0.0, 1.0]),
                "and its second run",
            ),
            (
                50.0,
                "b",
                [49.0, 17.0],
                None,
                "a counter that fell was reset",
            ),
            (60.0, "b", [59.0, 17.0], Some([1.0, 0.0]), "and counts on"),
        ];
        for (second, life, counters, expected, why) in cases {
            let gain = gains.since(at(second), life, counters);
            let rates = gain.map(|gain| [gain.per_second(0), gain.per_second(1)]);
            assert_eq!(rates, expected, "{why}");
        }
    }
}
