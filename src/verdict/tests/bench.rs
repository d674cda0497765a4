//! What holds of the sequential judge of a whole window: cases with their reasons. What the laws
//! and the comparisons with before are tried on is made here as well.

use std::time::Duration;

use super::super::threshold::{Comparison, Limit, Measure, Subject, Threshold};
use super::super::{
    Assessment, Bench, Closing, Forgive, JudgeKind, Regressed, Rules, Sufficiency, Terms, Verdict,
};
use super::{EVERY, START, above, rules, samples};
use crate::clock::Moment;
use crate::sample::{CheckId, Phase, Sample};

pub(super) const BAKE: Duration = Duration::from_secs(600);

pub(super) fn terms() -> Terms {
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
pub(super) fn check(name: &str) -> Rules {
    let limits = vec![
        above(Subject::ErrorRate, 0.01, 0.05),
        above(Subject::Quantile(None, 0.95), 1.0, 2.0),
    ];
    let mut rules = rules(limits, 10);
    rules.facts.id = CheckId::new(name);
    rules
}

/// The samples of several checks, one line each, in the order of their starts.
pub(super) fn window(lines: &[&str]) -> Vec<(usize, Sample)> {
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

pub(super) fn bench(names: usize) -> Bench {
    let checks = (0..names).map(|place| check(&format!("check-{place}")));
    Bench::new(checks.collect(), terms())
}

pub(super) fn fed(mut bench: Bench, samples: &[(usize, Sample)]) -> Bench {
    for (place, sample) in samples {
        bench.push(*place, sample);
    }
    bench
}

pub(super) fn closed(lines: &[&str]) -> Assessment {
    let bench = fed(bench(lines.len()), &window(lines));
    bench.assessment(Moment::at(START + BAKE), Closing::Final)
}

pub(super) fn line(parts: &[(&str, usize)]) -> String {
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
fn a_share_that_is_just_the_limit_condemns_nothing_at_the_end() {
    let every = Duration::from_secs(1);
    let bake = every * 300;
    let judged = |spacing: u32| {
        let mut rules = check("api");
        if let Sufficiency::Window { every: span, .. } = &mut rules.sufficiency {
            *span = every;
        }
        let bench = Bench::new(vec![rules], Terms { bake, ..terms() });
        let spaced = (0..300_u32).map(|number| {
            let letter = if number % spacing == 0 { "F" } else { "." };
            let started = Moment::at(START) + every * number;
            let sample = samples(letter).remove(0);
            (0, Sample { started, ..sample })
        });
        let bench = fed(bench, &spaced.collect::<Vec<_>>());
        bench.assessment(Moment::at(START + bake), Closing::Final)
    };
    let (at_the_limit, beyond) = (judged(20), judged(15));
    assert_eq!(
        at_the_limit.verdict,
        Verdict::Warn,
        "15 of 300: {at_the_limit:?}"
    );
    assert_eq!(beyond.verdict, Verdict::Fail, "20 of 300: {beyond:?}");
}

#[test]
fn a_limit_on_what_never_happened_is_no_pass() {
    let tls = above(Subject::Quantile(Some(Phase::Tls), 0.95), 0.1, 0.2);
    let only_warns = Threshold {
        critical: None,
        ..tls.clone()
    };
    let with = |tls: &Threshold, line: &str| {
        let limits = vec![above(Subject::ErrorRate, 0.01, 0.05), tls.clone()];
        let bench = Bench::new(vec![rules(limits, 10)], terms());
        let bench = fed(bench, &window(&[line]));
        bench.assessment(Moment::at(START + BAKE), Closing::Final)
    };
    let well = line(&[(".", 120)]);
    let broken = with(&tls, &line(&[("F", 120)]));
    assert_eq!(with(&only_warns, &well).verdict, Verdict::Pass);
    let well = with(&tls, &well);
    assert_eq!(well.verdict, Verdict::Inconclusive);
    let why = &well.findings[0].reasons[0];
    assert_eq!(
        (&*why.code, &*why.text),
        ("insufficient", "no sample has a tls.p95")
    );
    assert_eq!(broken.verdict, Verdict::Fail, "what is proven stands");
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
fn a_broken_check_of_a_pool_tells_its_own_numbers() {
    let found = closed(&[&line(&[("F", 120)]), &line(&[(".", 120)])]);
    let text = &found.findings[0].reasons[0].text;
    assert!(
        text.starts_with("error rate 100 % over 120 samples, limit 5 %"),
        "{text}"
    );
}

#[test]
fn a_load_that_could_not_be_sent_stands_as_it_is_found() {
    let mut bench = bench(1);
    for (place, sample) in window(&[&line(&[(".", 40)])]) {
        let sending = Some(crate::sample::Sending {
            unsent: 1,
            ..Default::default()
        });
        bench.push(place, &Sample { sending, ..sample });
    }
    let found = bench.finding(0, bench.now(), Closing::Running);
    assert_eq!(found.verdict, Verdict::Inconclusive);
    assert_eq!(bench.verdict(0), Some(found.verdict));
    assert_eq!(found.reasons[0].code, "unsent");
}
