//! Damps what flaps: a check that fails and recovers in turn is told as that, once, and then only what it
//! came to when it has been calm for a while.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::clock::Moment;
use crate::notify::{Effect, Kind, Notice, Severity};

/// How a notice is to flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flow {
    /// As it comes.
    Free,
    /// It flaps, which is told now.
    Flapping,
    /// It flaps, which was told: only what it comes to is told, when it has been calm.
    Calmed,
}

/// After so many changes within [`SPAN`] a check flaps: three failures with their recoveries.
const CHANGES: usize = 6;
/// See [`CHANGES`].
const SPAN: Duration = Duration::from_secs(15 * 60);
/// So long must it be calm until it is told what it came to.
pub(super) const CALM: Duration = Duration::from_secs(5 * 60);
/// As many subjects are followed at once; beyond, the one that was quiet for longest is forgotten.
const SUBJECTS: usize = 10_000;

/// The changes of each check of late.
#[derive(Default)]
pub(super) struct Damper {
    subjects: HashMap<String, Course>,
}

#[derive(Default)]
struct Course {
    changes: VecDeque<Moment>,
    last: Option<Kind>,
    flaps: bool,
}

impl Damper {
    pub(super) fn take(&mut self, notice: &Notice, now: Moment) -> Flow {
        if !matches!(notice.kind, Kind::CheckFailing | Kind::CheckRecovered) {
            return Flow::Free;
        }
        let key = notice.check.as_ref().map_or("", |check| check.as_str());
        let key = format!("{}\u{0}{key}", notice.subject);
        if self.subjects.len() >= SUBJECTS && !self.subjects.contains_key(&key) {
            self.forget();
        }
        self.subjects.entry(key).or_default().take(notice.kind, now)
    }

    fn forget(&mut self) {
        let quiet = |course: &Course| course.changes.back().copied().unwrap_or_default();
        let oldest = self.subjects.iter().min_by_key(|(_, course)| quiet(course));
        if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
            self.subjects.remove(&oldest);
        }
    }
}

impl Course {
    fn take(&mut self, kind: Kind, now: Moment) -> Flow {
        let calm_since = self.changes.back().copied();
        if self.flaps && calm_since.is_some_and(|since| now.since(since) > CALM) {
            self.flaps = false;
            self.changes.clear();
        }
        if self.last != Some(kind) {
            self.last = Some(kind);
            self.changes.push_back(now);
        }
        while self
            .changes
            .front()
            .is_some_and(|first| now.since(*first) > SPAN)
        {
            self.changes.pop_front();
        }
        match (self.flaps, self.changes.len() > CHANGES) {
            (true, _) => Flow::Calmed,
            // Told with the failure: an end that opened a trouble would leave it open.
            (false, true) if kind == Kind::CheckFailing => {
                self.flaps = true;
                Flow::Flapping
            }
            (false, _) => Flow::Free,
        }
    }
}

/// What is said of a check that flaps.
pub(super) fn flapping(mut notice: Notice) -> Notice {
    let check = notice
        .check
        .as_ref()
        .map_or("a check", |check| check.as_str());
    let service = notice.service.as_deref();
    let service = service
        .map(|service| format!("{service}: "))
        .unwrap_or_default();
    notice.headline = format!(
        "{service}{check} fails and recovers in turn; last: {}",
        notice.headline
    );
    notice.done = "Further changes are not told until it has been calm for 5 minutes.".to_owned();
    notice.next = "Look for what comes and goes: a restarting task, one bad task of many, a limit."
        .to_owned();
    notice.kind = Kind::CheckFlapping;
    notice.effect = Effect::Opens;
    notice.severity = notice.severity.max(Severity::Warning);
    notice
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flows(kinds: impl IntoIterator<Item = (u64, Kind)>) -> Vec<Flow> {
        let mut damper = Damper::default();
        let flows = kinds.into_iter().map(|(seconds, kind)| {
            let notice = Notice::new(kind, Severity::Critical, "api/orders", "orders");
            damper.take(&notice, Moment::at(Duration::from_secs(seconds)))
        });
        flows.collect()
    }

    #[test]
    fn a_check_that_changes_seven_times_in_a_quarter_of_an_hour_flaps() {
        use Kind::{CheckFailing as Fails, CheckRecovered as Recovers};
        let kinds = [Fails, Recovers].into_iter().cycle().take(9);
        let mut expected = [Flow::Free; 9];
        expected[6] = Flow::Flapping;
        expected[7..].fill(Flow::Calmed);
        assert_eq!(flows((0..).step_by(60).zip(kinds)), expected);
    }

    #[test]
    fn an_end_never_begins_to_flap() {
        use Kind::{CheckFailing as Fails, CheckRecovered as Recovers};
        let kinds = [Recovers, Fails].into_iter().cycle().take(8);
        let mut expected = [Flow::Free; 8];
        expected[7] = Flow::Flapping;
        assert_eq!(flows((0..).step_by(60).zip(kinds)), expected);
    }

    #[test]
    fn slow_changes_and_repetitions_do_not_flap() {
        use Kind::{CheckFailing as Fails, CheckRecovered as Recovers};
        let kinds = [Fails, Recovers].into_iter().cycle().take(20);
        let slow = flows((0..).step_by(300).zip(kinds));
        assert!(slow.iter().all(|flow| *flow == Flow::Free), "{slow:?}");
        let same = flows((0..20).map(|at| (at, Fails)));
        assert!(same.iter().all(|flow| *flow == Flow::Free), "{same:?}");
    }

    #[test]
    fn after_a_calm_it_is_told_again_as_it_comes() {
        use Kind::{CheckFailing as Fails, CheckRecovered as Recovers};
        let kinds = [Fails, Recovers].into_iter().cycle().take(7);
        let flapping = (0..).step_by(10).zip(kinds);
        let flows = flows(flapping.chain([(60 + 301, Recovers)]));
        assert_eq!(flows[6..], [Flow::Flapping, Flow::Free]);
    }
}
