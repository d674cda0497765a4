//! Laws of the sequential judge of a whole window, over random ones.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{
    Assessment, Bench, Closing, Comparable, Finding, Regressed, Rules, Terms, Tolerance, Verdict,
};
use super::baseline::before;
use super::bench::{BAKE, bench, check, closed, fed, line, terms, window};
use super::{EVERY, START, samples};
use crate::clock::Moment;
use crate::sample::Sample;

fn any_line() -> impl Strategy<Value = String> {
    (
        0.0_f64..0.4,
        prop::collection::vec((0.0_f64..1.0, 0..6_usize), 0..130),
    )
        .prop_map(|(share, letters)| {
            let letter = |(chance, which): (f64, usize)| match chance < share {
                true => ['F', 'E', 's', 'F', 'U', '_'][which],
                false => '.',
            };
            letters.into_iter().map(letter).collect()
        })
}

proptest! {
    #[test]
    fn a_check_that_never_fails_never_condemns(lines in prop::collection::vec(any_line(), 1..4)) {
        let well = ".".repeat(120);
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.push(&well);
        let found = closed(&lines);
        let added = found.findings.last().map(|one| one.verdict);
        prop_assert_ne!(added, Some(Verdict::Fail));
    }

    #[test]
    fn shifting_all_times_changes_nothing(line in any_line(), shift in 0_u64..1_000_000) {
        let shift = Duration::from_millis(shift);
        let moved: Vec<(usize, Sample)> = window(&[&line])
            .into_iter()
            .map(|(place, sample)| {
                let started = sample.started + shift;
                (place, Sample { started, ..sample })
            })
            .collect();
        let terms = Terms { start: terms().start + shift, ..terms() };
        let shifted = fed(Bench::new(vec![check("check-0")], terms), &moved);
        let shifted = shifted.finding(0, terms.start + BAKE, Closing::Final);
        let here = closed(&[&line]);
        prop_assert_eq!(shifted.verdict, here.findings[0].verdict);
        let texts = |finding: &Finding| -> Vec<String> {
            finding.reasons.iter().map(|reason| reason.text.clone()).collect()
        };
        prop_assert_eq!(texts(&shifted), texts(&here.findings[0]));
    }

    #[test]
    fn the_order_of_arrival_inside_a_block_changes_nothing(line in any_line()) {
        // Two checks' samples 2.5 s apart share a block; they arrive either way round.
        let all = window(&[&line, &line]);
        let mut swapped = all.clone();
        for pair in swapped.chunks_exact_mut(2) {
            let together = pair[1].1.started.since(pair[0].1.started) < EVERY;
            if together && pair[0].0 == 0 && pair[1].0 == 1 {
                pair.swap(0, 1);
            }
        }
        let end = Moment::at(START + BAKE);
        let of = |samples: &[(usize, Sample)]| {
            fed(bench(2), samples).assessment(end, Closing::Final).verdict
        };
        // A block is opened by the first to arrive, so that only the verdict is compared.
        prop_assert_eq!(of(&all), of(&swapped));
    }

    #[test]
    fn too_little_is_never_a_pass(line in any_line()) {
        let known = samples(&line).iter().filter(|sample| sample.outcome != crate::sample::Outcome::Unknown).count();
        let found = closed(&[&line]);
        if known < 10 {
            prop_assert_ne!(found.verdict, Verdict::Pass);
            prop_assert_ne!(found.verdict, Verdict::Warn);
        }
        if known <= 3 {
            prop_assert_ne!(found.verdict, Verdict::Fail);
        }
    }

    #[test]
    fn the_quick_verdict_is_that_of_the_finding(lines in prop::collection::vec(any_line(), 1..4)) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let mut bench = bench(lines.len());
        for (place, sample) in window(&lines) {
            bench.push(place, &sample);
            let finding = bench.finding(place, bench.now(), Closing::Running);
            prop_assert_eq!(bench.verdict(place), Some(finding.verdict), "{:?}", finding.reasons);
        }
    }
}

proptest! {
    #[test]
    fn an_outline_says_what_the_findings_say(lines in prop::collection::vec(any_line(), 1..4)) {
        let was = line(&[(".........s", 12)]);
        let checks = (0..lines.len()).map(|place| Rules {
            tolerances: vec![Tolerance {
                subject: Comparable::Errors,
                warning: Some(0.1),
                critical: Some(0.5),
            }],
            ..check(&format!("check-{place}"))
        });
        let terms = Terms { regression: Regressed::Condemns, ..terms() };
        let before = lines.iter().flat_map(|_| before(&was)).collect();
        let mut bench = Bench::comparing(checks.collect(), terms, before);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let told = |found: Assessment| -> Vec<_> {
            let told = |one: Finding| {
                let reasons = one.reasons.into_iter().map(|reason| (reason.code, reason.level));
                (one.verdict, reasons.collect::<Vec<_>>())
            };
            found.findings.into_iter().map(told).collect()
        };
        for (count, (place, sample)) in window(&lines).into_iter().enumerate() {
            bench.push(place, &sample);
            if count % 16 == 0 {
                let found = bench.assessment(bench.now(), Closing::Running);
                prop_assert_eq!(told(bench.outline()), told(found));
            }
        }
    }
}
