//! How a check stands right after a sample: the verdict of its finding, found without the finding
//! where that can be. It is asked for after every sample, and costs no more than a few comparisons
//! where every limit is heard by streams.

use super::{Bench, Telling};
use crate::event::Level;
use crate::verdict::sufficiency::is_load_missed;
use crate::verdict::{Closing, Sufficiency, Verdict};

impl Bench {
    /// The verdict alone, without the finding where it can be had without.
    pub(super) fn standing(&self, place: usize) -> Option<Verdict> {
        let seat = &self.seats[place];
        let Sufficiency::Window {
            min_samples,
            every,
            coverage,
            ..
        } = seat.rules.sufficiency
        else {
            // One sample may still be followed by a better one.
            return None;
        };
        let is_silent = || {
            seat.window
                .view()
                .last_known()
                .is_none_or(|last| last.ended() < self.now)
        };
        let is_worse = || {
            let mut levels = [Level::Warning, Level::Critical].into_iter();
            levels.any(|level| self.comparisons.proven(place, level).next().is_some())
        };
        let is_plain = seat.failed_before.is_none() && !seat.is_read_as_written && !is_worse();
        if !is_plain || (seat.known == 0 && is_silent()) {
            let found = self.finding_told(place, self.now, Closing::Running, Telling::Verdict);
            return Some(found.verdict);
        }
        let mut blame = seat.cases.iter().map(|case| &self.blame[*case]);
        if blame.clone().any(|blame| blame.critical.contains(&place)) {
            return Some(Verdict::Fail);
        }
        let elapsed = self.now.since(self.terms.start);
        let is_short = self
            .coverage(coverage, self.now)
            .is_short(seat.known, elapsed, every);
        if seat.known < min_samples || is_short || is_load_missed(seat.window.sent()) {
            return Some(Verdict::Inconclusive);
        }
        let warns = blame.any(|blame| blame.warning.contains(&place));
        Some(if warns { Verdict::Warn } else { Verdict::Pass })
    }
}
