//! How many samples of each check are held in full: bounded over all checks together, since a hundred
//! thousand of them that each hold as much as one may would need more memory than there is.
//!
//! What is not held in full is counted in totals and histograms, which say the same but for a percent
//! of a percentile. What a limit looks back at is always held. It depends on what was declared and on
//! nothing else, so that a replay says what was said.

use std::time::Duration;

use super::super::threshold::{Course, Subject, Threshold};
use super::super::{Rules, Sufficiency};
use crate::window::EXACT_RECORDS;

/// How many samples of all checks together are held in full: at some 200 bytes each 50 MB at most.
/// Up to twelve checks each holds as many as a window may, and a thousand each 250.
const ALL_RECORDS: usize = 250_000;

/// Each check holds so many whatever the others need: the least from which p95 is told.
const LEAST_RECORDS: usize = 20;

/// How many samples each of so many checks holds in full.
pub(super) fn share_of(checks: usize) -> usize {
    (ALL_RECORDS / checks.max(1)).clamp(LEAST_RECORDS, EXACT_RECORDS)
}

/// How many samples a check holds in full: its share, or more where a limit looks back further.
pub(super) fn records(rules: &Rules, share: usize) -> usize {
    let every = match rules.sufficiency {
        Sufficiency::Window { every, .. } => every,
        Sufficiency::OneSample => Duration::ZERO,
    };
    let backwards = rules.thresholds.iter().map(|one| looked_back(one, every));
    backwards.max().unwrap_or(0).clamp(share, EXACT_RECORDS)
}

/// How many samples back a limit looks, twice over: closer looks come in between, and a late sample
/// may be the one that counts.
fn looked_back(threshold: &Threshold, every: Duration) -> usize {
    let lasting = threshold.lasting.unwrap_or_default().as_nanos();
    let lasting = lasting.checked_div(every.as_nanos()).unwrap_or(0);
    let in_a_row = match threshold.subject {
        Subject::ConsecutiveFailures => {
            let limits = [threshold.warning, threshold.critical].into_iter();
            let counts = limits.flatten().map(|limit| limit.value as u128);
            counts.max().unwrap_or(0)
        }
        _ => 0,
    };
    let consecutive = u128::from(threshold.consecutive.unwrap_or(0));
    let courses = [threshold.warning, threshold.critical].into_iter();
    let courses = courses.flatten().map(|limit| match limit.course() {
        // To the beginning of the window.
        Some(Course::NeverDecreases | Course::Changes) => u128::MAX,
        Some(Course::Advances) => {
            let within = Duration::try_from_secs_f64(limit.value).unwrap_or(Duration::MAX);
            within.as_nanos().checked_div(every.as_nanos()).unwrap_or(0)
        }
        Some(Course::Stable(_)) | None => 0,
    });
    let across = courses.max().unwrap_or(0);
    let most = lasting.max(in_a_row).max(consecutive).max(across);
    usize::try_from(most.saturating_mul(2)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::CheckId;
    use crate::verdict::CheckFacts;
    use crate::verdict::default_thresholds;

    #[test]
    fn ten_checks_hold_what_one_does_and_a_million_a_little_each() {
        let cases = [
            (0, EXACT_RECORDS),
            (1, EXACT_RECORDS),
            (10, EXACT_RECORDS),
            (1_000, 250),
            (100_000, 20),
            (1_000_000, 20),
        ];
        for (checks, share) in cases {
            assert_eq!(share_of(checks), share, "{checks}");
        }
    }

    #[test]
    fn what_a_limit_looks_back_at_is_held() {
        let rules = |change: fn(&mut Threshold)| {
            let mut thresholds = default_thresholds();
            thresholds.iter_mut().for_each(change);
            Rules {
                facts: CheckFacts {
                    id: CheckId::new("home"),
                    kind: "http",
                    service: "web".into(),
                    tags: Vec::new(),
                },
                thresholds,
                tolerances: Vec::new(),
                sufficiency: Sufficiency::Window {
                    min_samples: 10,
                    every: Duration::from_secs(10),
                    coverage: 0.0,
                    least_bad: 1,
                },
            }
        };
        assert_eq!(records(&rules(|_| {}), 20), 20);
        let lasting = rules(|one| one.lasting = Some(Duration::from_secs(600)));
        assert_eq!(records(&lasting, 20), 120);
        assert_eq!(
            records(&lasting, 20_000),
            20_000,
            "never fewer than its share"
        );
        let consecutive = rules(|one| one.consecutive = Some(30));
        assert_eq!(records(&consecutive, 20), 60);
        let endless = rules(|one| one.lasting = Some(Duration::MAX));
        assert_eq!(records(&endless, 20), EXACT_RECORDS);
    }
}
