//! Many notices of one sort as one: a hundred checks that fail together are one message.

use crate::notify::notice::Effect;
use crate::notify::{Kind, Notice};

/// From so many on, one message tells of all.
pub(super) const STORM: usize = 4;
/// As many checks are named; of more, how many there are.
const NAMED: usize = 6;

/// Whether two notices may be told as one.
pub(super) fn belong_together(one: &Notice, other: &Notice) -> bool {
    one.kind == Kind::CheckFailing
        && other.kind == Kind::CheckFailing
        && one.service == other.service
        && one.window == other.window
        && one.is_test == other.is_test
}

/// The one that tells of all. There is at least one.
pub(super) fn told_as_one(all: &[Notice]) -> Option<Notice> {
    let (first, rest) = all.split_first()?;
    if rest.is_empty() {
        return Some(first.clone());
    }
    let mut whole = first.clone();
    let of_one_subject = rest.iter().all(|one| one.subject == first.subject);
    if !of_one_subject {
        // Of its own, so that each can fail again by itself when the storm is over.
        whole.subject = format!("{}/storm/{}", first.subject, first.at.unix().as_millis());
        whole.thread.clone_from(&whole.subject);
    }
    let severities = all.iter().map(|one| one.severity);
    whole.severity = severities.max().unwrap_or(first.severity);
    whole.effect = Effect::Opens;
    whole.check = None;
    whole.members = all.iter().map(|one| one.subject.clone()).collect();
    whole.members.dedup();
    whole.headline = headline(first, all);
    whole.details = all.iter().map(|one| one.headline.clone()).collect();
    whole.details.truncate(NAMED);
    let more = all.len().saturating_sub(NAMED);
    if more > 0 {
        whole.details.push(format!("and {more} more"));
    }
    Some(whole)
}

fn headline(first: &Notice, all: &[Notice]) -> String {
    let names = all.iter().filter_map(|one| one.check.as_ref());
    let names: Vec<&str> = names.take(NAMED).map(|check| check.as_str()).collect();
    let more = match all.len().saturating_sub(names.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let service = first.service.as_deref();
    let service = service
        .map(|service| format!("{service}: "))
        .unwrap_or_default();
    let revision = first.revision.as_deref();
    let revision = revision.map(|on| format!(" on {on}")).unwrap_or_default();
    let count = all.len();
    format!(
        "{service}{count} checks fail together{revision}: {}{more}",
        names.join(", ")
    )
}

/// The recovery that ends a storm: what is over is the storm, not only the check that came last.
pub(super) fn ended(mut recovery: Notice, under: String) -> Notice {
    if recovery.subject != under {
        let last = recovery.check.take();
        let last = last.map(|check| format!("; {check} was the last"));
        let service = recovery.service.as_deref();
        let service = service
            .map(|service| format!("{service}: "))
            .unwrap_or_default();
        recovery.headline = format!(
            "{service}all checks that failed together have recovered{}",
            last.unwrap_or_default()
        );
        recovery.thread.clone_from(&under);
        recovery.subject = under;
    }
    recovery
}
