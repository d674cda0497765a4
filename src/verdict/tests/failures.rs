//! One row a case: failures, and too little data.

use super::super::threshold::{Comparison, Subject};
use super::super::{Closing, Verdict, default_thresholds, judge};
use super::{above, check, rules, samples, window};
use crate::window::Window;
use Closing::{Final, Running};
use Verdict::{Fail, Inconclusive, Pass, Warn};

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
                "error rate 100 % over 4 samples, limit 5 %; 4 × refused: 10.0.0.1:80 refused the connection",
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
fn a_long_silence_is_told_where_nothing_before_it_is_held_in_full() {
    let line = format!("{}{}", ".".repeat(200), "U".repeat(30));
    let samples = samples(&line);
    let mut small = Window::holding(20, window(&[]).bounds());
    samples.iter().for_each(|sample| small.push(sample));
    let last = samples.last().unwrap().started;
    let found = judge(&rules(Vec::new(), 10), &small, last, Final);
    assert_eq!(found.verdict, Inconclusive);
    let codes: Vec<&str> = found.reasons.iter().map(|one| one.code.as_str()).collect();
    assert_eq!(codes, ["silent"]);
}
