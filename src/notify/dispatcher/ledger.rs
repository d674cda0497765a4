//! What one notifier was told and is not over yet: so that a recovery goes to those who were told of the
//! trouble and to nobody else, nothing is told twice, and what lasts is told again where that is wanted.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::hush::Hush;
use crate::clock::Moment;
use crate::notify::notice::Topic;
use crate::notify::{Effect, Kind, Notice, Severity};
use crate::sample::CheckId;

/// The open troubles that somebody was told of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    /// By subject.
    open: BTreeMap<String, Open>,
    /// What is told again, by the subject under which it was told.
    again: BTreeMap<String, Again>,
}

/// A trouble.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Open {
    /// The subject under which it was told: its own, or that of a storm.
    under: String,
    /// What was told of it last; nothing that can be relied on where its end did not arrive.
    last: Option<Said>,
}

/// What makes two notices the same news.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    kind: Kind,
    severity: Severity,
    check: Option<CheckId>,
}

/// What was told last under a subject. How often it is told again is what the routes say at the time.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Again {
    notice: Notice,
    /// What it tells of: of a storm, each trouble.
    #[serde(default)]
    of: Vec<Part>,
    /// When it was told last; after a restart, when that was.
    #[serde(skip)]
    told: Moment,
    /// Nobody is reminded before this, whatever the routes say.
    #[serde(skip)]
    not_before: Moment,
    /// A reminder was due and it was silent.
    #[serde(skip)]
    is_paused: bool,
}

/// One trouble of those that are told together.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Part {
    subject: String,
    topic: Topic,
}

impl Part {
    fn of(notice: &Notice) -> Self {
        Self {
            subject: notice.subject.clone(),
            topic: notice.topic(),
        }
    }
}

/// As many troubles are remembered; beyond, one is forgotten, whose recovery will then not be told.
const MOST_OPEN: usize = 10_000;

/// While it is silent, it is looked again so often whether it still is.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(60);
/// So long after a silence nobody is reminded: what was mended in it has time to prove well.
const PROVES_WELL: Duration = Duration::from_secs(5 * 60);

/// What a recovery does to what was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Recovery {
    /// Nobody was told of the trouble.
    Untold,
    /// It ends what was told under this subject, which was a storm of so many or a single trouble.
    Ends {
        /// The subject under which it was told.
        under: String,
    },
    /// Others of the same storm are not over.
    Partial,
}

impl Ledger {
    /// The same ledger at another start of the program.
    pub(super) fn woken(mut self, now: Moment) -> Self {
        for again in self.again.values_mut() {
            (again.told, again.not_before) = (now, now);
        }
        self
    }

    pub(super) fn is_open(&self, subject: &str) -> bool {
        self.open.contains_key(subject)
    }

    /// Whether just this was told, and is not over.
    pub(super) fn knows(&self, notice: &Notice) -> bool {
        let open = self.open.get(&notice.subject);
        let last = open.and_then(|open| open.last.as_ref());
        notice.effect == Effect::Opens && last == Some(&said(notice))
    }

    /// Under which subject a trouble was told that is not over.
    pub(super) fn under(&self, subject: &str) -> Option<&str> {
        self.open.get(subject).map(|open| &*open.under)
    }

    /// The subjects of all that is not over.
    pub(super) fn subjects(&self) -> impl Iterator<Item = &str> {
        self.open.keys().map(String::as_str)
    }

    /// The end of what was told under a subject never arrived: it stays open, and if it comes again, that
    /// is news. Nobody is reminded of what is over.
    pub(super) fn doubt(&mut self, subject: &str) {
        let Self { open, again } = self;
        for (own, open) in open.iter_mut() {
            if own == subject || open.under == subject {
                open.last = None;
            }
        }
        let mut sure = open.values().filter(|open| open.last.is_some());
        let under = open.get(subject).map_or(subject, |open| &*open.under);
        if !sure.any(|open| open.under == under) {
            again.remove(under);
        }
    }

    /// The same ledger of which nobody knows what became of it since.
    pub(super) fn doubted(mut self) -> Self {
        self.open.values_mut().for_each(|open| open.last = None);
        // Nobody is reminded of what may be over; who is told of it anew is.
        self.again.clear();
        self
    }

    /// What the recovery of a subject ends. Of a storm, the last recovery ends it.
    pub(super) fn recovers(&mut self, subject: &str) -> Recovery {
        let Some(open) = self.open.get(subject) else {
            return Recovery::Untold;
        };
        let under = open.under.clone();
        let same = self.open.values().filter(|open| open.under == under);
        if same.count() > 1 {
            self.open.remove(subject);
            return Recovery::Partial;
        }
        Recovery::Ends { under }
    }

    /// Writes down that a notice has arrived; says whether that changed anything. `of` is what it was
    /// made of: itself, or those that it tells of together, or nothing for a reminder.
    pub(super) fn told(&mut self, notice: &Notice, of: &[Notice], now: Moment) -> bool {
        match notice.effect {
            Effect::Tells => false,
            // A reminder: it is known already.
            Effect::Opens if of.is_empty() => false,
            Effect::Opens => {
                of.iter().for_each(|one| self.opens(one, &notice.subject));
                self.told_last(notice, of, now);
                true
            }
            Effect::Acknowledges => {
                // Somebody is at it: reminding them would be nagging.
                self.again.remove(&notice.subject).is_some()
            }
            Effect::Resolves => {
                let before = self.open.len();
                self.open.retain(|_, open| open.under != notice.subject);
                self.again.remove(&notice.subject).is_some() || self.open.len() < before
            }
        }
    }

    fn opens(&mut self, notice: &Notice, under: &str) {
        if self.open.len() >= MOST_OPEN
            && let Some((_, forgotten)) = self.open.pop_first()
            && !self.open.values().any(|open| open.under == forgotten.under)
        {
            self.again.remove(&forgotten.under);
        }
        let open = Open {
            under: under.to_owned(),
            last: Some(said(notice)),
        };
        self.open.insert(notice.subject.clone(), open);
    }

    fn told_last(&mut self, notice: &Notice, of: &[Notice], now: Moment) {
        let before = self.again.remove(&notice.subject);
        let others = before.map(|before| before.of).unwrap_or_default();
        // What is told of one of a storm leaves the others as they are.
        let others = others
            .into_iter()
            .filter(|one| of.iter().all(|new| new.subject != one.subject));
        let again = Again {
            notice: notice.clone(),
            of: of.iter().map(Part::of).chain(others).collect(),
            told: now,
            not_before: now,
            is_paused: false,
        };
        self.again.insert(notice.subject.clone(), again);
    }

    /// What is to be told again now, or when something will be; `every` is how often a notice is.
    pub(super) fn due(
        &mut self,
        now: Moment,
        every: impl Fn(&Notice) -> Option<Duration>,
        hush: &dyn Hush,
    ) -> Result<Notice, Option<Moment>> {
        let Self { open, again } = self;
        let mut first: Option<(Moment, &mut Again)> = None;
        for (under, again) in again {
            let Some(every) = every(&again.notice) else {
                continue;
            };
            if again.told + every <= now && again.not_before <= now {
                again.pauses(again.is_silent(under, open, hush), now);
            }
            let at = (again.told + every).max(again.not_before);
            if first.as_ref().is_none_or(|(first, _)| at < *first) {
                first = Some((at, again));
            }
        }
        match first {
            None => Err(None),
            Some((at, _)) if at > now => Err(Some(at)),
            Some((_, again)) => {
                again.told = now;
                let mut notice = again.notice.clone();
                notice.headline = format!("still not over: {}", notice.headline);
                Ok(notice)
            }
        }
    }
}

impl Again {
    /// Whether nobody is to be reminded of any of it that is not over.
    fn is_silent(&self, under: &str, open: &BTreeMap<String, Open>, hush: &dyn Hush) -> bool {
        let is_open = |part: &&Part| {
            let open = open.get(&part.subject);
            open.is_some_and(|open| open.under == under)
        };
        let mut left = self.of.iter().filter(is_open).peekable();
        match left.peek() {
            Some(_) => left.all(|part| hush.is_silent(&part.topic)),
            None => hush.is_silent(&self.notice.topic()),
        }
    }

    /// Puts a reminder that is due off while it is silent, and for a while after that.
    fn pauses(&mut self, is_silent: bool, now: Moment) {
        if is_silent {
            self.not_before = now + LOOKED_AT_EVERY;
        } else if self.is_paused {
            self.not_before = now + PROVES_WELL;
        }
        self.is_paused = is_silent;
    }
}

fn said(notice: &Notice) -> Said {
    Said {
        kind: notice.kind,
        severity: notice.severity,
        check: notice.check.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(subject: &str) -> Notice {
        let mut notice = Notice::new(Kind::CheckFailing, Severity::Critical, subject, subject);
        notice.effect = Effect::Opens;
        notice
    }

    #[test]
    fn the_same_news_is_known_and_worse_news_is_not() {
        let mut ledger = Ledger::default();
        let mut warning = opening("a");
        warning.severity = Severity::Warning;
        ledger.told(&warning, std::slice::from_ref(&warning), Moment::ORIGIN);
        assert!(ledger.knows(&warning));
        assert!(!ledger.knows(&opening("a")), "it has become critical");
        assert!(!ledger.knows(&opening("b")));
    }

    #[test]
    fn the_last_of_a_storm_ends_it() {
        let mut ledger = Ledger::default();
        let all = [opening("a"), opening("b"), opening("c")];
        ledger.told(&opening("storm"), &all, Moment::ORIGIN);
        assert_eq!(ledger.recovers("z"), Recovery::Untold);
        assert_eq!(ledger.recovers("a"), Recovery::Partial);
        assert_eq!(ledger.recovers("a"), Recovery::Untold, "once");
        assert_eq!(ledger.recovers("c"), Recovery::Partial);
        let under = "storm".to_owned();
        assert_eq!(ledger.recovers("b"), Recovery::Ends { under });
    }

    const HOUR: Duration = Duration::from_secs(3_600);

    fn at(hours: u32) -> Moment {
        Moment::ORIGIN + HOUR * hours
    }

    fn hourly(_: &Notice) -> Option<Duration> {
        Some(HOUR)
    }

    /// A ledger of one that was told of a trouble, and of nothing else.
    fn told_of(trouble: &Notice) -> Ledger {
        let mut ledger = Ledger::default();
        ledger.told(trouble, std::slice::from_ref(trouble), Moment::ORIGIN);
        ledger
    }

    /// What is not to be told again, by the names of checks.
    #[derive(Debug)]
    struct Silent(Vec<&'static str>);

    impl Hush for Silent {
        fn is_silent(&self, topic: &Topic) -> bool {
            let check = topic.check.as_ref();
            check.is_some_and(|check| self.0.contains(&check.as_str()))
        }
    }

    #[test]
    fn what_lasts_is_told_again_until_it_is_over_or_taken_in_hand() {
        for ends in [Effect::Resolves, Effect::Acknowledges] {
            let mut ledger = told_of(&opening("a"));
            assert_eq!(ledger.due(Moment::ORIGIN, hourly, &()), Err(Some(at(1))));
            let again = ledger.due(at(1), hourly, &()).expect("due");
            assert_eq!(again.headline, "still not over: a");
            assert!(!ledger.told(&again, &[], at(1)), "it was known");
            assert_eq!(ledger.due(at(1), hourly, &()), Err(Some(at(2))));
            let mut end = opening("a");
            end.effect = ends;
            assert!(ledger.told(&end, std::slice::from_ref(&end), at(1)));
            assert_eq!(ledger.due(at(9), hourly, &()), Err(None));
        }
    }

    #[test]
    fn how_often_it_is_told_again_is_what_the_routes_say_now() {
        let mut ledger = told_of(&opening("a"));
        assert_eq!(ledger.due(at(9), |_| None, &()), Err(None));
        let every = |hours| move |_: &Notice| Some(HOUR * hours);
        assert_eq!(ledger.due(at(1), every(2), &()), Err(Some(at(2))));
        assert_eq!(ledger.due(at(1), every(12), &()), Err(Some(at(12))));
        assert!(ledger.due(at(1), every(1), &()).is_ok());
    }

    #[test]
    fn nobody_is_reminded_in_silence_nor_until_what_was_mended_in_it_proves_well() {
        let mut trouble = opening("a");
        trouble.check = Some(CheckId::new("orders"));
        let mut ledger = told_of(&trouble);
        let silent = Silent(vec!["orders"]);
        let looks = at(1) + LOOKED_AT_EVERY;
        assert_eq!(ledger.due(at(1), hourly, &silent), Err(Some(looks)));
        let looks = at(3) + LOOKED_AT_EVERY;
        assert_eq!(ledger.due(at(3), hourly, &silent), Err(Some(looks)));
        let proven = looks + PROVES_WELL;
        assert_eq!(ledger.due(looks, hourly, &()), Err(Some(proven)));
        assert!(ledger.due(proven, hourly, &()).is_ok());
        let next = proven + HOUR;
        assert_eq!(ledger.due(proven, hourly, &silent), Err(Some(next)));
        assert!(ledger.due(next, hourly, &()).is_ok(), "it was never silent");
    }

    #[test]
    fn one_is_reminded_of_a_storm_while_any_of_it_is_neither_over_nor_silent() {
        let of = |check: &str| {
            let mut notice = opening(check);
            notice.check = Some(CheckId::new(check));
            notice
        };
        let mut ledger = Ledger::default();
        ledger.told(&opening("storm"), &["a", "b", "c"].map(of), at(0));
        let silent = Silent(vec!["a", "b"]);
        assert!(
            ledger.due(at(1), hourly, &silent).is_ok(),
            "c is not silent"
        );
        // That one of them got worse is told with the storm.
        let mut worse = of("b");
        worse.subject = "storm".to_owned();
        ledger.told(&worse, &[of("b")], at(1));
        assert!(
            ledger.due(at(2), hourly, &silent).is_ok(),
            "c is there still"
        );
        assert_eq!(ledger.recovers("c"), Recovery::Partial);
        let looks = at(3) + LOOKED_AT_EVERY;
        assert_eq!(ledger.due(at(3), hourly, &silent), Err(Some(looks)));
    }

    #[test]
    fn nobody_is_reminded_of_what_is_over_although_its_end_never_arrived() {
        let mut ledger = told_of(&opening("a"));
        ledger.doubt("a");
        assert!(ledger.is_open("a"));
        assert_eq!(ledger.due(at(9), hourly, &()), Err(None));
        let mut ledger = Ledger::default();
        ledger.told(&opening("storm"), &["a", "b"].map(opening), at(0));
        ledger.doubt("a");
        assert!(ledger.due(at(1), hourly, &()).is_ok(), "b is not over");
        ledger.doubt("storm");
        assert_eq!(ledger.due(at(9), hourly, &()), Err(None));
    }

    #[test]
    fn it_survives_being_written_down() {
        let trouble = opening("a");
        let text = serde_json::to_string(&told_of(&trouble)).expect("written");
        let read: Ledger = serde_json::from_str(&text).expect("read");
        let mut read = read.woken(at(1));
        assert!(read.is_open("a") && read.knows(&trouble));
        assert_eq!(read.due(at(1), hourly, &()), Err(Some(at(2))));
    }
}
