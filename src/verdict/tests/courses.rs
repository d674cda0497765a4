//! How a reading goes on from sample to sample, against the beginning of the window and against before.

use std::time::Duration;

use super::super::threshold::{Comparison, Course, Limit, Measure, Subject, Threshold, Way};
use super::super::{Before, Bench, Closing, Finding, Regressed, Terms, Verdict};
use super::{EVERY, START, facts, judged, reasons, rules, samples};
use crate::clock::Moment;
use crate::verdict::sequential::process::Forgive;
use crate::verdict::{JudgeKind, Rules};
use Closing::{Final, Running};
use Verdict::{Fail, Inconclusive, Pass, Warn};

fn critical(course: Course, value: f64, measure: Measure) -> Threshold {
    Threshold {
        subject: Subject::Reading("lag".into()),
        warning: None,
        critical: Some(Limit {
            comparison: Comparison::Across(course),
            value,
            measure,
        }),
        lasting: None,
        consecutive: None,
    }
}

/// A sample every 5 s; a digit gives a `lag` of ten times it.
#[test]
fn readings_go_on_as_is_demanded_or_not() {
    let advances = critical(Course::Advances, 20.0, Measure::Seconds);
    let never = critical(Course::NeverDecreases, 0.0, Measure::Number);
    let tenth = critical(Course::Changes, 0.1, Measure::Share);
    let fifteen = critical(Course::Changes, 15.0, Measure::Number);
    let lasting = Threshold {
        lasting: Some(Duration::from_secs(20)),
        ..tenth.clone()
    };
    let rows: Vec<(&Threshold, &str, Closing, Verdict, &str, &str)> = vec![
        (
            &advances,
            "1122334455",
            Final,
            Pass,
            "",
            "it rises, if slowly",
        ),
        (
            &advances,
            "12333333333",
            Running,
            Fail,
            "lag stands at 30 for 40 s, must advance within 20 s",
            "it stands still",
        ),
        (
            &advances,
            "12333U3T34556",
            Final,
            Pass,
            "",
            "unknown samples are passed over",
        ),
        (
            &advances,
            "3232323232",
            Running,
            Fail,
            "lag stands at 30 for 45 s, after it fell 5 times, must advance within 20 s",
            "two machines in turns, and neither advances",
        ),
        (
            &advances,
            "7891234567",
            Final,
            Pass,
            "",
            "it began anew, and advances",
        ),
        (
            &advances,
            "3333",
            Running,
            Inconclusive,
            "lag has not advanced yet, watched for 15 s",
            "not watched for so long",
        ),
        (
            &advances,
            "..........",
            Final,
            Inconclusive,
            "0 values of lag: too few to see it advance",
            "no value at all",
        ),
        (
            &never,
            "1122335577",
            Final,
            Pass,
            "",
            "equal values are no fall",
        ),
        (
            &never,
            "1123771223",
            Running,
            Fail,
            "lag fell from 70 to 10, 4 samples below, must never decrease",
            "it fell and stayed there",
        ),
        (
            &never,
            "1123767777",
            Final,
            Warn,
            "lag fell from 70 to 60, 1 sample below, must never decrease, seen too few times to condemn",
            "one odd value rolls nothing back",
        ),
        (
            &never,
            "1.........",
            Final,
            Inconclusive,
            "1 value of lag: too few to see whether it decreases",
            "one value cannot fall",
        ),
        (&tenth, "5555555555", Final, Pass, "", "it stays"),
        (
            &tenth,
            "5955555555",
            Final,
            Pass,
            "",
            "an odd beginning, and back",
        ),
        (
            &tenth,
            "5555566666",
            Running,
            Fail,
            "lag 60 is 20 % from 50 at first in 5 samples in a row, must change by less than 10 %",
            "it moved and stayed there",
        ),
        (
            &tenth,
            "5555555559",
            Final,
            Warn,
            "lag 90 is 80 % from 50 at first, must change by less than 10 %, seen too few times to condemn",
            "one odd value",
        ),
        (
            &tenth,
            "0001111111",
            Final,
            Inconclusive,
            "lag was 0, of which there are no percentages: write a plain number",
            "no percentage of nothing",
        ),
        (
            &tenth,
            "555.......",
            Final,
            Inconclusive,
            "3 values of lag: too few to say where it began",
            "nothing beyond the beginning",
        ),
        (
            &fifteen,
            "0001111111",
            Final,
            Pass,
            "",
            "ten are less than fifteen",
        ),
        (
            &fifteen,
            "0002222222",
            Running,
            Fail,
            "lag 20 is 20 from 0 at first in 7 samples in a row, must change by less than 15",
            "twenty are not",
        ),
        (&lasting, "5555555666", Final, Pass, "", "not for so long"),
        (
            &lasting,
            "5555566666",
            Final,
            Fail,
            "lag 60 is 20 % from 50 at first in 5 samples in a row, must change by less than 10 %",
            "for so long",
        ),
    ];
    for (threshold, line, closing, verdict, text, why) in rows {
        let found = judged(std::slice::from_ref(threshold), line, closing);
        assert_eq!(found.verdict, verdict, "{why}: {found:?}");
        let told = reasons(&found);
        assert!(told.contains(text), "{why}: {told}");
    }
}

#[test]
fn a_reason_carries_what_was_measured_and_the_limit() {
    let tenth = critical(Course::Changes, 0.1, Measure::Share);
    let found = judged(&[tenth], "5555566666", Final);
    let reason = found.reasons.iter().find(|one| one.code == "lag").unwrap();
    assert_eq!((reason.measured, reason.limit), (Some(0.2), Some(0.1)));
    assert_eq!(reason.samples, 5);
    assert_eq!(reason.first_bad, Some(Moment::at(START + EVERY * 5)));
}

/// The finding on a check of which samples were seen before the deployment.
fn compared(threshold: &Threshold, was: &str, is: &str) -> Finding {
    let terms = Terms {
        start: Moment::at(START),
        warm_up: Duration::ZERO,
        bake: Duration::from_secs(60),
        judge: JudgeKind::Sequential,
        false_rollback: 0.01,
        forgive: Forgive {
            span: Duration::ZERO,
            times: 0,
        },
        regression: Regressed::Warns,
    };
    let mut before = Before::default();
    samples(was).iter().for_each(|sample| before.push(sample));
    let check = Rules {
        facts: facts("api"),
        ..rules(vec![threshold.clone()], 10)
    };
    let mut bench = Bench::comparing(vec![check], terms, vec![before]);
    let seen = samples(is);
    seen.iter().for_each(|sample| bench.push(0, sample));
    let at = seen.last().map_or(Moment::at(START), |last| last.started);
    bench.finding(0, at + EVERY, Final)
}

#[test]
fn a_reading_is_compared_with_what_was_usual_before() {
    let either = critical(Course::Stable(Way::Either), 0.3, Measure::Share);
    let down = critical(Course::Stable(Way::Down), 0.3, Measure::Share);
    let usual = "555555655555";
    for (threshold, was, is, verdict, text, why) in [
        (&either, usual, "555565565555", Pass, "", "as before"),
        (
            &either,
            usual,
            "555533333333",
            Fail,
            "lag 30 is 40 % from 50 before in 8 samples in a row, must stay within 30 %",
            "a third of the users are gone",
        ),
        (
            &either,
            usual,
            "777777777777",
            Fail,
            "",
            "more is not stable either",
        ),
        (&down, usual, "777777777777", Pass, "", "more is welcome"),
        (&down, usual, "333333333333", Fail, "", "fewer are not"),
        (&either, usual, "555555555551", Warn, "", "one odd value"),
        (
            &either,
            "555",
            "333333333333",
            Inconclusive,
            "nothing is known of lag before the deployment: watch with --baseline",
            "too few before",
        ),
    ] {
        let found = compared(threshold, was, is);
        assert_eq!(found.verdict, verdict, "{why}: {found:?}");
        let told = reasons(&found);
        assert!(told.contains(text), "{why}: {told}");
    }
}
