//! What many windows of one variant say of one rule: how often it condemned, and how fast.

use std::time::Duration;

use super::rules::Judged;
use super::window::SimulatedWindow;
use crate::event::Verdict;

/// What became of one window under one rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// Condemned before the fault had begun.
    early: bool,
    /// How long after the onset it was condemned; infinite when it was not, or early.
    after: f64,
    /// Seconds of bad service before the verdict; what was left of the window when there was none.
    exposure: f64,
    verdict: Verdict,
}

/// The sum of the windows of one variant under one rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    /// How many windows.
    pub windows: u64,
    /// In how many of them the rule condemned; in a bad variant, after the fault had begun.
    pub condemned: u64,
    /// In how many it condemned before the fault had begun.
    pub early: u64,
    /// In how many it said at the end that it could not tell.
    pub inconclusive: u64,
    /// In how many it warned.
    pub warned: u64,
    /// Within how many seconds from the onset half of all windows were condemned.
    pub median: Option<f64>,
    /// Within how many seconds from the onset 95 % of all windows were condemned.
    pub most: Option<f64>,
    /// The mean seconds of bad service before the verdict.
    pub exposure: f64,
}

/// A share with the interval in which the true one lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// The share that was seen.
    pub seen: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

impl Outcome {
    /// What a verdict means for a window.
    #[must_use]
    pub fn of(judged: Judged, window: &SimulatedWindow) -> Self {
        let onset = window.onset.unwrap_or_default();
        let condemned = judged.condemned;
        let early = condemned.is_some_and(|at| at < onset);
        let after = condemned.filter(|_| !early).map(|at| at - onset);
        let left = window.bake.saturating_sub(onset);
        let exposed = if early {
            Duration::ZERO
        } else {
            after.unwrap_or(left)
        };
        Self {
            early,
            after: after.map_or(f64::INFINITY, |span| span.as_secs_f64()),
            exposure: exposed.as_secs_f64(),
            verdict: judged.verdict,
        }
    }
}

impl Tally {
    /// Sums up windows, in whatever order they were simulated.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let count = |holds: &dyn Fn(&Outcome) -> bool| {
            outcomes.iter().filter(|outcome| holds(outcome)).count() as u64
        };
        let mut times: Vec<f64> = outcomes.iter().map(|outcome| outcome.after).collect();
        times.sort_by(f64::total_cmp);
        let windows = outcomes.len() as u64;
        let exposure: f64 = outcomes.iter().map(|outcome| outcome.exposure).sum();
        Self {
            windows,
            condemned: count(&|outcome| outcome.after.is_finite()),
            early: count(&|outcome| outcome.early),
            inconclusive: count(&|outcome| outcome.verdict == Verdict::Inconclusive),
            warned: count(&|outcome| outcome.verdict == Verdict::Warn),
            median: reached_by(&times, 0.5),
            most: reached_by(&times, 0.95),
            exposure: exposure / (windows.max(1) as f64),
        }
    }

    /// How often it condemned, with the interval.
    #[must_use]
    pub fn share(&self) -> Share {
        Share::of(self.condemned, self.windows)
    }

    /// How often it condemned at all, before the onset as well: what a healthy service suffers.
    #[must_use]
    pub fn any_share(&self) -> Share {
        Share::of(self.condemned + self.early, self.windows)
    }
}

/// The time by which this share of all windows was condemned: the smallest that enough of them do
/// not exceed.
fn reached_by(ascending: &[f64], share: f64) -> Option<f64> {
    let rank = (share * ascending.len() as f64).ceil() as usize;
    let time = ascending.get(rank.saturating_sub(1))?;
    time.is_finite().then_some(*time)
}

impl Share {
    /// A share with Wilson's 95 % interval (Wilson 1927; Brown, Cai, DasGupta, Statistical Science
    /// 16(2), 2001, recommend it for small and large counts).
    #[must_use]
    pub fn of(count: u64, of: u64) -> Self {
        if of == 0 {
            return Self {
                seen: 0.0,
                low: 0.0,
                high: 1.0,
            };
        }
        let n = of as f64;
        let seen = count as f64 / n;
        let z2 = Z95 * Z95;
        let centre = (seen + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let half = Z95 / (1.0 + z2 / n) * (seen * (1.0 - seen) / n + z2 / (4.0 * n * n)).sqrt();
        Self {
            seen,
            low: if count == 0 { 0.0 } else { centre - half },
            high: if count == of { 1.0 } else { centre + half },
        }
    }
}

/// The standard normal quantile of 0.975.
const Z95: f64 = 1.959_963_984_540_054;

#[cfg(test)]
mod tests {
    use super::*;

    fn window(onset: Option<u64>) -> SimulatedWindow {
        SimulatedWindow {
            shots: Vec::new(),
            bake: Duration::from_secs(600),
            onset: onset.map(Duration::from_secs),
        }
    }

    fn outcome(onset: u64, condemned: Option<u64>) -> Outcome {
        let judged = Judged::at(condemned.map(Duration::from_secs));
        Outcome::of(judged, &window(Some(onset)))
    }

    #[test]
    fn detection_counts_from_the_onset_and_a_miss_costs_the_rest_of_the_window() {
        let tally = Tally::of(&[
            outcome(100, Some(140)),
            outcome(100, Some(160)),
            outcome(100, Some(50)),
            outcome(100, None),
        ]);
        assert_eq!((tally.windows, tally.condemned, tally.early), (4, 2, 1));
        assert_eq!(tally.median, Some(60.0));
        assert_eq!(tally.most, None, "fewer than 95 % were condemned");
        assert!((tally.exposure - (40.0 + 60.0 + 0.0 + 500.0) / 4.0).abs() < 1e-9);
    }

    #[test]
    fn intervals_agree_with_published_values() {
        // Wilson's interval for 0 of 10, 1 of 10 and 81 of 263 (Newcombe 1998, table I).
        let cases = [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ];
        for (count, of, low, high) in cases {
            let share = Share::of(count, of);
            assert!((share.low - low).abs() < 5e-5, "{count} of {of}: {share:?}");
            assert!(
                (share.high - high).abs() < 5e-5,
                "{count} of {of}: {share:?}"
            );
        }
        assert_eq!(Share::of(0, 0).high, 1.0);
    }
}
