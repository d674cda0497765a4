//! How a service was before a deployment, from the history: the yardstick of a window that nobody
//! prepared.
//!
//! Times in which the service was being changed or was known to be bad are left out: those of other
//! windows, and what followed one that failed and was not undone. Called by `serve` when a
//! deployment appears, which does not wait for it for long.

use std::time::Duration;

use crate::clock::{Moment, WallTime};
use crate::event::Verdict;
use crate::plan::CheckPlan;
use crate::sample::Sample;
use crate::store::StoreError;
use crate::store::history::{Between, History, Page, Seen, StoredWindow};
use crate::verdict::Before;

/// How long is looked back at the least: a bake's worth of slow waves.
const AT_LEAST: Duration = Duration::from_secs(3_600);
/// How long at most: a day, so that each hour of it is there once, and samples are still kept.
const AT_MOST: Duration = Duration::from_secs(24 * 3_600);
/// As many samples as a check should have: five hundred bound even its 99th percentile.
const ENOUGH: u32 = 500;
/// More samples of a calm time than this say nothing new: those of an open loop are many.
const MOST: usize = 5_000;
/// What ran so shortly before the deployment was created may have met it already.
const TOO_LATE: Duration = Duration::from_secs(15);
/// More windows than any service has in a day.
const WINDOWS: usize = 200;
/// How the report says that a rollback brought the service back to what it was.
const UNDONE: &str = "rolled_back_verified";

/// Fills in what is known of each check from before a deployment was created, in the order of the
/// checks; nothing of those that are compared with nothing. What is filled in when whoever waits
/// gives up is good.
///
/// # Errors
/// When the history cannot be read.
pub async fn from_history(
    history: &dyn History,
    checks: &[CheckPlan],
    created: WallTime,
    all: &mut [Before],
) -> Result<(), StoreError> {
    let created = earlier(created, TOO_LATE);
    let mut known: Option<(&str, Vec<StoredWindow>)> = None;
    for (check, filled) in checks.iter().zip(all) {
        if !check.is_compared_with_before() {
            continue;
        }
        let service = &*check.facts.service;
        let windows = match known.take() {
            Some((name, windows)) if name == service => windows,
            _ => windows_of(history, check, created).await?,
        };
        let from = earlier(created, (check.every * ENOUGH).clamp(AT_LEAST, AT_MOST));
        let mut before = Before::default();
        for calm in calm(&windows, Between { from, to: created }) {
            let samples = history.samples(&check.facts.id, calm, MOST).await?;
            before.append(&of_samples(samples, calm.from));
        }
        *filled = before;
        known = Some((service, windows));
    }
    Ok(())
}

/// The windows of a check's service that may have been open in the time before, the oldest first.
async fn windows_of(
    history: &dyn History,
    check: &CheckPlan,
    created: WallTime,
) -> Result<Vec<StoredWindow>, StoreError> {
    let page = Page {
        service: Some(check.facts.service.clone()),
        limit: WINDOWS,
        ..Page::default()
    };
    let mut windows = history.windows(&page).await?;
    windows.retain(|window| window.opened < created);
    windows.sort_by_key(|window| window.opened);
    Ok(windows)
}

/// The parts of a span in which no window was open and the service was not known to be bad.
fn calm(windows: &[StoredWindow], span: Between) -> Vec<Between> {
    let mut calm = Vec::new();
    let mut from = span.from;
    for (at, window) in windows.iter().enumerate() {
        if from < window.opened {
            let to = window.opened.min(span.to);
            calm.push(Between { from, to });
        }
        // One that was never closed, as by a daemon that died, and one that failed and stayed so,
        // last until somebody deploys again.
        let next = windows.get(at + 1).map_or(span.to, |next| next.opened);
        let end = match window.closed {
            Some(closed) if !stays_bad(window) => closed,
            _ => next,
        };
        from = from.max(end);
    }
    if from < span.to {
        let to = span.to;
        calm.push(Between { from, to });
    }
    calm
}

fn stays_bad(window: &StoredWindow) -> bool {
    let is_undone = window.rollback.as_deref() == Some(UNDONE);
    window.verdict == Some(Verdict::Fail) && !is_undone
}

/// Samples of no window as a recording that begins at `from`.
fn of_samples(samples: Vec<Seen>, from: WallTime) -> Before {
    let mut before = Before::default();
    for seen in samples.into_iter().filter(|seen| seen.window.is_none()) {
        before.push(&Sample {
            started: Moment::at(seen.at.since(from)),
            ..seen.sample
        });
    }
    before
}

fn earlier(at: WallTime, span: Duration) -> WallTime {
    WallTime::since_unix_epoch(at.unix().saturating_sub(span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn wall(minute: u64) -> WallTime {
        WallTime::since_unix_epoch(Duration::from_secs(minute * 60))
    }

    fn window(
        opened: u64,
        closed: Option<u64>,
        verdict: Option<Verdict>,
        rollback: Option<&str>,
    ) -> StoredWindow {
        StoredWindow {
            id: Arc::from("01W"),
            service: Arc::from("api"),
            opened: wall(opened),
            closed: closed.map(wall),
            verdict,
            revision: None,
            action: None,
            rollback: rollback.map(str::to_owned),
            detected_after: None,
            report: None,
        }
    }

    #[test]
    fn what_belongs_to_windows_or_to_a_bad_release_is_left_out() {
        let pass = Some(Verdict::Pass);
        let fail = Some(Verdict::Fail);
        let cases = [
            (vec![], vec![(100, 200)], "nothing happened"),
            (
                vec![window(120, Some(130), pass, None)],
                vec![(100, 120), (130, 200)],
                "a window is left out",
            ),
            (
                vec![window(90, Some(110), pass, None)],
                vec![(110, 200)],
                "one that was open when the span began",
            ),
            (
                vec![window(120, Some(130), fail, Some(UNDONE))],
                vec![(100, 120), (130, 200)],
                "what was undone is as it was",
            ),
            (
                vec![window(120, Some(130), fail, Some("refused"))],
                vec![(100, 120)],
                "what failed and stayed is bad until now",
            ),
            (
                vec![
                    window(120, Some(130), fail, None),
                    window(150, Some(160), pass, None),
                ],
                vec![(100, 120), (160, 200)],
                "or until the next passed",
            ),
            (
                vec![window(50, Some(60), fail, None)],
                vec![],
                "also from before the span",
            ),
            (
                vec![
                    window(120, None, None, None),
                    window(140, Some(150), pass, None),
                ],
                vec![(100, 120), (150, 200)],
                "one that was left open lasts until the next",
            ),
            (
                vec![window(120, Some(250), pass, None)],
                vec![(100, 120)],
                "one that is still open",
            ),
            (
                vec![
                    window(120, Some(150), pass, None),
                    window(130, Some(140), pass, None),
                ],
                vec![(100, 120), (150, 200)],
                "two at once",
            ),
        ];
        let span = Between {
            from: wall(100),
            to: wall(200),
        };
        for (windows, expected, why) in cases {
            let found = calm(&windows, span);
            let expected: Vec<Between> = expected
                .into_iter()
                .map(|(from, to)| Between {
                    from: wall(from),
                    to: wall(to),
                })
                .collect();
            assert_eq!(found, expected, "{why}");
        }
    }
}
