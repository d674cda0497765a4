//! One row a case: summaries, sufficiency, and the gate with one sample.

use std::time::Duration;

use super::super::threshold::{Comparison, Subject, Threshold};
use super::super::{
    Closing, Level, Rules, Sufficiency, Verdict, assess, default_thresholds, judge,
};
use super::{above, facts, judged, reasons, samples, window};
use crate::clock::Moment;
use Closing::{Final, Running};
use Verdict::{Fail, Inconclusive, Pass, Warn};

type Row<'a> = (&'a str, Closing, Verdict, &'a str, &'a str);

fn check(thresholds: &[Threshold], rows: &[Row<'_>]) {
    for (line, closing, verdict, told, why) in rows {
        let finding = judged(thresholds, line, *closing);
        let told_now = reasons(&finding);
        assert_eq!(
            finding.verdict, *verdict,
            "{line} {closing:?}: {why}; told: {told_now}"
        );
        assert_eq!(told_now, *told, "{line} {closing:?}: {why}");
    }
}

#[test]
fn error_rates_are_judged_by_what_is_proven_and_at_the_end_by_what_is_measured() {
    const HEALTHY: &str = "....................";
    const OUTAGE: &str = "EEEEEEEEEE";
    check(
        &default_thresholds(),
        &[
            (HEALTHY, Running, Pass, "", "nothing speaks against it"),
            (HEALTHY, Final, Pass, "", "and nothing does at the end"),
            (
                "F.........",
                Running,
                Warn,
                "error rate 10 % over 10 samples, limit 5 %, not proven yet; 1 × status: expected 200, got 500",
                "one failed sample of ten is over 5 % and proves nothing",
            ),
            (
                "F.........",
                Final,
                Fail,
                "error rate 10 % over 10 samples, limit 5 %; 1 × status: expected 200, got 500",
                "at the end the plain estimate decides",
            ),
            (
                "....FFFF............",
                Running,
                Warn,
                "error rate 20 % over 20 samples, limit 5 %, not proven yet; 4 × status: expected 200, got 500",
                "one blip of 20 s, as when tasks are replaced",
            ),
            (
                "EEEEEEEEE",
                Running,
                Inconclusive,
                "only 9 of at least 10 samples | error rate 100 % over 9 samples, limit 5 %, not proven yet; 9 × refused: 10.0.0.1:80 refused the connection",
                "an outage is not condemned before the least number of samples",
            ),
            (
                OUTAGE,
                Running,
                Fail,
                "error rate 100 % over 10 samples, limit 5 %; 10 × refused: 10.0.0.1:80 refused the connection",
                "and is with the very sample that completes it",
            ),
            (
                "EEEE",
                Final,
                Fail,
                "error rate 100 % over 4 samples, limit 5 %; 4 × refused: 10.0.0.1:80 refused the connection | only 4 of at least 10 samples",
                "a proven failure stands whatever is missing",
            ),
            (
                "EEE",
                Final,
                Inconclusive,
                "only 3 of at least 10 samples | error rate 100 % over 3 samples, limit 5 %, too little data to condemn; 3 × refused: 10.0.0.1:80 refused the connection",
                "three samples never condemn",
            ),
            (
                "FE..................................................",
                Final,
                Warn,
                "error rate 3.8 % over 52 samples, limit 1 %; 1 × refused: 10.0.0.1:80 refused the connection",
                "between the limits",
            ),
        ],
    );
}

#[test]
fn too_little_data_is_no_pass() {
    check(
        &default_thresholds(),
        &[
            ("", Final, Inconclusive, "no samples", "no data"),
            (
                "__________",
                Running,
                Inconclusive,
                "no samples",
                "no data yet",
            ),
            (
                "....",
                Final,
                Inconclusive,
                "only 4 of at least 10 samples",
                "too few",
            ),
            (
                "UUUUUUUUUUUU",
                Final,
                Inconclusive,
                "nothing learnt from 12 samples; 12 × throttled: too many requests",
                "we could not look, which says nothing of the service",
            ),
            (
                ".U.U.U.U.U.U.U.U",
                Final,
                Inconclusive,
                "only 8 of at least 10 samples; 8 × throttled: too many requests | only 8 of 16 promised samples, at least 70 % needed",
                "unknown samples count as missing",
            ),
            (
                "..__..__..__..__..__",
                Final,
                Inconclusive,
                "only 10 of 20 promised samples, at least 70 % needed",
                "enough in number, but half of the schedule is missing",
            ),
            (
                ".........................................._________",
                Final,
                Inconclusive,
                "silent for 50 s",
                "covered, but nothing came in the end",
            ),
            (
                "..........................................UUUUUUUUU",
                Final,
                Inconclusive,
                "nothing learnt for 50 s; 9 × throttled: too many requests",
                "samples came in the end and taught us nothing",
            ),
            (
                "..........................................______",
                Final,
                Inconclusive,
                "silent for 35 s",
                "longer than 30 s",
            ),
            (
                "..........................................____",
                Final,
                Pass,
                "",
                "a short silence is no gap",
            ),
            (
                "F...........................______________________",
                Final,
                Inconclusive,
                "only 28 of 50 promised samples, at least 70 % needed | silent for 1m54s | error rate 3.6 % over 28 samples, limit 1 %; 1 × status: expected 200, got 500",
                "a warning is told, and is not what decides",
            ),
            (
                "FF..........______________________________",
                Final,
                Inconclusive,
                "only 12 of 42 promised samples, at least 70 % needed | silent for 2m34s | error rate 16.7 % over 12 samples, limit 5 %, too little data to condemn; 2 × status: expected 200, got 500",
                "a blip at the start and then blindness is no proof",
            ),
        ],
    );
}

#[test]
fn latency_is_judged_on_enough_samples_that_passed() {
    let p95 = above(Subject::Quantile(None, 0.95), 1.0, 2.0);
    let max = above(Subject::Max(None), 1.0, 2.0);
    let mean = above(Subject::Mean(None), 0.1, 0.5);
    check(
        &[p95],
        &[
            ("....................", Final, Pass, "", "quick"),
            (
                "...................",
                Final,
                Inconclusive,
                "p95 needs 20 samples, has 19",
                "one short",
            ),
            (
                "ss..................",
                Running,
                Warn,
                "p95 3 s over 20 samples, limit 2 s, not proven yet",
                "two slow ones of twenty are chance",
            ),
            (
                "ss..................",
                Final,
                Fail,
                "p95 3 s over 20 samples, limit 2 s",
                "at the end the plain quantile decides",
            ),
            (
                "sssssssssssssss.....",
                Running,
                Fail,
                "p95 3 s over 20 samples, limit 2 s",
                "most are slow",
            ),
        ],
    );
    check(
        &[max, mean],
        &[
            (
                "s...................",
                Running,
                Warn,
                "max 3 s over 20 samples, limit 2 s, not proven yet | mean 188 ms over 20 samples, limit 100 ms",
                "one outlier moves both",
            ),
            (
                "sss.................",
                Running,
                Fail,
                "max 3 s over 20 samples, limit 2 s | mean 484 ms over 20 samples, limit 100 ms",
                "three are over a largest value that nothing may exceed",
            ),
        ],
    );
}

#[test]
fn summaries_with_for_are_about_the_last_of_the_window() {
    let lasting = Some(Duration::from_secs(60));
    let rate = Threshold {
        lasting,
        ..above(Subject::ErrorRate, 0.01, 0.05)
    };
    check(
        &[rate],
        &[
            (
                "FFFFFFFFFFFF............",
                Final,
                Pass,
                "",
                "what failed is a minute ago",
            ),
            (
                "............FFFFFFFFFFFF",
                Running,
                Fail,
                "error rate 100 % over 11 samples, limit 5 %; 11 × status: expected 200, got 500",
                "the last minute is all bad",
            ),
            (
                "FFFFFFFFFF",
                Final,
                Inconclusive,
                "error rate 100 % over 10 samples, limit 5 %, must last 1m, watched for 50 s",
                "not watched for a minute yet",
            ),
            (
                "..........",
                Final,
                Pass,
                "",
                "what is not breached cannot have lasted",
            ),
        ],
    );
}

#[test]
fn consecutive_asks_for_a_breach_after_each_of_the_last_samples() {
    let in_a_row = Threshold {
        consecutive: Some(3),
        ..above(Subject::ErrorRate, 0.01, 0.05)
    };
    check(
        &[in_a_row],
        &[
            (
                "............FF",
                Final,
                Pass,
                "",
                "breached after two samples only",
            ),
            (
                ".........FU.F.",
                Final,
                Fail,
                "error rate 15.4 % over 13 samples, limit 5 %; 2 × status: expected 200, got 500",
                "breached after three and more; what is unknown is no step",
            ),
        ],
    );
    let failures = above(Subject::ConsecutiveFailures, 1.0, 3.0);
    check(
        &[failures],
        &[
            (
                "........FFF",
                Running,
                Warn,
                "3 failures in a row, limit 1; 3 × status: expected 200, got 500",
                "not over 3",
            ),
            (
                "........FFUFF",
                Running,
                Fail,
                "4 failures in a row, limit 3; 4 × status: expected 200, got 500",
                "counted as written, unknown left out",
            ),
            ("FFFFFFFFFF.", Running, Pass, "", "the run has ended"),
        ],
    );
}

#[test]
fn availability_is_the_error_rate_seen_from_the_other_side() {
    let mut availability = above(Subject::Availability, 0.99, 0.95);
    for limit in [&mut availability.warning, &mut availability.critical]
        .into_iter()
        .flatten()
    {
        limit.comparison = Comparison::Below;
    }
    check(
        &[availability],
        &[
            ("..........", Final, Pass, "", "all passed"),
            (
                "EEEEEEEEEE",
                Running,
                Fail,
                "availability 0 % over 10 samples, must be at least 95 %; 10 × refused: 10.0.0.1:80 refused the connection",
                "none did",
            ),
        ],
    );
}

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
    };
    let rules = Rules {
        facts: facts("api"),
        thresholds: default_thresholds(),
        sufficiency,
    };
    let late = Moment::at(Duration::from_secs(9_000));
    let finding = judge(&rules, &window(&samples("....")), late, Final);
    assert_eq!(finding.verdict, Pass, "{}", reasons(&finding));
}

#[test]
fn one_sample_is_judged_by_its_expectation() {
    let rows = [
        (".", Pass, "", "it passed"),
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
        ("U.", Pass, "", "what was learnt counts"),
        (
            "9",
            Warn,
            "lag: lag 90, limit 80 (critical), which one sample cannot decide",
            "no trend",
        ),
        ("6", Warn, "lag: lag 60, limit 50", "over the lower limit"),
    ];
    let lag = above(Subject::Reading("lag".into()), 50.0, 80.0);
    let thresholds = [default_thresholds(), vec![lag]].concat();
    let rules = Rules {
        facts: facts("api"),
        thresholds,
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
