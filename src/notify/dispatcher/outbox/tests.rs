//! What is known of a trouble while its beginning or its end is on its way, or never arrived.

use super::*;
use crate::notify::{Kind, Unsent};
use crate::sample::CheckId;

fn notice(check: &str, severity: Severity, effect: Effect) -> Notice {
    let kind = match effect {
        Effect::Resolves => Kind::CheckRecovered,
        _ => Kind::CheckFailing,
    };
    let mut notice = Notice::new(
        kind,
        severity,
        &format!("smokejumper/api/check/{check}"),
        check,
    );
    notice.effect = effect;
    notice.service = Some(Arc::from("api"));
    notice.check = Some(CheckId::new(check));
    notice
}

fn fails(check: &str) -> Notice {
    notice(check, Severity::Critical, Effect::Opens)
}

fn recovers(check: &str) -> Notice {
    notice(check, Severity::Info, Effect::Resolves)
}

fn at(seconds: u64) -> Moment {
    Moment::at(Duration::from_secs(seconds))
}

/// An outbox, and a clock that goes on by ten seconds with each step.
struct Desk(Outbox, u64);

impl Desk {
    fn new() -> Self {
        let all = Route {
            severity: Severity::Info,
            ..Route::to_all(1)
        };
        let ways = Ways {
            routes: vec![all],
            hush: Arc::new(()),
        };
        Self(Outbox::new(Ledger::default(), ways, at(0)), 0)
    }

    fn offer(&mut self, notice: Notice) {
        self.0.offer(notice, Flow::Free, at(self.1));
    }

    fn offer_each(&mut self, checks: &[&str], what: fn(&str) -> Notice) {
        checks.iter().for_each(|check| self.offer(what(check)));
    }

    /// What is sent next, as soon as nothing gathers any more.
    fn take(&mut self) -> Option<Box<Parcel>> {
        self.1 += 10;
        match self.0.take(at(self.1), false) {
            Next::Send(parcel) => Some(parcel),
            Next::At(_) | Next::Nothing => None,
        }
    }

    fn settle(&mut self, parcel: Option<Box<Parcel>>, came: Result<(), Unsent>) -> Notice {
        let parcel = *parcel.expect("something is sent");
        let notice = parcel.notice.clone();
        self.0.settle(parcel, came, at(self.1));
        notice
    }

    fn send(&mut self) -> Notice {
        let parcel = self.take();
        self.settle(parcel, Ok(()))
    }
}

#[test]
fn what_comes_again_after_an_end_that_never_arrived_is_news() {
    let mut desk = Desk::new();
    desk.offer(fails("a"));
    desk.send();
    desk.offer(recovers("a"));
    let end = desk.take();
    desk.settle(end, Err(Unsent::Refused("invalid_token".to_owned())));
    desk.offer(fails("a"));
    assert_eq!(desk.send(), fails("a"));
    desk.offer(fails("a"));
    assert!(desk.take().is_none(), "and then it is known again");
    desk.offer(recovers("a"));
    assert_eq!(desk.send(), recovers("a"));
}

#[test]
fn what_comes_again_while_its_end_is_being_sent_is_told_after_it() {
    let mut desk = Desk::new();
    desk.offer(fails("a"));
    desk.send();
    desk.offer(recovers("a"));
    let end = desk.take();
    desk.offer(fails("a"));
    assert_eq!(desk.settle(end, Ok(())), recovers("a"));
    assert_eq!(desk.send(), fails("a"));
}

#[test]
fn who_recovers_while_its_storm_is_being_sent_is_not_forgotten() {
    let mut desk = Desk::new();
    desk.offer_each(&["a", "b", "c", "d"], fails);
    let storm = desk.take();
    desk.offer(recovers("a"));
    let told = desk.settle(storm, Ok(()));
    assert_eq!(told.members.len(), 4);
    desk.offer_each(&["b", "c", "d"], recovers);
    let end = desk.send();
    assert_eq!((end.effect, end.subject), (Effect::Resolves, told.subject));
    assert!(desk.take().is_none());
}

#[test]
fn what_is_open_already_keeps_its_incident_when_a_storm_comes() {
    let mut desk = Desk::new();
    desk.offer(notice("a", Severity::Warning, Effect::Opens));
    let first = desk.send();
    desk.offer_each(&["a", "b", "c", "d", "e"], fails);
    let worse = desk.send();
    assert_eq!(worse.subject, first.subject, "it has got worse");
    let storm = desk.send();
    assert_eq!(storm.members.len(), 4);
    // One of the storm gets worse by itself: the storm's end must end that too.
    desk.offer(notice("b", Severity::Warning, Effect::Opens));
    assert_eq!(desk.send().subject, storm.subject);
    desk.offer_each(&["a", "b", "c", "d", "e"], recovers);
    let ends = [desk.send().subject, desk.send().subject];
    assert!(ends.contains(&first.subject) && ends.contains(&storm.subject));
    assert!(desk.take().is_none() && desk.0.ledger.subjects().count() == 0);
}
