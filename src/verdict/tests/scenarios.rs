//! Whole bakes, judged after every sample as `watch` does: is what is bad found, and when?

use std::time::Duration;

use super::super::threshold::Subject;
use super::super::{Closing, Verdict, default_thresholds, judge};
use super::{START, above, rules, sample, window};
use crate::clock::Moment;
use crate::sample::Sample;

/// When a bake of one sample a second failed, in seconds, or how it ended.
#[derive(Debug, PartialEq)]
enum Bake {
    Failed(u32),
    Ended(Verdict),
}

fn bake(line: &str) -> Bake {
    let second = Duration::from_secs(1);
    let starts = (0..).map(|n| Moment::at(START + second * n));
    let all: Vec<Sample> = starts
        .zip(line.chars())
        .filter_map(|(start, letter)| sample(start, letter))
        .collect();
    let mut thresholds = default_thresholds();
    thresholds.push(above(Subject::Quantile(None, 0.95), 1.0, 2.0));
    let mut rules = rules(thresholds, 10);
    rules.sufficiency = super::Sufficiency::Window {
        min_samples: 10,
        every: second,
        coverage: 0.7,
        least_bad: 1,
    };
    let length = u32::try_from(line.len()).unwrap();
    for seconds in 1..=length {
        let at = Moment::at(START + second * seconds);
        let so_far: Vec<Sample> = all.iter().filter(|one| one.started < at).cloned().collect();
        if judge(&rules, &window(&so_far), at, Closing::Running).verdict == Verdict::Fail {
            return Bake::Failed(seconds);
        }
    }
    let at = Moment::at(START + second * length);
    match judge(&rules, &window(&all), at, Closing::Final).verdict {
        Verdict::Fail => Bake::Failed(length),
        verdict => Bake::Ended(verdict),
    }
}

#[test]
fn bakes_of_half_a_minute_end_as_they_should() {
    let rows = [
        (
            ".".repeat(30),
            Bake::Ended(Verdict::Pass),
            "a healthy release",
        ),
        (
            "E".repeat(30),
            Bake::Failed(10),
            "an outage from the start: with the least number",
        ),
        (
            ".".repeat(15) + &"E".repeat(15),
            Bake::Failed(22),
            "an outage in the middle: in 7 s",
        ),
        (
            ".........F".repeat(3),
            Bake::Failed(30),
            "an error rate of 10 %: at the end",
        ),
        (
            ".F..".repeat(8),
            Bake::Failed(30),
            "an error rate of 25 %: a little before",
        ),
        (
            "s".repeat(30),
            Bake::Failed(20),
            "slow throughout: as soon as a p95 means something",
        ),
        (
            ".".repeat(20) + &"s".repeat(10),
            Bake::Failed(28),
            "slow from then on: in 8 s",
        ),
        (
            "_".repeat(30),
            Bake::Ended(Verdict::Inconclusive),
            "no samples",
        ),
        (
            "U".repeat(30),
            Bake::Ended(Verdict::Inconclusive),
            "nothing learnt",
        ),
        (
            "FF".to_owned() + &".".repeat(58),
            Bake::Ended(Verdict::Warn),
            "a blip of two seconds",
        ),
    ];
    for (line, expected, why) in rows {
        assert_eq!(bake(&line), expected, "{why}");
    }
}
