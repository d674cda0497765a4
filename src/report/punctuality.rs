//! What a person is told of our own lateness: nothing while it is too little to matter.

use std::time::Duration;

use super::text::counted;
use crate::engine::instruments::Punctuality;
use crate::quantity::human;

/// So late may one start in a hundred be without a word. It is no part of any latency; a check that
/// runs every ten seconds is moved by half a hundredth of that.
const UNREMARKABLE: Duration = Duration::from_millis(50);

/// One line where the schedule was not kept, or none.
pub(super) fn remark(found: &Punctuality) -> Option<String> {
    let is_late = found.p99 > UNREMARKABLE;
    if !is_late && found.missed == 0 && found.lost == 0 {
        return None;
    }
    let late = is_late.then(|| {
        format!(
            "one probe in a hundred started {} late or later, the latest {}",
            human(rounded(found.p99)),
            human(rounded(found.max))
        )
    });
    let missed = (found.missed > 0).then(|| {
        let turns = counted(found.missed, "turn", "turns");
        format!("{turns} of the schedule were left out")
    });
    let lost = (found.lost > 0).then(|| {
        let samples = counted(found.lost, "sample", "samples");
        format!("{samples} were not judged")
    });
    let told: Vec<String> = [late, missed, lost].into_iter().flatten().collect();
    Some(format!(
        "our own machine was busy: {}; probe less often, or from a machine with more to give",
        told.join(", ")
    ))
}

/// To the millisecond: more would be noise.
fn rounded(span: Duration) -> Duration {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_matters_is_told() {
        let found = |p99, missed| Punctuality {
            starts: 1_000,
            p50: Duration::from_micros(80),
            p99: Duration::from_millis(p99),
            max: Duration::from_millis(p99 * 2),
            missed,
            lost: 0,
        };
        assert_eq!(remark(&found(50, 0)), None);
        let late = remark(&found(120, 0)).unwrap();
        assert!(
            late.contains("120ms late or later, the latest 240ms"),
            "{late}"
        );
        assert!(!late.contains("left out"), "{late}");
        let missed = remark(&found(1, 3)).unwrap();
        assert!(missed.contains("busy: 3 turns of the schedule"), "{missed}");
    }
}
