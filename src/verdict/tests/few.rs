//! One row a case: few samples, no schedule, no limits of one's own.

use std::time::Duration;

use super::super::threshold::Subject;
use super::super::{
    Closing, Level, Rules, Sufficiency, Verdict, assess, default_thresholds, judge,
};
use super::{above, facts, judged, reasons, samples, window};
use crate::clock::Moment;
use Closing::{Final, Running};
use Verdict::{Fail, Inconclusive, Pass, Warn};

#[test]
fn a_check_that_limits_only_its_latency_may_still_not_fail() {
    let p50 = above(Subject::Quantile(None, 0.5), 1.0, 2.0);
    let finding = judged(&[p50], ".F.F.F.F.F.F.F.F", Final);
    assert_eq!(finding.verdict, Fail, "every second sample fails");
    assert_eq!(finding.reasons[0].code, "error_rate");
}

#[test]
fn a_window_by_count_promises_no_schedule() {
    let sufficiency = Sufficiency::Window {
        min_samples: 4,
        every: Duration::ZERO,
        coverage: 0.7,
        least_bad: 1,
    };
    let rules = Rules {
        facts: facts("api"),
        thresholds: default_thresholds(),
        tolerances: Vec::new(),
        sufficiency,
    };
    let late = Moment::at(Duration::from_secs(9_000));
    let finding = judge(&rules, &window(&samples("....")), late, Final);
    assert_eq!(finding.verdict, Pass, "{}", reasons(&finding));
}

#[test]
fn one_sample_is_judged_by_its_expectation() {
    let rows = [
        ("3", Pass, "", "it passed"),
        (
            ".",
            Pass,
            "insufficient: no value for lag: its limit is not judged",
            "the expectation decides, and nobody takes the limit for kept",
        ),
        (
            "F",
            Fail,
            "status: expected 200, got 500",
            "it answered wrongly",
        ),
        (
            "E",
            Fail,
            "refused: 10.0.0.1:80 refused the connection",
            "it could not be reached",
        ),
        (
            "U",
            Inconclusive,
            "throttled: nothing learnt: too many requests",
            "we could not look",
        ),
        ("", Inconclusive, "no_samples: no samples", "no data"),
        (
            "..F",
            Fail,
            "status: expected 200, got 500",
            "each of a few must hold",
        ),
        (
            "F.U",
            Fail,
            "status: expected 200, got 500",
            "whatever came after",
        ),
        ("U3", Pass, "", "what was learnt counts"),
        (
            "9",
            Warn,
            "lag: lag 90, limit 80 (critical), which so few samples cannot decide",
            "no trend",
        ),
        ("6", Warn, "lag: lag 60, limit 50", "over the lower limit"),
    ];
    let lag = above(Subject::Reading("lag".into()), 50.0, 80.0);
    let thresholds = [default_thresholds(), vec![lag]].concat();
    let rules = Rules {
        facts: facts("api"),
        thresholds,
        tolerances: Vec::new(),
        sufficiency: Sufficiency::OneSample,
    };
    for (line, verdict, told, why) in rows {
        let finding = judge(&rules, &window(&samples(line)), Moment::ORIGIN, Final);
        let texts: Vec<String> = finding
            .reasons
            .iter()
            .map(|one| format!("{}: {}", one.code, one.text))
            .collect();
        assert_eq!(
            (finding.verdict, texts.join(" | ").as_str()),
            (verdict, told),
            "{line}: {why}"
        );
    }
}

#[test]
fn reasons_carry_their_numbers() {
    let finding = judged(&default_thresholds(), "..FFFFFFFFFF", Running);
    let reason = &finding.reasons[0];
    assert_eq!(reason.code, "error_rate");
    assert_eq!(reason.level, Some(Level::Critical));
    assert_eq!(
        (reason.measured, reason.limit, reason.samples),
        (Some(10.0 / 12.0), Some(0.05), 12)
    );
    assert_eq!(reason.first_bad, Some(samples("..F")[2].started));
}

#[test]
fn an_assessment_is_as_bad_as_its_worst_finding() {
    let judged = |line| judged(&default_thresholds(), line, Final);
    let rows = [
        (vec![], Inconclusive, "nothing judged is no pass"),
        (vec![".........."], Pass, "one pass"),
        (
            vec!["..........", "...."],
            Inconclusive,
            "not knowing is worse than a pass",
        ),
        (
            vec!["....", "EEEEEEEEEE"],
            Fail,
            "a failure is worse than not knowing",
        ),
    ];
    for (lines, verdict, why) in rows {
        assert_eq!(
            assess(lines.into_iter().map(judged).collect()).verdict,
            verdict,
            "{why}"
        );
    }
}

#[test]
fn where_a_verdict_rolls_back_one_lost_sample_only_warns() {
    for (pattern, least_bad, verdict, why) in [
        (
            ".........F",
            1,
            Fail,
            "a gate takes the estimate as it is: 10 % is over 5 %",
        ),
        (
            ".........F",
            2,
            Warn,
            "one lost sample of ten is what a healthy service has",
        ),
        ("....F....F", 2, Fail, "two of ten are not"),
    ] {
        let sufficiency = Sufficiency::Window {
            min_samples: 10,
            every: Duration::ZERO,
            coverage: 0.0,
            least_bad,
        };
        let rules = Rules {
            facts: facts("api"),
            thresholds: default_thresholds(),
            tolerances: Vec::new(),
            sufficiency,
        };
        let finding = judge(&rules, &window(&samples(pattern)), Moment::ORIGIN, Final);
        assert_eq!(finding.verdict, verdict, "{why}: {}", reasons(&finding));
    }
}
