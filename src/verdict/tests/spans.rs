//! One row a case: latency, and limits that must be breached for a while or in a row.

use std::time::Duration;

use super::super::threshold::{Subject, Threshold};
use super::super::{Closing, Verdict};
use super::{above, check};
use Closing::{Final, Running};
use Verdict::{Fail, Inconclusive, Pass, Warn};

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
