//! Samples gathered into minutes, as monitoring systems hand them to the rules of other tools.
//!
//! A sample counts in the minute in which it arrives; what arrives after the end of the bake counts
//! nowhere.

use std::time::Duration;

use super::gauge::Gauge;
use super::metric::Metric;
use crate::rehearsal::drill::window::SimulatedWindow;

/// How long a period is: the finest that all of these tools show by default.
const PERIOD: Duration = Duration::from_secs(60);

/// What one metric shows in each minute of a window.
#[must_use]
pub fn minutes(window: &SimulatedWindow, metric: &Metric) -> Vec<Gauge> {
    let count = window.bake.as_nanos().div_ceil(PERIOD.as_nanos());
    let mut minutes = vec![metric.gauge(); usize::try_from(count).unwrap_or(0)];
    let counted = window.shots.iter().filter(|shot| metric.counts(shot));
    for shot in counted.filter(|shot| shot.arrived() < window.bake) {
        let minute = shot.arrived().as_nanos() / PERIOD.as_nanos();
        if let Some(gauge) = usize::try_from(minute)
            .ok()
            .and_then(|at| minutes.get_mut(at))
        {
            gauge.add(shot);
        }
    }
    minutes
}

/// When a minute is over, counted from 0; the last one ends with the bake.
#[must_use]
pub fn end_of(minute: usize, window: &SimulatedWindow) -> Duration {
    let past = u32::try_from(minute + 1).unwrap_or(u32::MAX);
    PERIOD.saturating_mul(past).min(window.bake)
}
