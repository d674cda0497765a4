//! Notices of what belongs to no window: how a check does between deployments, what happened to the
//! daemon itself, and the one that tries a route. Values only; called by the daemon and by `notify test`.

use std::sync::Arc;

use super::notice::{Effect, Kind, Notice, Severity};
use crate::clock::WallTime;
use crate::event::Verdict;
use crate::sample::CheckId;

/// The name of a trouble: what has the same is one incident. Holds no secret and no number that changes.
#[must_use]
pub fn subject(service: Option<&str>, parts: &[&str]) -> String {
    let head = ["smokejumper", service.unwrap_or("-")];
    let all: Vec<&str> = head.iter().chain(parts).copied().collect();
    all.join("/")
}

/// A check of a service as it does now, outside any window.
#[derive(Clone, Copy, Debug)]
pub struct Judged<'a> {
    /// When.
    pub at: WallTime,
    /// The service.
    pub service: &'a Arc<str>,
    /// The check.
    pub check: &'a CheckId,
    /// The verdict on it now.
    pub to: Verdict,
    /// Why, in one line.
    pub because: &'a str,
    /// The revision that runs, where it is known.
    pub revision: Option<&'a str>,
    /// Where more can be seen.
    pub link: Option<&'a str>,
}

/// A check fails, is warned of, or does so no longer. That nothing can be told of it is no news.
#[must_use]
pub fn judged(judged: &Judged<'_>) -> Option<Notice> {
    let Judged {
        service,
        check,
        because,
        ..
    } = judged;
    let on = judged.revision.map(|revision| format!(" on {revision}"));
    let on = on.unwrap_or_default();
    let (kind, severity, effect, line) = match judged.to {
        Verdict::Fail => (
            Kind::CheckFailing,
            Severity::Critical,
            Effect::Opens,
            format!("{service}: {check} fails{on}: {because}"),
        ),
        Verdict::Warn => (
            Kind::CheckFailing,
            Severity::Warning,
            Effect::Opens,
            format!("{service}: {check} is near its limit{on}: {because}"),
        ),
        Verdict::Pass => (
            Kind::CheckRecovered,
            Severity::Info,
            Effect::Resolves,
            format!("{service}: {check} has recovered{on}"),
        ),
        Verdict::Inconclusive => return None,
    };
    let subject = subject(Some(service), &["check", check.as_str()]);
    let mut notice = Notice::new(kind, severity, &subject, &line);
    notice.at = judged.at;
    notice.effect = effect;
    notice.service = Some(Arc::clone(service));
    notice.check = Some((*check).clone());
    notice.revision = judged.revision.map(str::to_owned);
    notice.link = judged.link.map(str::to_owned);
    if effect == Effect::Opens {
        notice.done = "No deployment is being watched, so nothing is rolled back.".to_owned();
        notice.next = format!("Look at {service} and at what it depends on.");
    }
    Some(notice)
}

/// All rollbacks on this machine were stopped, or are allowed again (`by` as far as it is known).
#[must_use]
pub fn freeze(at: WallTime, is_on: bool, by: Option<&str>, reason: &str) -> Notice {
    let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
    let mut notice = match is_on {
        true => {
            let line = format!("all rollbacks are stopped{by}: {reason}");
            let mut notice = of_daemon(Kind::Frozen, Severity::Warning, "freeze", &line);
            notice.effect = Effect::Opens;
            notice.done = "Deployments are judged; a bad one stays until a person acts.".to_owned();
            notice.next = "End the freeze when its reason is gone.".to_owned();
            notice
        }
        false => {
            let line = format!("rollbacks are allowed again{by}");
            let mut notice = of_daemon(Kind::Thawed, Severity::Info, "freeze", &line);
            notice.effect = Effect::Resolves;
            notice
        }
    };
    notice.at = at;
    notice
}

/// The rollbacks of one service on this machine were stopped, or are allowed again.
#[must_use]
pub fn freeze_of(
    at: WallTime,
    service: &Arc<str>,
    is_on: bool,
    by: Option<&str>,
    reason: &str,
) -> Notice {
    let all = freeze(at, is_on, by, reason);
    let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
    let line = match is_on {
        true => format!("{service}: its rollbacks are stopped{by}: {reason}"),
        false => format!("{service}: its rollbacks are allowed again{by}"),
    };
    let subject = subject(Some(service), &["freeze"]);
    let mut notice = Notice::new(all.kind, all.severity, &subject, &line);
    notice.service = Some(Arc::clone(service));
    Notice {
        at,
        effect: all.effect,
        done: all.done,
        next: all.next,
        ..notice
    }
}

/// A newer configuration is wrong; `None` when it is right again.
#[must_use]
pub fn configuration(at: WallTime, refused: Option<&str>) -> Notice {
    let mut notice = match refused {
        Some(why) => {
            let line = format!("the changed configuration is wrong and not in force: {why}");
            let kind = Kind::ConfigurationRefused;
            let mut notice = of_daemon(kind, Severity::Warning, "configuration", &line);
            notice.effect = Effect::Opens;
            notice.done = "The one before stays in force.".to_owned();
            notice.next = "See all of its problems with: smokejumper plan".to_owned();
            notice
        }
        None => {
            let line = "the configuration is right again and in force";
            let kind = Kind::ConfigurationMended;
            let mut notice = of_daemon(kind, Severity::Info, "configuration", line);
            notice.effect = Effect::Resolves;
            notice
        }
    };
    notice.at = at;
    notice
}

/// Nobody can say what is deployed of a service; `None` when it can be said again.
#[must_use]
pub fn deployments(at: WallTime, service: &Arc<str>, unseen: Option<&str>) -> Notice {
    let subject = subject(Some(service), &["deployments"]);
    let mut notice = match unseen {
        Some(why) => {
            let line = format!("{service}: its deployments cannot be seen: {why}");
            let kind = Kind::DeploymentsUnseen;
            let mut notice = Notice::new(kind, Severity::Warning, &subject, &line);
            notice.effect = Effect::Opens;
            notice.done = "Its checks go on. A new deployment is not judged meanwhile.".to_owned();
            notice.next =
                "See what is missing with: smokejumper doctor. Watch deployments yourself."
                    .to_owned();
            notice
        }
        None => {
            let line = format!("{service}: its deployments can be seen again");
            let kind = Kind::DeploymentsSeen;
            let mut notice = Notice::new(kind, Severity::Info, &subject, &line);
            notice.effect = Effect::Resolves;
            notice
        }
    };
    notice.at = at;
    notice.service = Some(Arc::clone(service));
    notice
}

/// The history cannot be written; `None` when it can again. `place` is where it is, without a secret.
#[must_use]
pub fn store(at: WallTime, place: &str, trouble: Option<&str>) -> Notice {
    let mut notice = match trouble {
        Some(why) => {
            let line = format!("the history in {place} cannot be written: {why}");
            let kind = Kind::StoreInTrouble;
            let mut notice = of_daemon(kind, Severity::Warning, "store", &line);
            notice.effect = Effect::Opens;
            notice.done = "Checks and verdicts go on; what is new is kept in memory.".to_owned();
            notice.next = "Make room or bring the database back before memory runs out.".to_owned();
            notice
        }
        None => {
            let line = format!("the history in {place} is written again");
            let mut notice = of_daemon(Kind::StoreRecovered, Severity::Info, "store", &line);
            notice.effect = Effect::Resolves;
            notice
        }
    };
    notice.at = at;
    notice
}

/// What was told under a subject is over for a reason of its own: what it was about is gone or replaced.
#[must_use]
pub fn over(at: WallTime, kind: Kind, service: &str, subject: &str, line: &str) -> Notice {
    let mut notice = Notice::new(kind, Severity::Info, subject, &format!("{service}: {line}"));
    notice.at = at;
    notice.effect = Effect::Resolves;
    notice.service = Some(Arc::from(service));
    notice
}

/// A person has taken in hand what `of` tells of; `what` they did, in a few words.
#[must_use]
pub fn taken_in_hand(at: WallTime, of: &Notice, by: &str, what: &str) -> Notice {
    let service = of.service.as_deref();
    let service = service
        .map(|service| format!("{service}: "))
        .unwrap_or_default();
    Notice {
        at,
        kind: Kind::TakenInHand,
        severity: Severity::Info,
        effect: Effect::Acknowledges,
        headline: format!("{service}{by} {what}"),
        done: String::new(),
        next: String::new(),
        details: Vec::new(),
        members: Vec::new(),
        ..of.clone()
    }
}

/// A notice that is marked as a test: what one of this kind looks like, of the worst severity that it has.
/// One that opens an incident is to be followed by [`test_over`].
#[must_use]
pub fn test(at: WallTime, kind: Kind, service: Option<&Arc<str>>) -> Notice {
    let name = service.map_or("example", |service| &**service);
    // Of its own each time, so that no earlier test, and no real trouble, is taken for the same.
    let moment = at.unix().as_millis().to_string();
    let subject = subject(Some(name), &["test", &moment]);
    let line = format!(
        "{name}: this is how a notice of the kind {} looks",
        kind.name()
    );
    let mut notice = Notice::new(kind, kind.worst(), &subject, &line);
    notice.at = at;
    notice.service = service.cloned();
    notice.revision = Some(format!("{name}:42"));
    notice.previous = Some(format!("{name}:41"));
    notice.effect = Effect::Opens;
    notice.details = vec!["orders: error rate 12.1 % over 58 samples, limit 5 %".to_owned()];
    notice.done = "Nothing happened: somebody ran smokejumper notify test.".to_owned();
    notice.next = "Nothing.".to_owned();
    notice.is_test = true;
    notice
}

/// The end of such a test.
#[must_use]
pub fn test_over(test: &Notice) -> Notice {
    let mut notice = test.clone();
    notice.effect = Effect::Resolves;
    notice.severity = Severity::Info;
    notice.headline = format!("the test is over: {}", test.headline);
    notice
}

fn of_daemon(kind: Kind, severity: Severity, about: &str, line: &str) -> Notice {
    Notice::new(kind, severity, &subject(None, &[about]), line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freeze_of_one_service_is_an_incident_of_its_own() {
        let service = Arc::from("api");
        let of = |is_on| freeze_of(WallTime::default(), &service, is_on, Some("ops"), "audit");
        let (on, off) = (of(true), of(false));
        assert_eq!(on.subject, off.subject);
        assert_ne!(
            on.subject,
            freeze(WallTime::default(), true, None, "").subject
        );
        assert_eq!((on.effect, off.effect), (Effect::Opens, Effect::Resolves));
        assert_eq!(on.headline, "api: its rollbacks are stopped by ops: audit");
    }

    #[test]
    fn the_end_of_a_trouble_has_its_subject() {
        let at = WallTime::default();
        let (service, check) = (Arc::from("api"), CheckId::new("orders"));
        let as_now = |to| {
            judged(&Judged {
                at,
                service: &service,
                check: &check,
                to,
                because: "p95 2.4s over 60 samples, limit 2s",
                revision: Some("api:42"),
                link: None,
            })
        };
        let failing = as_now(Verdict::Fail).expect("told");
        let pairs = [
            (failing.clone(), as_now(Verdict::Pass).expect("told")),
            (
                as_now(Verdict::Warn).expect("told"),
                as_now(Verdict::Pass).expect("told"),
            ),
            (
                freeze(at, true, Some("ops"), "audit"),
                freeze(at, false, None, ""),
            ),
            (configuration(at, Some("2 errors")), configuration(at, None)),
            (store(at, "a file", Some("full")), store(at, "a file", None)),
            (
                deployments(at, &service, Some("access denied")),
                deployments(at, &service, None),
            ),
        ];
        for (opens, ends) in pairs {
            assert_eq!(
                (opens.effect, ends.effect),
                (Effect::Opens, Effect::Resolves)
            );
            assert_eq!(opens.subject, ends.subject);
            assert!(ends.kind.is_for_the_told(), "{:?}", ends.kind);
            assert!(opens.severity <= opens.kind.worst(), "{:?}", opens.kind);
        }
        assert_eq!(as_now(Verdict::Inconclusive), None);
        let taken = taken_in_hand(at, &failing, "ann", "holds it");
        assert_eq!(
            (taken.subject, taken.headline.as_str()),
            (failing.subject, "api: ann holds it")
        );
    }
}
