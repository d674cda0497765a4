//! What holds when it is known how a service was before: limits are raised, votes are lost, and being
//! worse is told.

use std::time::Duration;

use super::super::sequential::before::Before;
use super::super::{
    Assessment, Bench, Closing, Comparable, Finding, Regressed, Rules, Terms, Tolerance, Verdict,
};
use super::bench::{BAKE, check, closed, fed, line, terms, window};
use super::{START, samples};
use crate::clock::Moment;
use crate::sample::Sample;

/// How a check was before: a line of samples.
pub(super) fn before(line: &str) -> Vec<Before> {
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
