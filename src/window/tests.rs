//! What holds of windows: tables and laws.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;

use super::bounded::{Window, WindowBounds};
use crate::clock::Moment;
use crate::sample::{
    CheckId, Fault, Outcome, Phase, Phases, Reading, Reason, Sample, Session, Unit,
};

fn at(milliseconds: u64) -> Moment {
    Moment::at(Duration::from_millis(milliseconds))
}

fn sample(start: u64, latency: u64, outcome: Outcome) -> Sample {
    let reason = match outcome {
        Outcome::Pass => None,
        Outcome::Fail => Some(Reason::Status),
        Outcome::Error => Some(Reason::Refused),
        Outcome::Unknown => Some(Reason::Throttled),
    };
    let mut phases = Phases::default();
    phases.add(Phase::Ttfb, Duration::from_millis(latency / 2));
    Sample {
        check: CheckId::new("api"),
        started: at(start),
        latency: Duration::from_millis(latency),
        phases,
        outcome,
        fault: reason.map(|reason| Fault::new(reason, format!("{} of {latency}", reason.code()))),
        readings: vec![Reading::new("lag", latency as f64, Unit::Number)],
        notes: Vec::new(),
        retries: u32::from(outcome == Outcome::Error),
        closer_look: false,
        sending: None,
        session: None,
        trace: None,
    }
}

fn bounds(warm_up: u64) -> WindowBounds {
    WindowBounds {
        start: at(1_000),
        warm_up: Duration::from_millis(warm_up),
    }
}

fn window_of(capacity: usize, samples: &[Sample]) -> Window {
    let mut window = Window::holding(capacity, bounds(2_000));
    samples.iter().for_each(|sample| window.push(sample));
    window
}

#[test]
fn the_session_is_that_of_the_last_sample_that_has_one_whatever_its_arrival() {
    let over = |start, protocol: Option<&str>| Sample {
        session: protocol.map(|protocol| {
            Arc::new(Session {
                protocol: Some(protocol.to_owned()),
                ..Session::default()
            })
        }),
        ..sample(start, 10, Outcome::Pass)
    };
    let samples = [
        over(3_000, Some("HTTP/1.1")),
        over(5_000, None),
        over(4_000, Some("HTTP/1.1")),
        over(4_000, Some("HTTP/2.0")),
        over(500, Some("before the window")),
    ];
    let of = |window: Window| window.summary().session.and_then(|it| it.protocol.clone());
    let last = Some("HTTP/2.0".to_owned());
    assert_eq!(of(window_of(2, &samples)), last);
    let mut turned = samples.clone();
    turned.reverse();
    assert_eq!(of(window_of(2, &turned)), last);
    let merged = window_of(2, &samples[..2]).merge(window_of(2, &samples[2..]));
    assert_eq!(of(merged), last);
    assert_eq!(of(window_of(2, &[])), None);
}

#[test]
fn latency_is_that_of_samples_which_passed_after_the_warm_up() {
    let cases = [
        (1_000, Outcome::Pass, 0, "started during the warm-up"),
        (2_999, Outcome::Pass, 0, "started just before its end"),
        (3_000, Outcome::Pass, 1, "started at its end"),
        (
            3_000,
            Outcome::Fail,
            0,
            "a failed sample is never a fast one",
        ),
        (
            3_000,
            Outcome::Error,
            0,
            "nor is one that could not connect",
        ),
        (3_000, Outcome::Unknown, 0, "nothing was learnt"),
    ];
    for (start, outcome, count, why) in cases {
        let summary = window_of(10, &[sample(start, 40, outcome)]).summary();
        assert_eq!(summary.samples, 1, "{why}");
        assert_eq!(summary.latency.count, count, "{why}");
        let phase = summary.phase(Phase::Ttfb);
        assert_eq!(phase.map_or(0, |phase| phase.count), count, "phases: {why}");
    }
}

#[test]
fn samples_of_the_time_before_the_window_are_not_of_it() {
    let summary = window_of(10, &[sample(999, 40, Outcome::Fail)]).summary();
    assert_eq!(summary.samples, 0);
    assert_eq!(summary.error_rate(), None);
}

#[test]
fn a_run_of_failures_is_neither_lengthened_nor_ended_by_what_is_not_known() {
    use Outcome::{Error, Fail, Pass, Unknown};
    let cases: [(&[Outcome], u64, &str); 6] = [
        (&[], 0, "no samples"),
        (&[Fail, Pass], 0, "a pass ends it"),
        (
            &[Pass, Fail, Error],
            2,
            "wrong answers and none count alike",
        ),
        (&[Fail, Unknown, Fail], 2, "unknown in the middle"),
        (&[Fail, Unknown], 1, "unknown at the end"),
        (&[Unknown], 0, "unknown alone"),
    ];
    for (outcomes, run, why) in cases {
        let samples: Vec<Sample> = outcomes
            .iter()
            .zip(3_000..)
            .map(|(outcome, start)| sample(start, 40, *outcome))
            .collect();
        assert_eq!(
            window_of(10, &samples).summary().consecutive_failures,
            run,
            "{why}"
        );
    }
}

#[test]
fn readings_are_those_of_every_sample_that_learnt_something() {
    let window = window_of(
        10,
        &[
            sample(3_000, 7, Outcome::Pass),
            sample(3_100, 9, Outcome::Fail),
            sample(3_200, 99, Outcome::Unknown),
        ],
    );
    let summary = window.summary();
    let lag = summary.reading("lag").unwrap();
    assert_eq!((lag.count, lag.last, lag.min, lag.max), (2, 9.0, 7.0, 9.0));
}

#[test]
fn the_last_span_reaches_from_its_end_back_and_excludes_its_far_edge() {
    let samples: Vec<Sample> = (0..10)
        .map(|n| sample(1_000 + n * 1_000, 40, Outcome::Pass))
        .collect();
    let window = window_of(20, &samples);
    let cases = [
        (3_000, 10_000, 3, "8, 9 and 10 s"),
        (3_000, 9_500, 3, "7, 8 and 9 s: later ones are not yet"),
        (60_000, 10_000, 10, "longer than the line is old"),
        (500, 10_600, 0, "between samples"),
    ];
    for (span, end, count, why) in cases {
        let summary = window.summary_of_last(Duration::from_millis(span), at(end));
        assert_eq!(summary.samples, count, "{why}");
    }
}

#[test]
fn what_is_no_longer_held_in_full_is_still_counted() {
    let samples: Vec<Sample> = (0..500)
        .map(|n| {
            let outcome = [
                Outcome::Pass,
                Outcome::Pass,
                Outcome::Fail,
                Outcome::Unknown,
            ];
            sample(3_000 + n, 10 + n % 90, outcome[(n % 4) as usize])
        })
        .collect();
    let (small, large) = (window_of(50, &samples), window_of(1_000, &samples));
    assert_eq!(small.records().len(), 50);
    let (a, b) = (small.summary(), large.summary());
    assert_eq!(
        (a.samples, a.failed, a.errored),
        (b.samples, b.failed, b.errored)
    );
    assert_eq!(
        (a.unknown, a.retries, a.first_bad),
        (b.unknown, b.retries, b.first_bad)
    );
    assert_eq!(a.readings, b.readings);
    assert_eq!(a.last_fault, b.last_fault);
    assert_eq!(
        (a.latency.mean, a.latency.max),
        (b.latency.mean, b.latency.max)
    );
    let (a, b) = (a.latency.p95.unwrap(), b.latency.p95.unwrap());
    assert!(
        a.abs_diff(b).as_secs_f64() <= 0.01 * b.as_secs_f64(),
        "{a:?} and {b:?}"
    );
}

#[test]
fn the_commonest_fault_is_told_with_its_count() {
    let mut window = Window::new(bounds(0));
    for n in 0..7 {
        let mut failed = sample(3_000 + n, 40, Outcome::Fail);
        failed.fault = Some(Fault::new(Reason::Status, "expected 200, got 500"));
        window.push(&failed);
    }
    window.push(&sample(3_100, 40, Outcome::Error));
    let common = window.view().commonest_fault(|_| true).unwrap();
    assert_eq!((common.count, common.alike), (7, true));
    assert_eq!(common.last.detail, "expected 200, got 500");
    for (start, detail) in [
        (2_000, "expected 200, got 502"),
        (2_500, "expected 200, got 503"),
    ] {
        let mut earlier = sample(start, 40, Outcome::Fail);
        earlier.fault = Some(Fault::new(Reason::Status, detail));
        window.push(&earlier);
    }
    let common = window.view().commonest_fault(|_| true).unwrap();
    assert_eq!((common.count, common.alike), (9, false));
    assert_eq!(
        common.last.detail, "expected 200, got 500",
        "the last by start, not by arrival"
    );
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        4 => Just(Outcome::Pass),
        1 => Just(Outcome::Fail),
        1 => Just(Outcome::Error),
        1 => Just(Outcome::Unknown),
    ]
}

fn any_samples(most: usize) -> impl Strategy<Value = Vec<Sample>> {
    // Few distinct starts, so that ties are common.
    let one = (900_u64..5_000, 0_u64..400, any_outcome())
        .prop_map(|(start, latency, outcome)| sample(start / 50 * 50, latency, outcome));
    prop::collection::vec(one, 0..most)
}

proptest! {
    #[test]
    fn merging_is_associative(
        a in any_samples(30), b in any_samples(30), c in any_samples(30), capacity in 1_usize..40,
    ) {
        let [a, b, c] = [a, b, c].map(|samples| window_of(capacity, &samples));
        let left = a.clone().merge(b.clone()).merge(c.clone());
        let right = a.merge(b.merge(c));
        prop_assert_eq!(left.summary(), right.summary());
        prop_assert_eq!(left, right);
    }

    #[test]
    fn merging_parts_gives_the_window_of_all(samples in any_samples(60), cut in 0_usize..60) {
        let cut = cut.min(samples.len());
        let parts = window_of(25, &samples[..cut]).merge(window_of(25, &samples[cut..]));
        prop_assert_eq!(parts, window_of(25, &samples));
    }

    #[test]
    fn the_order_of_arrival_leaves_no_trace(
        (samples, shuffled) in any_samples(60)
            .prop_flat_map(|samples| (Just(samples.clone()), Just(samples).prop_shuffle())),
        capacity in 1_usize..80,
    ) {
        prop_assert_eq!(window_of(capacity, &samples), window_of(capacity, &shuffled));
    }

    #[test]
    fn memory_is_bounded(samples in any_samples(200), capacity in 1_usize..50) {
        let window = window_of(capacity, &samples);
        let inside = samples.iter().filter(|s| s.started >= at(1_000)).count();
        prop_assert_eq!(window.records().len(), inside.min(capacity));
        prop_assert_eq!(window.summary().samples, inside as u64);
    }
}
