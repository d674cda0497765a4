//! What was asked for, of what is kept and of what waits to be kept. What is in both is there once:
//! it was written between the two looks.

use std::collections::HashSet;

use crate::sample::{CheckId, Outcome};
use crate::store::history::{Happening, Page, Seen, StoredWindow};

/// Adds those that wait to those that are kept, the oldest first.
fn joined(mut kept: Vec<Seen>, waiting: Vec<Seen>) -> Vec<Seen> {
    let known: HashSet<_> = kept.iter().map(mark).collect();
    let new: Vec<Seen> = waiting
        .into_iter()
        .filter(|seen| !known.contains(&mark(seen)))
        .collect();
    kept.extend(new);
    kept.sort_by_key(|seen| seen.at);
    kept
}

/// What makes two of them the same run: what is kept was cut to microseconds, and its moment is of no
/// process.
fn mark(seen: &Seen) -> (CheckId, u128, u128, Outcome) {
    let sample = &seen.sample;
    let (at, took) = (seen.at.unix(), sample.latency);
    (
        sample.check.clone(),
        at.as_micros(),
        took.as_micros(),
        sample.outcome,
    )
}

/// Samples that wait beside those that are kept, the oldest first, at most so many.
pub fn samples(kept: Vec<Seen>, waiting: Vec<Seen>, limit: usize) -> Vec<Seen> {
    let mut all = joined(kept, waiting);
    all.truncate(limit);
    all
}

/// The same, the newest first.
pub fn failures(kept: Vec<Seen>, waiting: Vec<Seen>, limit: usize) -> Vec<Seen> {
    let mut all = joined(kept, waiting);
    all.reverse();
    all.truncate(limit);
    all
}

/// A page of windows. Which checks belong to a window that was never kept, those that are asked for
/// say with the samples that wait.
pub fn windows(
    mut kept: Vec<StoredWindow>,
    waiting: Vec<StoredWindow>,
    of_check: &[Seen],
    page: &Page,
) -> Vec<StoredWindow> {
    for window in waiting {
        let known = kept.iter().position(|one| one.id == window.id);
        let known = known.map(|at| kept.remove(at));
        let has_check = || {
            let mut windows = of_check.iter().map(|seen| seen.window.as_deref());
            page.check.is_none() || windows.any(|one| one == Some(&*window.id))
        };
        if is_on(page, &window.id, Some(&*window.service), Some(&*window.id))
            && (known.is_some() || has_check())
        {
            kept.push(window);
        }
    }
    kept.sort_by(|one, other| other.id.cmp(&one.id));
    kept.truncate(page.limit);
    kept
}

/// Whether a page that is asked for may show something.
fn is_on(page: &Page, id: &str, service: Option<&str>, window: Option<&str>) -> bool {
    let asks = |asked: Option<&str>, it: Option<&str>| asked.is_none() || asked == it;
    page.before.as_deref().is_none_or(|before| id < before)
        && asks(page.service.as_deref(), service)
        && asks(page.window.as_deref(), window)
}

/// Whether a page that is asked for may show what happened.
pub fn is_asked_for(happening: &Happening, page: &Page) -> bool {
    let (service, window) = (happening.service.as_deref(), happening.window.as_deref());
    is_on(page, &happening.id, service, window)
        && (page.check.is_none() || page.check == happening.check)
        && (page.kinds.is_empty() || page.kinds.iter().any(|kind| kind == happening.kind))
}

/// A page of what happened.
pub fn happenings(
    mut kept: Vec<Happening>,
    waiting: Vec<Happening>,
    page: &Page,
) -> Vec<Happening> {
    for happening in waiting {
        if !kept.iter().any(|one| one.id == happening.id) {
            kept.push(happening);
        }
    }
    kept.sort_by(|one, other| other.id.cmp(&one.id));
    kept.truncate(page.limit);
    kept
}
