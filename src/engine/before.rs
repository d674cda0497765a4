//! How a service was before the deployment, live, from recordings or from the history: the yardstick
//! of checks that declare a `baseline`. Used by `cli`, by the replay and by the watch; the judge knows
//! nothing of files.

mod remembered;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::remembered::from_history;
use super::recorded::{self, Recording, RecordingError, Roster};
use crate::clock::Moment;
use crate::plan::CheckPlan;
use crate::verdict::{Before, raised_limits, with_error_limit};

/// Where a watch knows from how the service was before.
#[derive(Clone, Debug, Default)]
pub enum Source {
    /// From nowhere: nothing is compared.
    #[default]
    None,
    /// From recordings, one yardstick a check.
    Recorded(Vec<Before>),
    /// From probing while the next deployment is waited for.
    Live,
}

/// What a person should know of the comparison with before: how much of each check is known, and which
/// limits are raised by it.
#[must_use]
pub fn notes(checks: &[CheckPlan], before: &[Before]) -> Vec<String> {
    let mut notes = Vec::new();
    for (check, before) in checks.iter().zip(before) {
        if !check.is_compared_with_before() {
            continue;
        }
        let id = &check.facts.id;
        let samples = match before.len() {
            1 => "1 sample".to_owned(),
            count => format!("{count} samples"),
        };
        if !before.is_enough() {
            notes.push(format!(
                "{id} is not compared with before: only {samples} of it known"
            ));
            continue;
        }
        let raised = with_error_limit(&check.thresholds);
        let raised = raised.iter().find_map(|one| raised_limits(one, before));
        notes.push(match raised {
            None => format!("{id} is compared with {samples} from before"),
            Some(raised) => format!(
                "{id} is compared with {samples} from before, of which {} failed: its limits \
                 on errors are raised to {:.1} % and {:.1} %",
                before.bad(),
                raised.well * 100.0,
                raised.bad.unwrap_or(raised.well) * 100.0,
            ),
        });
    }
    if notes.is_empty() && !before.is_empty() {
        notes.push(
            "nothing is compared with before: no check declares a `baseline` or a `stable` reading"
                .to_owned(),
        );
    }
    notes
}

/// Reads several bakes, the oldest first, as one. How each began, with cold caches and tasks that
/// were being replaced, is left out.
///
/// # Errors
/// What is wrong with a recording, and where.
pub fn read_all(
    paths: &[PathBuf],
    roster: &Roster,
    warm_up: Duration,
) -> Result<Vec<Before>, RecordingError> {
    let mut all = vec![Before::default(); roster.len()];
    for path in paths {
        for (before, mut one) in all.iter_mut().zip(read(path, roster)?) {
            one.from(Moment::ORIGIN + warm_up);
            before.append(&one);
        }
    }
    Ok(all)
}

/// Reads a recording into one yardstick a check, in the order of the roster.
///
/// # Errors
/// What is wrong with the recording, and where.
pub fn read(path: &Path, roster: &Roster) -> Result<Vec<Before>, RecordingError> {
    let (name, input) = recorded::open(path)?;
    let mut recording = Recording::new(&name, input, roster);
    let mut before = vec![Before::default(); roster.len()];
    while let Some((place, sample)) = recording.next_sample()? {
        before[place].push(sample);
    }
    Ok(before)
}
