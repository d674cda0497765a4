//! What every history promises of what it was given.

use std::sync::Arc;
use std::time::Duration;

use smokejumper::clock::WallTime;
use smokejumper::sample::{Phase, Reason};
use smokejumper::store::history::{Batch, Happening, History, Page, Seen, StoredWindow};

use super::Ground;
use super::past::{
    HOUR, MINUTE, always, at, bad, check, closed, first, full, happening, pass, window,
};

fn samples(samples: Vec<Seen>) -> Batch {
    Batch {
        samples,
        ..Batch::default()
    }
}

async fn all(history: &dyn History, of: &str) -> Vec<Seen> {
    let all = history.samples(&check(of), always(), usize::MAX).await;
    all.unwrap()
}

pub async fn every_part_of_a_sample_comes_back(ground: &dyn Ground) {
    let plain = pass("api-health", 1.0, Duration::from_micros(1_236));
    // In this order each differs from the one before in every part.
    let kept = vec![plain.clone(), full(), {
        let mut later = plain.clone();
        later.at = at(20.0);
        later
    }];
    let history = ground.open().await;
    history.keep(&samples(kept.clone())).await.unwrap();
    assert_eq!(all(&*history, "api-health").await, kept);
    drop(history);
    let again = ground.open().await;
    assert_eq!(all(&*again, "api-health").await, kept);
    let of_window = again.samples_of_window("01JWINDOW").await.unwrap();
    assert_eq!(of_window, [full()]);
    let figures = again.figures().await.unwrap();
    assert_eq!((figures.samples, figures.slices), (3, 0));
    assert!(figures.bytes > 0);
}

pub async fn windows_and_happenings_come_back_and_are_kept_once(ground: &dyn Ground) {
    let history = ground.open().await;
    let bare = Happening {
        service: None,
        window: None,
        check: None,
        facts: serde_json::json!({}),
        ..happening("01B", "frozen")
    };
    let batch = Batch {
        happenings: vec![happening("01A", "decided"), bare.clone()],
        windows: vec![window("01JWINDOW"), closed("01JOTHER")],
        ..Batch::default()
    };
    history.keep(&batch).await.unwrap();
    let page = Page {
        limit: 10,
        ..Page::default()
    };
    let found = history.windows(&page).await.unwrap();
    assert_eq!(
        found,
        [window("01JWINDOW"), closed("01JOTHER")],
        "the newest first"
    );
    let later = Batch {
        happenings: vec![happening("01A", "decided")],
        windows: vec![window("01JWINDOW"), closed("01JWINDOW")],
        ..Batch::default()
    };
    history.keep(&later).await.unwrap();
    drop(history);
    let history = ground.open().await;
    let found = history.window("01JWINDOW").await.unwrap();
    assert_eq!(
        found,
        Some(closed("01JWINDOW")),
        "the last of a name counts"
    );
    assert_eq!(history.window("01J").await.unwrap(), None);
    let found = history.happenings(&page).await.unwrap();
    assert_eq!(found, [bare, happening("01A", "decided")]);
    let figures = history.figures().await.unwrap();
    assert_eq!((figures.happenings, figures.windows), (2, 2));
}

pub async fn a_page_holds_the_newest_and_the_next_goes_on(ground: &dyn Ground) {
    let history = ground.open().await;
    let service = |name: &str| Some(Arc::from(name));
    let one = |number: usize| Happening {
        service: service(if number.is_multiple_of(2) {
            "api"
        } else {
            "web"
        }),
        window: service(if number < 4 { "01W" } else { "02W" }),
        check: Some(check(if number == 3 { "b" } else { "a" })),
        ..happening(
            &format!("0{number}"),
            ["decided", "opened", "closed"][number % 3],
        )
    };
    let of_web = StoredWindow {
        service: Arc::from("web"),
        ..window("02W")
    };
    let mut sample = pass("b", 1.0, MINUTE);
    sample.window = service("02W");
    let batch = Batch {
        happenings: (0..9).map(one).collect(),
        windows: vec![window("01W"), of_web, window("03W")],
        samples: vec![sample],
    };
    history.keep(&batch).await.unwrap();
    let page = |limit| Page {
        limit,
        ..Page::default()
    };
    let cases = [
        (page(3), "08 07 06"),
        (
            Page {
                before: Some("06".to_owned()),
                ..page(3)
            },
            "05 04 03",
        ),
        (
            Page {
                before: Some("00".to_owned()),
                ..page(3)
            },
            "",
        ),
        (
            Page {
                service: service("web"),
                ..page(9)
            },
            "07 05 03 01",
        ),
        (
            Page {
                window: service("01W"),
                ..page(9)
            },
            "03 02 01 00",
        ),
        (
            Page {
                check: Some(check("b")),
                ..page(9)
            },
            "03",
        ),
        (
            Page {
                kinds: vec!["opened".to_owned(), "closed".to_owned()],
                ..page(3)
            },
            "08 07 05",
        ),
        (
            Page {
                service: service("' OR 1 = 1 --"),
                ..page(9)
            },
            "",
        ),
        (page(0), ""),
    ];
    for (page, expected) in cases {
        let found = history.happenings(&page).await.unwrap();
        let found: Vec<&str> = found.iter().map(|one| &*one.id).collect();
        assert_eq!(found.join(" "), expected, "{page:?}");
    }
    let cases = [
        (page(2), "03W 02W"),
        (
            Page {
                before: Some("02W".to_owned()),
                ..page(2)
            },
            "01W",
        ),
        (
            Page {
                service: service("web"),
                ..page(9)
            },
            "02W",
        ),
        (
            Page {
                check: Some(check("b")),
                ..page(9)
            },
            "02W",
        ),
        (
            Page {
                window: service("01W"),
                ..page(9)
            },
            "01W",
        ),
    ];
    for (page, expected) in cases {
        let found = history.windows(&page).await.unwrap();
        let found: Vec<&str> = found.iter().map(|one| &*one.id).collect();
        assert_eq!(found.join(" "), expected, "{page:?}");
    }
}

/// By which a clock far ahead is recognised before anything is dropped on its word.
pub async fn what_happened_last_before_a_time_is_found_by_it(ground: &dyn Ground) {
    let history = ground.open().await;
    let at = |second: u64, number: u128| Happening {
        at: WallTime::since_unix_epoch(Duration::from_secs(second)),
        ..happening(
            &ulid::Ulid::from_parts(second * 1_000, number).to_string(),
            "decided",
        )
    };
    let batch = Batch {
        happenings: vec![at(1_800_000_000, 1), at(1_700_000_000, u128::MAX), at(9, 2)],
        ..Batch::default()
    };
    history.keep(&batch).await.unwrap();
    for (second, found) in [
        (1_900_000_000, Some(1_800_000_000)),
        (1_800_000_000, Some(1_700_000_000)),
        (1_700_000_000, Some(9)),
        (9, None),
    ] {
        let page = Page {
            before: Some(ulid::Ulid::from_parts(second * 1_000, 0).to_string()),
            limit: 1,
            ..Page::default()
        };
        let last = history.happenings(&page).await.unwrap();
        let last: Vec<u64> = last.iter().map(|one| one.at.unix().as_secs()).collect();
        assert_eq!(last, Vec::from_iter(found), "{second}");
    }
}

pub async fn samples_are_in_order_within_their_span_and_their_limit(ground: &dyn Ground) {
    let history = ground.open().await;
    let at_second = |second: f64| pass("a", second, MINUTE);
    let kept = [50.0, 10.0, 30.0].map(at_second).to_vec();
    history.keep(&samples(kept)).await.unwrap();
    let kept = vec![at_second(20.0), pass("b", 20.0, MINUTE), at_second(40.0)];
    history.keep(&samples(kept)).await.unwrap();
    let of_a = |from: f64, to: f64, limit| {
        let between = smokejumper::store::history::Between {
            from: at(from),
            to: at(to),
        };
        let history = &history;
        async move {
            let found = history.samples(&check("a"), between, limit).await.unwrap();
            let begin = at(0.0);
            let seconds = found.iter().map(|seen| seen.at.since(begin).as_secs());
            seconds.collect::<Vec<u64>>()
        }
    };
    assert_eq!(of_a(0.0, 100.0, 9).await, [10, 20, 30, 40, 50]);
    assert_eq!(of_a(20.0, 40.0, 9).await, [20, 30], "the end is excluded");
    assert_eq!(of_a(0.0, 100.0, 2).await, [10, 20], "the oldest first");
    assert_eq!(
        of_a(40.0, 20.0, 9).await,
        [] as [u64; 0],
        "an end before its start"
    );
    assert_eq!(all(&*history, "b").await.len(), 1);
}

pub async fn failures_are_the_newest_first(ground: &dyn Ground) {
    let history = ground.open().await;
    let kept = vec![
        pass("a", 5.0, MINUTE),
        bad("a", 10.0, Reason::Status),
        bad("a", 30.0, Reason::Timeout),
        bad("b", 40.0, Reason::Timeout),
        bad("a", 20.0, Reason::Resolver),
    ];
    history.keep(&samples(kept)).await.unwrap();
    let found = history.failures(&check("a"), 2).await.unwrap();
    assert_eq!(
        found,
        [
            bad("a", 30.0, Reason::Timeout),
            bad("a", 20.0, Reason::Resolver)
        ]
    );
    let found = history.failures(&check("a"), 9).await.unwrap();
    assert_eq!(found.len(), 3);
}

pub async fn what_was_never_kept_is_empty_and_no_error(ground: &dyn Ground) {
    let history = ground.open().await;
    history.keep(&Batch::default()).await.unwrap();
    let nobody = check("nobody");
    assert_eq!(history.samples(&nobody, always(), 9).await, Ok(Vec::new()));
    assert_eq!(
        history.slices(&nobody, always(), HOUR).await,
        Ok(Vec::new())
    );
    assert_eq!(history.failures(&nobody, 9).await, Ok(Vec::new()));
    assert_eq!(history.samples_of_window("nobody").await, Ok(Vec::new()));
    let figures = history.figures().await.unwrap();
    assert_eq!((figures.samples, figures.happenings), (0, 0));
}

pub async fn a_batch_that_is_handed_in_twice_is_kept_once(ground: &dyn Ground) {
    let history = ground.open().await;
    let batch = Batch {
        samples: vec![
            full(),
            bad("a", 1.0, Reason::Status),
            pass("a", 2.0, MINUTE),
        ],
        happenings: vec![happening("01A", "decided")],
        windows: vec![closed("01W")],
    };
    history.keep(&batch).await.unwrap();
    history.keep(&batch).await.unwrap();
    assert_eq!(all(&*history, "a").await.len(), 2);
    assert_eq!(history.failures(&check("a"), 9).await.unwrap().len(), 1);
    assert_eq!(
        history.samples_of_window("01JWINDOW").await.unwrap(),
        [full()]
    );
    let slices = history
        .slices(&check("a"), first(60.0), MINUTE)
        .await
        .unwrap();
    assert_eq!((slices[0].passed, slices[0].failed), (1, 1));
    assert_eq!(history.figures().await.unwrap().happenings, 1);
}

pub async fn two_that_write_at_once_lose_nothing(ground: &dyn Ground) {
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..4_u32 {
        let history = ground.open().await;
        writers.spawn(async move {
            for round in 0..10 {
                let seconds = f64::from(round * 4 + writer);
                let own = format!("own-{writer}-{round}");
                let both = [pass("shared", seconds, MINUTE), pass(&own, seconds, MINUTE)];
                history.keep(&samples(both.to_vec())).await.unwrap();
            }
        });
    }
    writers.join_all().await;
    let history = ground.open().await;
    assert_eq!(all(&*history, "shared").await.len(), 40);
    for writer in 0..4 {
        for round in 0..10 {
            let own = format!("own-{writer}-{round}");
            assert_eq!(all(&*history, &own).await.len(), 1, "{own}");
        }
    }
}

pub async fn slices_are_whole_and_say_what_happened(ground: &dyn Ground) {
    let history = ground.open().await;
    let mut read = pass("a", 70.0, Duration::from_millis(8));
    read.sample.readings = full().sample.readings[..1].to_vec();
    let kept = vec![
        pass("a", 0.0, Duration::from_millis(1)),
        pass("a", 59.999, Duration::from_millis(3)),
        bad("a", 30.0, Reason::Status),
        bad("a", 31.0, Reason::Timeout),
        bad("a", 32.0, Reason::Resolver),
        read,
        pass("a", 200.0, Duration::from_millis(2)),
    ];
    history.keep(&samples(kept)).await.unwrap();
    let slices = history
        .slices(&check("a"), first(180.0), MINUTE)
        .await
        .unwrap();
    assert_eq!(
        slices.len(),
        2,
        "none where it did not run, none beyond the end"
    );
    let one = &slices[0];
    assert_eq!(one.at, at(0.0));
    assert_eq!(
        (one.passed, one.failed, one.errored, one.unknown),
        (2, 1, 1, 1)
    );
    assert_eq!(one.latency.count(), 2, "of the runs that passed");
    let slowest = one.latency.quantile(1.0).unwrap();
    assert!(slowest.abs_diff(Duration::from_millis(3)) < Duration::from_micros(30));
    let phases: Vec<Phase> = one.phases.iter().map(|(phase, _)| *phase).collect();
    assert_eq!(phases, [Phase::Connect, Phase::Ttfb]);
    assert!(one.readings.is_empty());
    let reading = &slices[1].readings[0];
    assert_eq!(
        (&*reading.name, reading.count, reading.sum),
        ("used_pct", 1, 31.25)
    );
    // What is asked for within a slice is answered with the whole slice.
    let within = smokejumper::store::history::Between {
        from: at(61.0),
        to: at(61.5),
    };
    let found = history.slices(&check("a"), within, MINUTE).await.unwrap();
    assert_eq!(found, slices[1..]);
    let whole = history
        .slices(&check("a"), first(180.0), HOUR)
        .await
        .unwrap();
    assert_eq!(whole.len(), 1);
    assert_eq!((whole[0].passed, whole[0].at), (4, at(0.0)));
}
