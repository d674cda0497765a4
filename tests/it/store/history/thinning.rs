//! What every history promises of the past that grows old.

use std::time::Duration;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use smokejumper::clock::WallTime;
use smokejumper::sample::Reason;
use smokejumper::store::history::{Batch, History, Retention, Seen, Slice};

use super::Ground;
use super::past::{
    HOUR, MINUTE, RETENTION, always, at, bad, check, closed, days, first, happening, hours_of,
    pass, window,
};

async fn keep(history: &dyn History, samples: &[Seen]) {
    let batch = Batch {
        samples: samples.to_vec(),
        ..Batch::default()
    };
    history.keep(&batch).await.unwrap();
}

/// More steps than any of these tests needs.
const STEPS: usize = 1_000;

/// Thins until nothing is left to do.
async fn thin(history: &dyn History, now: WallTime) {
    thin_by(history, now, &RETENTION).await;
}

async fn thin_by(history: &dyn History, now: WallTime, retention: &Retention) {
    for _ in 0..STEPS {
        if !history.thin(now, retention).await.unwrap() {
            return;
        }
    }
    panic!("thinning does not end");
}

async fn slices(history: &dyn History, step: Duration) -> Vec<Slice> {
    slices_of(history, "a", step).await
}

async fn slices_of(history: &dyn History, name: &str, step: Duration) -> Vec<Slice> {
    let all = history.slices(&check(name), always(), step).await;
    all.unwrap()
}

fn count(slices: &[Slice]) -> u64 {
    let of = |slice: &Slice| slice.passed + slice.failed + slice.errored + slice.unknown;
    slices.iter().map(of).sum()
}

/// How the samples of six hours come: in which order, in batches of which size, after which of them
/// it is thinned or opened anew, and when that is.
#[derive(Debug)]
struct Course {
    order: Vec<usize>,
    size: usize,
    thinned: Vec<bool>,
    reopened: Vec<bool>,
}

fn courses(count: usize) -> impl Strategy<Value = Course> {
    let order = Just((0..count).collect::<Vec<usize>>()).prop_shuffle();
    let flags = || proptest::collection::vec(proptest::bool::weighted(0.3), 12);
    // Some keep their order, as most batches do.
    let order = (order, any::<bool>()).prop_map(|(mut order, sorted)| {
        if sorted {
            order.sort_unstable();
        }
        order
    });
    (order, 150_usize..900, flags(), flags()).prop_map(|(order, size, thinned, reopened)| Course {
        order,
        size,
        thinned,
        reopened,
    })
}

pub async fn sums_are_the_same_before_and_after_in_any_order(ground: &dyn Ground) {
    let past = hours_of("a", 6);
    let now = at(7.0 * 3_600.0);
    let thin = |history: std::sync::Arc<dyn History>| async move {
        let longer = Retention {
            failures: days(1),
            ..RETENTION
        };
        thin_by(&*history, now, &longer).await;
    };
    let history = ground.open().await;
    keep(&*history, &past).await;
    let by_minute = slices(&*history, MINUTE).await;
    let by_five = slices(&*history, 5 * MINUTE).await;
    let by_hour = slices(&*history, HOUR).await;
    assert_eq!((by_minute.len(), by_hour.len()), (360, 6));
    assert_eq!(count(&by_minute), past.len() as u64);
    let failures = history.failures(&check("a"), usize::MAX).await.unwrap();
    thin(history.clone()).await;
    let rows = history
        .samples(&check("a"), first(7_200.0), usize::MAX)
        .await;
    let rows = rows.unwrap();
    assert!(!rows.is_empty(), "failures are kept longer");
    assert!(
        rows.iter().all(|seen| seen.sample.fault.is_some()),
        "samples were dropped"
    );
    assert_eq!(slices(&*history, MINUTE).await, by_minute);
    assert_eq!(slices(&*history, 5 * MINUTE).await, by_five);
    assert_eq!(slices(&*history, HOUR).await, by_hour);
    assert_eq!(
        history.failures(&check("a"), usize::MAX).await.unwrap(),
        failures
    );
    drop(history);

    let mut runner = TestRunner::deterministic();
    for case in 0..COURSES {
        let course = courses(past.len()).new_tree(&mut runner).unwrap().current();
        let name = format!("case-{case}");
        let past: Vec<Seen> = hours_of(&name, 6);
        let mut history = ground.open().await;
        for (number, part) in course.order.chunks(course.size).enumerate() {
            let part: Vec<Seen> = part.iter().map(|place| past[*place].clone()).collect();
            keep(&*history, &part).await;
            if course.thinned[number % course.thinned.len()] {
                thin(history.clone()).await;
            }
            if course.reopened[number % course.reopened.len()] {
                history = ground.open().await;
            }
        }
        let all = |step| slices_of(&*history, &name, step);
        assert_eq!(all(MINUTE).await, by_minute, "{course:?}");
        assert_eq!(all(HOUR).await, by_hour, "{course:?}");
        thin(history.clone()).await;
        assert_eq!(all(MINUTE).await, by_minute, "{course:?}");
        assert_eq!(all(5 * MINUTE).await, by_five, "{course:?}");
        assert_eq!(all(HOUR).await, by_hour, "{course:?}");
        let found = history.failures(&check(&name), usize::MAX).await.unwrap();
        assert_eq!(found.len(), failures.len(), "{course:?}");
    }
}

/// Each takes a file and some hundred transactions.
const COURSES: usize = 4;

pub async fn each_form_goes_in_its_time_and_all_is_gone_at_the_end(ground: &dyn Ground) {
    let history = ground.open().await;
    let past = hours_of("a", 1);
    let batch = Batch {
        samples: past.clone(),
        happenings: vec![happening("01A", "decided")],
        windows: vec![closed("01W")],
    };
    history.keep(&batch).await.unwrap();
    let bad = past
        .iter()
        .filter(|seen| seen.sample.fault.is_some())
        .count();
    let figures = || async { history.figures().await.unwrap() };
    let all = || async {
        let all = history.samples(&check("a"), always(), usize::MAX).await;
        all.unwrap().len()
    };
    let after = |hours: u64| at(0.0 + 3_600.0 * (hours + 1) as f64 + 600.0);

    thin(&*history, at(3_700.0)).await;
    assert_eq!(all().await, past.len(), "samples are kept");
    thin(&*history, after(0)).await;
    assert_eq!(all().await, past.len(), "packed, and still there");
    assert_eq!(figures().await.samples, past.len() as u64);

    thin(&*history, after(2)).await;
    assert_eq!(all().await, bad, "failures are kept longer");
    assert_eq!(history.failures(&check("a"), 99).await.unwrap().len(), bad);
    assert_eq!(
        (figures().await.samples, figures().await.slices),
        (bad as u64, 61)
    );

    thin(&*history, after(4)).await;
    assert_eq!(all().await, 0);
    assert_eq!((figures().await.samples, figures().await.slices), (0, 61));
    assert_eq!(slices(&*history, MINUTE).await.len(), 60);

    thin(&*history, at(days(1).as_secs_f64() + 4_000.0)).await;
    let left = slices(&*history, MINUTE).await;
    assert_eq!(left.len(), 1, "an hour in one");
    assert_eq!((count(&left), left[0].at), (360, at(0.0)));
    assert_eq!(figures().await.slices, 1);

    thin(&*history, at(days(4).as_secs_f64() + 4_000.0)).await;
    assert_eq!(slices(&*history, HOUR).await, []);
    let figures = figures().await;
    assert_eq!((figures.samples, figures.slices), (0, 0));
    assert_eq!((figures.happenings, figures.windows), (1, 1), "for good");
}

pub async fn a_sample_that_comes_late_is_added_to_what_is_kept_of_its_hour(ground: &dyn Ground) {
    let history = ground.open().await;
    keep(
        &*history,
        &[pass("a", 10.0, MINUTE), bad("a", 20.0, Reason::Status)],
    )
    .await;
    thin(&*history, at(2.0 * 3_600.0)).await;
    keep(&*history, &[pass("a", 30.0, MINUTE)]).await;
    thin(&*history, at(2.5 * 3_600.0)).await;
    let all = history.samples(&check("a"), always(), 9).await.unwrap();
    assert_eq!(all.len(), 3, "the hour is packed: {all:?}");
    thin(&*history, at(3.5 * 3_600.0)).await;
    keep(
        &*history,
        &[pass("a", 40.0, MINUTE), bad("a", 90.0, Reason::Timeout)],
    )
    .await;
    for _ in 0..2 {
        let by_hour = slices(&*history, HOUR).await;
        assert_eq!(
            (by_hour[0].passed, by_hour[0].failed, by_hour[0].errored),
            (3, 1, 1)
        );
        let by_minute = slices(&*history, MINUTE).await;
        assert_eq!((by_minute[0].passed, by_minute[1].errored), (3, 1));
        assert_eq!(history.failures(&check("a"), 9).await.unwrap().len(), 2);
        thin(&*history, at(3.6 * 3_600.0)).await;
    }
    let figures = history.figures().await.unwrap();
    assert_eq!(
        (figures.samples, figures.slices),
        (2, 3),
        "two minutes and an hour"
    );
}

pub async fn a_window_has_its_samples_whatever_was_packed(ground: &dyn Ground) {
    let history = ground.open().await;
    let within = |name: &str, seconds: f64| {
        let mut seen = pass(name, seconds, MINUTE);
        seen.window = Some(std::sync::Arc::from("01W"));
        seen
    };
    let kept = [
        within("a", 3_590.0),
        within("b", 3_595.0),
        pass("a", 3_598.0, MINUTE),
        within("a", 3_610.0),
    ];
    let batch = Batch {
        samples: kept[..3].to_vec(),
        windows: vec![window("01W")],
        ..Batch::default()
    };
    history.keep(&batch).await.unwrap();
    thin(&*history, at(3_600.0 + 1_200.0)).await;
    keep(&*history, &kept[3..]).await;
    let expected = [&kept[0], &kept[1], &kept[3]].map(Clone::clone);
    assert_eq!(history.samples_of_window("01W").await.unwrap(), expected);
    let again = ground.open().await;
    assert_eq!(again.samples_of_window("01W").await.unwrap(), expected);
}
