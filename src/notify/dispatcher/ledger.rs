//! What one notifier was told and is not over yet: so that a recovery goes to those who were told of the
//! trouble and to nobody else, nothing is told twice, and what lasts is told again where that is wanted.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
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

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Again {
    notice: Notice,
    every: Duration,
    /// When it was told last; after a restart, when that was.
    #[serde(skip)]
    told: Moment,
}

/// As many troubles are remembered; beyond, one is forgotten, whose recovery will then not be told.
const MOST_OPEN: usize = 10_000;

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
        self.again.values_mut().for_each(|again| again.told = now);
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
    /// is news.
    pub(super) fn doubt(&mut self, subject: &str) {
        for (own, open) in &mut self.open {
            if own == subject || open.under == subject {
                open.last = None;
            }
        }
    }

    /// The same ledger of which nobody knows what became of it since.
    pub(super) fn doubted(mut self) -> Self {
        self.open.values_mut().for_each(|open| open.last = None);
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
    /// made of, where it tells of many.
    pub(super) fn told(
        &mut self,
        notice: &Notice,
        of: &[Notice],
        repeat: Option<Duration>,
        now: Moment,
    ) -> bool {
        match notice.effect {
            Effect::Tells => false,
            Effect::Opens => {
                of.iter().for_each(|one| self.opens(one, &notice.subject));
                self.repeats(notice, repeat, now);
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
        if self.open.len() >= MOST_OPEN {
            self.open.pop_first();
        }
        let open = Open {
            under: under.to_owned(),
            last: Some(said(notice)),
        };
        self.open.insert(notice.subject.clone(), open);
    }

    fn repeats(&mut self, notice: &Notice, repeat: Option<Duration>, now: Moment) {
        let Some(every) = repeat else { return };
        let again = Again {
            notice: notice.clone(),
            every,
            told: now,
        };
        self.again.insert(notice.subject.clone(), again);
    }

    /// What is to be told again now, or when something will be.
    pub(super) fn due(&mut self, now: Moment) -> Result<Notice, Option<Moment>> {
        let at = |again: &Again| again.told + again.every;
        let first = self.again.values_mut().min_by_key(|again| at(again));
        let Some(first) = first else { return Err(None) };
        if at(first) > now {
            return Err(Some(at(first)));
        }
        first.told = now;
        let mut notice = first.notice.clone();
        notice.headline = format!("still not over: {}", notice.headline);
        Ok(notice)
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
        ledger.told(
            &warning,
            std::slice::from_ref(&warning),
            None,
            Moment::ORIGIN,
        );
        assert!(ledger.knows(&warning));
        assert!(!ledger.knows(&opening("a")), "it has become critical");
        assert!(!ledger.knows(&opening("b")));
    }

    #[test]
    fn the_last_of_a_storm_ends_it() {
        let mut ledger = Ledger::default();
        let all = [opening("a"), opening("b"), opening("c")];
        ledger.told(&opening("storm"), &all, None, Moment::ORIGIN);
        assert_eq!(ledger.recovers("z"), Recovery::Untold);
        assert_eq!(ledger.recovers("a"), Recovery::Partial);
        assert_eq!(ledger.recovers("a"), Recovery::Untold, "once");
        assert_eq!(ledger.recovers("c"), Recovery::Partial);
        let under = "storm".to_owned();
        assert_eq!(ledger.recovers("b"), Recovery::Ends { under });
    }

    #[test]
    fn what_lasts_is_told_again_until_it_is_over_or_taken_in_hand() {
        for ends in [Effect::Resolves, Effect::Acknowledges] {
            let mut ledger = Ledger::default();
            let hour = Duration::from_secs(3_600);
            let trouble = opening("a");
            ledger.told(
                &trouble,
                std::slice::from_ref(&trouble),
                Some(hour),
                Moment::ORIGIN,
            );
            let at = |hours: u32| Moment::ORIGIN + hour * hours;
            assert_eq!(ledger.due(Moment::ORIGIN), Err(Some(at(1))));
            assert_eq!(
                ledger.due(at(1)).expect("due").headline,
                "still not over: a"
            );
            assert_eq!(ledger.due(at(1)), Err(Some(at(2))));
            let mut end = opening("a");
            end.effect = ends;
            assert!(ledger.told(&end, std::slice::from_ref(&end), None, at(1)));
            assert_eq!(ledger.due(at(9)), Err(None));
        }
    }

    #[test]
    fn it_survives_being_written_down() {
        let mut ledger = Ledger::default();
        let trouble = opening("a");
        let hour = Duration::from_secs(3_600);
        ledger.told(
            &trouble,
            std::slice::from_ref(&trouble),
            Some(hour),
            Moment::ORIGIN,
        );
        let text = serde_json::to_string(&ledger).expect("written");
        let read: Ledger = serde_json::from_str(&text).expect("read");
        let mut read = read.woken(Moment::at(hour));
        assert!(read.is_open("a") && read.knows(&trouble));
        assert_eq!(read.due(Moment::at(hour)), Err(Some(Moment::at(hour * 2))));
    }
}
