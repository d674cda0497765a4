//! The laws of telling, on stopped time: order, storms, recoveries, what flaps, what is dropped, and that
//! one who hangs holds nobody up.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::outbox::{GATHERING, LIFETIME, MOST_WAITING};
use super::{Dispatcher, Failure, Surroundings};
use crate::clock::{Clock, Moment, WallTime};
use crate::notify::{Declared, Effect, Kind, Notice, Notifier, Notifying, Route, Severity, Unsent};
use crate::sample::CheckId;
use crate::secret::Mask;

/// The clock of the runtime, which a test stops.
#[derive(Debug)]
struct RuntimeClock(tokio::time::Instant);

impl Clock for RuntimeClock {
    fn now(&self) -> Moment {
        Moment::at(self.0.elapsed())
    }

    fn wall(&self) -> WallTime {
        WallTime::since_unix_epoch(self.0.elapsed())
    }
}

/// What came, and when.
type Came = Arc<Mutex<Vec<(Duration, Notice)>>>;

/// A notifier of which each sending ends as the next of a list says, and well beyond its end.
struct Listed {
    origin: tokio::time::Instant,
    came: Came,
    ends: Mutex<Vec<Result<(), Unsent>>>,
    hangs: bool,
    pages: bool,
}

#[async_trait]
impl Notifier for Listed {
    async fn send(&self, notice: &Notice) -> Result<(), Unsent> {
        if self.hangs {
            std::future::pending::<()>().await;
        }
        let mut ends = self.ends.lock().expect("no panic held it");
        let end = match ends.is_empty() {
            true => Ok(()),
            false => ends.remove(0),
        };
        if end.is_ok() {
            let mut came = self.came.lock().expect("no panic held it");
            came.push((self.origin.elapsed(), notice.clone()));
        }
        end
    }

    fn takes(&self, notice: &Notice) -> bool {
        !self.pages || notice.effect != Effect::Tells
    }
}

/// A dispatcher with one notifier for each list of ends; `None` hangs.
struct Stage {
    dispatcher: Dispatcher,
    came: Vec<Came>,
    origin: tokio::time::Instant,
}

fn stage_of(
    ends: Vec<Option<Vec<Result<(), Unsent>>>>,
    routes: Option<Vec<Route>>,
    around: impl FnOnce(&mut Surroundings),
) -> Stage {
    let origin = tokio::time::Instant::now();
    let mut came = Vec::new();
    let notifiers: Vec<Declared> = ends
        .into_iter()
        .enumerate()
        .map(|(place, ends)| {
            came.push(Came::default());
            Declared {
                name: Arc::from(format!("n{place}")),
                channel: "listed",
                notifier: Arc::new(Listed {
                    origin,
                    came: Arc::clone(&came[place]),
                    hangs: ends.is_none(),
                    ends: Mutex::new(ends.unwrap_or_default()),
                    pages: false,
                }),
            }
        })
        .collect();
    let routes = routes.unwrap_or_else(|| vec![Route::to_all(notifiers.len())]);
    let mut surroundings = Surroundings {
        clock: Arc::new(RuntimeClock(origin)),
        mask: Mask::default(),
        memory: None,
        hush: Arc::new(()),
    };
    around(&mut surroundings);
    let dispatcher = Dispatcher::start(&Notifying { notifiers, routes }, surroundings);
    Stage {
        dispatcher,
        came,
        origin,
    }
}

fn stage(ends: Vec<Option<Vec<Result<(), Unsent>>>>) -> Stage {
    stage_of(ends, None, |_| {})
}

impl Stage {
    /// Lets time pass until everyone has nothing to do but wait.
    async fn pass(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    fn heard(&self, place: usize) -> Vec<String> {
        let came = self.came[place].lock().expect("no panic held it");
        came.iter()
            .map(|(_, notice)| notice.headline.clone())
            .collect()
    }

    fn times(&self, place: usize) -> Vec<Duration> {
        let came = self.came[place].lock().expect("no panic held it");
        came.iter().map(|(at, _)| *at).collect()
    }
}

fn failing(check: &str) -> Notice {
    let mut notice = Notice::new(
        Kind::CheckFailing,
        Severity::Critical,
        &format!("api/{check}"),
        &format!("{check} fails"),
    );
    notice.effect = Effect::Opens;
    notice.service = Some(Arc::from("api"));
    notice.check = Some(CheckId::new(check));
    notice
}

fn recovered(check: &str) -> Notice {
    let mut notice = failing(check);
    notice.kind = Kind::CheckRecovered;
    notice.severity = Severity::Info;
    notice.effect = Effect::Resolves;
    notice.headline = format!("{check} has recovered");
    notice
}

fn news(line: &str, thread: &str) -> Notice {
    let mut notice = Notice::new(Kind::RollbackEnded, Severity::Critical, thread, line);
    notice.effect = Effect::Opens;
    notice.check = Some(CheckId::new(line));
    notice
}

const MOMENT: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn one_that_hangs_holds_up_neither_who_tells_nor_another_notifier() {
    let stage = stage(vec![None, Some(vec![]), None]);
    for number in 0..100 {
        stage
            .dispatcher
            .tell(news(&format!("{number:02}"), "deployment"));
    }
    assert_eq!(
        stage.origin.elapsed(),
        Duration::ZERO,
        "telling takes no time"
    );
    stage.pass(Duration::from_millis(1)).await;
    assert_eq!(
        stage.heard(1).len(),
        100,
        "although two others never answer"
    );
    assert!(stage.heard(0).is_empty());
    let before = stage.origin.elapsed();
    let (origin, unsent) = (stage.origin, stage.dispatcher.finish(MOMENT).await);
    assert_eq!(origin.elapsed() - before, MOMENT, "the end is bounded");
    assert!(
        unsent.iter().all(|one| &*one.notifier != "n1"),
        "{unsent:?}"
    );
    let of_first = unsent.iter().filter(|one| &*one.notifier == "n0");
    assert_eq!(
        of_first.count(),
        100,
        "what was never answered counts as unsent"
    );
}

#[tokio::test(start_paused = true)]
async fn the_order_of_a_thread_is_kept_through_failures_and_others_go_ahead() {
    let poison = || Err(Unsent::Passing("500".to_owned()));
    let stage = stage(vec![Some(vec![poison(), Ok(()), poison(), Ok(())])]);
    for (line, thread) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        stage.dispatcher.tell(news(line, thread));
    }
    stage.pass(Duration::from_secs(60)).await;
    assert_eq!(stage.heard(0), ["b1", "a1", "a2"]);
}

#[tokio::test(start_paused = true)]
async fn as_long_as_they_ask_for_nothing_is_sent() {
    let after = Some(Duration::from_secs(120));
    let why = "429".to_owned();
    let stage = stage(vec![Some(vec![Err(Unsent::Throttled { why, after })])]);
    stage.dispatcher.tell(news("a", "a"));
    stage.pass(Duration::from_secs(60)).await;
    stage.dispatcher.tell(news("b", "b"));
    stage.pass(Duration::from_secs(300)).await;
    assert_eq!(stage.times(0), [Duration::from_secs(120); 2]);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_not_tried_again_and_what_cannot_be_sent_expires() {
    let refused = Err(Unsent::Refused("wrong key".to_owned()));
    let down = || Err(Unsent::Passing("refused".to_owned()));
    let stage = stage(vec![
        Some(vec![refused]),
        Some((0..1_000).map(|_| down()).collect()),
    ]);
    stage.dispatcher.tell(news("a", "a"));
    stage.pass(LIFETIME * 3).await;
    let doing = stage.dispatcher.doing();
    assert_eq!((doing[0].counts.refused, doing[0].waiting), (1, 0));
    assert_eq!((doing[1].counts.expired, doing[1].waiting), (1, 0));
    let tries = doing[1].counts.tried_again;
    assert!((30..200).contains(&tries), "{tries} tries within an hour");
    let unsent = stage.dispatcher.finish(MOMENT).await;
    let told: Vec<(&str, &str)> = unsent
        .iter()
        .map(|one| (&*one.notifier, one.why.as_str()))
        .collect();
    assert_eq!(told, [("n0", "wrong key"), ("n1", "refused")]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_checks_that_fail_together_are_one_message_and_so_is_their_end() {
    let stage = stage(vec![Some(vec![])]);
    let names: Vec<String> = (0..100)
        .map(|number| format!("check-{number:02}"))
        .collect();
    for name in &names {
        stage.dispatcher.tell(failing(name));
        stage.pass(Duration::from_millis(10)).await;
    }
    stage.pass(MOMENT).await;
    let heard = stage.heard(0);
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(
        heard[0],
        "api: 100 checks fail together: check-00, check-01, check-02, check-03, check-04, check-05 and 94 more"
    );
    for name in &names {
        stage.dispatcher.tell(recovered(name));
    }
    stage.pass(MOMENT).await;
    let heard = stage.heard(0);
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(
        heard[1].starts_with("api: all checks that failed together have recovered"),
        "{heard:?}"
    );
    let came = stage.came[0].lock().expect("no panic held it");
    assert_eq!(came[0].1.subject, came[1].1.subject, "one incident");
}

#[tokio::test(start_paused = true)]
async fn a_few_are_told_one_by_one() {
    let stage = stage(vec![Some(vec![])]);
    for name in ["a", "b", "c"] {
        stage.dispatcher.tell(failing(name));
    }
    stage.pass(MOMENT).await;
    assert_eq!(stage.heard(0), ["a fails", "b fails", "c fails"]);
    assert_eq!(stage.times(0), [GATHERING; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_goes_to_those_alone_who_were_told() {
    let of = |to: usize, severity| Route {
        to: vec![to],
        severity,
        ..Route::to_all(0)
    };
    // The second hears of critical things alone; the third was refused what it should have heard.
    let routes = vec![
        of(0, Severity::Warning),
        of(1, Severity::Critical),
        of(2, Severity::Warning),
        of(3, Severity::Info),
    ];
    let refused = Err(Unsent::Refused("wrong".to_owned()));
    let ends = vec![
        Some(vec![]),
        Some(vec![]),
        Some(vec![refused]),
        Some(vec![]),
    ];
    let stage = stage_of(ends, Some(routes), |_| {});
    let mut warning = failing("a");
    warning.severity = Severity::Warning;
    stage.dispatcher.tell(warning);
    stage.pass(MOMENT).await;
    stage.dispatcher.tell(recovered("a"));
    stage.dispatcher.tell(recovered("never-told"));
    stage.pass(MOMENT).await;
    assert_eq!(stage.heard(0), ["a fails", "a has recovered"]);
    assert!(stage.heard(1).is_empty() && stage.heard(2).is_empty());
    assert_eq!(stage.heard(3), ["a fails", "a has recovered"]);
}

#[tokio::test(start_paused = true)]
async fn the_same_news_is_told_once_and_worse_news_again() {
    let stage = stage(vec![Some(vec![])]);
    let mut warning = failing("a");
    warning.severity = Severity::Warning;
    for notice in [warning.clone(), warning, failing("a"), failing("a")] {
        stage.dispatcher.tell(notice);
        stage.pass(MOMENT).await;
    }
    assert_eq!(stage.heard(0).len(), 2);
    assert_eq!(stage.dispatcher.doing()[0].counts.spared, 2);
}

#[tokio::test(start_paused = true)]
async fn what_flaps_is_told_as_that_and_then_what_it_came_to() {
    let stage = stage(vec![Some(vec![])]);
    for round in 0..40 {
        let notice = if round % 2 == 0 {
            failing("a")
        } else {
            recovered("a")
        };
        stage.dispatcher.tell(notice);
        stage.pass(Duration::from_secs(20)).await;
    }
    let before = stage.heard(0);
    assert_eq!(before.len(), 7, "{before:?}");
    assert!(
        before[6].starts_with("api: a fails and recovers in turn"),
        "{before:?}"
    );
    stage.pass(Duration::from_secs(600)).await;
    assert_eq!(stage.heard(0)[7..], ["a has recovered"]);
}

#[tokio::test(start_paused = true)]
async fn too_much_drops_what_matters_least_and_counts_it() {
    let stage = stage(vec![None]);
    let mut least = news("least", "l");
    least.severity = Severity::Warning;
    stage.dispatcher.tell(least);
    for number in 0..=MOST_WAITING {
        stage.dispatcher.tell(news(&number.to_string(), "a"));
    }
    let doing = &stage.dispatcher.doing()[0];
    assert_eq!((doing.counts.dropped, doing.waiting), (2, MOST_WAITING));
    let unsent = stage.dispatcher.finish(Duration::ZERO).await;
    assert_eq!(unsent[0].headline, "least");
}

#[tokio::test(start_paused = true)]
async fn what_lasts_is_told_again_as_often_as_the_route_says() {
    let mut route = Route::to_all(1);
    route.repeat = Some(Duration::from_secs(4 * 3_600));
    let stage = stage_of(vec![Some(vec![])], Some(vec![route]), |_| {});
    stage.dispatcher.tell(failing("a"));
    stage.pass(Duration::from_secs(9 * 3_600)).await;
    assert_eq!(
        stage.heard(0),
        [
            "a fails",
            "still not over: a fails",
            "still not over: a fails"
        ]
    );
    stage.dispatcher.tell(recovered("a"));
    stage.pass(Duration::from_secs(9 * 3_600)).await;
    assert_eq!(stage.heard(0).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_recovery_still_goes_to_who_was_told() {
    let folder = tempfile::TempDir::new().expect("a folder");
    let remembering = |around: &mut Surroundings| around.memory = Some(folder.path().join("told"));
    let first = stage_of(vec![Some(vec![])], None, remembering);
    first.dispatcher.tell(failing("a"));
    first.dispatcher.tell(failing("b"));
    let unsent = first.dispatcher.finish(Duration::from_secs(60)).await;
    assert_eq!(unsent, []);
    let second = stage_of(vec![Some(vec![])], None, remembering);
    second.dispatcher.tell(failing("b"));
    second.dispatcher.tell(recovered("a"));
    second.pass(MOMENT).await;
    assert_eq!(second.heard(0), ["a has recovered"], "and b is no news");
}

#[tokio::test(start_paused = true)]
async fn at_the_end_nothing_is_gathered_and_what_fails_is_tried_again_while_there_is_time() {
    let stage = stage(vec![Some(vec![Err(Unsent::Passing("500".to_owned()))])]);
    stage.dispatcher.tell(failing("a"));
    let came = Arc::clone(&stage.came[0]);
    assert_eq!(stage.dispatcher.finish(MOMENT).await, []);
    assert_eq!(came.lock().expect("no panic held it").len(), 1);
}

/// A declaration of one notifier of this name that ends as the list says; none hangs.
fn one_called(name: &str, ends: Option<Vec<Result<(), Unsent>>>) -> Notifying {
    let notifier = Listed {
        origin: tokio::time::Instant::now(),
        came: Came::default(),
        hangs: ends.is_none(),
        ends: Mutex::new(ends.unwrap_or_default()),
        pages: false,
    };
    Notifying {
        notifiers: vec![Declared {
            name: Arc::from(name),
            channel: "listed",
            notifier: Arc::new(notifier),
        }],
        routes: vec![Route::to_all(1)],
    }
}

fn rows(unsent: &[Failure]) -> Vec<(&str, &str, &str)> {
    let unsent = unsent.iter();
    unsent
        .map(|one| (&*one.notifier, &*one.headline, &*one.why))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_those_could_not_send_who_are_declared_no_more_is_told_at_the_end() {
    let refused = Err(Unsent::Refused("wrong key".to_owned()));
    let stage = stage(vec![Some(vec![refused]), None]);
    stage.dispatcher.tell(news("a", "a"));
    stage.pass(MOMENT).await;
    let second = stage
        .dispatcher
        .succeeded_by(&one_called("other", Some(vec![])));
    second.tell(news("b", "b"));
    stage.pass(MOMENT).await;
    let third = second.succeeded_by(&Notifying::default());
    assert_eq!(third.doing(), []);
    let unsent = third.finish(MOMENT).await;
    let expected = [
        ("n0", "a", "wrong key"),
        ("n1", "a", "no answer within 10s"),
    ];
    assert_eq!(rows(&unsent), expected);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_declared_again_goes_on_with_what_it_could_not_send() {
    let down = || Err(Unsent::Passing("refused".to_owned()));
    let stage = stage(vec![Some((0..1_000).map(|_| down()).collect())]);
    stage.dispatcher.tell(news("a", "a"));
    stage.pass(MOMENT).await;
    let without = stage.dispatcher.succeeded_by(&Notifying::default());
    stage.pass(MOMENT).await;
    let again = without.succeeded_by(&one_called("n0", Some(vec![])));
    stage.pass(MOMENT).await;
    assert_eq!(
        (again.doing()[0].counts.sent, again.doing()[0].waiting),
        (1, 0)
    );
    again.tell(news("a", "a"));
    stage.pass(MOMENT).await;
    assert_eq!(again.doing()[0].counts.spared, 1, "it was told");
    assert_eq!(again.finish(MOMENT).await, []);
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_failures_or_for_what_flaps_is_told_that_it_flaps() {
    let of = |to: usize, event| Route {
        to: vec![to],
        events: vec![event],
        ..Route::to_all(0)
    };
    let routes = vec![of(0, Kind::CheckFailing), of(1, Kind::CheckFlapping)];
    let stage = stage_of(vec![Some(vec![]), Some(vec![])], Some(routes), |_| {});
    for round in 0..8 {
        stage.dispatcher.tell(match round % 2 {
            0 => failing("a"),
            _ => recovered("a"),
        });
        stage.pass(Duration::from_secs(20)).await;
    }
    stage.pass(Duration::from_secs(600)).await;
    let flaps = "api: a fails and recovers in turn; last: a fails";
    assert_eq!(stage.heard(0)[6..], [flaps, "a has recovered"]);
    assert_eq!(stage.heard(1), [flaps, "a has recovered"]);
}

#[tokio::test(start_paused = true)]
async fn what_flaps_is_known_to_when_others_are_declared() {
    let stage = stage(vec![Some(vec![])]);
    for round in 0..7 {
        stage.dispatcher.tell(match round % 2 {
            0 => failing("a"),
            _ => recovered("a"),
        });
        stage.pass(MOMENT).await;
    }
    assert_eq!(stage.heard(0).len(), 7);
    let again = stage
        .dispatcher
        .succeeded_by(&one_called("n0", Some(vec![])));
    again.tell(recovered("a"));
    stage.pass(MOMENT).await;
    assert_eq!(again.doing()[0].waiting, 1, "until it has been calm");
}
