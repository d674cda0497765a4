//! The limits that hold for the standard metrics of a database where a check declares none of its own.
//!
//! Only on what every run of every server gives, and only where one number suits nearly all of them.

use std::sync::Arc;

use super::Metrics;
use crate::verdict::threshold::{Comparison, Limit, Measure, Subject, Threshold};

/// The limits: none where the standard metrics are not asked for.
#[must_use]
pub fn limits(metrics: Option<Metrics>) -> Vec<Threshold> {
    match metrics {
        None => Vec::new(),
        // A pool that opens one more connection finds none at a hundred: there must be time to act.
        Some(Metrics::Standard) => vec![
            above("connections_pct", 75.0, 90.0),
            // Some wait in any busy database, and not for long.
            above("locks_waiting", 5.0, 20.0),
        ],
    }
}

/// In so many samples in a row, so that a peak is none.
const IN_A_ROW: u32 = 3;

fn above(reading: &str, warning: f64, critical: f64) -> Threshold {
    let limit = |value| {
        Some(Limit {
            comparison: Comparison::Above,
            value,
            measure: Measure::Number,
        })
    };
    Threshold {
        subject: Subject::Reading(Arc::from(reading)),
        warning: limit(warning),
        critical: limit(critical),
        lasting: None,
        consecutive: Some(IN_A_ROW),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_asks_for_the_standard_metrics_is_judged_by_them() {
        assert_eq!(limits(None), []);
        let all = limits(Some(Metrics::Standard));
        let subjects: Vec<_> = all.iter().map(|limit| &limit.subject).collect();
        let named =
            ["connections_pct", "locks_waiting"].map(|name| Subject::Reading(Arc::from(name)));
        assert_eq!(subjects, named.iter().collect::<Vec<_>>());
    }
}
