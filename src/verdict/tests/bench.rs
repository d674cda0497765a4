//! What holds of the sequential judge of a whole window: cases with their reasons, and laws.

use std::time::Duration;

use proptest::prelude::*;

use super::super::sequential::before::Before;
use super::super::threshold::{Comparison, Limit, Measure, Subject, Threshold};
use super::super::{
    Assessment, Bench, Closing, Comparable, Finding, Forgive, JudgeKind, Regressed, Rules, Terms,
    Tolerance, Verdict,
};
use super::{EVERY, START, above, rules, samples};
use crate::clock::Moment;
use crate::sample::{CheckId, Sample};

const BAKE: Duration = Duration::from_secs(600);

fn terms() -> Terms {
    Terms {
        start: Moment::at(START),
        warm_up: Duration::ZERO,
        bake: BAKE,
        judge: JudgeKind::Sequential,
        false_rollback: 0.01,
        forgive: Forgive {
            span: Duration::from_secs(30),
            times: 1,
        },
        regression: Regressed::Warns,
    }
}

/// Rules of a check: errors 1 %/5 %, p95 1 s/2 s.
fn check(name: &str) -> Rules {
    let limits = vec![
        above(Subject::ErrorRate, 0.01, 0.05),
        above(Subject::Quantile(None, 0.95), 1.0, 2.0),
    ];
    let mut rules = rules(limits, 10);
    rules.facts.id = CheckId::new(name);
    rules
}

/// The samples of several checks, one line each, in the order of their starts.
fn window(lines: &[&str]) -> Vec<(usize, Sample)> {
    let mut all: Vec<(usize, Sample)> = Vec::new();
    for (place, line) in lines.iter().enumerate() {
        let shift = EVERY * place as u32 / lines.len() as u32;
        all.extend(samples(line).into_iter().map(|sample| {
            let started = sample.started + shift;
            (place, Sample { started, ..sample })
        }));
    }
    all.sort_by_key(|(_, sample)| sample.started);
    all
}

fn bench(names: usize) -> Bench {
    let checks = (0..names).map(|place| check(&format!("check-{place}")));
    Bench::new(checks.collect(), terms())
}

fn fed(mut bench: Bench, samples: &[(usize, Sample)]) -> Bench {
    for (place, sample) in samples {
        bench.push(*place, sample);
    }
    bench
}

fn closed(lines: &[&str]) -> Assessment {
    let bench = fed(bench(lines.len()), &window(lines));
    bench.assessment(Moment::at(START + BAKE), Closing::Final)
}

fn line(parts: &[(&str, usize)]) -> String {
    parts
        .iter()
        .map(|(letters, times)| letters.repeat(*times))
        .collect()
}

#[test]
fn a_window_is_judged_by_what_it_proves() {
    let cases = [
        (line(&[(".", 120)]), Verdict::Pass, "nothing is wrong"),
        (
            line(&[(".", 60), ("F", 4), (".", 56)]),
            Verdict::Warn,
            "one burst of twenty seconds is forgiven, and told",
        ),
        (
            line(&[(".", 60), ("F", 14), (".", 46)]),
            Verdict::Fail,
            "an outage of seventy seconds is not",
        ),
        (
            line(&[("....F", 24)]),
            Verdict::Fail,
            "every fifth sample fails, a little all the time",
        ),
        (
            line(&[(".", 60), ("F", 1), (".", 59)]),
            Verdict::Pass,
            "one failure is chance",
        ),
        (
            line(&[("...s", 30)]),
            Verdict::Fail,
            "every fourth sample is slow",
        ),
        (
            line(&[("U", 120)]),
            Verdict::Inconclusive,
            "nothing was learnt",
        ),
        (String::new(), Verdict::Inconclusive, "no samples"),
        (line(&[(".", 3)]), Verdict::Inconclusive, "three samples"),
        (
            line(&[("F", 3)]),
            Verdict::Inconclusive,
            "three samples condemn nothing",
        ),
        (
            line(&[(".", 50)]),
            Verdict::Inconclusive,
            "it stopped early",
        ),
        (
            line(&[("._", 60)]),
            Verdict::Inconclusive,
            "half of the samples are missing",
        ),
        (
            line(&[("F", 50)]),
            Verdict::Fail,
            "proven, whatever is missing",
        ),
    ];
    for (line, expected, why) in cases {
        let found = closed(&[&line]);
        assert_eq!(
            found.verdict, expected,
            "{why}: {:?}",
            found.findings[0].reasons
        );
    }
}

#[test]
fn what_three_samples_show_condemns_nothing_even_when_nothing_is_forgiven() {
    let strict = Terms {
        forgive: Forgive {
            span: Duration::ZERO,
            times: 0,
        },
        ..terms()
    };
    let spaced = |count: usize| -> Vec<(usize, Sample)> { window(&[&"F_".repeat(count)]) };
    let of = |count| fed(Bench::new(vec![check("api")], strict), &spaced(count));
    assert_eq!(of(3).condemned_at(), None);
    assert!(of(5).condemned_at().is_some(), "five are enough");
}

#[test]
fn a_pool_blames_the_check_that_is_broken_and_no_other() {
    let well = line(&[(".", 120)]);
    let broken = line(&[(".", 30), ("F", 90)]);
    let found = closed(&[&well, &broken, &well, &well]);
    let verdicts: Vec<Verdict> = found.findings.iter().map(|one| one.verdict).collect();
    assert_eq!(verdicts[1], Verdict::Fail);
    for other in [0, 2, 3] {
        assert_ne!(verdicts[other], Verdict::Fail, "check {other}");
    }
}

#[test]
fn one_lost_sample_during_the_outage_of_another_check_is_not_blamed() {
    let (broken, well) = (line(&[(".", 30), ("F", 90)]), line(&[(".", 120)]));
    let unlucky = line(&[(".", 32), ("F", 1), (".", 87)]);
    let lines = [&broken, &unlucky, &well, &well].map(String::as_str);
    let mut bench = bench(4);
    for (place, sample) in window(&lines) {
        bench.push(place, &sample);
        assert_ne!(bench.verdict(1), Some(Verdict::Fail), "{}", bench.now());
    }
    assert_eq!(bench.verdict(0), Some(Verdict::Fail));
    let found = bench.finding(1, Moment::at(START + BAKE), Closing::Final);
    assert_eq!(found.verdict, Verdict::Pass, "{:?}", found.reasons);
}

#[test]
fn a_little_trouble_everywhere_is_seen_by_the_pool_before_any_check_alone_shows_it() {
    let one_in_eight = |offset: usize| -> String {
        let letter = |n: usize| if n % 8 == offset { 'F' } else { '.' };
        (0..120).map(letter).collect()
    };
    let lines: Vec<String> = (0..8).map(one_in_eight).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let together = fed(bench(8), &window(&lines)).condemned_at();
    let alone = fed(bench(1), &window(&lines[..1])).condemned_at();
    let together = together.expect("condemned");
    assert!(
        alone.is_none_or(|alone| together < alone),
        "{together} {alone:?}"
    );
}

#[test]
fn a_failure_says_since_when_and_how_surely() {
    let found = closed(&[&line(&[(".", 60), ("F", 40)])]);
    let reason = &found.findings[0].reasons[0];
    let began = START + EVERY * 60;
    assert_eq!(reason.first_bad, Some(Moment::at(began)));
    let evidence = reason.evidence.as_ref().expect("told");
    assert!(evidence.chance <= 0.005, "{evidence:?}");
    let [Some(low), Some(high)] = evidence.interval else {
        panic!("bounded: {evidence:?}");
    };
    let measured = reason.measured.expect("measured");
    assert!(low <= measured && measured <= high, "{evidence:?}");
}

#[test]
fn a_pass_says_what_it_excludes() {
    let found = closed(&[&line(&[(".", 120)])]);
    let worth = found.findings[0].assurance.as_ref().expect("told");
    assert_eq!(worth.samples, 120);
    // 1 − 0.05^(1/120), the exact bound for none bad.
    assert!((worth.excluded - 0.024_655).abs() < 1e-5, "{worth:?}");
    assert!(worth.noticed > 0.8 && worth.noticed < 0.9, "{worth:?}");
}

/// How a check was before: a line of samples.
fn before(line: &str) -> Vec<Before> {
    let mut before = Before::default();
    samples(line).iter().for_each(|sample| before.push(sample));
    vec![before]
}

fn compared(was: &str, is: &str, regression: Regressed, subject: Comparable) -> Finding {
    let mut check = check("api");
    check.tolerances = vec![Tolerance {
        subject,
        warning: Some(0.1),
        critical: Some(0.5),
    }];
    let terms = Terms {
        regression,
        ..terms()
    };
    let bench = Bench::comparing(vec![check], terms, before(was));
    let bench = fed(bench, &window(&[is]));
    bench.finding(0, Moment::at(START + BAKE), Closing::Final)
}

#[test]
fn a_service_is_not_condemned_for_what_it_did_before() {
    let errors = |every: usize| -> String {
        (0..120)
            .map(|n| if n % every == every / 2 { 'F' } else { '.' })
            .collect()
    };
    let (was, worse) = (errors(13), errors(2));
    let of = |is: &str| compared(&was, is, Regressed::Warns, Comparable::Errors);
    assert_eq!(
        closed(&[&was]).verdict,
        Verdict::Fail,
        "without knowing of before"
    );
    assert_ne!(
        of(&was).verdict,
        Verdict::Fail,
        "as before: {:?}",
        of(&was).reasons
    );
    assert_eq!(of(&worse).verdict, Verdict::Fail, "much worse than before");
}

#[test]
fn what_failed_before_has_no_vote_and_says_so() {
    let (broken, well) = (line(&[("F", 120)]), line(&[(".", 120)]));
    let found = both_compared(&[&broken, &well], &[&broken, &well]);
    assert_eq!(found.verdict, Verdict::Warn);
    assert_eq!(found.findings[0].reasons[0].code, "failed_before");
    assert_eq!(found.findings[1].verdict, Verdict::Pass);
}

#[test]
fn where_every_check_failed_before_nothing_is_judged() {
    let broken = line(&[("F", 120)]);
    let found = both_compared(&[&broken, &broken], &[&broken, &broken]);
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert_eq!(found.findings[1].reasons[0].code, "failed_before");
    assert_eq!(found.findings[1].reasons[0].level, None);
}

#[test]
fn a_failure_or_two_before_take_no_vote() {
    let (outage, well) = (line(&[("F", 120)]), line(&[(".", 120)]));
    let blip = line(&[(".", 17), ("F", 4)]);
    for was in ["F", "FF", "FFF.", &blip] {
        let found = both_compared(&[was, &well], &[&outage, &well]);
        assert_eq!(found.verdict, Verdict::Fail, "{was}");
    }
}

/// Two checks, compared with what each was before by their errors.
fn both_compared(was: &[&str], is: &[&str]) -> Assessment {
    let checks = (0..was.len()).map(|place| Rules {
        tolerances: vec![Tolerance {
            subject: Comparable::Errors,
            warning: Some(0.1),
            critical: Some(0.5),
        }],
        ..check(&format!("check-{place}"))
    });
    let before = was.iter().flat_map(|line| before(line)).collect();
    let bench = Bench::comparing(checks.collect(), terms(), before);
    fed(bench, &window(is)).assessment(Moment::at(START + BAKE), Closing::Final)
}

#[test]
fn a_rate_and_an_availability_that_say_the_same_are_no_pool_of_two() {
    let limit = |comparison, value| {
        Some(Limit {
            comparison,
            value,
            measure: Measure::Share,
        })
    };
    let mut check = check("api");
    check.thresholds = vec![
        above(Subject::ErrorRate, 0.25, 0.5),
        Threshold {
            warning: limit(Comparison::Below, 0.75),
            critical: limit(Comparison::Below, 0.5),
            ..above(Subject::Availability, 0.0, 0.0)
        },
    ];
    let bench = fed(
        Bench::new(vec![check], terms()),
        &window(&[&line(&[("F", 120)])]),
    );
    let found = bench.finding(0, Moment::at(START + BAKE), Closing::Final);
    let told: Vec<u64> = found.reasons.iter().map(|one| one.samples).collect();
    assert_eq!(told, [120, 120], "{:?}", found.reasons);
}

#[test]
fn a_slower_service_warns_and_condemns_only_where_asked() {
    // Digits pass in 40 ms, `s` in 3 s: half of the samples are slow now, one in thirty before.
    let was = line(&[(".............................s", 4)]);
    let is = line(&[(".s", 60)]);
    let of = |regression| {
        let mut finding = compared(&was, &is, regression, Comparable::Latency(0.95));
        // The absolute limits see it as well; only the comparison is looked at.
        finding.reasons.retain(|one| {
            one.evidence
                .as_ref()
                .is_some_and(|evidence| evidence.rule == "comparison")
        });
        finding.reasons
    };
    let warned = of(Regressed::Warns);
    assert_eq!(warned.len(), 1, "{warned:?}");
    assert_eq!(warned[0].level, Some(super::super::Level::Warning));
}

#[test]
fn samples_of_a_closer_look_make_no_window_long_enough() {
    let mut bench = fed(bench(1), &window(&[&line(&[(".", 8)])]));
    for (place, sample) in window(&[&line(&[(".", 8)])]) {
        let started = sample.started + Duration::from_secs(1);
        bench.push(
            place,
            &Sample {
                started,
                closer_look: true,
                ..sample
            },
        );
    }
    let found = bench.finding(0, bench.now(), Closing::Running);
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert_eq!(bench.verdict(0), Some(found.verdict));
    assert_eq!(
        found.reasons[0].text,
        "only 8 of at least 10 samples, besides 8 of a closer look"
    );
}

#[test]
fn a_body_that_moves_under_a_tail_that_does_not_is_told_as_the_body() {
    let was = line(&[(".........s", 24)]);
    let slower = |(place, sample): (usize, Sample)| {
        let latency = match sample.latency < Duration::from_secs(1) {
            true => sample.latency * 2,
            false => sample.latency,
        };
        (place, Sample { latency, ..sample })
    };
    let is: Vec<(usize, Sample)> = window(&[&line(&[(".........s", 12)])])
        .into_iter()
        .map(slower)
        .collect();
    let mut check = check("api");
    check.thresholds.truncate(1);
    check.tolerances = vec![Tolerance {
        subject: Comparable::Latency(0.95),
        warning: Some(0.1),
        critical: None,
    }];
    let bench = fed(Bench::comparing(vec![check], terms(), before(&was)), &is);
    let found = bench.finding(0, Moment::at(START + BAKE), Closing::Final);
    assert_eq!(found.verdict, Verdict::Warn);
    assert_eq!(found.reasons[0].code, "p95", "as declared");
    assert_eq!(
        found.reasons[0].text,
        "p75 80 ms over 120 samples, was 40 ms before, at most +10 % allowed"
    );
}

#[test]
fn a_tolerance_beyond_all_measure_is_one() {
    let was = line(&[(".", 120)]);
    let mut check = check("api");
    check.tolerances = vec![Tolerance {
        subject: Comparable::Latency(0.5),
        warning: Some(1e298),
        critical: None,
    }];
    let bench = Bench::comparing(vec![check], terms(), before(&was));
    let found = fed(bench, &window(&[&was])).finding(0, Moment::at(START + BAKE), Closing::Final);
    assert_eq!(found.verdict, Verdict::Pass);
}

#[test]
fn a_broken_check_of_a_pool_tells_its_own_numbers() {
    let found = closed(&[&line(&[("F", 120)]), &line(&[(".", 120)])]);
    let text = &found.findings[0].reasons[0].text;
    assert!(
        text.starts_with("error rate 100 % over 120 samples, limit 5 %"),
        "{text}"
    );
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
