//! The silences that are in force, for whoever tells people and whoever probes: those that are declared,
//! at their times, and those that people ordered, until they end or are lifted.
//!
//! What is in force is worked out when time or a person changes it, and only looked up otherwise. Wall
//! time alone counts, as people mean it: a clock that is set begins or ends a silence at the next look.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::handle::Silence;
use super::live::SilenceNow;
use crate::clock::WallTime;
use crate::plan::silences::About;
use crate::plan::{CheckPlan, SilencePlan};
use crate::sample::CheckId;
use crate::verdict::CheckFacts;

/// Silences that come within this time are shown.
const SHOWN_AHEAD: Duration = Duration::from_secs(24 * 3_600);

/// A silence that is over is known so much longer: a clock that was set forwards by mistake, and back, ends
/// none for good.
const KEPT: Duration = Duration::from_secs(24 * 3_600);

/// The silences. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Silencing {
    state: Arc<RwLock<State>>,
    /// That other checks are to run than before. Nobody can miss it, however busy.
    changes: Arc<watch::Sender<()>>,
}

impl Default for Silencing {
    fn default() -> Self {
        Self {
            state: Arc::default(),
            changes: Arc::new(watch::Sender::new(())),
        }
    }
}

#[derive(Debug, Default)]
struct State {
    declared: Vec<SilencePlan>,
    ordered: Vec<Ordered>,
    /// The tags of the checks that have any.
    tags: HashMap<CheckId, Vec<Arc<str>>>,
    in_force: Vec<(SilenceNow, About)>,
}

/// A silence that a person ordered, as it is kept over a restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ordered {
    pub(super) id: String,
    pub(super) by: String,
    pub(super) from: WallTime,
    pub(super) to: WallTime,
    service: Option<String>,
    tag: Option<String>,
    check: Option<String>,
    reason: String,
    stops_checks: bool,
}

/// What is different since it was looked at last.
#[derive(Debug, Default)]
pub(super) struct Review {
    pub(super) began: Vec<SilenceNow>,
    pub(super) ended: Vec<SilenceNow>,
}

impl Review {
    /// Whether other checks are to run than before.
    fn changes_checks(&self) -> bool {
        self.began
            .iter()
            .chain(&self.ended)
            .any(|one| one.stops_checks)
    }
}

impl Ordered {
    pub(super) fn new(id: String, by: &str, silence: Silence, now: WallTime) -> Self {
        Self {
            id,
            by: by.to_owned(),
            from: now,
            to: silence.until,
            service: silence.service,
            tag: silence.tag,
            check: silence.check,
            reason: silence.reason,
            stops_checks: silence.stops_checks,
        }
    }

    fn about(&self) -> About {
        let list = |one: &Option<String>| one.iter().map(|name| Arc::from(&**name)).collect();
        About {
            services: list(&self.service),
            tags: list(&self.tag),
            checks: list(&self.check),
        }
    }

    pub(super) fn now(&self) -> SilenceNow {
        SilenceNow {
            id: self.id.clone(),
            reason: self.reason.clone(),
            by: Some(self.by.clone()),
            from: self.from,
            to: self.to,
            stops_checks: self.stops_checks,
            about: self.about().words(),
        }
    }
}

impl Silencing {
    /// Takes over what is declared by now.
    pub(super) fn declare(&self, declared: Vec<SilencePlan>, checks: &[CheckPlan]) {
        let tagged = checks.iter().filter(|check| !check.facts.tags.is_empty());
        let tagged = tagged.map(|check| (check.facts.id.clone(), check.facts.tags.clone()));
        let mut state = self.write();
        state.tags = tagged.collect();
        state.declared = declared;
    }

    /// Takes over what was ordered: by a person now, or before a restart.
    pub(super) fn add(&self, ordered: impl IntoIterator<Item = Ordered>) {
        self.write().ordered.extend(ordered);
    }

    /// Ends a silence that was ordered; nothing where there is none of this name.
    pub(super) fn lift(&self, id: &str) -> Option<Ordered> {
        let mut state = self.write();
        let place = state.ordered.iter().position(|one| one.id == id)?;
        Some(state.ordered.remove(place))
    }

    /// Whether a silence of this name is declared.
    pub(super) fn is_declared(&self, id: &str) -> bool {
        self.read().declared.iter().any(|one| *one.name == *id)
    }

    /// Whether a check has this tag.
    pub(super) fn has_tag(&self, tag: &str) -> bool {
        let state = self.read();
        let mut tags = state.tags.values().flatten();
        tags.any(|one| **one == *tag)
    }

    /// What was ordered and is not over, or not for long.
    pub(super) fn ordered(&self) -> Vec<Ordered> {
        self.read().ordered.clone()
    }

    /// Says whenever other checks are to run than before.
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Works out what is in force now.
    pub(super) fn review(&self, now: WallTime) -> Review {
        let mut state = self.write();
        state
            .ordered
            .retain(|one| one.to.unix().saturating_add(KEPT) > now.unix());
        let declared = state.declared.iter().filter_map(|one| in_force(one, now));
        let ordered = state.ordered.iter().filter(|one| one.to > now);
        let ordered = ordered.map(|one| (one.now(), one.about()));
        let in_force: Vec<(SilenceNow, About)> = declared.chain(ordered).collect();
        let before = std::mem::replace(&mut state.in_force, in_force);
        // Of the same name, it may be about something else since the configuration was read again.
        let is_in = |all: &[(SilenceNow, About)], (silence, about): &(SilenceNow, About)| {
            let same = |(one, of): &(SilenceNow, About)| {
                one.id == silence.id && one.stops_checks == silence.stops_checks && of == about
            };
            all.iter().any(same)
        };
        let new = state.in_force.iter().filter(|one| !is_in(&before, one));
        let old = before.iter().filter(|one| !is_in(&state.in_force, one));
        let review = Review {
            began: new.map(|(one, _)| one.clone()).collect(),
            ended: old.map(|(one, _)| one.clone()).collect(),
        };
        drop(state);
        if review.changes_checks() {
            self.changes.send_replace(());
        }
        review
    }

    /// Why nobody is to be told of something about a service or a check; nothing where people are.
    pub(super) fn mutes(&self, service: Option<&str>, check: Option<&CheckId>) -> Option<String> {
        let state = self.read();
        if state.in_force.is_empty() {
            return None;
        }
        let check = check.map(|id| {
            let tags = state.tags.get(id).map_or(&[][..], Vec::as_slice);
            (id.as_str(), tags)
        });
        let mut in_force = state.in_force.iter();
        let found = in_force.find(|(_, about)| about.means(service, check));
        found.map(|(silence, _)| words(silence))
    }

    /// Why a check is not to run; nothing where it is.
    pub(super) fn stops(&self, check: &CheckFacts) -> Option<String> {
        let state = self.read();
        let mut in_force = state.in_force.iter().filter(|(one, _)| one.stops_checks);
        let of_it = Some((check.id.as_str(), check.tags.as_slice()));
        let found = in_force.find(|(_, about)| about.means(Some(&check.service), of_it));
        found.map(|(silence, _)| words(silence))
    }

    /// Why a check of a service is not to run; nothing where it is.
    pub(super) fn stops_named(&self, service: &str, check: &CheckId) -> Option<String> {
        let state = self.read();
        let tags = state.tags.get(check).map_or(&[][..], Vec::as_slice);
        let of_it = Some((check.as_str(), tags));
        let mut in_force = state.in_force.iter().filter(|(one, _)| one.stops_checks);
        let found = in_force.find(|(_, about)| about.means(Some(service), of_it));
        found.map(|(silence, _)| words(silence))
    }

    /// The silences that are in force, and those that come within a day.
    pub(super) fn now(&self, now: WallTime) -> Vec<SilenceNow> {
        let state = self.read();
        let mut all: Vec<SilenceNow> = state.in_force.iter().map(|(one, _)| one.clone()).collect();
        for plan in &state.declared {
            let coming = plan.begins.next_after(now);
            let coming = coming.filter(|from| from.since(now) <= SHOWN_AHEAD);
            all.extend(coming.map(|from| shown(plan, from)));
        }
        all
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A declared silence, when it is in force: its last beginning is not longer ago than it lasts.
fn in_force(plan: &SilencePlan, now: WallTime) -> Option<(SilenceNow, About)> {
    let earliest = WallTime::since_unix_epoch(now.unix().saturating_sub(plan.lasts));
    let from = plan.begins.next_after(earliest)?;
    (from <= now).then(|| (shown(plan, from), plan.about.clone()))
}

fn shown(plan: &SilencePlan, from: WallTime) -> SilenceNow {
    let because = plan.because.as_deref();
    SilenceNow {
        id: plan.name.to_string(),
        reason: because.unwrap_or("declared maintenance").to_owned(),
        by: None,
        from,
        to: WallTime::since_unix_epoch(from.unix().saturating_add(plan.lasts)),
        stops_checks: plan.stops_checks,
        about: plan.about.words(),
    }
}

fn words(silence: &SilenceNow) -> String {
    format!("silence {}: {}", silence.id, silence.reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::serve::tests::plan;
    use crate::plan::silences::Cron;

    fn at(text: &str) -> WallTime {
        let timestamp: jiff::Timestamp = text.parse().unwrap();
        let seconds = u64::try_from(timestamp.as_second()).unwrap();
        WallTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    fn nightly(stops_checks: bool, lasts: u64) -> SilencePlan {
        SilencePlan {
            name: "nightly".into(),
            begins: Cron::parse("30 2 * * *", Some("Europe/Berlin")).unwrap(),
            lasts: Duration::from_secs(lasts),
            about: About {
                services: vec!["web".into()],
                ..About::default()
            },
            stops_checks,
            because: Some("backup".into()),
        }
    }

    fn silencing(stops_checks: bool, lasts: u64) -> Silencing {
        let silencing = Silencing::default();
        let checks = [plan("home", Duration::from_secs(10))];
        silencing.declare(vec![nightly(stops_checks, lasts)], &checks);
        silencing
    }

    #[test]
    fn a_declared_silence_begins_and_ends_at_its_times_over_changes_of_clocks() {
        let silencing = silencing(true, 3_600);
        let home = plan("home", Duration::from_secs(10)).facts;
        let cases = [
            ("2026-11-22T01:29:59Z", false, "before"),
            (
                "2026-11-22T01:30:00Z",
                true,
                "it begins at half past two in Berlin",
            ),
            ("2026-11-22T02:29:59Z", true, "its last second"),
            ("2026-11-22T02:30:00Z", false, "an hour later it is over"),
            ("2026-03-29T01:29:59Z", false, "there is no half past two"),
            (
                "2026-03-29T01:30:00Z",
                true,
                "it begins when the clock has jumped",
            ),
            (
                "2026-03-29T02:30:00Z",
                false,
                "and lasts an hour all the same",
            ),
            (
                "2026-10-25T00:30:00Z",
                true,
                "the first half past two of both",
            ),
            ("2026-10-25T01:30:00Z", false, "the second begins nothing"),
        ];
        for (now, is_silent, why) in cases {
            silencing.review(at(now));
            assert_eq!(silencing.stops(&home).is_some(), is_silent, "{now}: {why}");
            let muted = silencing.mutes(Some("web"), Some(&home.id));
            assert_eq!(muted.is_some(), is_silent, "{now}: {why}");
            assert_eq!(silencing.mutes(Some("api"), None), None, "another service");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_begins_it_again_and_one_set_forward_ends_it() {
        let silencing = silencing(false, 3_600);
        assert_eq!(silencing.review(at("2026-11-22T01:40:00Z")).began.len(), 1);
        assert_eq!(silencing.review(at("2026-11-23T00:00:00Z")).ended.len(), 1);
        assert_eq!(silencing.review(at("2026-11-22T01:41:00Z")).began.len(), 1);
        let again = silencing.review(at("2026-11-22T01:42:00Z"));
        assert!(again.began.is_empty() && again.ended.is_empty());
        assert!(!again.changes_checks());
    }

    #[test]
    fn an_ordered_silence_lasts_until_its_end_or_until_it_is_lifted() {
        let silencing = Silencing::default();
        let checks = [plan("home", Duration::from_secs(10))];
        silencing.declare(Vec::new(), &checks);
        let now = at("2026-11-22T10:00:00Z");
        let ordered = |id: &str, minutes: u64| {
            let silence = Silence {
                service: None,
                tag: None,
                check: Some("home".to_owned()),
                until: WallTime::since_unix_epoch(now.unix() + Duration::from_secs(minutes * 60)),
                reason: "deploying by hand".to_owned(),
                stops_checks: false,
            };
            Ordered::new(id.to_owned(), "ops", silence, now)
        };
        silencing.add([ordered("short", 5), ordered("long", 60)]);
        assert_eq!(silencing.review(now).began.len(), 2);
        let home = CheckId::new("home");
        assert!(silencing.mutes(Some("web"), Some(&home)).is_some());
        assert_eq!(
            silencing.mutes(Some("web"), Some(&CheckId::new("orders"))),
            None
        );
        let later = silencing.review(at("2026-11-22T10:05:00Z"));
        assert_eq!(later.ended[0].id, "short");
        assert_eq!(
            silencing.lift("long").map(|one| one.by),
            Some("ops".to_owned())
        );
        assert_eq!(silencing.lift("long"), None);
        silencing.review(at("2026-11-22T10:06:00Z"));
        assert_eq!(silencing.mutes(Some("web"), Some(&home)), None);
    }

    #[test]
    fn what_is_coming_within_a_day_is_shown() {
        let silencing = silencing(false, 3_600);
        silencing.review(at("2026-11-22T10:00:00Z"));
        let shown = silencing.now(at("2026-11-22T10:00:00Z"));
        assert_eq!(shown.len(), 1);
        assert_eq!(shown[0].from, at("2026-11-23T01:30:00Z"));
        assert_eq!(shown[0].about, "service web");
    }
}
